"""Whether two numbers of many runs go together, compression and accuracy, say: rank correlations.

Runs belong to settings (their seeds). The bootstrap here draws whole settings, then runs within
them, which scipy's does not. Source of the pooled ranks: Nothnagel & Geiger 2026.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

MIN_RUNS = 4  # below which there is no p-value
DRAWS = 2000
LEVEL = 0.95
ROUNDING = 1e-9  # relative: a shuffle that mirrors the sample reaches its correlation
NOT_A_RUN = 2.0  # a random number beyond [0, 1): what is no run is sorted last


class RankCorrelation(NamedTuple):
    """A rank correlation over runs; NaN where it is undefined, or the runs are too few."""

    rho: float
    p: float
    low: float  # bootstrap interval over settings, 95 % unless asked otherwise
    high: float
    n: int  # runs


class _Runs(NamedTuple):
    """Values of the runs of K settings, padded to the M runs of the largest."""

    x: NDArray  # [K, M]
    y: NDArray  # [K, M]
    is_run: NDArray  # bool [K, M], a setting's runs first


def pooled(
    x: ArrayLike, y: ArrayLike, setting: Sequence, seed: int = 0, level: float = LEVEL
) -> RankCorrelation:
    """Spearman's correlation over all runs, whatever their setting, with its usual p-value.

    That p takes the runs of a setting as independent, so it is too small where settings matter: the
    interval, which draws whole settings and then runs within them, says how certain the correlation
    is.

    Args:
        x: [R] a number of each run; runs where x or y is not finite are left out.
        y: [R] another.
        setting: [R] what names the run's setting.
        seed: of the random numbers.
        level: of the interval.

    Returns:
        The correlation, undefined for fewer than four runs or a constant x or y.
    """
    finite = _finite(x, y)
    n = int(finite.sum())
    if n < MIN_RUNS:
        return _undefined(n)
    rng = np.random.default_rng(seed)
    runs = _by_setting(x, y, setting, finite)
    is_run = _flat(runs.is_run)
    x_ranks = _centred_ranks(_flat(runs.x), is_run)
    y_ranks = _centred_ranks(_flat(runs.y), is_run)
    rho = float(_correlation(x_ranks, y_ranks))
    if not np.isfinite(rho):
        return _undefined(n)
    draws = _pooled_draws(runs, rng)
    p = stats.spearmanr(runs.x[runs.is_run], runs.y[runs.is_run])[1]
    # scipy has no types: p is taken for any object.
    return _with_interval(rho, float(p), draws, n, level)  # pyright: ignore[reportArgumentType]


def within(x: ArrayLike, y: ArrayLike, setting: Sequence, seed: int = 0) -> RankCorrelation:
    """The correlation of ranks taken within each setting: what the settings do to both is gone.

    Ranks are centred in their setting and correlated over all runs. p: 2000 times y is shuffled
    within each setting; (1 + draws with |rho| as large) / 2001. The interval draws settings with
    all their runs: runs drawn twice would be ties, which pull ranks of few towards 0.

    Args:
        x: [R] a number of each run; runs where x or y is not finite are left out.
        y: [R] another.
        setting: [R] what names the run's setting.
        seed: of the random numbers.

    Returns:
        The correlation with its 95 % interval, undefined for fewer than four runs or where x or y
        is constant in every setting.
    """
    finite = _finite(x, y)
    n = int(finite.sum())
    if n < MIN_RUNS:
        return _undefined(n)
    rng = np.random.default_rng(seed)
    runs = _by_setting(x, y, setting, finite)
    x_ranks = _centred_ranks(runs.x, runs.is_run)
    y_ranks = _centred_ranks(runs.y, runs.is_run)
    rho = float(_correlation(_flat(x_ranks), _flat(y_ranks)))
    if not np.isfinite(rho):
        return _undefined(n)
    settings = _drawn_settings(len(runs.is_run), rng)
    draws = _correlation(_flat(x_ranks[settings]), _flat(y_ranks[settings]))
    p = _shuffle_p(x_ranks, y_ranks, runs.is_run, rng)
    return _with_interval(rho, p, draws, n, LEVEL)


def partial_spearman(x: ArrayLike, y: ArrayLike, given: ArrayLike) -> tuple[float, float]:
    """The rank correlation of x and y without what the ranks of a third number explain of each.

    rho = (r_xy - r_xg r_yg) / sqrt((1 - r_xg^2)(1 - r_yg^2)), p by Student's t with R - 3 degrees
    of freedom: runs are taken as independent, so give it one value a setting (its seeds' mean,
    say).

    Args:
        x: [R]; where one of the three is not finite, it is left out.
        y: [R].
        given: [R] the number whose part is taken out.

    Returns:
        rho and p; NaN for four values or fewer, or where `given` determines x or y.
    """
    finite = _finite(x, y, given)
    n = int(finite.sum())
    x_ranks, y_ranks, given_ranks = (_ranks_of(values, finite) for values in (x, y, given))
    r_xy = float(_correlation(x_ranks, y_ranks))
    r_xg = float(_correlation(x_ranks, given_ranks))
    r_yg = float(_correlation(y_ranks, given_ranks))
    unexplained = (1 - r_xg**2) * (1 - r_yg**2)
    if not unexplained > 1e-12 or n <= MIN_RUNS:
        return np.nan, np.nan
    rho = float(np.clip((r_xy - r_xg * r_yg) / np.sqrt(unexplained), -1, 1))
    t = rho * np.sqrt((n - 3) / max(1 - rho**2, 1e-300))
    return rho, float(2 * stats.t.sf(abs(t), n - 3))


def holm(p: ArrayLike) -> NDArray:
    """p-values corrected for being several tests: Holm's step-down method.

    Args:
        p: [M] p-values; NaN is no test.

    Returns:
        [M] corrected p-values in the order of `p`; a larger p is never corrected to a smaller one.
        Source: Holm 1979.
    """
    values = np.asarray(p, np.float64)
    corrected = np.full(values.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1)
    return corrected


def _finite(*arrays: ArrayLike) -> NDArray:
    """Which runs have a number in every array."""
    finite = [np.isfinite(np.asarray(array, np.float64)) for array in arrays]
    return np.all(finite, axis=0)


def _by_setting(x: ArrayLike, y: ArrayLike, setting: Sequence, finite: NDArray) -> _Runs:
    """The finite runs, a row for each setting."""
    codes = np.unique(np.asarray(setting)[finite], return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    columns = np.arange(sizes.max())
    starts = np.cumsum(sizes) - sizes
    is_run = columns < sizes[:, None]
    positions = np.where(is_run, starts[:, None] + columns, 0)
    sorted_x = np.asarray(x, np.float64)[finite][order]
    sorted_y = np.asarray(y, np.float64)[finite][order]
    return _Runs(sorted_x[positions], sorted_y[positions], is_run)


def _drawn_settings(n_settings: int, rng: np.random.Generator) -> NDArray:
    """DRAWS samples of as many settings, with replacement, [DRAWS, K]."""
    return rng.integers(n_settings, size=(DRAWS, n_settings))


def _pooled_draws(runs: _Runs, rng: np.random.Generator) -> NDArray:
    """The correlations of DRAWS samples of settings, and of runs within each, [DRAWS]."""
    settings = _drawn_settings(len(runs.is_run), rng)
    is_run = runs.is_run[settings]
    sizes = is_run.sum(axis=-1, keepdims=True)
    members = (rng.random(is_run.shape) * sizes).astype(int)
    x = runs.x[settings[..., None], members]
    y = runs.y[settings[..., None], members]
    x_ranks = _centred_ranks(_flat(x), _flat(is_run))
    y_ranks = _centred_ranks(_flat(y), _flat(is_run))
    return _correlation(x_ranks, y_ranks)


def _shuffle_p(
    x_ranks: NDArray, y_ranks: NDArray, is_run: NDArray, rng: np.random.Generator
) -> float:
    """The share of DRAWS shuffles of y within settings that reach the correlation, ours among
    them."""
    keys = np.where(is_run, rng.random((DRAWS, *is_run.shape)), NOT_A_RUN)
    shuffled = np.take_along_axis(y_ranks[None], np.argsort(keys, axis=-1), axis=-1)
    sums = np.abs((shuffled * x_ranks).sum(axis=(-2, -1)))
    reached = sums >= np.abs((x_ranks * y_ranks).sum()) * (1 - ROUNDING)
    return float((1 + reached.sum()) / (1 + DRAWS))


def _flat(values: NDArray) -> NDArray:
    """[..., K, M] -> [..., K M]."""
    return values.reshape(*values.shape[:-2], -1)


def _ranks_of(values: ArrayLike, finite: NDArray) -> NDArray:
    """The centred ranks of the finite ones of [R]."""
    numbers = np.asarray(values, np.float64)[finite]
    return _centred_ranks(numbers, np.ones(len(numbers), bool))


def _centred_ranks(values: NDArray, is_run: NDArray) -> NDArray:
    """Ranks of the runs along the last axis minus their mean, 0 for what is no run."""
    ranks = np.asarray(stats.rankdata(np.where(is_run, values, np.inf), axis=-1))
    n = np.maximum(is_run.sum(axis=-1, keepdims=True), 1)
    mean = np.where(is_run, ranks, 0).sum(axis=-1, keepdims=True) / n
    return np.where(is_run, ranks - mean, 0)


def _correlation(a: NDArray, b: NDArray) -> NDArray:
    """Of centred ranks [..., N]: [...]. NaN where one is constant."""
    size = np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(size > 0, np.clip((a * b).sum(axis=-1) / size, -1, 1), np.nan)


def _with_interval(rho: float, p: float, draws: NDArray, n: int, level: float) -> RankCorrelation:
    low, high = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return RankCorrelation(rho, p, float(low), float(high), n)


def _undefined(n: int) -> RankCorrelation:
    return RankCorrelation(np.nan, np.nan, np.nan, np.nan, n)
