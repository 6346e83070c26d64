"""How far a count can be trusted: coverage, bias, standard error, the null of I(T;Y), verdicts, and
how many examples it takes. Bits, float64, on the host; every function takes spectra with any
leading axes [...]."""

from typing import NamedTuple

import numpy as np

from jaxbnn.info import corrected_entropy
from jaxbnn.info.entropy import NATS_PER_BIT
from jaxbnn.info.spectrum import Spectrum

VERDICTS = ("population", "saturated", "reliable", "biased")
EXACT, SATURATED, RELIABLE, BIASED = range(4)
UNJUDGED = -1
TOLERANCE = 0.1  # bits
NORMAL_95 = 1.96
ROUNDING = 1e-12  # bits by which two sums of one value may differ
BLOCK = 2**18  # cells of one table of probabilities: it stays in the cache


class Trust(NamedTuple):
    """How far H(T) = I(X;T) of a point can be trusted. -1, NaN and UNJUDGED where nothing was
    counted."""

    n: np.ndarray  # [...] int64, examples
    n_patterns: np.ndarray  # [...] int64, patterns seen
    n_singletons: np.ndarray  # [...] int64, patterns seen once
    n_doubletons: np.ndarray  # [...] int64, patterns seen twice
    coverage: np.ndarray  # [...] probability of the patterns seen, Good-Turing
    coverage_chao_jost: np.ndarray  # [...] the same, Chao and Jost
    standard_error: np.ndarray  # [...] bits, 0 for a population
    bias: np.ndarray  # [...] bits that the plug-in is estimated to lack, 0 for a population
    low: np.ndarray  # [...] bits, 95 % interval of H(T)
    high: np.ndarray  # [...] bits
    verdict: np.ndarray  # [...] int8, index into VERDICTS


def judge(t: Spectrum, population=False, tolerance: float = TOLERANCE) -> Trust:
    """The trust in H(T), from T's spectrum; `population` is one bool or [...].

    The first that applies: exact, for a population (counted or not); saturated, plug-in >= 0.99
    log2 n or coverage < 1/2; reliable, bias + 2 standard_error <= tolerance; biased. bias: the
    larger of Miller-Madow's correction and Chao-Wang-Jost minus plug-in; standard_error: sqrt((sum
    p log2**2 p - H**2)/n); interval: Chao-Wang-Jost -+ 1.96 standard_error. Sources: Good 1953,
    Miller 1955, Antos & Kontoyiannis 2001, Chao & Jost 2012, Chao, Wang & Jost 2013.
    """
    t, seen = _checked(t), _sightings(t)
    n, _, f1, _ = seen
    population = np.broadcast_to(np.asarray(population, bool), n.shape)
    plugin, corrected = corrected_entropy.plugin(t), corrected_entropy.chao_wang_jost(t)
    bias = np.where(
        population, 0, np.maximum(corrected_entropy.miller_madow(t), corrected) - plugin
    )
    error = np.where(population, 0, _delta_method(t, n, plugin))
    middle = np.where(population, plugin, corrected)
    saturated = (plugin >= 0.99 * np.log2(np.maximum(n, 1))) | (2 * f1 > n)
    within = bias + 2 * error <= tolerance
    verdict = np.select(
        [population, n == 0, saturated, within], [EXACT, UNJUDGED, SATURATED, RELIABLE], BIASED
    )
    bias, error = np.where(n > 0, [bias, error], np.nan)
    reach = NORMAL_95 * error
    counted, coverage = np.where(n > 0, seen, -1), _coverages(seen)
    interval = middle - reach, middle + reach
    return Trust._make([*counted, *coverage, error, bias, *interval, verdict.astype(np.int8)])


def cause(trust: Trust) -> np.ndarray:
    """What makes a biased point so, str [...]: the larger of "bias" and "standard error"; "" for
    other verdicts."""
    larger = np.where(trust.bias >= trust.standard_error, "bias", "standard error")
    return np.where(trust.verdict == BIASED, larger, "")


