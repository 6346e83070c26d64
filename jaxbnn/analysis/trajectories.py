"""What a curve does while a network learns: its fall or rise from an extreme to the end, a plateau,
the path it takes.

All take measured epochs [E] (rising) and one quantity's values over seeds [S, E], and give a number
a seed.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

STAGES = 8  # of training, evenly spaced on the log of the epoch
SHARE = 0.25  # of the span of a curve: a smaller turn is no move
WINDOW = 50  # epochs that are averaged, so that an epoch's noise is no phase


class Change(NamedTuple):
    """How far a quantity moved from an extreme to the end."""

    epoch: int  # where the mean over seeds has its extreme
    at: NDArray  # [S] the value there
    change: NDArray  # [S] the end's value minus it


def smooth(epoch: ArrayLike, values: ArrayLike, window: int = WINDOW) -> NDArray:
    """The mean over the measured epochs in (e - window, e], for each e: [S, E] -> [S, E]. NaN where
    one is NaN.

    Where fewer epochs are measured than that, it is a mean of few, down to the value itself.
    """
    e, v = np.asarray(epoch), np.asarray(values, np.float64)
    first = np.searchsorted(e, e - window, side="right")
    return np.stack([v[:, a : b + 1].mean(axis=1) for b, a in enumerate(first)], axis=1)


def fall(epoch: ArrayLike, values: ArrayLike) -> Change:
    """From the largest seed mean to the end, both averaged over WINDOW epochs. No fall is a change
    of 0."""
    return _change(epoch, values, np.nanargmax)


def rise(epoch: ArrayLike, values: ArrayLike) -> Change:
    """From the smallest seed mean to the end, both averaged over WINDOW epochs."""
    return _change(epoch, values, np.nanargmin)


def _change(epoch, values, extreme):
    whole = np.asarray(values, np.float64)
    whole = whole[np.isfinite(whole).any(axis=1)]
    there = np.isfinite(whole).any(axis=0)  # a gradient has no value before the first epoch
    smoothed, epochs = smooth(np.asarray(epoch)[there], whole[:, there]), np.asarray(epoch)[there]
    i = int(extreme(np.nanmean(smoothed, axis=0)))
    return Change(int(epochs[i]), smoothed[:, i], smoothed[:, -1] - smoothed[:, i])


def reached(epoch: ArrayLike, values: ArrayLike, level: float) -> NDArray:
    """The first measured epoch whose value is below `level`, [S]; infinity for a seed that never
    gets there."""
    below = np.asarray(values) < level
    return np.where(below.any(axis=1), np.asarray(epoch)[below.argmax(axis=1)], np.inf)


def paths(epoch: ArrayLike, values: ArrayLike, least: float) -> list[str]:
    """Each seed's moves: "still", "rises", "falls", "rises, falls", ..., of its means over STAGES
    of training.

    A stage is a stretch of log(1 + epoch), all of one length; its mean leaves out the noise of
    single epochs. A move is of at least `least`, and of a quarter of all that the means span; it
    ends where they have come back by as much.
    """
    e, v = np.log1p(np.asarray(epoch)), np.asarray(values, np.float64)
    stage = np.minimum((STAGES * e / e[-1]).astype(int), STAGES - 1)
    means = np.stack([v[:, stage == i].mean(axis=1) for i in np.unique(stage)], axis=1)
    return [", ".join(_moves(seed, max(least, SHARE * np.ptp(seed)))) or "still" for seed in means]


def _moves(curve, least):
    moves, low, high = [], curve[0], curve[0]
    for value in curve[1:]:
        low, high = min(low, value), max(high, value)
        if value - low >= least and moves[-1:] != ["rises"]:
            moves.append("rises")
            low = high = value
        elif high - value >= least and moves[-1:] != ["falls"]:
            moves.append("falls")
            low = high = value
        elif moves[-1:] == ["rises"] and value == high:
            low = value
        elif moves[-1:] == ["falls"] and value == low:
            high = value
    return moves
