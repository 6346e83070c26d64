"""Estimators and verdicts where the true entropy is known: what they say of samples drawn from
it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt32

from jaxbnn.info import corrected_entropy, reliability
from jaxbnn.info.arrays import AnyArray
from jaxbnn.info.counting import count
from jaxbnn.info.reliability import RELIABLE, SATURATED, TOLERANCE
from jaxbnn.info.spectrum import Spectrum, spectrum

ESTIMATORS: dict[str, Callable] = {
    "plugin": lambda sample, m: corrected_entropy.plugin(sample),
    "miller_madow": lambda sample, m: corrected_entropy.miller_madow(sample),
    "chao_shen": lambda sample, m: corrected_entropy.chao_shen(sample),
    "chao_wang_jost": lambda sample, m: corrected_entropy.chao_wang_jost(sample),
    "nsb": corrected_entropy.nsb_mean,
}
MAX_UNITS = 64
MAX_NEAR = 0.05  # bits, within which a verdict should be "reliable"


@dataclass(frozen=True)
class Bernoulli:
    """Samples of `n` rows of `d` independent units, each 1 with probability `p`: their entropy is d
    h(p).

    Args:
        name: of the study.
        p: probabilities, each between 0 and 1.
        d: numbers of units, rising, 1 to 64.
        n: sizes of samples, rising, at least 1.
        repetitions: samples of each kind.
        root_seed: of all samples, 0 to 2**32 - 1.

    Raises:
        ValueError: a field out of range.
    """

    name: str = "regime"
    p: tuple[float, ...] = (0.5, 0.7, 0.9)
    d: tuple[int, ...] = (*range(1, 21), 32, 64)
    n: tuple[int, ...] = (1000, 3000, 10000, 30000, 100000, 300000, 1000000)
    repetitions: int = 20
    root_seed: int = 0

    def __post_init__(self) -> None:
        if not self.p or not all(0 < p < 1 for p in self.p):
            raise ValueError(f"expected p between 0 and 1, got {self.p}")
        if not _is_rising(self.d) or max(self.d) > MAX_UNITS:
            raise ValueError(f"expected d from 1 to 64, rising, got {self.d}")
        _check_samples(self)


@dataclass(frozen=True)
class LongTails:
    """Samples of `n` rows from distributions with rare patterns, whose entropy, or information of
    labels, is known.

    Args:
        name: of the study.
        kept_aside: the distributions that the rule of the verdicts was not chosen with.
        n: sizes of samples, rising, at least 1.
        repetitions: samples of each kind.
        root_seed: of all samples, 0 to 2**32 - 1.

    Raises:
        ValueError: a field out of range.
    """

    name: str = "regime-tails"
    kept_aside: bool = False
    n: tuple[int, ...] = (1000, 10000, 60000)
    repetitions: int = 50
    root_seed: int = 0

    def __post_init__(self) -> None:
        _check_samples(self)


def _check_samples(study: Bernoulli | LongTails) -> None:
    """ValueError for sizes, repetitions or a root seed out of range."""
    if not _is_rising(study.n):
        raise ValueError(f"expected n >= 1, rising, got {study.n}")
    if study.repetitions < 1 or not 0 <= study.root_seed < 2**32:
        raise ValueError(
            "expected repetitions >= 1 and a root_seed from 0 to 2**32 - 1, "
            f"got {study.repetitions}, {study.root_seed}"
        )


def _is_rising(values: tuple[int, ...]) -> bool:
    """Whether there are some, from 1 on, each larger than the one before."""
    return bool(values) and min(values) >= 1 and list(values) == sorted(set(values))


class Evaluated(NamedTuple):
    """What is said of samples [...]; bits."""

    estimate: np.ndarray  # [..., K], the K ESTIMATORS
    verdict: np.ndarray  # [...] int8, index into VERDICTS
    bias: np.ndarray  # [...]
    standard_error: np.ndarray  # [...]
    low: np.ndarray  # [...], 95 % interval
    high: np.ndarray  # [...]
    n_patterns: np.ndarray  # [...] int64
    n_singletons: np.ndarray  # [...] int64


class Score(NamedTuple):
    """How often the verdicts were right, as shares; NaN where there was nothing to be right
    about."""

    wrong: float  # of the reliable: the plug-in is more than 0.1 bit off
    covered: float  # of the reliable: the interval holds the truth
    found: float  # of those whose plug-in is within 0.05 bit: called reliable
    worst: float  # bits, the largest error of the plug-in that was called reliable
    unseen: float  # of the samples without a repeated pattern: called saturated
    n_reliable: int
    n_samples: int


def truth(p: float, d: Any) -> np.ndarray:
    """d h(p), the entropy of d units.

    Args:
        p: between 0 and 1.
        d: numbers of units [...].

    Returns:
        Bits [...].
    """
    return np.asarray(d) * -(p * np.log2(p) + (1 - p) * np.log2(1 - p))


def variance(p: float, d: Any, n: Any) -> np.ndarray:
    """(sum q log2**2 q - H**2)/n, to first order the variance of the plug-in of d units; 0 at p =
    1/2.

    Args:
        p: between 0 and 1.
        d: numbers of units [...].
        n: sizes of samples [...].

    Returns:
        bits**2 [...].
    """
    return np.asarray(d) * p * (1 - p) * np.log2(p / (1 - p)) ** 2 / np.asarray(n)


def draw(
    key: np.random.Generator, p: float, d: int, n: int
) -> UInt32[np.ndarray, "n_rows n_words"]:
    """n rows of d units, packed.

    Args:
        key: drawn from.
        p: probability of a 1.
        d: units, at most 64.
        n: rows.

    Returns:
        uint32 [n, 1 or 2].
    """
    row = np.zeros(n, np.uint64)
    for unit in range(d):
        is_one = key.integers(0, 2**32, n, np.uint32) < p * 2**32
        row |= is_one.astype(np.uint64) << np.uint64(unit)
    words = row.view(np.uint32).reshape(n, 2)  # low word first on every machine jax runs on
    return np.ascontiguousarray(words[:, : -(-d // 32)])


@jax.jit
def spectrum_of(words: UInt32[AnyArray, "n w"]) -> Spectrum:
    """The spectrum of packed rows.

    Args:
        words: uint32 [N, W].

    Returns:
        A spectrum with leaves int32 [M].
    """
    t, _ = count(words, jnp.zeros(words.shape[0], jnp.int32), classes=1)
    return spectrum(t, words.shape[0])


def sampled(spec: Bernoulli, p: float, d: int, n: int) -> Spectrum:
    """The spectra of all repetitions: the same whatever other d, n and later p are sampled.

    Args:
        spec: the study.
        p: one of its probabilities.
        d: units.
        n: rows.

    Returns:
        A spectrum with leaves int32 [R, M].
    """
    spectra = []
    for repetition in range(spec.repetitions):
        key = np.random.default_rng([spec.root_seed, spec.p.index(p), d, n, repetition])
        spectra.append(jax.device_get(spectrum_of(draw(key, p, d, n))))
    return jax.tree.map(lambda *leaves: np.stack(leaves), *spectra)


def evaluate(sample: Spectrum, m: int) -> Evaluated:
    """What the estimators and the verdict say.

    Args:
        sample: spectra with leaves [..., M].
        m: patterns possible.

    Returns:
        Estimates [..., K] of the K ESTIMATORS, verdicts and their numbers [...].
    """
    trust = reliability.judge(sample, log2_patterns=math.log2(m))
    estimates = [estimator(sample, m) for estimator in ESTIMATORS.values()]
    return Evaluated(
        estimate=np.stack(estimates, axis=-1),
        verdict=trust.verdict,
        bias=trust.bias,
        standard_error=trust.standard_error,
        low=trust.low,
        high=trust.high,
        n_patterns=trust.n_patterns,
        n_singletons=trust.n_singletons,
    )


class Judged(NamedTuple):
    """Samples that were judged, and the truth; all arrays of one shape."""

    error: np.ndarray  # bits, plug-in minus true
    verdict: np.ndarray  # index into VERDICTS
    low: np.ndarray  # bits, the 95 % interval's lower end
    high: np.ndarray  # bits, its upper end
    true: np.ndarray  # bits, the entropy sampled from
    n_patterns: np.ndarray  # patterns seen
    n: np.ndarray  # examples


def score(judged: Judged) -> Score:
    """How right the verdicts of samples were.

    Args:
        judged: the samples.

    Returns:
        Shares, the worst error in bits, and over how many samples.
    """
    error, reliable = np.abs(judged.error), judged.verdict == RELIABLE
    covered = (judged.low <= judged.true) & (judged.true <= judged.high)
    return Score(
        wrong=_share(error > TOLERANCE, reliable),
        covered=_share(covered, reliable),
        found=_share(reliable, error <= MAX_NEAR),
        worst=float(error[reliable].max(initial=0)),
        unseen=_share(judged.verdict == SATURATED, judged.n_patterns == judged.n),
        n_reliable=int(reliable.sum()),
        n_samples=reliable.size,
    )


def _share(hits: np.ndarray, among: np.ndarray) -> float:
    return float(hits[among].mean()) if among.any() else float("nan")