def judge_label(
    null, standard_error, h_y, population=False, tolerance: float = TOLERANCE
) -> np.ndarray:
    """The verdict on I(T;Y), int8 [...], from its null, its standard error and H(Y), all in bits
    and [...].

    The first that applies: exact, for a population; saturated, null > h_y / 2; reliable, null + 2
    standard_error <= tolerance; biased. The null is (nearly) an upper bound of the bias. Source:
    Vinh, Epps & Bailey 2010.
    """
    null, error = np.asarray(null, np.float64), np.asarray(standard_error, np.float64)
    judged = ~np.isnan(null + error + h_y)
    return np.select(
        [
            np.asarray(population, bool),
            ~judged,
            null > np.asarray(h_y) / 2,
            null + 2 * error <= tolerance,
        ],
        [EXACT, UNJUDGED, SATURATED, RELIABLE],
        BIASED,
    ).astype(np.int8)


def null_information(t: Spectrum, class_sizes) -> np.ndarray:
    """The plug-in I(T;Y) expected under permuted labels, bits [...], exact; class_sizes [C], empty
    classes ignored.

    sum_a n_a sum_b sum_k Hypergeometric(k; N, a, b) (k/N) log2(N k/(a b)), n_a patterns seen a
    times, b class_sizes. ValueError unless N = sum(class_sizes) wherever something was counted.
    Source: Vinh, Epps & Bailey 2010.
    """
    t, sizes = _checked(t), _whole("class_sizes [C] >= 0", class_sizes, 0)
    n, total = np.sum(t.multiplicity * t.number, axis=-1), int(sizes.sum())
    wrong = n[(n != total) & (n > 0)]
    if wrong.size:
        raise ValueError(
            f"expected spectra of sum(class_sizes) = {total} examples, got one of {wrong[0]}"
        )
    a, where = np.unique(np.maximum(t.multiplicity, 1), return_inverse=True)
    b, classes = np.unique(sizes[sizes > 0], return_counts=True)
    mean = a[:, None] * b / max(total, 1)  # of k, so that the mean of k log2 k alone is left to sum
    of_pattern = (
        _mean_drawn(*np.broadcast_arrays(total, a[:, None], b)) - mean * np.log2(mean)
    ) @ classes
    null = np.sum(t.number * of_pattern[where.reshape(t.number.shape)], axis=-1) / max(total, 1)
    return np.where(n > 0, np.maximum(null, 0), np.nan)


def rarefaction(t: Spectrum, sizes) -> np.ndarray:
    """The expected plug-in entropy of n of these examples, for each n of sizes [R]: bits [..., R],
    exact.

    log2 n - (1/n) sum_a n_a sum_k Hypergeometric(k; N, a, n) k log2 k, n_a patterns seen a times.
    ValueError unless 1 <= n <= N wherever something was counted. Source: Hurlbert 1971, with
    entropy in place of the number of species.
    """
    t, sizes = _checked(t), _whole("sizes [R] >= 1", sizes, 1)
    total = np.sum(t.multiplicity * t.number, axis=-1)
    smallest = total.min(initial=np.iinfo(np.int64).max, where=total > 0)
    if sizes.size and sizes.max() > smallest:
        raise ValueError(f"expected sizes of at most {smallest}, the sample's, got {sizes.max()}")
    curve = [np.where(total > 0, _rarefied(t, np.where(total > 0, n, 0)), np.nan) for n in sizes]
    return np.stack(curve, axis=-1) if curve else np.empty((*total.shape, 0))


def needed(t: Spectrum, trust: Trust, tolerance: float = TOLERANCE) -> np.ndarray:
    """The smallest n whose expected plug-in entropy is within `tolerance` bits of the sample's,
    int64 [...].

    -1, "more than N", where the verdict is neither reliable nor exact or nothing was counted.
    """
    t = _checked(t)
    total = np.sum(t.multiplicity * t.number, axis=-1)
    if np.shape(trust.verdict) != total.shape:
        raise ValueError(
            f"expected a trust with leaves {total.shape}, got {np.shape(trust.verdict)}"
        )
    answered = np.isin(trust.verdict, (RELIABLE, EXACT)) & (total > 0)
    t = Spectrum(t.multiplicity[answered], t.number[answered])
    high = total[answered]
    low, aim = np.zeros_like(high), _rarefied(t, high) - tolerance - ROUNDING
    while (
        high - low > 1
    ).any():  # the curve never falls, as entropy is concave: low misses the aim, high is within
        middle = (low + high + 1) // 2
        within = _rarefied(t, middle) >= aim
        low, high = np.where(within, low, middle), np.where(within, middle, high)
    found = np.full(total.shape, -1, np.int64)
    found[answered] = high
    return found


