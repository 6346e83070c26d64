"""95 % intervals over seeds, their words, and the verdict that they give on a claim."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from jaxbnn.info.plane import bands
from jaxbnn.studies.study import Verdict

LEVEL = 0.95
MIN_RANKED = 4  # values, below which a rank correlation has no interval
SPEARMAN = 1.06  # times the variance of a correlation of numbers on Fisher's scale
WEAK: Verdict = "too weak to say"


class Interval(NamedTuple):
    """A number with its 95 % interval."""

    mean: float
    low: float
    high: float


def mean_interval(values: ArrayLike) -> Interval:
    """The mean over seeds with its t interval.

    Args:
        values: [S] in any unit; NaN is left out.

    Returns:
        The mean and the ends, in the unit of the values; NaN ends for fewer than two seeds.
    """
    band = bands(np.asarray(values, np.float64), LEVEL)
    return Interval(float(band.mean), float(band.low), float(band.high))


def welch_interval(a: ArrayLike, b: ArrayLike) -> Interval:
    """The mean of a minus the mean of b, with Welch's interval.

    Args:
        a: [S] in any unit.
        b: [S'] in the same.

    Returns:
        The difference and the ends, in that unit.
    """
    ends = stats.ttest_ind(a, b, equal_var=False).confidence_interval(LEVEL)
    difference = np.mean(np.asarray(a)) - np.mean(np.asarray(b))
    return Interval(float(difference), float(ends.low), float(ends.high))


def median_interval(values: ArrayLike) -> Interval:
    """The median over seeds with the interval of its order statistics.

    Args:
        values: [S] in any unit; infinity is a value like others.

    Returns:
        The median and the ends; NaN ends for fewer than six values, which have no such interval.
    """
    sample = np.asarray(values, np.float64)
    median = float(np.median(sample))
    # scipy has no types: q is taken for whole because its default, 0, is.
    test = stats.quantile_test(sample, q=median, p=0.5)  # pyright: ignore[reportArgumentType]
    ends = test.confidence_interval(LEVEL)
    return Interval(median, float(ends.low), float(ends.high))


def rank_correlation_interval(x: ArrayLike, y: ArrayLike) -> Interval:
    """Spearman's correlation with its interval on Fisher's scale.

    tanh(atanh(rho) -+ 1.96 sqrt(1.06 / (S - 3))). Source: Fieller, Hartley & Pearson 1957.

    Args:
        x: [S].
        y: [S].

    Returns:
        The correlation and its ends; NaN where x or y is constant; NaN ends for fewer than
        four values.
    """
    x_ranks = stats.rankdata(x)
    y_ranks = stats.rankdata(y)
    if np.ptp(x_ranks) == 0 or np.ptp(y_ranks) == 0:
        return Interval(np.nan, np.nan, np.nan)
    rho = float(np.corrcoef(x_ranks, y_ranks)[0, 1])
    if len(x_ranks) < MIN_RANKED:
        return Interval(rho, np.nan, np.nan)
    middle = np.arctanh(np.clip(rho, -1 + 1e-9, 1 - 1e-9))
    reach = stats.norm.ppf((1 + LEVEL) / 2) * np.sqrt(SPEARMAN / (len(x_ranks) - 3))
    return Interval(rho, float(np.tanh(middle - reach)), float(np.tanh(middle + reach)))


def interval_text(values: ArrayLike, digits: int = 2) -> str:
    """The mean over seeds with its interval in words: "-3.78 [-4.01, -3.55]".

    Args:
        values: [S].
        digits: after the point.
    """
    mean, low, high = mean_interval(values)
    return f"{mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def verdict_below(intervals: Iterable[tuple[float, float, float]], threshold: float) -> Verdict:
    """Whether quantities lie below a threshold, by their intervals.

    Args:
        intervals: (mean, low, high) of each quantity.
        threshold: in their unit.

    Returns:
        Confirmed where every interval lies below, contradicted where one lies above, otherwise too
        weak to say.
    """
    ends = [(low, high) for _, low, high in intervals]
    if all(high < threshold for _, high in ends):
        return "confirmed"
    if any(low > threshold for low, _ in ends):
        return "contradicted"
    return WEAK
