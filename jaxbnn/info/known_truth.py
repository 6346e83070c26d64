"""Estimators and verdicts where the true entropy is known: what they say of samples drawn from
it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn.info import corrected_entropy, reliability
from jaxbnn.info.counting import count
from jaxbnn.info.reliability import RELIABLE, SATURATED, TOLERANCE
from jaxbnn.info.spectrum import Spectrum, spectrum

ESTIMATORS: dict[str, Callable] = {
    "plugin": lambda of, m: corrected_entropy.plugin(of),
    "miller_madow": lambda of, m: corrected_entropy.miller_madow(of),
    "chao_shen": lambda of, m: corrected_entropy.chao_shen(of),
    "chao_wang_jost": lambda of, m: corrected_entropy.chao_wang_jost(of),
    "nsb": corrected_entropy.nsb_mean,
}


@dataclass(frozen=True)
class Bernoulli:
    """Samples of `n` rows of `d` independent units, each 1 with probability `p`: their entropy is d
    h(p)."""

    name: str = "regime"
    p: tuple[float, ...] = (0.5, 0.7, 0.9)
    d: tuple[int, ...] = (*range(1, 21), 32, 64)
    n: tuple[int, ...] = (1000, 3000, 10000, 30000, 100000, 300000, 1000000)
    repetitions: int = 20
    root_seed: int = 0

    def __post_init__(self):
        if not self.p or not all(0 < p < 1 for p in self.p):
            raise ValueError(f"expected p between 0 and 1, got {self.p}")
        if not self.d or min(self.d) < 1 or max(self.d) > 64 or list(self.d) != sorted(set(self.d)):
            raise ValueError(f"expected d from 1 to 64, rising, got {self.d}")
        if not self.n or min(self.n) < 1 or list(self.n) != sorted(set(self.n)):
            raise ValueError(f"expected n >= 1, rising, got {self.n}")
        if self.repetitions < 1 or not 0 <= self.root_seed < 2**32:
            raise ValueError(
                f"expected repetitions >= 1 and a root_seed >= 0, got {self.repetitions}, {self.root_seed}"
            )


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


def truth(p: float, d) -> np.ndarray:
    """d h(p) bits, the entropy of d units."""
    return np.asarray(d) * -(p * np.log2(p) + (1 - p) * np.log2(1 - p))


def variance(p: float, d, n) -> np.ndarray:
    """(sum q log2**2 q - H**2)/n, to first order the variance of the plug-in of d units; 0 at p =
    1/2, bits**2."""
    return np.asarray(d) * p * (1 - p) * np.log2(p / (1 - p)) ** 2 / np.asarray(n)


def draw(key: np.random.Generator, p: float, d: int, n: int) -> np.ndarray:
    """n rows of d units, packed: uint32 [n, 1 or 2]."""
    row = np.zeros(n, np.uint64)
    for unit in range(d):
        row |= (key.integers(0, 2**32, n, np.uint32) < p * 2**32).astype(np.uint64) << np.uint64(
            unit
        )
    words = row.view(np.uint32).reshape(n, 2)  # low word first on every machine jax runs on
    return np.ascontiguousarray(words[:, : -(-d // 32)])


@jax.jit
def spectrum_of(words: jax.Array) -> Spectrum:
    """The spectrum of packed rows uint32 [N, W]."""
    t, _ = count(words, jnp.zeros(words.shape[0], jnp.int32), classes=1)
    return spectrum(t, words.shape[0])


def sampled(spec: Bernoulli, p: float, d: int, n: int) -> Spectrum:
    """The spectra of all repetitions, leaves [R, M]: the same whatever other d, n and later p are
    sampled."""
    place = spec.p.index(p), d, n
    spectra = []
    for repetition in range(spec.repetitions):
        key = np.random.default_rng([spec.root_seed, *place, repetition])
        spectra.append(jax.device_get(spectrum_of(draw(key, p, d, n))))
    return Spectrum(*(np.stack(leaves) for leaves in zip(*spectra, strict=True)))


def evaluate(of: Spectrum, m: int) -> Evaluated:
    """What the estimators and the verdict say of spectra [..., M] with m patterns possible."""
    trust = reliability.judge(of)
    estimate = np.stack([estimator(of, m) for estimator in ESTIMATORS.values()], axis=-1)
    return Evaluated(
        estimate,
        trust.verdict,
        trust.bias,
        trust.standard_error,
        trust.low,
        trust.high,
        trust.n_patterns,
        trust.n_singletons,
    )


def score(error, verdict, low, high, true, n_patterns, n) -> Score:
    """How right the verdicts of samples were; error = plug-in - true, all arrays of one shape."""
    error, reliable = np.abs(error), verdict == RELIABLE
    within, unseen = error <= 0.05, n_patterns == n
    return Score(
        wrong=_share(error > TOLERANCE, reliable),
        covered=_share((low <= true) & (true <= high), reliable),
        found=_share(reliable, within),
        worst=float(error[reliable].max(initial=0)),
        unseen=_share(verdict == SATURATED, unseen),
        n_reliable=int(reliable.sum()),
        n_samples=reliable.size,
    )


def _share(hits, among):
    return float(hits[among].mean()) if among.any() else float("nan")