class Guesses(NamedTuple):
    """Two guesses of the N at which the plug-in H(T) is within the tolerance, where the sample
    itself cannot tell."""

    chao1: np.ndarray  # [...] from the number of patterns there are at least
    units: np.ndarray  # [...] from the number of units; inf past the range of floats


def guesses(t: Spectrum, d, tolerance: float = TOLERANCE) -> Guesses:
    """(Chao1 - 1)/(2 tolerance ln 2) and (2**d / d)**2, for d units ([] or [...]); NaN where
    nothing was counted.

    Chao1 = K + f1**2/(2 f2), or K + f1 (f1 - 1)/2 if f2 = 0, bounds the number of patterns from
    below and is put into Miller-Madow's correction. Without units there is one pattern: d = 0 gives
    1. Source: Chao 1984.
    """
    n, k, f1, f2 = (number.astype(np.float64) for number in _sightings(_checked(t)))
    d = np.broadcast_to(np.asarray(d, np.float64), n.shape)
    if (d < 0).any() or not tolerance > 0:
        raise ValueError(
            f"expected d >= 0 units and a tolerance > 0, got {d.min():g} and {tolerance:g}"
        )
    patterns = k + np.where(f2 > 0, f1**2 / (2 * np.maximum(f2, 1)), f1 * (f1 - 1) / 2)
    with np.errstate(over="ignore"):
        units = np.exp2(2 * (d - np.log2(np.maximum(d, 1))))
    chao1 = (patterns - 1) / (2 * tolerance * NATS_PER_BIT)
    return Guesses(np.where(n > 0, chao1, np.nan), np.where(n > 0, units, np.nan))


def expected_plugin(p, n: int, number=None) -> float:
    """The expected plug-in entropy of n draws from a known distribution p [K], bits, exact.

    sum_i number_i sum_k Binomial(k; n, p_i) (-(k/n) log2(k/n)); `number` [K] patterns share each p
    (default 1). ValueError unless n >= 1 and sum(number p) = 1. Source: Paninski 2003.
    """
    p = np.asarray(p, np.float64)
    number = np.ones_like(p) if number is None else np.asarray(number, np.float64)
    if (
        p.ndim != 1
        or p.shape != number.shape
        or (p < 0).any()
        or not abs(np.sum(p * number) - 1) < 1e-9
    ):
        raise ValueError(
            f"expected p [K] >= 0 and number [K] with sum(number p) = 1, got {p.shape} and {number.shape}"
        )
    if n < 1 or n != int(n):
        raise ValueError(f"expected n >= 1 draws, got {n}")
    p, number, n = p[p > 0], number[p > 0], int(n)
    p, where = np.unique(p, return_inverse=True)
    number = np.bincount(where, number)
    low, high = np.zeros(p.shape, np.int64), np.full(p.shape, n)

    def ratio(k, i):
        return (n - k) * p[i] / ((k + 1) * np.maximum(1 - p[i], 1e-300))

    of_pattern = _mean_k_log_k(n * p, n * p * (1 - p), low, high, ratio)
    return float(np.sum(number * p) * np.log2(n) - np.sum(number * of_pattern) / n)


def _checked(t):
    """The spectrum as int64 numpy arrays [..., M]."""
    a, number = np.asarray(t.multiplicity), np.asarray(t.number)
    if (
        a.ndim < 1
        or a.shape != number.shape
        or a.dtype.kind not in "iu"
        or number.dtype.kind not in "iu"
    ):
        raise ValueError(
            f"expected a spectrum of whole numbers [..., M], got {a.shape} and {number.shape}"
        )
    return Spectrum(a.astype(np.int64), number.astype(np.int64))


def _whole(what, values, least):
    v = np.asarray(values)
    if v.ndim != 1 or (v.size and (v.dtype.kind not in "iu" or v.min() < least)):
        raise ValueError(
            f"expected whole {what}, got {v.dtype} {v.shape}{f' from {v.min()}' if v.size else ''}"
        )
    return v.astype(np.int64)


def _sightings(t):
    """N, K, f1, f2: examples, patterns seen, patterns seen once, patterns seen twice; int64 [...]
    each."""
    a, number = t
    return np.stack([(number * w).sum(axis=-1) for w in (a, a > 0, a == 1, a == 2)])


