"""How far a count can be trusted: coverage, bias, standard error, the null of I(T;Y), verdicts, and
how many examples it takes. Bits, float64, numpy; every function takes spectra with any leading axes
[...]."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64, Int8, Int64

from jaxbnn.info import corrected_entropy
from jaxbnn.info.entropy import NATS_PER_BIT
from jaxbnn.info.expectation import (
    checked_numbers,
    checked_spectrum,
    mean_of_drawn,
    rarefied_plugin,
)
from jaxbnn.info.spectrum import Spectrum

VERDICTS = ("population", "saturated", "reliable", "biased")
POPULATION, SATURATED, RELIABLE, BIASED = range(4)
UNJUDGED = -1
TOLERANCE = 0.1  # bits
NORMAL_95 = 1.96
ROUNDING = 1e-12  # bits by which two sums of one value may differ


class Trust(NamedTuple):
    """How far H(T) = I(X;T) of a point can be trusted. -1, NaN and UNJUDGED where nothing was
    counted."""

    n: Int64[np.ndarray, "*points"]  # examples
    n_patterns: Int64[np.ndarray, "*points"]  # patterns seen
    n_singletons: Int64[np.ndarray, "*points"]  # patterns seen once
    n_doubletons: Int64[np.ndarray, "*points"]  # patterns seen twice
    coverage: Float64[np.ndarray, "*points"]  # probability of the patterns seen, Good-Turing
    coverage_chao_jost: Float64[np.ndarray, "*points"]  # the same, Chao and Jost
    standard_error: Float64[np.ndarray, "*points"]  # bits, 0 for a population
    bias: Float64[np.ndarray, "*points"]  # bits the plug-in is estimated to lack; 0: population
    low: Float64[np.ndarray, "*points"]  # bits, 95 % interval of H(T)
    high: Float64[np.ndarray, "*points"]  # bits
    verdict: Int8[np.ndarray, "*points"]  # index into VERDICTS


def judge(t: Spectrum, population: Any = False, tolerance: float = TOLERANCE) -> Trust:
    """The trust in H(T).

    The first verdict that applies: population (counted or not); saturated, plug-in >= 0.99 log2 n
    or coverage < 1/2; reliable, bias + 2 standard_error <= tolerance; biased. bias: the larger of
    Miller-Madow's correction and Chao-Wang-Jost minus plug-in; standard_error: sqrt((sum p log2**2
    p - H**2)/n); interval: Chao-Wang-Jost -+ 1.96 standard_error. Sources: Good 1953, Miller 1955,
    Antos & Kontoyiannis 2001, Chao & Jost 2012, Chao, Wang & Jost 2013.

    Args:
        t: spectra of T with leaves [..., M].
        population: whether these are all examples there are; one bool or [...].
        tolerance: bits.

    Returns:
        A trust with leaves [...].

    Raises:
        ValueError: leaves that differ in shape or are not whole numbers.
    """
    t = checked_spectrum(t)
    seen = _sightings(t)
    n = seen[0]
    population = np.broadcast_to(np.asarray(population, bool), n.shape)
    plugin, corrected = corrected_entropy.plugin(t), corrected_entropy.chao_wang_jost(t)
    lacking = np.maximum(corrected_entropy.miller_madow(t), corrected) - plugin
    bias = np.where(population, 0, lacking)
    error = np.where(population, 0, _delta_method(t, n, plugin))
    cases = [population, n == 0, _is_saturated(seen, plugin), bias + 2 * error <= tolerance]
    verdict = np.select(cases, [POPULATION, UNJUDGED, SATURATED, RELIABLE], BIASED)
    bias, error = np.where(n > 0, [bias, error], np.nan)
    middle = np.where(population, plugin, corrected)
    reach = NORMAL_95 * error
    coverage, coverage_chao_jost = _coverages(seen)
    return Trust(
        *np.where(n > 0, seen, -1),
        coverage=coverage,
        coverage_chao_jost=coverage_chao_jost,
        standard_error=error,
        bias=bias,
        low=middle - reach,
        high=middle + reach,
        verdict=verdict.astype(np.int8),
    )


def cause(trust: Trust) -> np.ndarray:
    """What makes a biased point so.

    Args:
        trust: with leaves [...].

    Returns:
        str [...]: the larger of "bias" and "standard error"; "" for other verdicts.
    """
    larger = np.where(trust.bias >= trust.standard_error, "bias", "standard error")
    return np.where(trust.verdict == BIASED, larger, "")


def judge_label(
    null: Any,
    standard_error: Any,
    h_y: Any,
    population: Any = False,
    tolerance: float = TOLERANCE,
) -> Int8[np.ndarray, "*points"]:
    """The verdict on I(T;Y).

    The first that applies: population; saturated, null > h_y / 2; reliable, null + 2 standard_error
    <= tolerance; biased. The null is (nearly) an upper bound of the bias. Source: Vinh, Epps &
    Bailey 2010.

    Args:
        null: bits [...], as `null_information` gives it.
        standard_error: of I(T;Y), bits [...].
        h_y: H(Y), bits [...].
        population: whether these are all examples there are; one bool or [...].
        tolerance: bits.

    Returns:
        int8 [...], index into VERDICTS; UNJUDGED where a number is NaN.
    """
    null, error = np.asarray(null, np.float64), np.asarray(standard_error, np.float64)
    cases = [
        np.asarray(population, bool),
        np.isnan(null + error + h_y),
        null > np.asarray(h_y) / 2,
        null + 2 * error <= tolerance,
    ]
    verdict = np.select(cases, [POPULATION, UNJUDGED, SATURATED, RELIABLE], BIASED)
    return verdict.astype(np.int8)


def null_information(t: Spectrum, class_sizes: Any) -> Float64[np.ndarray, "*points"]:
    """The plug-in I(T;Y) expected under permuted labels, exact.

    sum_a n_a sum_b sum_k Hypergeometric(k; N, a, b) (k/N) log2(N k/(a b)), n_a patterns seen a
    times, b class_sizes. Source: Vinh, Epps & Bailey 2010.

    Args:
        t: spectra of T with leaves [..., M].
        class_sizes: examples of each class [C], 0 allowed.

    Returns:
        Bits [...]; NaN where nothing was counted.

    Raises:
        ValueError: a spectrum of another number of examples than sum(class_sizes), or numbers that
            are not whole.
    """
    t, sizes = checked_spectrum(t), checked_numbers("class_sizes [C] >= 0", class_sizes, 0)
    n, total = np.sum(t.multiplicity * t.number, axis=-1), int(sizes.sum())
    wrong = n[(n != total) & (n > 0)]
    if wrong.size:
        raise ValueError(
            f"expected spectra of sum(class_sizes) = {total} examples, got one of {wrong[0]}"
        )
    a, entry = np.unique(np.maximum(t.multiplicity, 1), return_inverse=True)
    b, n_classes = np.unique(sizes[sizes > 0], return_counts=True)
    # Of k log2 k alone the mean has to be summed: that of k is known.
    mean = a[:, None] * b / max(total, 1)
    drawn = mean_of_drawn(*np.broadcast_arrays(total, a[:, None], b))
    per_pattern = (drawn - mean * np.log2(mean)) @ n_classes
    null = np.sum(t.number * per_pattern[entry.reshape(t.number.shape)], axis=-1) / max(total, 1)
    return np.where(n > 0, np.maximum(null, 0), np.nan)


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
    n, k, f1, f2 = (number.astype(np.float64) for number in _sightings(checked_spectrum(t)))
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


def _sightings(t: Spectrum) -> np.ndarray:
    """N, K, f1, f2: examples, patterns seen, patterns seen once, patterns seen twice; int64
    [4, ...]."""
    a, number = t
    return np.stack([(number * w).sum(axis=-1) for w in (a, a > 0, a == 1, a == 2)])


def _is_saturated(seen: np.ndarray, plugin: Any) -> np.ndarray:
    """Within 1 % of log2 n, or a Good-Turing coverage below 1/2: bool [...]."""
    n, _, f1, _ = seen
    return (plugin >= 0.99 * np.log2(np.maximum(n, 1))) | (2 * f1 > n)


def _coverages(seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Good-Turing, 1 - f1/N, and Chao & Jost 2012 eq. 4a, 1 - (f1/N) (N-1) f1/((N-1) f1 + 2 f2).

    f2 = 0: f1 - 1 in place of f1 and 1 in place of f2 in the last quotient.
    """
    n, _, f1, f2 = seen
    ones, twos = np.where(f2 > 0, [f1, f2], [f1 - 1, np.ones_like(f2)])
    ones = (n - 1) * np.maximum(ones, 0)
    unseen = np.where(n > 0, f1 / np.maximum(n, 1), np.nan)
    return 1 - unseen, 1 - unseen * ones / (ones + 2 * twos)


def _delta_method(t: Spectrum, n: np.ndarray, plugin: Any) -> np.ndarray:
    """sqrt((sum p log2**2 p - H**2)/N), bits [...]. Source: Antos & Kontoyiannis 2001."""
    p = t.multiplicity / np.maximum(n, 1)[..., None]
    second = np.sum(t.number * p * np.log2(np.where(p > 0, p, 1)) ** 2, axis=-1)
    return np.sqrt(np.maximum(0, second - plugin**2) / np.maximum(n, 1))
