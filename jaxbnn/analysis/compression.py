"""Compression in the curves of I(X;T): where runs end, how far they fell, and whether a group of
runs compresses.

All take measured epochs [E] (rising) and one layer's values over seeds [S, E]. Source of the factor
and of the last 50 epochs: Nothnagel & Geiger 2026.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from jaxbnn.analysis import trajectories
from jaxbnn.analysis.trajectories import WINDOW

MIN_RUNS = 4  # below which there is no interval
LEVEL = 0.95
MIN_FALL = 0.05  # bits


class End(NamedTuple):
    """A quantity over the last epochs, leaves [S]."""

    mean: NDArray
    median: NDArray
    low: NDArray  # the smallest
    high: NDArray  # the largest


class MeanInterval(NamedTuple):
    """A mean with its 95 % t interval, in the unit of the values."""

    mean: float  # NaN without any value
    low: float  # NaN for fewer than MIN_RUNS values
    high: float


class Compression(NamedTuple):
    """Whether a group of runs compresses."""

    mean: float  # bits, of the falls
    low: float  # 95 % t interval of that mean
    high: float
    compresses: bool  # the whole interval lies above the smallest fall that counts


def window_length(epoch: ArrayLike) -> int:
    """How many epochs are the last ones: WINDOW, or half of a run with fewer than twice as many.

    Args:
        epoch: [E] measured epochs, rising.

    Returns:
        A number of epochs, 1 or more.
    """
    total = int(np.asarray(epoch)[-1])
    return max(1, min(WINDOW, total // 2))


def last_epochs(epoch: ArrayLike) -> NDArray:
    """Which measured epochs are among the last ones.

    Args:
        epoch: [E] measured epochs, rising.

    Returns:
        bool [E].
    """
    epochs = np.asarray(epoch)
    return epochs > epochs[-1] - window_length(epochs)


def end(epoch: ArrayLike, values: ArrayLike) -> End:
    """A quantity over the measured epochs among the last ones.

    Args:
        epoch: [E] measured epochs, rising.
        values: [S, E] in any unit.

    Returns:
        Mean, median, smallest and largest [S], in the unit of the values.
    """
    last = np.asarray(values, np.float64)[:, last_epochs(epoch)]
    return End(last.mean(axis=1), np.median(last, axis=1), last.min(axis=1), last.max(axis=1))


def compression_factor(epoch: ArrayLike, i_xt: ArrayLike) -> NDArray:
    """(max - mean of the last epochs) / max of I(X;T), in 0 .. 1.

    A maximum is biased upwards: noise alone gives a factor above 0, so that a control belongs
    beside it.

    Args:
        epoch: [E] measured epochs, rising.
        i_xt: [S, E] bits.

    Returns:
        [S]; NaN where the maximum is 0.
    """
    top = np.asarray(i_xt, np.float64).max(axis=1)
    lost = top - end(epoch, i_xt).mean
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(top > 0, lost / top, np.nan)


def falls_from_peak(epoch: ArrayLike, i_xt: ArrayLike) -> NDArray:
    """Each seed's largest running mean of I(X;T) minus its mean of the last epochs, 0 or more.

    Both are means over as many measured epochs, so that an epoch's noise is no fall. Where every
    epoch is measured, it is a mean over 50 of them; where the schedule is thin it spans more, and a
    short peak counts less.

    Args:
        epoch: [E] measured epochs, rising.
        i_xt: [S, E] bits.

    Returns:
        [S] bits; NaN for a seed with a NaN.
    """
    n_last = int(last_epochs(epoch).sum())
    curves = np.asarray(i_xt, np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(curves, n_last, axis=1)
    means = windows.mean(axis=-1)
    return means.max(axis=1) - means[:, -1]


def group_compression(falls: ArrayLike, min_fall: float = MIN_FALL) -> Compression:
    """Whether the mean fall of a group of runs lies above `min_fall` with its whole interval.

    Args:
        falls: [R] bits, a loss is positive: of the seeds of one setting, or one value a setting.
        min_fall: bits.

    Returns:
        The mean, its interval, and the answer: no, where there is no interval.
    """
    interval = mean_interval(falls)
    return Compression(*interval, compresses=interval.low > min_fall)


def mean_interval(values: ArrayLike) -> MeanInterval:
    """The mean of the finite values with its 95 % t interval.

    Args:
        values: [R] in any unit; what is not finite is left out.

    Returns:
        Mean, low and high; no interval for fewer than four values.
    """
    sample = np.asarray(values, np.float64)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return MeanInterval(np.nan, np.nan, np.nan)
    mean = float(sample.mean())
    if len(sample) < MIN_RUNS:
        return MeanInterval(mean, np.nan, np.nan)
    error = sample.std(ddof=1) / np.sqrt(len(sample))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, len(sample) - 1) * error)
    return MeanInterval(mean, mean - reach, mean + reach)


def path_traits(epoch: ArrayLike, i_xt: ArrayLike, i_ty: ArrayLike) -> dict[str, NDArray]:
    """What else a path through the plane shows.

    The end of I(T;Y); the epoch of the largest I(X;T); the area below I(X;T) over log(1 + epoch),
    divided by that axis' length; how often I(X;T) turns (see `trajectories.phases`).

    Args:
        epoch: [E] measured epochs, rising.
        i_xt: [S, E] bits.
        i_ty: [S, E] bits.

    Returns:
        Name -> [S]; NaN for a run that has no number at some epoch.
    """
    epochs = np.asarray(epoch)
    curves = np.asarray(i_xt, np.float64)
    progress = np.log1p(epochs)
    area = np.trapezoid(curves, progress, axis=1) / (progress[-1] - progress[0])
    traits = {
        "end of I(T;Y)": end(epochs, i_ty).mean,
        "epoch of the largest I(X;T)": epochs[curves.argmax(axis=1)].astype(np.float64),
        "area below I(X;T)": area,
        "turns of I(X;T)": _turns(epochs, curves),
    }
    finite = np.isfinite(curves) & np.isfinite(np.asarray(i_ty, np.float64))
    complete = finite.all(axis=1)
    return {name: np.where(complete, values, np.nan) for name, values in traits.items()}


def _turns(epochs: NDArray, curves: NDArray) -> NDArray:
    """How often each of [S, E] turns: its moves but one, [S]."""
    moves = [len(path) for path in trajectories.phases(epochs, curves, MIN_FALL)]
    return np.maximum(np.array(moves, np.float64) - 1, 0)
