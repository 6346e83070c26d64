"""The entropy of a mixture of Dirichlet distributions after the counts, float64, nats: what
`corrected_entropy.nsb` integrates.

Of N examples k [K] patterns each were seen c [K] times, of m possible. The weight of Dirichlet(b,
..., b) is Gamma(m b)/Gamma(N + m b) prod Gamma(c + b)/Gamma(b) dxi/db, xi(b) = psi(m b + 1) -
psi(b + 1). Everything is done in log b, so that m may have any size.
Source: Nemenman, Shafee & Bialek 2002; moments: Wolpert & Wolf 1995.
"""

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Float64
from scipy.special import gammaln, logsumexp, psi, zeta

MIN_LOG_WEIGHT = 40.0  # nats below its peak at which the weight of log b is left out
MAX_LOG = 200.0  # log of m b, beyond which m b only enters by its log
MIN_ASYMPTOTIC = 16.0  # from here on the asymptotic series below are good to 1e-14
MIN_NODES = 16
MAX_HALVINGS = 5
MAX_CHANGE = 1e-8  # of the log of the integral, by halving the step once more

LogWeight = Callable[[np.ndarray], np.ndarray]


def posterior_moments(
    c: Float64[np.ndarray, " k"], k: Float64[np.ndarray, " k"], m: int
) -> tuple[float, float]:
    """Mean and standard deviation of the entropy after the counts.

    Args:
        c: multiplicities, at least 1 [K].
        k: patterns seen so often [K].
        m: patterns possible, at least sum(k).

    Returns:
        Both in nats; NaN where nothing was counted, 0 where one pattern is possible.
    """
    if c.size == 0:
        return math.nan, math.nan
    if m == 1:
        return 0.0, 0.0
    log_b, weight = _nodes_of_mixture(c, k, m)
    mean, variance = _dirichlet_moments(log_b, c, k, m)
    best = float(weight @ mean)
    return best, math.sqrt(weight @ (variance + (mean - best) ** 2))


