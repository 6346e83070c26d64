"""Entropies in bits from counts of patterns, or from counts of counts: float64, numpy.

Every function takes Counts, or a Spectrum with leaves [..., M], and gives a float, or an array
[...]. It is NaN where nothing was counted and where Counts are not certified. In the formulas: c
how often a pattern was seen, sums over patterns seen; N = sum c; p = c/N; K patterns seen; m
patterns possible; f1, f2 patterns seen once, twice.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from scipy.special import psi, xlog1py, xlogy

from jaxbnn.info.counting import Counts
from jaxbnn.info.dirichlet_posterior import posterior_moments
from jaxbnn.info.entropy import NATS_PER_BIT
from jaxbnn.info.spectrum import Spectrum

Sample = Counts | Spectrum
Bits = float | Float64[np.ndarray, "..."]


def plugin(sample: Sample) -> Bits:
    """-sum p log2 p, the entropy of the sample itself; from 0 to log2 K.

    Args:
        sample: counts, or spectra [..., M].

    Returns:
        Bits [...].
    """
    c, k, n = _table(sample)
    return _answer(np.abs(np.sum(k * c / n * np.log2(c / n), axis=0)), n)


def miller_madow(sample: Sample) -> Bits:
    """plug-in + (K - 1)/(2 N ln 2). Source: Miller 1955.

    Args:
        sample: counts, or spectra [..., M].

    Returns:
        Bits [...].
    """
    _, k, n = _table(sample)
    return _answer(plugin(sample) + (np.sum(k, axis=0) - 1) / (2 * n * NATS_PER_BIT), n)


def harris(sample: Sample) -> Bits:
    """Miller-Madow - (1 - sum 1/p)/(12 N^2 ln 2); explodes when patterns are rare. Source: Harris
    1975.

    Args:
        sample: counts, or spectra [..., M].

    Returns:
        Bits [...].
    """
    c, k, n = _table(sample)
    second = (1 - n * np.sum(k / c, axis=0)) / (12 * n**2 * NATS_PER_BIT)
    return _answer(miller_madow(sample) - second, n)


def grassberger(sample: Sample) -> Bits:
    """(ln N - sum p G(c))/ln 2, G(2j) = G(2j + 1) = psi(j + 1/2) + ln 2. Source: Grassberger 2003.

    Args:
        sample: counts, or spectra [..., M].

    Returns:
        Bits [...].
    """
    c, k, n = _table(sample)
    g = psi(c // 2 + 0.5) + NATS_PER_BIT
    return _answer(np.sum(k * c / n * (np.log(n) - g), axis=0) / NATS_PER_BIT, n)


def chao_shen(sample: Sample) -> Bits:
    """-sum q log2 q / (1 - (1 - q)^N) with q = C p and C = 1 - f1/N, where f1 = N counts as N - 1.
    Source: Chao & Shen 2003.

    Args:
        sample: counts, or spectra [..., M].

    Returns:
        Bits [...].
    """
    c, k, n = _table(sample)
    once = _n_seen(1, c, k)
    q = (1 - np.where(once == n, n - 1, once) / n) * c / n
    return _answer(np.sum(k * q * np.log2(q) / np.expm1(xlog1py(n, -q)), axis=0), n)


def chao_wang_jost(sample: Sample) -> Bits:
    """[sum p (psi(N) - psi(c)) + f1/N sum_{r>=N} (1-A)^(r-N+1)/r] / ln 2.

    A = 2 f2/((N-1) f1 + 2 f2) if f2 > 0, 2/((N-1)(f1-1) + 2) if f2 = 0 < f1, else 1. The second sum
    is Chao, Wang & Jost's (1-A)^(1-N) [-ln A - sum_{r<N} (1-A)^r/r] without its cancellation.
    Source: Chao, Wang & Jost 2013.

    Args:
        sample: counts, or spectra [..., M].

    Returns:
        Bits [...].
    """
    c, k, n = _table(sample)
    once, twice = _n_seen(1, c, k), _n_seen(2, c, k)
    doubles = np.where(twice > 0, 2 * twice, 2)
    singles = (n - 1) * np.where(twice > 0, once, np.maximum(once - 1, 0))
    a, x = doubles / (singles + doubles), singles / (singles + doubles)
    unseen = once / n * _log_tail(a, x, n)
    seen = np.sum(k * c / n * (psi(n) - psi(c)), axis=0)
    return _answer((seen + unseen) / NATS_PER_BIT, n)


def jackknife(sample: Sample) -> Bits:
    """N H - (N-1)/N sum c H(one c less by 1), H the plug-in. Source: Zahl 1977.

    It equals sum p (d(N) - d(c)) with d(c) = c log2 c - (c-1) log2 (c-1).

    Args:
        sample: counts, or spectra [..., M].

    Returns:
        Bits [...].
    """
    c, k, n = _table(sample)
    return _answer(np.sum(k * c / n * (_last_step(n) - _last_step(c)), axis=0) / NATS_PER_BIT, n)


def james_stein(sample: Sample, m: int) -> Bits:
    """-sum q log2 q over all m cells, q = lam/m + (1 - lam) p.

    lam = (1 - sum p^2)/((N-1) sum (1/m - p)^2) over all m cells, at most 1. Source: Hausser &
    Strimmer 2009.

    Args:
        sample: counts, or spectra [..., M].
        m: patterns possible.

    Returns:
        Bits [...].

    Raises:
        ValueError: m is below 1 or below K.
        TypeError: m is no integer.
    """
    c, k, n = _table(sample)
    _check_alphabet(m, k)
    p, uniform = c / n, 1 / int(m)
    unseen = 1 - np.sum(k, axis=0) * uniform
    spread = (n - 1) * (np.sum(k * (p - uniform) ** 2, axis=0) + unseen * uniform)
    variance = np.sum(k * p * (1 - p), axis=0)
    lam = np.minimum(np.where(spread > 0, variance / np.where(spread > 0, spread, 1), 1), 1)
    q = lam * uniform + (1 - lam) * p
    nats = unseen * (lam * math.log(m) - xlogy(lam, lam)) - np.sum(k * xlogy(q, q), axis=0)
    return _answer(np.abs(nats) / NATS_PER_BIT, n)


class Posterior(NamedTuple):
    """What is believed of an entropy after the counts."""

    mean: Bits
    sd: Bits  # posterior standard deviation, in bits


def nsb(sample: Sample, m: int) -> Posterior:
    """Posterior mean and standard deviation under a mixture of Dirichlet(b, ..., b) over m cells.

    The prior is flat in xi(b) = psi(m b + 1) - psi(b + 1), the entropy expected at b, from 0 to ln
    m. It is proper, so all of b is integrated over: where the sample says little the posterior is
    wide, not undefined. Weight of b: Gamma(m b)/Gamma(N + m b) prod Gamma(c + b)/Gamma(b) dxi/db.
    Source: Nemenman, Shafee & Bialek 2002; moments: Wolpert & Wolf 1995.

    Args:
        sample: counts, or spectra [..., M].
        m: patterns possible, of any size.

    Returns:
        Bits [...].

    Raises:
        ValueError: m is below 1 or below K.
        TypeError: m is no integer.
    """
    c, k, n = _table(sample)
    _check_alphabet(m, k)
    moments = np.empty((n.size, 2))
    for i, (c_i, k_i) in enumerate(zip(_points(c), _points(k), strict=True)):
        moments[i] = posterior_moments(c_i[k_i > 0], k_i[k_i > 0], int(m))
    mean, sd = (moments / NATS_PER_BIT).T
    return Posterior(_answer(mean.reshape(n.shape), n), _answer(sd.reshape(n.shape), n))


def nsb_mean(sample: Sample, m: int) -> Bits:
    """The mean of `nsb`.

    Args:
        sample: counts, or spectra [..., M].
        m: patterns possible, of any size.

    Returns:
        Bits [...].

    Raises:
        ValueError: m is below 1 or below K.
        TypeError: m is no integer.
    """
    return nsb(sample, m).mean


ESTIMATORS: dict[str, Callable[[Sample], Bits]] = {
    "plugin": plugin,
    "miller_madow": miller_madow,
    "harris": harris,
    "grassberger": grassberger,
    "chao_shen": chao_shen,
    "chao_wang_jost": chao_wang_jost,
    "jackknife": jackknife,
}
WITH_ALPHABET: dict[str, Callable[[Sample, int], Bits]] = {
    "james_stein": james_stein,
    "nsb": nsb_mean,
}


def information_error(t: Counts, ty: Counts) -> float:
    """The standard error of the plug-in I(T;Y) by the delta method.

    sqrt((mean l^2 - (mean l)^2) / N), l = log2(N c_ty / (c_t c_y)) of each row.

    Args:
        t: counts of T as `counting.count` gives them.
        ty: counts of (T, Y) from the same call.

    Returns:
        Bits.
    """
    c_ty = np.asarray(ty.row, np.float64)
    c_t = np.asarray(t.row, np.float64)
    c_y = np.asarray(ty.label, np.float64)
    ratio = np.log2(c_ty / c_t) - np.log2(c_y / len(c_y))
    return float(np.std(ratio) / np.sqrt(len(c_y)))


def _table(sample: Sample) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """c [M, ...] and how many patterns were seen so often, k [M, ...]; N [...], NaN for none."""
    # M stands first, so that N [...] broadcasts. Padding becomes no patterns seen once: no formula
    # needs a mask.
    if isinstance(sample, Counts):
        histogram = np.asarray(sample.count)
        histogram = histogram[(histogram > 0) & bool(sample.certified)]
        sample = Spectrum(*np.unique(histogram, return_counts=True))
    k = np.moveaxis(np.asarray(sample.number, np.float64), -1, 0)
    c = np.where(k > 0, np.moveaxis(np.asarray(sample.multiplicity, np.float64), -1, 0), 1)
    n = np.sum(k * c, axis=0)
    return c, k, np.where(n > 0, n, np.nan)


def _points(leaf: np.ndarray) -> np.ndarray:
    """[M, ...] as [P, M], P points."""
    return leaf.reshape(len(leaf), math.prod(leaf.shape[1:])).T


def _answer(bits: np.ndarray, n: np.ndarray) -> Bits:
    bits = np.where(np.isnan(n), np.nan, bits)
    return bits if bits.ndim else float(bits)


def _n_seen(times: int, c: np.ndarray, k: np.ndarray) -> np.ndarray:
    """How many patterns were seen so many times."""
    return np.sum(k * (c == times), axis=0)


def _check_alphabet(m: object, k: np.ndarray) -> None:
    if not isinstance(m, int | np.integer):
        raise TypeError(f"expected the alphabet size m as an int, got {m!r}")
    smallest = max(1, int(np.max(np.sum(k, axis=0), initial=0)))
    if m < smallest:
        raise ValueError(
            f"expected an alphabet of m >= {smallest} patterns, the number seen, got {m}"
        )


def _last_step(c: np.ndarray) -> np.ndarray:
    # c ln c - (c-1) ln (c-1), which for large c is the difference of two huge numbers
    return np.log(c) - xlog1py(c - 1, -1 / c)


def _log_tail(a: np.ndarray, x: np.ndarray, n: np.ndarray) -> np.ndarray:
    # sum_{r>=n} x^(r-n+1)/r with x = 1 - a is the integral over v > 0 of e^-v (x/n)/(1 - x
    # e^(-v/n)). In log v it is analytic within pi/2 of the real line: the trapezoid rule at this
    # step is good to e^(-pi^2/0.2).
    step = 0.2
    v = np.exp(step * np.arange(-300, 34)).reshape(-1, *[1] * n.ndim)
    return step * np.sum(v * np.exp(-v) * (x / n) / (a - x * np.expm1(-v / n)), axis=0)
