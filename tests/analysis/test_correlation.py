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
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.low < found.rho < found.high and found.n == 30


def test_within_settings_what_the_settings_do_is_gone():
    rng = np.random.default_rng(3)
    setting = np.repeat(np.arange(12), 5)
    shift = np.repeat(rng.normal(0, 5, 12), 5)  # moves both up and down
    x, y = rng.normal(size=(2, 60))
    assert correlation.pooled(shift + x, shift + y, setting).p < 1e-6
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
    assert correlation.partial_spearman(x, y + x, cause)[1] < 1e-9
    assert np.isnan(correlation.partial_spearman(x, y, x)[0])


def test_holm_known_answer():
    np.testing.assert_allclose(
        correlation.holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02]
    )
    np.testing.assert_allclose(correlation.holm([np.nan, 0.5, 0.9]), [np.nan, 1.0, 1.0])


def test_the_interval_covers_the_true_correlation(monkeypatch):
    """Of simulated settings with seeds: 95 % intervals hold the value of a very large sample in
    most of 40 samples."""
    monkeypatch.setattr(correlation, "DRAWS", 200)
    rng = np.random.default_rng(5)

    def sample(n_settings):
        setting = np.repeat(np.arange(n_settings), 3)
        common = np.repeat(rng.normal(size=n_settings), 3)
        x, y = rng.normal(size=(2, 3 * n_settings))
        return common + x, common + y, setting

    truth = stats.spearmanr(*sample(50_000)[:2]).statistic
    small = [correlation.pooled(*sample(25), seed=i) for i in range(40)]
    assert sum(link.low <= truth <= link.high for link in small) >= 34


def test_the_interval_within_settings_stands_around_the_correlation():
    rng = np.random.default_rng(6)
    setting = np.repeat(np.arange(60), 3)
    x, noise = rng.normal(size=(2, 180))
    found = correlation.within(x, x + noise, setting)
    assert found.low < found.rho < found.high
    assert (found.low + found.high) / 2 == pytest.approx(found.rho, abs=0.03)
