"""Compression in the curves of I(X;T): where runs end, how far they fell, and whether a group of
runs compresses.

All take measured epochs [E] (rising) and one layer's values over seeds [S, E]. Source of the factor
and of the last 50 epochs: Nothnagel & Geiger 2026.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxbnn.analysis import trajectories
from jaxbnn.analysis.trajectories import WINDOW

FEWEST = 4  # runs, below which there is no interval
DRAWS = 2000
LEVEL = 0.95
MIN_FALL = 0.05  # bits


class End(NamedTuple):
    """A quantity over the last epochs, leaves [S]."""

    mean: NDArray
    median: NDArray
    low: NDArray  # the smallest
    high: NDArray  # the largest


class Compression(NamedTuple):
    """Whether a group of runs compresses."""

    mean: float  # bits, of the falls
    low: float  # 95 % bootstrap interval of that mean
    high: float
    compresses: bool  # the whole interval lies above the least fall


def window(epoch: ArrayLike) -> int:
    """How many epochs are the last ones: WINDOW, or half of them where a run has fewer than twice
    as many."""
    return max(1, min(WINDOW, int(np.asarray(epoch)[-1]) // 2))


def last(epoch: ArrayLike) -> NDArray:
    """Which measured epochs are among the last ones, bool [E]."""
    e = np.asarray(epoch)
    return e > e[-1] - window(e)


def end(epoch: ArrayLike, values: ArrayLike) -> End:
    """Over the measured epochs among the last ones, of values [S, E]."""
    v = np.asarray(values, np.float64)[:, last(epoch)]
    return End(v.mean(axis=1), np.median(v, axis=1), v.min(axis=1), v.max(axis=1))


def factor(epoch: ArrayLike, i_xt: ArrayLike) -> NDArray:
    """(max - mean of the last epochs) / max of I(X;T) [S, E], in 0 .. 1: [S]; NaN where the maximum
    is 0.

    A maximum is biased upwards: noise alone gives a factor above 0, so that a control belongs
    beside it.
    """
    top = np.asarray(i_xt, np.float64).max(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(top > 0, (top - end(epoch, i_xt).mean) / top, np.nan)


def fall(epoch: ArrayLike, i_xt: ArrayLike) -> NDArray:
    """The largest running mean of I(X;T) [S, E] minus the mean of the last epochs: [S] bits, 0 or
    more.

    Both are means over as many measured epochs, so that an epoch's noise is no fall. Where every
    epoch is measured, it is a mean over 50 of them; where the schedule is thin it spans more, and a
    short peak counts less.
    """
    n = int(last(epoch).sum())
    means = np.lib.stride_tricks.sliding_window_view(np.asarray(i_xt, np.float64), n, axis=1).mean(
        axis=-1
    )
    return means.max(axis=1) - means[:, -1]


def compression(falls: ArrayLike, least: float = MIN_FALL, seed: int = 0) -> Compression:
    """Whether falls [S] (bits, a loss is positive) have a mean surely above `least`: of the seeds
    of one setting, or one value a setting."""
    mean, low, high = bootstrapped(falls, seed)
    return Compression(mean, low, high, low > least)


def bootstrapped(values: ArrayLike, seed: int = 0) -> tuple[float, float, float]:
    """(mean, low, high): the mean of the finite values with its 95 % bootstrap interval, NaN for
    fewer than four."""
    x = np.asarray(values, np.float64)
    x = x[np.isfinite(x)]
    if len(x) < FEWEST:
        return float(x.mean()) if len(x) else np.nan, np.nan, np.nan
    drawn = np.random.default_rng(seed).choice(x, (DRAWS, len(x))).mean(axis=1)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(x.mean()), float(low), float(high)


def traits(epoch: ArrayLike, i_xt: ArrayLike, i_ty: ArrayLike) -> dict[str, NDArray]:
    """What else a path through the plane shows, each [S].

    The end of I(T;Y); the epoch of the largest I(X;T); the area below I(X;T) over log(1 + epoch),
    divided by that axis' length; how often I(X;T) turns (see `phases.paths`). NaN for a run that
    has no number at some epoch.
    """
    e, v = np.asarray(epoch), np.asarray(i_xt, np.float64)
    along = np.log1p(e)
    moves = [len(path.split(", ")) for path in trajectories.paths(e, v, MIN_FALL)]
    lost = ~(np.isfinite(v) & np.isfinite(np.asarray(i_ty, np.float64))).all(axis=1)
    found = {
        "end of I(T;Y)": end(e, i_ty).mean,
        "epoch of the largest I(X;T)": e[v.argmax(axis=1)].astype(np.float64),
        "area below I(X;T)": np.trapezoid(v, along, axis=1) / (along[-1] - along[0]),
        "turns of I(X;T)": np.array(moves) - 1.0,
    }
    return {name: np.where(lost, np.nan, values) for name, values in found.items()}