def _nodes_of_mixture(c: np.ndarray, k: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Values of log b and their weights, which sum to 1."""
    n, log_m = float(k @ c), math.log(m)

    def log_weight(log_b: np.ndarray) -> np.ndarray:
        likelihood = k @ _log_rising(log_b, c[:, None]) - _log_rising(log_b + log_m, n)
        return likelihood + np.log(_prior(log_b, log_m))

    # The weight falls as m b below m b = 1/ln N, and as 1/b above m b = N^2: the likelihood is
    # level there.
    low, high = -log_m - MIN_LOG_WEIGHT - 5, MIN_LOG_WEIGHT + 5 + 2 * math.log(n)
    x, y = _peak(log_weight, low, high)
    x, y = _refined(log_weight, x, y)
    inside = y > y.max() - MIN_LOG_WEIGHT
    # Not over its logsumexp, whose rounding at -1e6 is not small.
    weight = np.exp(y[inside] - y.max())
    return x[inside], weight / weight.sum()


def _dirichlet_moments(
    log_b: np.ndarray, c: np.ndarray, k: np.ndarray, m: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the entropy for each b."""
    # With a = c + b in each cell, A = sum a and p = a/A: E[H] = psi(A+1) - sum p psi(a+1), and
    # Wolpert & Wolf's E[H^2] leaves Var[H] = [var_p psi(a+1) + sum p (a+1) psi1(a+1)]/(A+1) -
    # psi1(A+1), in which nothing large cancels.
    b = np.exp(log_b)
    a_all, excess = _exp(log_b + math.log(m))
    total = k @ c + a_all
    seen = k[:, None] * (c[:, None] + b) / total
    p = np.vstack([seen, (m - int(k.sum())) / m * a_all / total])
    a = np.append(c, 0)[:, None] + b
    digamma = psi(a + 1)
    average = np.sum(p * digamma, axis=0)
    spread = np.sum(p * ((digamma - average) ** 2 + (a + 1) * zeta(2, a + 1)), axis=0)
    variance = np.maximum(spread / (total + 1) - zeta(2, total + 1), 0)
    return psi(total + 1) + excess - average, variance


def _peak(log_weight: LogWeight, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Evenly spaced log b over what weighs anything, at least MIN_NODES, and the log weights."""
    # The likelihood varies on a scale of 1 in log b or is level, so steps of 1 miss no peak.
    x = np.linspace(low, high, math.ceil(high - low) + 1)
    y = log_weight(x)
    while True:
        inside = np.flatnonzero(y > y.max() - MIN_LOG_WEIGHT)
        first, last = max(inside[0] - 1, 0), min(inside[-1] + 1, len(x) - 1)
        if last - first >= MIN_NODES:
            return x[first : last + 1], y[first : last + 1]
        x = np.linspace(x[first], x[last], 2 * MIN_NODES + 1)
        y = log_weight(x)


def _refined(log_weight: LogWeight, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same nodes with others between them, until the integral stands."""
    # The trapezoid rule converges exponentially: once halving the step changes 1e-8, far less is
    # left. More than five halvings can only chase the rounding of a sum of N logs.
    for _ in range(MAX_HALVINGS):
        before = _log_sum(y) + math.log(2)
        x = np.insert(x, slice(1, None), (x[1:] + x[:-1]) / 2)
        y = np.insert(y, slice(1, None), log_weight(x[1::2]))
        if abs(_log_sum(y) - before) < MAX_CHANGE:
            break
    return x, y


def _log_sum(y: np.ndarray) -> float:
    """ln sum exp(y)."""
    # scipy has no types: one number is taken for a pair, which return_sign=True would give.
    return float(logsumexp(y))  # pyright: ignore[reportArgumentType]


def _log_rising(log_x: np.ndarray, n: np.ndarray | float) -> np.ndarray:
    """ln Gamma(x + n)/Gamma(x) - n ln x; the powers of b and m b that it leaves out make up the
    constant m^-N."""
    x, _ = _exp(log_x)
    low, high = x < MIN_ASYMPTOTIC, x >= MIN_ASYMPTOTIC
    rising = np.empty(np.broadcast_shapes(np.shape(n), x.shape))
    y = x[low]
    rising[..., low] = gammaln(y + n) - gammaln(y + 1) - (n - 1) * log_x[low]
    y = x[high]
    rising[..., high] = (y + n - 0.5) * np.log1p(n / y) - n + _stirling(y + n) - _stirling(y)
    return rising


def _stirling(x: np.ndarray) -> np.ndarray:
    y = 1 / x
    return y * (1 / 12 - y**2 * (1 / 360 - y**2 * (1 / 1260 - y**2 / 1680)))


def _prior(log_b: np.ndarray, log_m: float) -> np.ndarray:
    """dxi/dlog b, the difference of x psi1(x+1) at m b and b: both near 0 for small b, both near 1
    for large."""
    b = np.exp(log_b)
    a, _ = _exp(log_b + log_m)
    small = a * zeta(2, a + 1) - b * zeta(2, b + 1)
    return np.where(a < 1, small, _below_one(b) - _below_one(a))


def _below_one(x: np.ndarray) -> np.ndarray:
    """1 - x psi1(x+1)."""
    y = 1 / np.maximum(x, MIN_ASYMPTOTIC)
    series = y / 2 - y**2 * (
        1 / 6 - y**2 * (1 / 30 - y**2 * (1 / 42 - y**2 * (1 / 30 - y**2 * 5 / 66)))
    )
    return np.where(x < MIN_ASYMPTOTIC, 1 - x * zeta(2, x + 1), series)


def _exp(log_x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """exp of log x, held at exp(MAX_LOG), and what was left out of the log."""
    held = np.minimum(log_x, MAX_LOG)
    return np.exp(held), log_x - held
