"""Whether two numbers of many runs go together, compression and accuracy, say: rank correlations.

Runs belong to settings (their seeds). Source of the pooled ranks: Nothnagel & Geiger 2026.
"""

from collections.abc import Sequence
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


def pooled(
    x: ArrayLike, y: ArrayLike, setting: Sequence, seed: int = 0, level: float = LEVEL
) -> Link:
    """Spearman's correlation of x and y [R] over all runs, whatever their setting, with its usual
    p-value.

    That p takes the runs of a setting as independent, so it is too small where settings matter: the
    interval, which draws whole settings, says how sure the correlation is.
    """
    there = _finite(x, y)
    if there.sum() < FEWEST:
        return _undefined(there)
    rng = np.random.default_rng(seed)
    x, y, runs = _by_setting(x, y, setting, there)
    rho = float(_correlation(_ranks(_flat(x), _flat(runs)), _ranks(_flat(y), _flat(runs))))
    if not np.isfinite(rho):
        return _undefined(there)
    kinds, drawn = _draws(runs, rng)
    slots = (rng.random(drawn.shape) * drawn.sum(axis=-1, keepdims=True)).astype(int)
    a, b = (_ranks(_flat(each[kinds[..., None], slots]), _flat(drawn)) for each in (x, y))
    _, p = stats.spearmanr(x[runs], y[runs])
    return _link(rho, float(p), _correlation(a, b), there, level)  # pyright: ignore[reportArgumentType]


def within(x: ArrayLike, y: ArrayLike, setting: Sequence, seed: int = 0) -> Link:
    """The correlation of ranks taken within each setting: what the settings do to both x and y is
    gone.

    Ranks are centred in their setting and correlated over all runs. p: 2000 times y is dealt anew
    within each setting; (1 + draws with |rho| as large) / 2001. The interval draws settings with
    all their runs: runs drawn twice would be ties, which pull ranks of few towards 0.
    """
    there = _finite(x, y)
    if there.sum() < FEWEST:
        return _undefined(there)
    rng = np.random.default_rng(seed)
    x, y, runs = _by_setting(x, y, setting, there)
    a, b = (_ranks(each, runs) for each in (x, y))
    rho = float(_correlation(_flat(a), _flat(b)))
    if not np.isfinite(rho):
        return _undefined(there)
    kinds, _ = _draws(runs, rng)
    drawn = _correlation(_flat(a[kinds]), _flat(b[kinds]))
    order = np.argsort(
        np.where(runs, rng.random((DRAWS, *runs.shape)), 2), axis=-1
    )  # what is no run stays last
    dealt = np.take_along_axis(b[None], order, axis=-1)
    reached = np.abs((dealt * a).sum(axis=(-2, -1))) >= np.abs((a * b).sum()) * (1 - 1e-9)
    return _link(rho, float((1 + reached.sum()) / (1 + DRAWS)), drawn, there, LEVEL)


def partial_spearman(x: ArrayLike, y: ArrayLike, given: ArrayLike) -> tuple[float, float]:
    """(rho, p) of the ranks of x and y [R], each without what the ranks of `given` [R] say of it; p
    by Student's t.

    rho = (r_xy - r_xg r_yg) / sqrt((1 - r_xg^2)(1 - r_yg^2)) with R - 3 degrees of freedom: runs
    are taken as independent, so give it one value a setting (its seeds' mean, say).
    """
    there = _finite(x, y, given)
    n = int(there.sum())
    a, b, g = (
        _ranks(np.asarray(each, np.float64)[there], np.ones(n, bool)) for each in (x, y, given)
    )
    xy, xg, yg = (float(_correlation(*pair)) for pair in ((a, b), (a, g), (b, g)))
    left = (1 - xg**2) * (1 - yg**2)
    if not left > 1e-12 or n <= FEWEST:
        return np.nan, np.nan
    rho = float(np.clip((xy - xg * yg) / np.sqrt(left), -1, 1))
    t = rho * np.sqrt((n - 3) / max(1 - rho**2, 1e-300))
    return rho, float(2 * stats.t.sf(abs(t), n - 3))


def holm(p: ArrayLike) -> NDArray:
    """The p-values [M] corrected for being M tests: no test's is smaller than a smaller one's; NaN
    is no test.

    Source: Holm 1979.
    """
    p = np.asarray(p, np.float64)
    corrected, tested = np.full(p.shape, np.nan), np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1)
    return corrected


def _by_setting(x, y, setting, there):
    """x, y and which places hold a run, [K, M] each: a row a setting, its runs first."""
    codes = np.unique(np.asarray(setting)[there], return_inverse=True)[1]
    order, sizes = np.argsort(codes, kind="stable"), np.bincount(codes)
    runs = np.arange(sizes.max()) < sizes[:, None]
    places = np.where(runs, (np.cumsum(sizes) - sizes)[:, None] + np.arange(sizes.max()), 0)
    return *(np.asarray(each, np.float64)[there][order][places] for each in (x, y)), runs


def _draws(runs, rng):
    """DRAWS samples of as many settings, with replacement: which they are [DRAWS, K], and their
    runs [DRAWS, K, M]."""
    kinds = rng.integers(len(runs), size=(DRAWS, len(runs)))
    return kinds, runs[kinds]


def _flat(values):
    """[..., K, M] -> [..., K M]."""
    return values.reshape(*values.shape[:-2], -1)


def _ranks(values, runs):
    """Ranks of the runs along the last axis minus their mean, 0 for what is no run."""
    ranks = np.asarray(stats.rankdata(np.where(runs, values, np.inf), axis=-1))
    n = np.maximum(runs.sum(axis=-1, keepdims=True), 1)
    return np.where(runs, ranks - np.where(runs, ranks, 0).sum(axis=-1, keepdims=True) / n, 0)


def _correlation(a, b):
    """Of centred ranks [..., N]: [...]. NaN where one is constant."""
    size = np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(size > 0, np.clip((a * b).sum(axis=-1) / size, -1, 1), np.nan)


def _link(rho, p, drawn, there, level):
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Link(rho, p, float(low), float(high), int(there.sum()))


def _undefined(there):
    return Link(np.nan, np.nan, np.nan, np.nan, int(there.sum()))


def _finite(*arrays):
    """Which runs every array has a number of."""
    return np.all([np.isfinite(np.asarray(each, np.float64)) for each in arrays], axis=0)
