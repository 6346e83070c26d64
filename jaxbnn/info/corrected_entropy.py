"""Entropies in bits from counts of patterns, or from counts of counts, on the host: float64.

Every function takes Counts, or a Spectrum with leaves [..., M], and gives a float, or an array
[...]. It is NaN where nothing was counted and where Counts are not exact. In the formulas: c how
often a pattern was seen, sums over patterns seen; N = sum c; p = c/N; K patterns seen; m patterns
possible; f1, f2 patterns seen once, twice.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, logsumexp, psi, xlog1py, xlogy, zeta

from jaxbnn.info.counting import Counts
from jaxbnn.info.entropy import NATS_PER_BIT
from jaxbnn.info.spectrum import Spectrum

Bits = float | np.ndarray


def plugin(of: Counts | Spectrum) -> Bits:
    """-sum p log2 p, the entropy in bits of the sample itself; from 0 to log2 K."""
    c, k, n = _table(of)
    return _answer(np.abs(np.sum(k * c / n * np.log2(c / n), axis=0)), n)


def miller_madow(of: Counts | Spectrum) -> Bits:
    """plug-in + (K - 1)/(2 N ln 2), in bits. Source: Miller 1955."""
    _, k, n = _table(of)
    return _answer(plugin(of) + (np.sum(k, axis=0) - 1) / (2 * n * NATS_PER_BIT), n)


def harris(of: Counts | Spectrum) -> Bits:
    """Miller-Madow - (1 - sum 1/p)/(12 N^2 ln 2), in bits; explodes when patterns are rare. Source:
    Harris 1975."""
    c, k, n = _table(of)
    return _answer(
        miller_madow(of) - (1 - n * np.sum(k / c, axis=0)) / (12 * n**2 * NATS_PER_BIT), n
    )


def grassberger(of: Counts | Spectrum) -> Bits:
    """(ln N - sum p G(c))/ln 2 bits, G(2j) = G(2j + 1) = psi(j + 1/2) + ln 2. Source: Grassberger
    2003."""
    c, k, n = _table(of)
    g = psi(c // 2 + 0.5) + NATS_PER_BIT
    return _answer(np.sum(k * c / n * (np.log(n) - g), axis=0) / NATS_PER_BIT, n)


def chao_shen(of: Counts | Spectrum) -> Bits:
    """-sum q log2 q / (1 - (1 - q)^N) bits with q = C p and C = 1 - f1/N, where f1 = N counts as N
    - 1.

    Source: Chao & Shen 2003.
    """
    c, k, n = _table(of)
    once = _seen(1, c, k)
    q = (1 - np.where(once == n, n - 1, once) / n) * c / n
    return _answer(np.sum(k * q * np.log2(q) / np.expm1(xlog1py(n, -q)), axis=0), n)


def chao_wang_jost(of: Counts | Spectrum) -> Bits:
    """[sum p (psi(N) - psi(c)) + f1/N sum_{r>=N} (1-A)^(r-N+1)/r] / ln 2 bits.

    A = 2 f2/((N-1) f1 + 2 f2) if f2 > 0, 2/((N-1)(f1-1) + 2) if f2 = 0 < f1, else 1. The second sum
    is Chao, Wang & Jost's (1-A)^(1-N) [-ln A - sum_{r<N} (1-A)^r/r] without its cancellation.
    Source: Chao, Wang & Jost 2013.
    """
    c, k, n = _table(of)
    once, twice = _seen(1, c, k), _seen(2, c, k)
    doubles = np.where(twice > 0, 2 * twice, 2)
    singles = (n - 1) * np.where(twice > 0, once, np.maximum(once - 1, 0))
    unseen = once / n * _log_tail(doubles / (singles + doubles), singles / (singles + doubles), n)
    return _answer((np.sum(k * c / n * (psi(n) - psi(c)), axis=0) + unseen) / NATS_PER_BIT, n)


def jackknife(of: Counts | Spectrum) -> Bits:
    """N H - (N-1)/N sum c H(one c less by 1), H the plug-in, in bits. Source: Zahl 1977.

    It equals sum p (d(N) - d(c)) with d(c) = c log2 c - (c-1) log2 (c-1).
    """
    c, k, n = _table(of)
    return _answer(np.sum(k * c / n * (_last_step(n) - _last_step(c)), axis=0) / NATS_PER_BIT, n)


def james_stein(of: Counts | Spectrum, m: int) -> Bits:
    """-sum q log2 q bits over all m cells, q = lam/m + (1 - lam) p.

    lam = (1 - sum p^2)/((N-1) sum (1/m - p)^2) over all m cells, at most 1. ValueError if m is
    below 1 or below K. Source: Hausser & Strimmer 2009.
    """
    c, k, n = _table(of)
    _check_alphabet(m, k)
    p, each = c / n, 1 / int(m)
    unseen = 1 - np.sum(k, axis=0) * each
    spread = (n - 1) * (np.sum(k * (p - each) ** 2, axis=0) + unseen * each)
    lam = np.where(spread > 0, np.sum(k * p * (1 - p), axis=0) / np.where(spread > 0, spread, 1), 1)
    lam = np.minimum(lam, 1)
    q = lam * each + (1 - lam) * p
    nats = unseen * (lam * math.log(m) - xlogy(lam, lam)) - np.sum(k * xlogy(q, q), axis=0)
    return _answer(np.abs(nats) / NATS_PER_BIT, n)


class Posterior(NamedTuple):
    """What is believed of an entropy after the counts."""

    mean: Bits
    sd: Bits  # posterior standard deviation, in bits


def nsb(of: Counts | Spectrum, m: int) -> Posterior:
    """Posterior mean and standard deviation in bits under a mixture of Dirichlet(b, ..., b) over m
    cells.

    The prior is flat in xi(b) = psi(m b + 1) - psi(b + 1), the entropy expected at b, from 0 to ln
    m. It is proper, so all of b is integrated over: where the sample says little the posterior is
    wide, not undefined. Weight of b: Gamma(m b)/Gamma(N + m b) prod Gamma(c + b)/Gamma(b) dxi/db; m
    may be any size, all is done in log b. ValueError if m is below 1 or below K. Source: Nemenman,
    Shafee & Bialek 2002; moments: Wolpert & Wolf 1995.
    """
    c, k, n = _table(of)
    _check_alphabet(m, k)
    points = zip(c.reshape(len(c), n.size).T, k.reshape(len(k), n.size).T, strict=True)
    found = np.reshape([_nsb_of_one(c[k > 0], k[k > 0], int(m)) for c, k in points], (n.size, 2))
    mean, sd = (_answer(nats.reshape(n.shape) / NATS_PER_BIT, n) for nats in found.T)
    return Posterior(mean, sd)


def nsb_mean(of: Counts | Spectrum, m: int) -> Bits:
    """The mean of `nsb`, in bits."""
    return nsb(of, m).mean


ESTIMATORS: dict[str, Callable[[Counts | Spectrum], Bits]] = {
    "plugin": plugin,
    "miller_madow": miller_madow,
    "harris": harris,
    "grassberger": grassberger,
    "chao_shen": chao_shen,
    "chao_wang_jost": chao_wang_jost,
    "jackknife": jackknife,
}
WITH_ALPHABET: dict[str, Callable[[Counts | Spectrum, int], Bits]] = {
    "james_stein": james_stein,
    "nsb": nsb_mean,
}


def information_error(t: Counts, ty: Counts) -> float:
    """The standard error in bits of the plug-in I(T;Y) by the delta method, of counts as
    `counts.count` gives them.

    sqrt((mean l^2 - (mean l)^2) / N), l = log2(N c_ty / (c_t c_y)) of each row.
    """
    c_ty, c_t, c_y = (np.asarray(row, np.float64) for row in (ty.row, t.row, ty.label))
    return float(np.std(np.log2(c_ty / c_t) - np.log2(c_y / len(c_y))) / np.sqrt(len(c_y)))


def _table(of):
    # M stands first, so that N [...] broadcasts. Padding becomes no patterns seen once: no formula
    # needs a mask.
    if isinstance(of, Counts):
        histogram = np.asarray(of.count)
        of = Spectrum(
            *np.unique(histogram[(histogram > 0) & bool(of.certified)], return_counts=True)
        )
    k = np.moveaxis(np.asarray(of.number, np.float64), -1, 0)
    c = np.where(k > 0, np.moveaxis(np.asarray(of.multiplicity, np.float64), -1, 0), 1)
    n = np.sum(k * c, axis=0)
    return c, k, np.where(n > 0, n, np.nan)


def _answer(bits, n) -> Bits:
    bits = np.where(np.isnan(n), np.nan, bits)
    return bits if bits.ndim else float(bits)


def _seen(times, c, k):
    return np.sum(k * (c == times), axis=0)


def _check_alphabet(m, k):
    most = int(np.max(np.sum(k, axis=0), initial=0))
    if not isinstance(m, int | np.integer):
        raise TypeError(f"expected the alphabet size m as an int, got {m!r}")
    if m < max(1, most):
        raise ValueError(
            f"expected an alphabet of m >= {max(1, most)} patterns, the number seen, got {m}"
        )


def _last_step(c):
    # c ln c - (c-1) ln (c-1), which for large c is the difference of two huge numbers
    return np.log(c) - xlog1py(c - 1, -1 / c)


def _log_tail(a, x, n):
    # sum_{r>=n} x^(r-n+1)/r with x = 1 - a is the integral over v > 0 of e^-v (x/n)/(1 - x
    # e^(-v/n)). In log v it is analytic within pi/2 of the real line: the trapezoid rule at this
    # step is good to e^(-pi^2/0.2).
    step = 0.2
    v = np.exp(step * np.arange(-300, 34)).reshape(-1, *[1] * n.ndim)
    return step * np.sum(v * np.exp(-v) * (x / n) / (a - x * np.expm1(-v / n)), axis=0)


DROP = 40.0  # nats below its peak at which the weight of log b is left out
HUGE = 200.0  # log of m b, beyond which m b only enters by its log
STIRLING = 16.0  # from here on the asymptotic series below are good to 1e-14


def _nsb_of_one(c, k, m):
    if c.size == 0 or m == 1:
        return (math.nan, math.nan) if c.size == 0 else (0.0, 0.0)
    n, log_m = float(k @ c), math.log(m)

    def log_weight(log_b):
        likelihood = k @ _log_rising(log_b, c[:, None]) - _log_rising(log_b + log_m, n)
        return likelihood + np.log(_prior(log_b, log_m))

    # The weight falls as m b below m b = 1/ln N, and as 1/b above m b = N^2: the likelihood is
    # level there.
    log_b, weight = _nodes(log_weight, -log_m - DROP - 5, DROP + 5 + 2 * math.log(n))
    mean, variance = _dirichlet_moments(log_b, c, k, m)
    best = weight @ mean
    return best, math.sqrt(weight @ (variance + (mean - best) ** 2))


def _dirichlet_moments(log_b, c, k, m):
    # With a = c + b in each cell, A = sum a and p = a/A: E[H] = psi(A+1) - sum p psi(a+1), and
    # Wolpert & Wolf's E[H^2] leaves Var[H] = [var_p psi(a+1) + sum p (a+1) psi1(a+1)]/(A+1) -
    # psi1(A+1), in which nothing large cancels.
    b, (a_all, excess) = np.exp(log_b), _exp(log_b + math.log(m))
    total = k @ c + a_all
    seen = k[:, None] * (c[:, None] + b) / total
    p = np.vstack([seen, (m - int(k.sum())) / m * a_all / total])
    a = np.append(c, 0)[:, None] + b
    digamma = psi(a + 1)
    average = np.sum(p * digamma, axis=0)
    spread = np.sum(p * ((digamma - average) ** 2 + (a + 1) * zeta(2, a + 1)), axis=0)
    return psi(total + 1) + excess - average, np.maximum(
        spread / (total + 1) - zeta(2, total + 1), 0
    )


def _nodes(log_weight, low, high):
    # Where the weight of log b lies, and that weight, normalised. The likelihood varies on a scale
    # of 1 in log b or is level, so steps of 1 miss no peak. The trapezoid rule converges
    # exponentially: once halving the step changes 1e-8, far less is left. More than five halvings
    # can only chase the rounding of a sum of N logs.
    x = np.linspace(low, high, math.ceil(high - low) + 1)
    y = log_weight(x)
    while True:
        inside = np.flatnonzero(y > y.max() - DROP)
        first, last = max(inside[0] - 1, 0), min(inside[-1] + 1, len(x) - 1)
        if last - first >= 16:
            break
        x = np.linspace(x[first], x[last], 33)
        y = log_weight(x)
    x, y = x[first : last + 1], y[first : last + 1]
    for _ in range(5):
        before = float(logsumexp(y)) + math.log(2)
        finer = np.insert(x, slice(1, None), (x[1:] + x[:-1]) / 2)
        y = np.insert(y, slice(1, None), log_weight(finer[1::2]))
        x = finer
        if abs(float(logsumexp(y)) - before) < 1e-8:
            break
    inside = y > y.max() - DROP
    weight = np.exp(
        y[inside] - y.max()
    )  # not over its logsumexp, whose rounding at -1e6 is not small
    return x[inside], weight / weight.sum()


def _log_rising(log_x, n):
    # ln Gamma(x + n)/Gamma(x) - n ln x; the powers of b and m b that it leaves out make up the
    # constant m^-N
    x, _ = _exp(log_x)
    low, high = x < STIRLING, x >= STIRLING
    rising = np.empty(np.broadcast_shapes(np.shape(n), x.shape))
    y = x[low]
    rising[..., low] = gammaln(y + n) - gammaln(y + 1) - (n - 1) * log_x[low]
    y = x[high]
    rising[..., high] = (y + n - 0.5) * np.log1p(n / y) - n + _stirling(y + n) - _stirling(y)
    return rising


def _stirling(x):
    y = 1 / x
    return y * (1 / 12 - y**2 * (1 / 360 - y**2 * (1 / 1260 - y**2 / 1680)))


def _prior(log_b, log_m):
    # dxi/dlog b, the difference of x psi1(x+1) at m b and b: both near 0 for small b, both near 1
    # for large
    b, (a, _) = np.exp(log_b), _exp(log_b + log_m)
    return np.where(a < 1, a * zeta(2, a + 1) - b * zeta(2, b + 1), _below_one(b) - _below_one(a))


def _below_one(x):
    # 1 - x psi1(x+1)
    y = 1 / np.maximum(x, STIRLING)
    series = y / 2 - y**2 * (
        1 / 6 - y**2 * (1 / 30 - y**2 * (1 / 42 - y**2 * (1 / 30 - y**2 * 5 / 66)))
    )
    return np.where(x < STIRLING, 1 - x * zeta(2, x + 1), series)


def _exp(log_x):
    held = np.minimum(log_x, HUGE)
    return np.exp(held), log_x - held
