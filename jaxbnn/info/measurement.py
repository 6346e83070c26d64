"""Information of anyone's activations, in one call on the host."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn.info import corrected_entropy, reliability
from jaxbnn.info.counting import count
from jaxbnn.info.labels import check_labels
from jaxbnn.info.packing import pack_values
from jaxbnn.info.reliability import TOLERANCE, UNJUDGED, VERDICTS
from jaxbnn.info.spectrum import Spectrum

COUNT = jax.jit(count, static_argnames=("bits", "classes"))


class Measurement(NamedTuple):
    """What a sample of activations and labels says, and how far to trust it. All information in
    bits, float64."""

    i_xt: float  # I(X;T) = H(T), plug-in
    i_ty: float  # I(T;Y), plug-in
    h_y: float  # H(Y), the most I(T;Y) can be
    i_xt_corrected: float  # Miller-Madow; the plug-in value itself for a population
    i_ty_corrected: float  # Miller-Madow on each entropy; the plug-in value itself for a population
    n: int  # examples; log2 n is the most that the plug-in I(X;T) can be
    d: int  # units
    n_patterns: int  # different rows seen
    n_singletons: int  # rows seen exactly once
    n_doubletons: int  # rows seen exactly twice
    coverage: float  # probability of the patterns seen, Good-Turing
    coverage_chao_jost: float  # the same, Chao and Jost
    se_xt: float  # standard error of I(X;T)
    bias_xt: float  # what I(X;T) lacks, estimated
    low_xt: float  # 95 % interval of I(X;T)
    high_xt: float
    verdict_xt: str  # exact, saturated, reliable or biased
    cause_xt: str  # of biased: the larger of bias and standard error
    null_ty: float  # I(T;Y) expected if the labels were permuted
    se_ty: float  # standard error of I(T;Y)
    gap_y: float  # H(Y) - I(T;Y)
    verdict_ty: str
    n_needed: (
        int | None
    )  # examples at which the expected I(X;T) is within the tolerance; None: more than n
    n_guesses: (
        tuple[float, float] | None
    )  # where that is None: by Chao1's number of patterns, by the number of units
    certified: bool  # rows were compared in full
    population: bool  # as declared by the caller
    tolerance: float  # bits, as declared by the caller


def measure(
    t, y, population: bool = False, *, bits: int | None = None, tolerance: float = TOLERANCE
) -> Measurement:
    """I(X;T), I(T;Y) and how far each can be trusted, for activations t [N, D] (or [N, ...]) and
    labels y [N].

    T is taken as a function of X. Rows are compared exactly, whatever the dtype: bool, integers,
    floats. Labels are whole numbers >= 0. `population=True` declares that these N rows are all
    there are. With `bits`, t holds rows packed into words uint32 [N, W] of that many units; bits
    past them must be 0. ValueError or TypeError for empty or mismatched arrays, NaN, negative or
    fractional labels.
    """
    t, labels = np.asarray(t), check_labels(y)
    words, d = _packed(t, bits)
    if words.shape[0] != labels.shape[0]:
        raise ValueError(f"expected t and y of one length, got {t.shape} and {labels.shape}")
    if not tolerance > 0:
        raise ValueError(f"expected a tolerance above 0 bits, got {tolerance}")
    classes = (
        1 << int(labels.max()).bit_length()
    )  # a power of two: few programs serve all numbers of classes
    of_t, of_ty = COUNT(jnp.asarray(words), jnp.asarray(labels), bits=bits, classes=classes)
    sizes = np.unique(labels, return_counts=True)[1]
    t_seen, ty_seen = (
        Spectrum.from_histogram(np.asarray(counts.count).ravel()) for counts in (of_t, of_ty)
    )
    spectra = t_seen, ty_seen, Spectrum.from_histogram(sizes)
    i_xt, i_ty, h_y = _informations(corrected_entropy.plugin, *spectra)
    i_xt_corrected, i_ty_corrected, _ = _informations(
        corrected_entropy.plugin if population else corrected_entropy.miller_madow, *spectra
    )
    se_ty = 0.0 if population else corrected_entropy.information_error(of_t, of_ty)
    return Measurement(
        i_xt=i_xt,
        i_ty=i_ty,
        h_y=h_y,
        gap_y=h_y - i_ty,
        i_xt_corrected=i_xt_corrected,
        i_ty_corrected=i_ty_corrected,
        d=d,
        certified=bool(of_t.certified & of_ty.certified),
        population=population,
        tolerance=tolerance,
        **_trust(t_seen, d, population, tolerance),
        **_trust_of_label(t_seen, sizes, h_y, se_ty, population, tolerance),
    )


def _packed(t, bits):
    """The rows as words, and the number of units."""
    if t.ndim < 2 or t.shape[0] < 1:
        raise ValueError(f"expected N >= 1 and t [N, D] with an axis of units, got shape {t.shape}")
    if bits is None:
        return pack_values(t), int(np.prod(t.shape[1:]))
    if t.ndim != 2 or t.dtype != np.uint32 or not 1 <= bits <= 32 * t.shape[1]:
        raise ValueError(
            f"expected words uint32 [N, W] with 1 <= bits <= 32 W, got {t.dtype} {t.shape}, bits {bits}"
        )
    used = np.clip(bits - 32 * np.arange(t.shape[1], dtype=np.int64), 0, 32)
    if (t.astype(np.uint64) >> used.astype(np.uint64)).any():
        raise ValueError(f"expected words with no bit at or above {bits} (padding is 0), got some")
    return t, bits


def _trust(t, d, population, tolerance):
    trust = reliability.judge(t, population, tolerance)
    needed = int(reliability.needed(t, trust, tolerance))
    guesses = reliability.guesses(t, d, tolerance)
    return {
        "n": int(trust.n),
        "n_patterns": int(trust.n_patterns),
        "n_singletons": int(trust.n_singletons),
        "n_doubletons": int(trust.n_doubletons),
        "coverage": float(trust.coverage),
        "coverage_chao_jost": float(trust.coverage_chao_jost),
        "se_xt": float(trust.standard_error),
        "bias_xt": float(trust.bias),
        "low_xt": float(trust.low),
        "high_xt": float(trust.high),
        "verdict_xt": VERDICTS[int(trust.verdict)],
        "cause_xt": str(reliability.cause(trust)),
        "n_needed": needed if needed >= 0 else None,
        "n_guesses": None if needed >= 0 else (float(guesses.chao1), float(guesses.units)),
    }


def _trust_of_label(t, sizes, h_y, se_ty, population, tolerance):
    null = float(reliability.null_information(t, sizes))
    verdict = int(reliability.judge_label(null, se_ty, h_y, population, tolerance))
    return {
        "null_ty": null,
        "se_ty": se_ty,
        "verdict_ty": "unjudged" if verdict == UNJUDGED else VERDICTS[verdict],
    }


def _informations(entropy, of_t, of_ty, of_y):
    h_t, h_ty, h_y = entropy(of_t), entropy(of_ty), entropy(of_y)
    return h_t, h_t + h_y - h_ty, h_y