def _coverages(seen):
    """Good-Turing, 1 - f1/N, and Chao & Jost 2012 eq. 4a, 1 - (f1/N) (N-1) f1/((N-1) f1 + 2 f2).

    f2 = 0: f1 - 1 in place of f1 and 1 in place of f2 in the last quotient.
    """
    n, _, f1, f2 = seen
    ones, twos = np.where(f2 > 0, [f1, f2], [f1 - 1, np.ones_like(f2)])
    ones = (n - 1) * np.maximum(ones, 0)
    unseen = np.where(n > 0, f1 / np.maximum(n, 1), np.nan)
    return 1 - unseen, 1 - unseen * ones / (ones + 2 * twos)


def _delta_method(t, n, plugin):
    """sqrt((sum p log2**2 p - H**2)/N), bits [...]. Source: Antos & Kontoyiannis 2001."""
    p = t.multiplicity / np.maximum(n, 1)[..., None]
    second = np.sum(t.number * p * np.log2(np.where(p > 0, p, 1)) ** 2, axis=-1)
    return np.sqrt(np.maximum(0, second - plugin**2) / np.maximum(n, 1))


def _rarefied(t, n):
    """The expected plug-in entropy of n [...] of each spectrum's examples, bits [...]; 0 where n is
    0."""
    total = np.broadcast_to(
        np.sum(t.multiplicity * t.number, axis=-1, keepdims=True), t.number.shape
    )
    drawn = np.broadcast_to(np.asarray(n)[..., None], t.number.shape)
    there, mean = t.number > 0, np.zeros(t.number.shape)
    mean[there] = _mean_drawn(total[there], t.multiplicity[there], drawn[there])
    n = np.maximum(n, 1)
    return np.maximum(0, np.log2(n) - np.sum(t.number * mean, axis=-1) / n)


def _mean_drawn(total, marked, drawn):
    """The mean of k log2 k, k ~ Hypergeometric of `drawn` out of `total` with `marked`: each triple
    computed once."""
    triples = [np.unique(v, return_inverse=True) for v in (total, marked, drawn)]
    room = [max(1, v.size) for v, _ in triples]
    keys, where = np.unique(
        np.ravel_multi_index([i.ravel() for _, i in triples], room), return_inverse=True
    )
    n, a, b = (
        v[i].astype(np.float64)
        for (v, _), i in zip(triples, np.unravel_index(keys, room), strict=True)
    )

    def ratio(k, i):
        return (a[i] - k) * (b[i] - k) / ((k + 1) * (n[i] - a[i] - b[i] + k + 1))

    mean = a * b / n
    variance = mean * (1 - b / n) * (n - a) / np.maximum(n - 1, 1)
    return _mean_k_log_k(mean, variance, np.maximum(0, a + b - n), np.minimum(a, b), ratio)[
        where
    ].reshape(total.shape)


def _mean_k_log_k(mean, variance, low, high, ratio):
    """The mean of k log2 k under P laws on low..high; ratio(k, i) = P(k + 1)/P(k) of the laws i.
    All [P].

    Bernstein's inequality, which holds for both laws here, leaves a mass below 2 exp(-42) = 1.2e-18
    outside the cells.
    """
    reach = 14 + np.sqrt(196 + 84 * variance)
    low = np.maximum(low, np.floor(mean - reach))
    width = np.minimum(high, np.ceil(mean + reach)) - low + 1
    found, order, done = np.zeros(len(mean)), np.argsort(width), 0
    while done < len(order):  # narrow laws first, so that the laws of a block are about as wide
        n_rows = max(
            1, np.searchsorted(width[order[done:]] * np.arange(1, len(order) - done + 1), BLOCK)
        )
        i = order[done : done + n_rows]
        found[i] = _block(low[i], width[i], ratio, i[:, None])
        done += n_rows
    return found


def _block(low, width, ratio, i):
    k = low[:, None] + np.arange(width.max())
    inside = np.arange(width.max()) < width[:, None]
    step = np.log(np.where(inside[:, 1:], ratio(k[:, :-1], i), 1))
    log_p = np.cumsum(np.pad(step, ((0, 0), (1, 0))), axis=1)
    p = np.exp(log_p - log_p.max(axis=1, keepdims=True)) * inside
    return np.sum(p * k * np.log2(np.maximum(k, 1)), axis=1) / np.sum(p, axis=1)
