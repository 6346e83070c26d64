"""How many examples it takes. Bits, float64, numpy; every function takes spectra with any leading
axes [...]."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from jaxbnn.info.entropy import NATS_PER_BIT
from jaxbnn.info.expectation import checked_spectrum, rarefied_plugin
from jaxbnn.info.reliability import POPULATION, RELIABLE, TOLERANCE, Trust, sightings
from jaxbnn.info.spectrum import Spectrum

ROUNDING = 1e-12  # bits by which two sums of one value may differ


def needed(t: Spectrum, trust: Trust, tolerance: float = TOLERANCE) -> Int64[np.ndarray, "*points"]:
    """The smallest n whose expected plug-in entropy is within the tolerance of the sample's.

    Args:
        t: spectra of T with leaves [..., M].
        trust: of these spectra.
        tolerance: bits.

    Returns:
        int64 [...]; -1, "more than N", where the verdict is neither reliable nor population, or
        nothing was counted.

    Raises:
        ValueError: a trust of another shape.
    """
    t = checked_spectrum(t)
    total = np.sum(t.multiplicity * t.number, axis=-1)
    if np.shape(trust.verdict) != total.shape:
        raise ValueError(
            f"expected a trust with leaves {total.shape}, got {np.shape(trust.verdict)}"
        )
    answered = np.isin(trust.verdict, (RELIABLE, POPULATION)) & (total > 0)
    n = np.full(total.shape, -1, np.int64)
    n[answered] = _first_within(Spectrum(t.multiplicity[answered], t.number[answered]), tolerance)
    return n


def _first_within(t: Spectrum, tolerance: float) -> np.ndarray:
    """The smallest n on the rarefaction curve of each spectrum [P, M] within the tolerance of its
    end: int64 [P]."""
    high = np.sum(t.multiplicity * t.number, axis=-1)
    low = np.zeros_like(high)
    aim = rarefied_plugin(t, high) - tolerance - ROUNDING
    # The curve never falls, as entropy is concave: low misses the aim, high is within.
    while (high - low > 1).any():
        middle = (low + high + 1) // 2
        within = rarefied_plugin(t, middle) >= aim
        low, high = np.where(within, low, middle), np.where(within, middle, high)
    return high


class Guesses(NamedTuple):
    """Two guesses of the N at which the plug-in H(T) is within the tolerance, where the sample
    itself cannot tell. NaN where nothing was counted."""

    chao1: Float64[np.ndarray, "*points"]  # from the number of patterns there are at least
    units: Float64[np.ndarray, "*points"]  # from the units' patterns; inf past the range of floats


def guesses(t: Spectrum, log2_patterns: Any, tolerance: float = TOLERANCE) -> Guesses:
    """(Chao1 - 1)/(2 tolerance ln 2), and (m / log2 m)**2 for m patterns possible.

    Chao1 = K + f1**2/(2 f2), or K + f1 (f1 - 1)/2 if f2 = 0, bounds the number of patterns from
    below and is put into Miller-Madow's correction. One possible pattern gives 1. Sources: Chao
    1984; Nothnagel & Geiger 2026.

    Args:
        t: spectra of T with leaves [..., M].
        log2_patterns: log2 m, [] or [...]: the sum over units of log2 of the number of values each
            can take; D for D units of two values.
        tolerance: bits.

    Returns:
        Both guesses [...].

    Raises:
        ValueError: log2_patterns < 0 or tolerance <= 0.
    """
    n, k, f1, f2 = (number.astype(np.float64) for number in sightings(checked_spectrum(t)))
    bits = np.broadcast_to(np.asarray(log2_patterns, np.float64), n.shape)
    if (bits < 0).any() or not tolerance > 0:
        raise ValueError(
            f"expected log2_patterns >= 0 and a tolerance > 0, got {bits.min():g} and {tolerance:g}"
        )
    patterns = k + np.where(f2 > 0, f1**2 / (2 * np.maximum(f2, 1)), f1 * (f1 - 1) / 2)
    with np.errstate(over="ignore"):
        units = np.exp2(2 * (bits - np.log2(np.maximum(bits, 1))))
    chao1 = (patterns - 1) / (2 * tolerance * NATS_PER_BIT)
    return Guesses(np.where(n > 0, chao1, np.nan), np.where(n > 0, units, np.nan))
