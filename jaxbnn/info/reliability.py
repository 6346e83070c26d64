"""How far a count can be trusted: coverage, bias, standard error, the null of I(T;Y), verdicts.

Bits, float64, numpy; every function takes spectra with any leading axes [...]. Everything here
supposes examples that were drawn independently: copies of one another make any sample look
trustworthy.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64, Int8, Int64

from jaxbnn.info import corrected_entropy
from jaxbnn.info.expectation import (
    checked_numbers,
    checked_spectrum,
    mean_of_drawn,
)
from jaxbnn.info.spectrum import Spectrum

# Conditional: reliable unless there are rare patterns that a sample of this size cannot show.
VERDICTS = ("population", "saturated", "reliable", "biased", "conditional")
POPULATION, SATURATED, RELIABLE, BIASED, CONDITIONAL = range(5)
UNJUDGED = -1
TOLERANCE = 0.1  # bits
NORMAL_95 = 1.96
POISSON_95 = (1.645, 1.35)  # f + 1.645 sqrt(f + 1) + 1.35: about the upper 95 % limit of a mean
MAX_WHOLE_BITS = 53  # numbers of patterns up to 2**53 are held exactly


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
    bias: Float64[np.ndarray, "*points"]  # bits the plug-in lacks at most, as far as the sample
    # can tell; 0: population
    unseen: Float64[np.ndarray, "*points"]  # bits of that which patterns not seen may hold; 0 where
    # the number of possible patterns is unknown
    low: Float64[np.ndarray, "*points"]  # bits, 95 % interval of H(T)
    high: Float64[np.ndarray, "*points"]  # bits
    verdict: Int8[np.ndarray, "*points"]  # index into VERDICTS


def judge(
    t: Spectrum,
    population: Any = False,
    tolerance: float = TOLERANCE,
    log2_patterns: Any = math.nan,
) -> Trust:
    """The trust in H(T).

    The first verdict that applies: population (counted or not); saturated, plug-in >= 0.99 log2 n
    or coverage < 1/2; reliable, bias + 2 standard_error <= tolerance; conditional, the same without
    `unseen`, where m is unknown or 3 log2 m / n > tolerance/2, so that no sample of n examples
    could exclude a tail; biased.

    bias: the largest of Miller-Madow's correction, Chao-Wang-Jost minus plug-in, and `unseen`. Of m
    patterns possible K were seen, f1 of them once, with the share s = f1/n of the examples. The
    others, of entropy r, are taken as they seem; the rare ones have at most the probability u = (f1
    + 1.645 sqrt(f1 + 1) + 1.35)/n, about an upper 95 % limit, and are at most m - K + f1. So unseen
    = h(u) - h(s) + u log2(m - K + f1) - s log2 f1 - (u - s) r, and no more than log2 m minus the
    plug-in; 0 where K = m.

    standard_error: sqrt((sum p log2**2 p - H**2)/n). Interval: Chao-Wang-Jost -+ 1.96
    standard_error, the upper end further up by `unseen`; of a saturated point from the plug-in
    minus log2 n sqrt(2 ln 40 / n), which H(T) exceeds in 97.5 % of samples, to log2 m.

    Sources: Good 1953, Miller 1955, Antos & Kontoyiannis 2001, Chao & Jost 2012, Chao, Wang & Jost
    2013.

    Args:
        t: spectra of T with leaves [..., M].
        population: whether these are all examples there are; one bool or [...].
        tolerance: bits.
        log2_patterns: log2 m, [] or [...]: D for D units of two values; NaN where it is unknown.

    Returns:
        A trust with leaves [...].

    Raises:
        ValueError: leaves that differ in shape or are not whole numbers.
    """
    t = checked_spectrum(t)
    seen = sightings(t)
    n = seen[0]
    population = np.broadcast_to(np.asarray(population, bool), n.shape)
    bits = np.broadcast_to(np.asarray(log2_patterns, np.float64), n.shape)
    plugin = corrected_entropy.plugin(t)
    corrected = corrected_entropy.chao_wang_jost(t)
    lacking = np.maximum(corrected_entropy.miller_madow(t), corrected) - plugin
    of_seen = np.where(population, 0, lacking)
    unseen = np.where(population, 0, _unseen(seen, plugin, bits))
    bias = np.maximum(of_seen, unseen)
    error = np.where(population, 0, _delta_method(t, n, plugin))
    saturated = _is_saturated(seen, plugin) & ~population
    without_tail = of_seen + 2 * error <= tolerance
    cannot_tell = ~(_unseen_mass(0, n) * bits <= tolerance / 2)  # of a NaN too
    reliable = (bias + 2 * error <= tolerance) & ~np.isnan(bits)
    cases = [population, n == 0, saturated, reliable, without_tail & cannot_tell]
    choices = [POPULATION, UNJUDGED, SATURATED, RELIABLE, CONDITIONAL]
    verdict = np.select(cases, choices, BIASED)
    bias, unseen, error = np.where(n > 0, [bias, unseen, error], np.nan)
    middle = np.where(population, plugin, corrected)
    low = np.where(saturated, np.maximum(0, plugin - _concentration(n)), middle - NORMAL_95 * error)
    most = np.where(np.isnan(bits), np.inf, bits)
    high = np.where(saturated, most, np.minimum(middle + NORMAL_95 * error + unseen, most))
    coverage, coverage_chao_jost = _coverages(seen)
    return Trust(
        *np.where(n > 0, seen, -1),
        coverage=coverage,
        coverage_chao_jost=coverage_chao_jost,
        standard_error=error,
        bias=bias,
        unseen=unseen,
        low=np.where(n > 0, low, np.nan),
        high=np.where(n > 0, high, np.nan),
        verdict=verdict.astype(np.int8),
    )


def _unseen(seen: np.ndarray, plugin: Any, bits: np.ndarray) -> np.ndarray:
    """Bits of H(T) that patterns not seen may hold, as `judge` says; 0 where bits is NaN."""
    n, n_patterns, f1, _ = seen
    known = np.nan_to_num(bits, nan=0.0)
    n_unseen = np.round(np.exp2(np.minimum(known, MAX_WHOLE_BITS))) - n_patterns
    n_rare = np.maximum(n_unseen + f1, 1)
    log2_rare = np.where(known > MAX_WHOLE_BITS, known, np.log2(n_rare))
    share = f1 / np.maximum(n, 1)
    limit = _unseen_mass(f1, n)
    of_once = _binary_entropy(share) + share * np.log2(np.maximum(f1, 1))
    others = np.maximum(0, plugin - of_once) / np.maximum(1 - share, 1 / np.maximum(n, 1))
    at_most = _binary_entropy(limit) + limit * log2_rare - (limit - share) * others
    missing = np.clip(at_most - of_once, 0, np.maximum(0, known - plugin))
    return np.where(n_unseen > 0, missing, 0)


def _binary_entropy(p: np.ndarray) -> np.ndarray:
    """h(p), bits."""
    p = np.clip(p, 0, 1)
    rest = 1 - p
    of_p = p * np.log2(np.where(p > 0, p, 1))
    return -of_p - rest * np.log2(np.where(rest > 0, rest, 1))


def _unseen_mass(f1: Any, n: np.ndarray) -> np.ndarray:
    """An upper limit of the probability of the patterns not seen, from the number seen once."""
    slope, shift = POISSON_95
    return np.minimum(1, (f1 + slope * np.sqrt(f1 + 1.0) + shift) / np.maximum(n, 1))


def _concentration(n: np.ndarray) -> np.ndarray:
    """How far the plug-in exceeds its mean, which is at most H(T), in 2.5 % of samples at most.
    Source: Antos & Kontoyiannis 2001."""
    n = np.maximum(n, 1)
    return np.log2(n) * np.sqrt(2 * math.log(40) / n)


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
    bias: Any,
    standard_error: Any,
    h_y: Any,
    population: Any = False,
    tolerance: float = TOLERANCE,
) -> Int8[np.ndarray, "*points"]:
    """The verdict on I(T;Y).

    The first that applies: population; saturated, null > h_y / 2; reliable, bias + 2 standard_error
    <= tolerance; biased.

    Args:
        null: bits [...], as `null_information` gives it.
        bias: bits [...], as `label_bias` gives it.
        standard_error: of I(T;Y), bits [...].
        h_y: H(Y), bits [...].
        population: whether these are all examples there are; one bool or [...].
        tolerance: bits.

    Returns:
        int8 [...], index into VERDICTS; UNJUDGED where a number is NaN.
    """
    null = np.asarray(null, np.float64)
    bias = np.asarray(bias, np.float64)
    error = np.asarray(standard_error, np.float64)
    cases = [
        np.asarray(population, bool),
        np.isnan(null + bias + error + h_y),
        null > np.asarray(h_y) / 2,
        bias + 2 * error <= tolerance,
    ]
    verdict = np.select(cases, [POPULATION, UNJUDGED, SATURATED, RELIABLE], BIASED)
    return verdict.astype(np.int8)


def label_bias(t: Spectrum, class_sizes: Any) -> Float64[np.ndarray, "*points"]:
    """How much the plug-in I(T;Y) exceeds I(T;Y) at most, in the mean over samples of labels.

    sum_a n_a (a/N) log2(1 + (C - 1)/a), n_a patterns seen a times, C classes: the plug-in H(Y|T=t)
    of a examples lacks at most log2(1 + (C - 1)/a), whatever the classes' probabilities. (The null
    is no such bound: it spreads the labels of all examples over the rare patterns.) Source:
    Paninski 2003, proposition 1.

    Args:
        t: spectra of T with leaves [..., M].
        class_sizes: examples of each class [C]; classes without any are not counted.

    Returns:
        Bits [...]; NaN where nothing was counted.
    """
    t = checked_spectrum(t)
    n_classes = np.count_nonzero(checked_numbers("class_sizes [C] >= 0", class_sizes, 0))
    n = np.sum(t.multiplicity * t.number, axis=-1)
    lacking = np.log2(1 + max(n_classes - 1, 0) / np.maximum(t.multiplicity, 1))
    total = np.sum(t.number * t.multiplicity * lacking, axis=-1)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


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


def sightings(t: Spectrum) -> np.ndarray:
    """N, K, f1, f2: examples, patterns seen, patterns seen once, patterns seen twice.

    Args:
        t: spectra of T with leaves [..., M].

    Returns:
        int64 [4, ...].
    """
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
