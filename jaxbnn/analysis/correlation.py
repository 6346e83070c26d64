"""Whether two numbers of many runs go together, compression and accuracy, say: rank correlations.

Runs belong to settings (their seeds), which are dealt and left out as a whole. The levels of the
tests and intervals are simulated by benchmarks/levels.py. Source of the pooled ranks: Nothnagel &
Geiger 2026.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

MIN_RUNS = 4  # below which there is no p-value
MIN_PARTIAL = 7  # values, below which a partial correlation has no p-value
DRAWS = 2000
EXACT = math.factorial(7)  # orders that are all tried
LEVEL = 0.95
ROUNDING = 1e-9  # relative: a shuffle that mirrors the sample reaches its correlation
NOT_A_RUN = 2.0  # a random number beyond [0, 1): what is no run is sorted last


class RankCorrelation(NamedTuple):
    """A rank correlation over runs; NaN where it is undefined, or the runs are too few."""

    rho: float
    p: float
    low: float  # jackknife interval over settings, 95 % unless asked otherwise
    high: float
    n: int  # runs


class _Runs(NamedTuple):
    """Values of the runs of K settings, padded to the M runs of the largest."""

    x: NDArray  # [K, M]
    y: NDArray  # [K, M]
    is_run: NDArray  # bool [K, M], a setting's runs first


def pooled(
    x: ArrayLike,
    y: ArrayLike,
    setting: Sequence,
    seed: Sequence | None = None,
    level: float = LEVEL,
) -> RankCorrelation:
    """Spearman's correlation over all runs, whatever their setting.

    p: whole settings of y are dealt anew to those of x; the share of deals whose |rho| is as large,
    of all of them where they are at most 5040, else (1 + those of 2000 random ones) / 2001. Only
    settings with as many runs change places. The interval is that of the jackknife over settings
    on Fisher's scale, with Student's t: tanh(z -+ t sd / sqrt(K)), z and sd of the K pseudo-values.

    Args:
        x: [R] a number of each run; runs where x or y is not finite are left out.
        y: [R] another.
        setting: [R] what names the run's setting.
        seed: [R] the run's seed, where settings share seeds (None: they do not); then seeds are
            what is dealt and left out, with all their settings.
        level: of the interval.

    Returns:
        The correlation, undefined for fewer than four runs or a constant x or y; without an
        interval for fewer than four settings.
    """
    finite = _finite(x, y)
    n = int(finite.sum())
    if n < MIN_RUNS:
        return _undefined(n)
    runs = _by_setting(x, y, setting if seed is None else seed, finite)
    rho = _pooled_rho(runs.x, runs.y, runs.is_run)
    if not np.isfinite(rho):
        return _undefined(n)
    drawn = []
    for order in _orders(runs.is_run.sum(axis=1)):
        drawn.append(_pooled_rho(runs.x, runs.y[order], runs.is_run))
    interval = _jackknife(partial(_without, _pooled_rho, runs), len(runs.x), rho, level)
    return RankCorrelation(rho, _share_reached(drawn, rho), *interval, n)


def within(
    x: ArrayLike,
    y: ArrayLike,
    setting: Sequence,
    seed: Sequence | None = None,
    level: float = LEVEL,
) -> RankCorrelation:
    """The correlation of ranks taken within each setting: what the settings do to both is gone.

    Ranks are centred in their setting and correlated over all runs. p: 2000 times y is shuffled
    within each setting; (1 + draws with |rho| as large) / 2001. Where settings share seeds all get
    the same shuffle, of which there are few. Interval: as of `pooled`.

    Args:
        x: [R] a number of each run; runs where x or y is not finite are left out.
        y: [R] another.
        setting: [R] what names the run's setting.
        seed: as of `pooled`; every setting must then have the same seeds.
        level: of the interval.

    Returns:
        The correlation, undefined for fewer than four runs or where x or y is constant in every
        setting; without an interval for fewer than four settings, or where settings share seeds.
    """
    finite = _finite(x, y)
    n = int(finite.sum())
    if n < MIN_RUNS:
        return _undefined(n)
    runs = _by_setting(x, y, setting, finite)
    x_ranks = _centred_ranks(runs.x, runs.is_run)
    y_ranks = _centred_ranks(runs.y, runs.is_run)
    rho = float(_correlation(_flat(x_ranks), _flat(y_ranks)))
    if not np.isfinite(rho):
        return _undefined(n)
    if seed is not None:
        drawn = []
        for order in _orders(np.ones(runs.x.shape[1], int)):
            drawn.append(float(_correlation(_flat(x_ranks), _flat(y_ranks[:, order]))))
        return RankCorrelation(rho, _share_reached(drawn, rho), np.nan, np.nan, n)
    p = _shuffle_p(x_ranks, y_ranks, runs.is_run, np.random.default_rng(0))

    def of(kept: NDArray) -> float:
        return float(_correlation(_flat(x_ranks[kept]), _flat(y_ranks[kept])))

    return RankCorrelation(rho, p, *_jackknife(of, len(runs.x), rho, level), n)


def partial_spearman(x: ArrayLike, y: ArrayLike, given: ArrayLike) -> tuple[float, float]:
    """The rank correlation of x and y without what the ranks of a third number explain of each.

    rho = (r_xy - r_xg r_yg) / sqrt((1 - r_xg^2)(1 - r_yg^2)). p: what the ranks of `given` leave of
    those of x is dealt anew; the share of deals that reach |rho|, of all where n <= 7, else (1 +
    those of 2000) / 2001, so that no p is below 1/n!. Runs are taken as independent, so give it one
    value a setting (its seeds' median, say). Source: Freedman & Lane 1983.

    Args:
        x: [R]; where one of the three is not finite, it is left out.
        y: [R].
        given: [R] the number whose part is taken out.

    Returns:
        rho and p; NaN for six values or fewer, or where `given` determines x or y.
    """
    finite = _finite(x, y, given)
    n = int(finite.sum())
    x_ranks, y_ranks, given_ranks = (_ranks_of(values, finite) for values in (x, y, given))
    x_left = _left(x_ranks, given_ranks)
    y_left = _left(y_ranks, given_ranks)
    left = min(
        x_left @ x_left / max(x_ranks @ x_ranks, 1), y_left @ y_left / max(y_ranks @ y_ranks, 1)
    )
    if not left > 1e-12 or n < MIN_PARTIAL:
        return np.nan, np.nan
    rho = float(_correlation(x_left, y_left))
    drawn = []
    for order in _orders(np.ones(n, int)):
        dealt = _left(x_left[order], given_ranks)
        drawn.append(float(_correlation(dealt, y_left)))
    return rho, _share_reached(drawn, rho)


def _left(ranks: NDArray, given: NDArray) -> NDArray:
    """Centred ranks without their part along `given`."""
    return ranks - given * (ranks @ given) / max(float(given @ given), 1e-300)


def _pooled_rho(x: NDArray, y: NDArray, is_run: NDArray) -> float:
    """Of values [K, M]."""
    flat = _flat(is_run)
    return float(_correlation(_centred_ranks(_flat(x), flat), _centred_ranks(_flat(y), flat)))


def _without(statistic: Callable, runs: _Runs, kept: NDArray) -> float:
    """The statistic over some settings [K']."""
    return statistic(runs.x[kept], runs.y[kept], runs.is_run[kept])


def _orders(sizes: NDArray) -> Iterator[NDArray]:
    """Orders [K] in which those of one size change places: all of them, the present one first,
    where they are at most DRAWS; else the present one and DRAWS random ones."""
    groups = [np.flatnonzero(sizes == size) for size in np.unique(sizes)]
    n_orders = math.prod(math.factorial(len(group)) for group in groups)
    present = np.arange(len(sizes))
    if n_orders <= EXACT:
        for deal in itertools.product(*(itertools.permutations(group) for group in groups)):
            order = present.copy()
            for group, dealt in zip(groups, deal, strict=True):
                order[group] = dealt
            yield order
        return
    yield present
    rng = np.random.default_rng(0)
    for _ in range(DRAWS):
        order = present.copy()
        for group in groups:
            order[group] = rng.permutation(group)
        yield order


def _share_reached(drawn: Sequence[float], rho: float) -> float:
    """The share of the correlations, ours among them, that are as large as ours."""
    sizes = np.abs(np.nan_to_num(np.asarray(drawn)))
    return float(np.mean(sizes >= abs(rho) * (1 - ROUNDING)))


def _jackknife(
    of: Callable[[NDArray], float], n_settings: int, rho: float, level: float
) -> tuple[float, float]:
    """The interval of a correlation by leaving out each setting in turn; of(kept [K']) -> rho."""
    if n_settings < MIN_RUNS:
        return np.nan, np.nan
    everyone = np.arange(n_settings)
    left_out = np.array([of(np.delete(everyone, i)) for i in everyone])
    if not np.isfinite(left_out).all():
        return np.nan, np.nan
    edge = 1 - 1e-9
    whole = np.arctanh(np.clip(rho, -edge, edge))
    each = np.arctanh(np.clip(left_out, -edge, edge))
    pseudo = n_settings * whole - (n_settings - 1) * each
    error = pseudo.std(ddof=1) / np.sqrt(n_settings)
    reach = stats.t.ppf((1 + level) / 2, n_settings - 1) * error
    middle = pseudo.mean()
    return float(np.tanh(middle - reach)), float(np.tanh(middle + reach))


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


def _undefined(n: int) -> RankCorrelation:
    return RankCorrelation(np.nan, np.nan, np.nan, np.nan, n)
