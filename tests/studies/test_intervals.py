"""Intervals over seeds, and the verdicts they give."""

import math

import numpy as np
import pytest
from scipy import stats

from jaxbnn.studies import intervals

BELOW = (0.0, -0.1, 0.1)
ABOVE = (2.0, 1.9, 2.1)
ACROSS = (1.0, 0.5, 1.5)
UNDEFINED = (float("nan"),) * 3


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        ([BELOW, BELOW], "confirmed"),
        ([BELOW, ABOVE], "contradicted"),
        ([BELOW, ACROSS], "too weak to say"),
        ([ABOVE, ACROSS], "contradicted"),
        ([UNDEFINED], "too weak to say"),
        ([BELOW, UNDEFINED], "too weak to say"),
    ],
)
def test_the_verdict_is_by_the_ends_of_intervals(ends, verdict):
    assert intervals.verdict_below(ends, 1.0) == verdict


def test_the_interval_of_a_mean_is_students():
    values = np.array([1.0, 2.0, 4.0])
    expected = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
    found = intervals.mean_interval([*values, np.nan])
    np.testing.assert_allclose(found, [7 / 3, *expected])
    assert intervals.interval_text([1.0, 1.0, 1.0]) == "+1.00 [+1.00, +1.00]"
    assert intervals.interval_text([-1.5, -2.5], 1) == "-2.0 [-8.4, +4.4]"


def test_the_interval_of_a_difference_is_welchs():
    a, b = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 0.5])
    variances = a.var(ddof=1) / 4, b.var(ddof=1) / 2
    freedom = sum(variances) ** 2 / (variances[0] ** 2 / 3 + variances[1] ** 2)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(sum(variances))
    found = intervals.welch_interval(a, b)
    np.testing.assert_allclose(found, [2.25, 2.25 - half, 2.25 + half])


def test_the_interval_of_a_median_is_of_order_statistics():
    """Known: of ten values the 2nd and the 9th, with 97.9 %."""
    values = np.array([7.0, 1, 10, 2, 9, 3, 8, 4, 6, 5])
    assert intervals.median_interval(values) == (5.5, 2, 9)
    never = np.where(values > 6, np.inf, values)
    assert intervals.median_interval(never) == (5.5, 2, np.inf)
    assert intervals.median_interval([np.inf] * 6) == (np.inf, np.inf, np.inf)
    assert intervals.median_interval([1.0] * 6) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("n", [6, 8, 9, 17, 50])
def test_the_interval_of_a_median_is_the_narrowest_that_holds_its_level(n):
    """By brute force over the ranks: k-th smallest to k-th largest, k as large as 95 % allow."""
    below = np.cumsum([math.comb(n, i) for i in range(n + 1)]) / 2**n  # of fewer than i + 1
    rank = max(k for k in range(1, n) if below[k - 1] <= 0.025)
    found = intervals.median_interval(np.random.default_rng(n).permutation(n) + 1)
    assert found == ((n + 1) / 2, rank, n + 1 - rank)


def test_the_median_of_fewer_than_six_has_no_interval():
    few = intervals.median_interval([3.0, 1, 4, 1, 5])
    assert few.mean == 3 and np.isnan(few.low) and np.isnan(few.high)


def test_the_interval_of_a_rank_correlation_is_fishers():
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 50))
    rho = stats.spearmanr(x, x + noise).statistic
    half = stats.norm.ppf(0.975) * math.sqrt(1.06 / 47)
    low, high = math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half)
    found = intervals.rank_correlation_interval(x, x + noise)
    np.testing.assert_allclose(found, [rho, low, high])
    perfect = intervals.rank_correlation_interval(np.arange(12), np.arange(12) ** 2)
    np.testing.assert_allclose(perfect, 1.0, atol=1e-6)
    few = intervals.rank_correlation_interval([1, 2, 3], [1, 4, 9])
    assert few.mean == pytest.approx(1) and np.isnan(few.low) and np.isnan(few.high)


def test_a_constant_has_no_rank_correlation():
    rising = np.arange(8.0)
    for x, y in ((np.ones(8), rising), (rising, np.full(8, 2.0))):
        assert np.isnan(intervals.rank_correlation_interval(x, y)).all()
