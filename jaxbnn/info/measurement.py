"""Information of anyone's activations, in one call."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn.info import corrected_entropy, reliability, sample_size
from jaxbnn.info.arrays import plain_array
from jaxbnn.info.counting import Counts, count
from jaxbnn.info.labels import class_labels
from jaxbnn.info.packing import WORD, pack_values
from jaxbnn.info.reliability import TOLERANCE, UNJUDGED, VERDICTS, Trust
from jaxbnn.info.spectrum import Spectrum

COUNT = jax.jit(count, static_argnames=("bits", "classes"))
MAX_LOG2_PATTERNS = 600.0  # far past where (m / log2 m)**2 leaves the range of floats


class InputInformation(NamedTuple):
    """I(X;T) = H(T) of a sample, and how far to trust it. Bits, float64."""

    value: float  # plug-in
    corrected: float  # Miller-Madow; the plug-in itself for a population
    bias: float  # what the plug-in lacks at most, by the sample; 0 for a population
    unseen: float  # what of it patterns that were not seen may hold
    standard_error: float  # 0 for a population
    low: float  # 95 % interval
    high: float
    verdict: str  # population, saturated, reliable, biased or conditional: reliable unless there
    # are rare patterns that so small a sample cannot show
    cause: str  # of biased: "bias" or "standard error", whichever is larger; else ""
    n_needed: int | None  # examples for a plug-in within the tolerance; None: more than there are
    n_guesses: tuple[float, float] | None  # where that is None: of N needed, at least N; by Chao1's
    # number of patterns, and by the patterns that the values seen in each unit make possible


class LabelInformation(NamedTuple):
    """I(T;Y) of a sample, and how far to trust it. Bits, float64."""

    value: float  # plug-in
    corrected: float  # Miller-Madow on each entropy; the plug-in itself for a population
    null: float  # the plug-in expected if the labels were permuted
    bias: float  # what the plug-in exceeds I(T;Y) by at most; 0 for a population
    standard_error: float  # 0 for a population
    gap: float  # H(Y) - I(T;Y)
    verdict: str  # population, saturated, reliable, biased or unjudged


class SampleCounts(NamedTuple):
    """What was counted."""

    n: int  # examples; log2 n is the most that the plug-in I(X;T) can be
    d: int  # units
    n_patterns: int  # different rows seen
    n_singletons: int  # rows seen exactly once
    n_doubletons: int  # rows seen exactly twice
    coverage: float  # probability of the patterns seen, Good-Turing
    coverage_chao_jost: float  # the same, Chao and Jost
    certified: bool  # rows were compared in full


class Measurement(NamedTuple):
    """What a sample of activations and labels says, and how far to trust it."""

    xt: InputInformation
    ty: LabelInformation
    counts: SampleCounts
    h_y: float  # H(Y) in bits, the most that I(T;Y) can be
    population: bool  # as declared by the caller: these rows are all there are
    tolerance: float  # bits, as declared by the caller


def measure(
    t: Any,
    y: Any,
    population: bool = False,
    *,
    bits: int | None = None,
    tolerance: float = TOLERANCE,
) -> Measurement:
    """I(X;T) = H(T) and I(T;Y) = H(T) + H(Y) - H(T,Y) of anyone's activations, and how far each can
    be trusted. T is taken as a function of X.

    Args:
        t: activations [N, D] or [N, ...] of bool, integers or floats of any width; rows are
            compared exactly, in their own precision. With `bits`, rows packed into words uint32
            [N, W].
        y: labels, whole numbers >= 0 [N] or [N, 1], or -1 and +1 [N], or one-hot [N, C].
        population: these N rows are all there are.
        bits: units of a packed row; bits past them must be 0.
        tolerance: bits within which a value counts as reliable.

    Returns:
        Both informations in bits with their verdicts, the counts, H(Y).

    Raises:
        ValueError: empty or mismatched arrays, NaN, masked values, labels of another form, bits set
            past `bits`, a tolerance that is not above 0.
        TypeError: arrays that are not of real numbers.
    """
    words, units = _packed(t, bits)
    labels = class_labels(y)
    if len(words) != len(labels):
        raise ValueError(f"expected t and y of one length, got {np.shape(t)} and {np.shape(y)}")
    if not tolerance > 0:
        raise ValueError(f"expected a tolerance above 0 bits, got {tolerance}")
    sample = _counted(words, labels, bits)
    possible = units.log2_possible()
    trust = reliability.judge(sample.spectrum_t, population, tolerance, possible)
    entropies = _entropies(corrected_entropy.plugin, sample)
    correction = corrected_entropy.plugin if population else corrected_entropy.miller_madow
    corrected = _entropies(correction, sample)
    needed = _needed(sample, trust, units, tolerance)
    return Measurement(
        xt=_input_information(entropies, corrected, trust, needed),
        ty=_label_information(entropies, corrected, sample, population, tolerance),
        counts=_sample_counts(sample, trust, units.n_units),
        h_y=entropies.y,
        population=population,
        tolerance=tolerance,
    )


class _Units(NamedTuple):
    """The rows that were measured, before they were counted."""

    values: np.ndarray  # [N, D], or words [N, W] of one bit a unit
    are_bits: bool
    n_units: int

    def log2_possible(self) -> float:
        """log2 of the patterns possible: D of units of two values; else of those that the values
        seen in each unit make possible."""
        return float(self.n_units) if self.are_bits else self.log2_patterns()

    def log2_patterns(self) -> float:
        """log2 of the patterns that the values seen in each unit make possible: a sum over units of
        log2 of the number of distinct values; at least log2 of the patterns seen."""
        if self.are_bits:
            varying = np.bitwise_or.reduce(self.values) & ~np.bitwise_and.reduce(self.values)
            return float(np.bitwise_count(varying).sum())
        total = 0.0
        for column in self.values.T:
            total += float(np.log2(np.unique(column).size))
            if total > MAX_LOG2_PATTERNS:
                break
        return total


def _packed(t: Any, bits: int | None) -> tuple[np.ndarray, _Units]:
    """The rows as words [N, W], and their units."""
    t = plain_array(t, "activations")
    if t.ndim < 2 or t.shape[0] < 1:
        raise ValueError(f"expected N >= 1 and t [N, D] with an axis of units, got shape {t.shape}")
    if bits is not None:
        _check_words(t, bits)
        return t, _Units(t, True, bits)
    words = pack_values(t)
    n_units = int(np.prod(t.shape[1:]))
    if words.shape[1] < n_units:  # signs, one bit a unit
        return words, _Units(words, True, n_units)
    return words, _Units(t.reshape(len(t), -1), False, n_units)


def _check_words(t: np.ndarray, bits: int) -> None:
    if t.ndim != 2 or t.dtype != np.uint32 or not 1 <= bits <= WORD * t.shape[1]:
        raise ValueError(
            f"expected words uint32 [N, W] with 1 <= bits <= {WORD} W, "
            f"got {t.dtype} {t.shape}, bits {bits}"
        )
    used = np.clip(bits - WORD * np.arange(t.shape[1], dtype=np.int64), 0, WORD)
    if (t.astype(np.uint64) >> used.astype(np.uint64)).any():
        raise ValueError(f"expected words with no bit at or above {bits} (padding is 0), got some")


class _Sample(NamedTuple):
    """The counts of a sample."""

    t: Counts
    ty: Counts
    spectrum_t: Spectrum
    spectrum_ty: Spectrum
    class_sizes: np.ndarray  # [C], examples of each class seen


def _counted(words: np.ndarray, labels: np.ndarray, bits: int | None) -> _Sample:
    # A power of two: few programs serve all numbers of classes.
    classes = 1 << int(labels.max()).bit_length()
    t, ty = COUNT(jnp.asarray(words), jnp.asarray(labels), bits=bits, classes=classes)
    class_sizes = np.unique(labels, return_counts=True)[1]
    return _Sample(t, ty, _spectrum(t), _spectrum(ty), class_sizes)


def _spectrum(counts: Counts) -> Spectrum:
    return Spectrum.from_histogram(np.asarray(counts.count).ravel())


class _Entropies(NamedTuple):
    """Bits."""

    t: float
    ty: float
    y: float

    @property
    def information(self) -> float:
        """I(T;Y)."""
        return self.t + self.y - self.ty


def _entropies(entropy: Any, sample: _Sample) -> _Entropies:
    spectrum_y = Spectrum.from_histogram(sample.class_sizes)
    return _Entropies(entropy(sample.spectrum_t), entropy(sample.spectrum_ty), entropy(spectrum_y))


def _needed(
    sample: _Sample, trust: Trust, units: _Units, tolerance: float
) -> tuple[int | None, tuple[float, float] | None]:
    """The examples needed, or two guesses of them where these are too few."""
    needed = int(sample_size.needed(sample.spectrum_t, trust, tolerance))
    if needed >= 0:
        return needed, None
    guesses = sample_size.guesses(sample.spectrum_t, units.log2_patterns(), tolerance)
    n = float(trust.n)
    return None, (max(float(guesses.chao1), n), max(float(guesses.units), n))


def _input_information(
    entropies: _Entropies,
    corrected: _Entropies,
    trust: Trust,
    needed: tuple[int | None, tuple[float, float] | None],
) -> InputInformation:
    n_needed, n_guesses = needed
    return InputInformation(
        value=entropies.t,
        corrected=corrected.t,
        bias=float(trust.bias),
        unseen=float(trust.unseen),
        standard_error=float(trust.standard_error),
        low=float(trust.low),
        high=float(trust.high),
        verdict=VERDICTS[int(trust.verdict)],
        cause=str(reliability.cause(trust)),
        n_needed=n_needed,
        n_guesses=n_guesses,
    )


def _label_information(
    entropies: _Entropies,
    corrected: _Entropies,
    sample: _Sample,
    population: bool,
    tolerance: float,
) -> LabelInformation:
    error = 0.0 if population else corrected_entropy.information_error(sample.t, sample.ty)
    null = float(reliability.null_information(sample.spectrum_t, sample.class_sizes))
    bias = (
        0.0 if population else float(reliability.label_bias(sample.spectrum_t, sample.class_sizes))
    )
    verdict = int(reliability.judge_label(null, bias, error, entropies.y, population, tolerance))
    return LabelInformation(
        value=entropies.information,
        corrected=corrected.information,
        null=null,
        bias=bias,
        standard_error=error,
        gap=entropies.y - entropies.information,
        verdict="unjudged" if verdict == UNJUDGED else VERDICTS[verdict],
    )


def _sample_counts(sample: _Sample, trust: Trust, n_units: int) -> SampleCounts:
    return SampleCounts(
        n=int(trust.n),
        d=n_units,
        n_patterns=int(trust.n_patterns),
        n_singletons=int(trust.n_singletons),
        n_doubletons=int(trust.n_doubletons),
        coverage=float(trust.coverage),
        coverage_chao_jost=float(trust.coverage_chao_jost),
        certified=bool(sample.t.certified & sample.ty.certified),
    )
