"""Whether two numbers of many runs go together, compression and accuracy, say: rank correlations.

Runs belong to settings (their seeds). Source of the pooled ranks: Nothnagel & Geiger 2026.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

FEWEST = 4  # runs, below which there is no p-value
DRAWS = 2000
LEVEL = 0.95


class Link(NamedTuple):
    """A rank correlation over runs; NaN where it is undefined, or said of too few runs."""

    rho: float
    p: float
    low: float  # bootstrap interval over settings, 95 % unless asked otherwise
    high: float
    n: int  # runs


def pooled(x: ArrayLike, y: ArrayLike, setting: Sequence, seed: int = 0, level: float = LEVEL) -> Link:
    """Spearman's correlation of x and y [R] over all runs, whatever their setting, with its usual p-value.

    That p takes the runs of a setting as independent, so it is too small where settings matter: the interval, which
    draws whole settings, says how sure the correlation is.
    """
    return _link(_over_all, _p_over_all, _draws, x, y, setting, seed, level)


def within(x: ArrayLike, y: ArrayLike, setting: Sequence, seed: int = 0) -> Link:
    """The correlation of ranks taken within each setting: what the settings do to both x and y is gone.

    Ranks are centred in their setting and correlated over all runs. p: 2000 times y is dealt anew within each setting;
    (1 + draws with |rho| as large) / 2001. The interval draws settings with all their runs: runs drawn twice would be
    ties, which pull ranks of few towards 0.
    """
    return _link(_spearman, _p_within, _whole, x, y, setting, seed, LEVEL)


def partial_spearman(x: ArrayLike, y: ArrayLike, given: ArrayLike) -> tuple[float, float]:
    """(rho, p) of the ranks of x and y [R], each without what the ranks of `given` [R] say of it; p by Student's t.

    rho = (r_xy - r_xg r_yg) / sqrt((1 - r_xg^2)(1 - r_yg^2)) with R - 3 degrees of freedom: runs are taken as
    independent, so give it one value a setting (its seeds' mean, say).
    """
    x, y, g = _finite(*(np.asarray(each, np.float64) for each in (x, y, given)))
    xy, xg, yg = _spearman(x, y), _spearman(x, g), _spearman(y, g)
    left = (1 - xg**2) * (1 - yg**2)
    if not left > 1e-12 or len(x) <= FEWEST:
        return np.nan, np.nan
    rho = float(np.clip((xy - xg * yg) / np.sqrt(left), -1, 1))
    t = rho * np.sqrt((len(x) - 3) / max(1 - rho**2, 1e-300))
    return rho, float(2 * stats.t.sf(abs(t), len(x) - 3))


def holm(p: ArrayLike) -> NDArray:
    """The p-values [M] corrected for being M tests: no test's is smaller than a smaller one's; NaN is no test.

    Source: Holm 1979.
    """
    p = np.asarray(p, np.float64)
    corrected, tested = np.full(p.shape, np.nan), np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1)
    return corrected


def _link(correlate: Callable, p_value: Callable, draws: Callable, x, y, setting, seed, level) -> Link:
    codes = np.unique(np.asarray(setting), return_inverse=True)[1].astype(np.float64)
    x, y, codes = _finite(np.asarray(x, np.float64), np.asarray(y, np.float64), codes)
    if len(x) < FEWEST:
        return Link(np.nan, np.nan, np.nan, np.nan, len(x))
    codes = np.unique(codes, return_inverse=True)[1]
    rng, rho = np.random.default_rng(seed), correlate(x, y, codes)
    if not np.isfinite(rho):
        return Link(np.nan, np.nan, np.nan, np.nan, len(x))
    drawn = np.array([correlate(x[places], y[places], names) for places, names in draws(codes, rng)])
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Link(rho, p_value(x, y, codes, rho, rng), float(low), float(high), len(x))


def _spearman(x, y, codes=None):
    """The correlation of ranks, taken within each code where codes [R] are given. NaN where one is constant."""
    a, b = (_centred_ranks(each, np.zeros(len(x), int) if codes is None else codes) for each in (x, y))
    size = np.sqrt((a @ a) * (b @ b))
    return float(np.clip(a @ b / size, -1, 1)) if size > 0 else np.nan


def _over_all(x, y, codes):
    return _spearman(x, y)


def _p_over_all(x, y, codes, rho, rng):
    _, p = stats.spearmanr(x, y)
    return float(p)  # pyright: ignore[reportArgumentType]


def _p_within(x, y, codes, rho, rng):
    """The share of dealings of y within its settings whose correlation is as large."""
    a, b = (_centred_ranks(each, codes) for each in (x, y))
    order = np.argsort(codes, kind="stable")
    dealt = b[order][np.argsort(codes[order] + rng.random((DRAWS, len(b))), axis=1)]
    reached = np.abs(dealt @ a[order]) >= np.abs(a @ b) * (1 - 1e-9)
    return float((1 + reached.sum()) / (1 + DRAWS))


def _centred_ranks(values, codes):
    """Ranks within each code, minus their mean there."""
    ranks = stats.rankdata(codes * (1 + len(values)) + stats.rankdata(values))
    return ranks - (np.bincount(codes, ranks) / np.maximum(np.bincount(codes), 1))[codes]


def _draws(codes, rng):
    """(places, names) of DRAWS samples: settings with replacement, of each as many runs as it has.

    A setting drawn twice counts as two: names are the draws' own.
    """
    order, sizes = np.argsort(codes, kind="stable"), np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    for _ in range(DRAWS):
        kinds = rng.integers(len(sizes), size=len(sizes))
        names = np.repeat(np.arange(len(kinds)), sizes[kinds])
        within_kind = (rng.random(len(names)) * sizes[kinds][names]).astype(int)
        yield order[starts[kinds][names] + within_kind], names


def _whole(codes, rng):
    """As `_draws`, of each setting its own runs."""
    members = [np.flatnonzero(codes == kind) for kind in range(codes.max() + 1)]
    for _ in range(DRAWS):
        drawn = [members[kind] for kind in rng.integers(len(members), size=len(members))]
        yield np.concatenate(drawn), np.repeat(np.arange(len(drawn)), [len(runs) for runs in drawn])


def _finite(*arrays):
    """The runs of which every array has a number."""
    there = np.all([np.isfinite(each) for each in arrays], axis=0)
    return [each[there] for each in arrays]
