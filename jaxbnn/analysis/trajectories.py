"""What a curve does while a network learns: how far it moved from its extreme to the end, when it
first reached a level, and its phases.

All take measured epochs [E] (rising) and one quantity's values over seeds [S, E].
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

STAGES = 8  # of training, evenly spaced on the log of the epoch
MIN_SHARE = 0.25  # of the range of a curve: a smaller turn is no move
WINDOW = 50  # epochs that are averaged, so that an epoch's noise is no phase
RISES = "rises"
FALLS = "falls"


class Change(NamedTuple):
    """How far a quantity moved from an extreme to the end."""

    epoch: int  # where the mean over seeds has its extreme
    extreme: NDArray  # [S] the value there
    change: NDArray  # [S] the end's value minus it


def smooth(epoch: ArrayLike, values: ArrayLike, window: int = WINDOW) -> NDArray:
    """The mean over the measured epochs in (e - window, e], for each epoch e.

    Where fewer epochs are measured than that, it is a mean of few, down to the value itself.

    Args:
        epoch: [E] measured epochs, rising.
        values: [S, E] in any unit.
        window: in epochs.

    Returns:
        [S, E] in the unit of the values; NaN where a value of the window is NaN.
    """
    epochs = np.asarray(epoch)
    curves = np.asarray(values, np.float64)
    starts = np.searchsorted(epochs, epochs - window, side="right")
    means = []
    for end, start in enumerate(starts):
        means.append(curves[:, start : end + 1].mean(axis=1))
    return np.stack(means, axis=1)


def change_since_maximum(epoch: ArrayLike, values: ArrayLike) -> Change:
    """How far each seed fell from the epoch where the mean over seeds is largest to the end.

    Both ends are averaged over WINDOW epochs. Where the mean never falls, the change is 0.

    Args:
        epoch: [E] measured epochs, rising.
        values: [S, E]; seeds without any number, and epochs without any, are left out.

    Returns:
        The epoch of the maximum, and the changes [S], negative for a fall.
    """
    return _change(epoch, values, np.nanargmax)


def change_since_minimum(epoch: ArrayLike, values: ArrayLike) -> Change:
    """How far each seed rose from the epoch where the mean over seeds is smallest to the end.

    Args:
        epoch: [E] measured epochs, rising.
        values: [S, E]; seeds without any number, and epochs without any, are left out.

    Returns:
        The epoch of the minimum, and the changes [S], positive for a rise.
    """
    return _change(epoch, values, np.nanargmin)


def _change(epoch: ArrayLike, values: ArrayLike, extreme: Callable) -> Change:
    curves = np.asarray(values, np.float64)
    curves = curves[np.isfinite(curves).any(axis=1)]
    measured = np.isfinite(curves).any(axis=0)  # a gradient has no value before the first epoch
    epochs = np.asarray(epoch)[measured]
    smoothed = smooth(epochs, curves[:, measured])
    i = int(extreme(np.nanmean(smoothed, axis=0)))
    return Change(int(epochs[i]), smoothed[:, i], smoothed[:, -1] - smoothed[:, i])


def first_epoch_below(epoch: ArrayLike, values: ArrayLike, level: float) -> NDArray:
    """The first measured epoch whose value is below a level.

    Args:
        epoch: [E] measured epochs, rising.
        values: [S, E].
        level: in the unit of the values.

    Returns:
        [S] epochs; infinity for a seed that never gets below.
    """
    below = np.asarray(values) < level
    first = np.asarray(epoch)[below.argmax(axis=1)]
    return np.where(below.any(axis=1), first, np.inf)


def phases(epoch: ArrayLike, values: ArrayLike, min_move: float) -> list[tuple[str, ...]]:
    """Each seed's moves over STAGES of training: (), ("rises",), ("rises", "falls"), ...

    A stage is a stretch of log(1 + epoch), all of one length; its mean leaves out the noise of
    single epochs. A move is of at least `min_move`, and of a quarter of the range of the means; it
    ends where they have come back by as much.

    Args:
        epoch: [E] measured epochs, rising.
        values: [S, E].
        min_move: in the unit of the values; a smaller move is none.

    Returns:
        A tuple of "rises" and "falls" in turn for each of the S seeds; empty for one that stands
        still.
    """
    paths = []
    for means in _stage_means(np.asarray(epoch), np.asarray(values, np.float64)):
        paths.append(_moves(means, max(min_move, MIN_SHARE * np.ptp(means))))
    return paths


def path_text(moves: tuple[str, ...]) -> str:
    """The moves of a seed in words: "still", "rises", "rises, falls", ..."""
    return ", ".join(moves) or "still"


def _stage_means(epochs: NDArray, curves: NDArray) -> NDArray:
    """The means of [S, E] over the stages that have a measured epoch, [S, K]."""
    progress = np.log1p(epochs)
    stage = np.minimum((STAGES * progress / progress[-1]).astype(int), STAGES - 1)
    means = [curves[:, stage == i].mean(axis=1) for i in np.unique(stage)]
    return np.stack(means, axis=1)


def _moves(curve: NDArray, min_move: float) -> tuple[str, ...]:
    """The moves of one curve [K]: a new one begins where it has turned by `min_move`."""
    moves: list[str] = []
    low = high = curve[0]
    for value in curve[1:]:
        low = min(low, value)
        high = max(high, value)
        last = moves[-1] if moves else ""
        if value - low >= min_move and last != RISES:
            moves.append(RISES)
            low = high = value
        elif high - value >= min_move and last != FALLS:
            moves.append(FALLS)
            low = high = value
        elif value == _furthest(last, low, high):
            low = high = value
    return tuple(moves)


def _furthest(move: str, low: float, high: float) -> float:
    """How far the present move has come; NaN before the first."""
    return {RISES: high, FALLS: low}.get(move, np.nan)
