import itertools
import math

import numpy as np
import pytest
from scipy import stats

from jaxbnn.analysis import correlation


def test_pooled_ranks_are_scipys():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 30))
    found = correlation.pooled(x, x + y, np.arange(30) // 3)
    expected = stats.spearmanr(x, x + y)
    assert found.rho == pytest.approx(expected.statistic, abs=1e-12)
    assert found.p == 1 / 2001  # as small as 2000 deals can say
    assert found.low < found.rho < found.high and found.n == 30


def test_within_settings_what_the_settings_do_is_gone():
    rng = np.random.default_rng(3)
    setting = np.repeat(np.arange(12), 5)
    shift = np.repeat(rng.normal(0, 5, 12), 5)  # moves both up and down
    x, y = rng.normal(size=(2, 60))
    assert correlation.pooled(shift + x, shift + y, setting).p == 1 / 2001
    assert correlation.within(shift + x, shift + y, setting).p > 0.05
    linked = correlation.within(shift + x, shift - x, setting)
    assert linked.rho == -1 and linked.p == pytest.approx(1 / 2001) and linked.high < 0


def test_what_is_undefined_is_said_so_and_missing_runs_are_left_out():
    x = np.arange(8.0)
    assert np.isnan(correlation.pooled(x, np.ones(8), range(8)).rho)
    assert np.isnan(correlation.within(x, np.ones(8), np.arange(8) // 4).rho)
    assert np.isnan(correlation.pooled(x[:3], x[:3], range(3)).p)
    found = correlation.pooled([*x, np.nan], [*x, 1.0], range(9))
    assert found.n == 8 and found.rho == pytest.approx(1)


def test_the_partial_correlation_of_a_common_cause_is_none():
    rng = np.random.default_rng(4)
    cause, a, b = rng.normal(size=(3, 400))
    x, y = cause + a, cause + b
    assert stats.spearmanr(x, y).pvalue < 1e-9
    rho, p = correlation.partial_spearman(x, y, cause)
    assert abs(rho) < 0.1 and p > 0.05
    assert correlation.partial_spearman(x, y + x, cause)[1] == 1 / 2001
    assert np.isnan(correlation.partial_spearman(x, y, x)[0])


def test_holm_known_answer():
    np.testing.assert_allclose(
        correlation.holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02]
    )
    np.testing.assert_allclose(correlation.holm([np.nan, 0.5, 0.9]), [np.nan, 1.0, 1.0])


def test_few_settings_are_dealt_in_all_ways_and_no_p_is_below_what_they_allow():
    x = np.array([1.0, 2, 3, 4, 5])
    found = correlation.pooled(x, x, range(5))
    assert found.rho == pytest.approx(1) and found.p == pytest.approx(2 / 120)  # and its mirror
    y = np.array([2.0, 1, 4, 3, 5])
    rhos = [stats.spearmanr(x, y[list(o)])[0] for o in itertools.permutations(range(5))]
    expected = np.mean(np.abs(rhos) >= abs(stats.spearmanr(x, y)[0]) - 1e-12)
    assert correlation.pooled(x, y, range(5)).p == pytest.approx(expected)


def test_settings_keep_their_runs_together_when_they_are_dealt():
    """Two settings of three runs: 2 deals, in both of which all is as it was or mirrored."""
    x = [1, 1.1, 1.2, 5, 5.1, 5.2]
    assert correlation.pooled(x, x, [0, 0, 0, 1, 1, 1]).p >= 0.5
    assert np.isnan(correlation.pooled(x, x, [0, 0, 0, 1, 1, 1]).low)  # two settings have no spread


def test_shared_seeds_are_no_further_runs():
    """Three seeds in eleven settings, which make both numbers: 6 deals are all there are."""
    rng = np.random.default_rng(1)
    seed = np.tile(np.arange(3), 11)
    setting = np.repeat(np.arange(11), 3)
    value = np.tile(rng.normal(size=3), 11)
    x = value + 0.01 * rng.normal(size=33)
    y = value + 0.01 * rng.normal(size=33)
    assert correlation.within(x, y, setting).p < 0.001
    matched = correlation.within(x, y, setting, seed)
    assert matched.rho > 0.9 and matched.p >= 1 / 6 and np.isnan(matched.low)
    assert correlation.pooled(x, y, setting, seed).p >= 1 / 6


def test_a_partial_correlation_of_few_is_refused_and_its_p_is_not_below_what_they_allow():
    rng = np.random.default_rng(0)
    given = rng.normal(size=7)
    x = given + rng.normal(size=7)
    assert np.isnan(correlation.partial_spearman(x[:6], x[:6] * 2, given[:6])).all()
    rho, p = correlation.partial_spearman(x, x, given)
    assert rho == pytest.approx(1) and 1 / math.factorial(7) <= p < 0.01


def test_the_interval_covers_the_true_correlation():
    """Of simulated settings with seeds: 95 % intervals hold the value of a very large sample in
    most of 40 samples."""
    rng = np.random.default_rng(5)

    def sample(n_settings):
        setting = np.repeat(np.arange(n_settings), 3)
        common = np.repeat(rng.normal(size=n_settings), 3)
        x, y = rng.normal(size=(2, 3 * n_settings))
        return common + x, common + y, setting

    truth = stats.spearmanr(*sample(50_000)[:2]).statistic
    small = [correlation.pooled(*sample(25)) for _ in range(40)]
    assert sum(link.low <= truth <= link.high for link in small) >= 34


def test_the_interval_within_settings_stands_around_the_correlation():
    rng = np.random.default_rng(6)
    setting = np.repeat(np.arange(60), 3)
    x, noise = rng.normal(size=(2, 180))
    found = correlation.within(x, x + noise, setting)
    assert found.low < found.rho < found.high
    assert (found.low + found.high) / 2 == pytest.approx(found.rho, abs=0.03)
