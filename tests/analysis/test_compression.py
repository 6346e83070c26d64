import numpy as np
import pytest
from scipy import stats

from jaxbnn.analysis import compression
from jaxbnn.observe.probe import Schedule

EPOCH = np.arange(101)


def test_the_factor_of_hand_made_curves():
    fallen = np.where(EPOCH <= 50, 4.0, 3.0)  # the last fifty epochs are 51 .. 100
    level = np.full(101, 2.0)
    np.testing.assert_allclose(compression.compression_factor(EPOCH, [fallen, level]), [0.25, 0.0])
    assert np.isnan(compression.compression_factor(EPOCH, np.zeros((1, 101))))
    noise = np.random.default_rng(0).normal(5, 0.1, (1, 101))
    assert compression.compression_factor(EPOCH, noise) > 0.02  # a maximum is biased upwards


def test_the_end_is_the_last_fifty_epochs():
    found = compression.end(EPOCH, EPOCH[None].astype(float))
    assert [float(each[0]) for each in found] == [75.5, 75.5, 51, 100]
    thin = compression.end([0, 10, 60, 100], [[9.0, 8.0, 2.0, 4.0]])
    assert float(thin.mean[0]) == 3 and float(thin.low[0]) == 2


def test_a_group_compresses_when_its_mean_fall_is_surely_above_the_least():
    rng = np.random.default_rng(1)
    assert compression.group_compression(rng.normal(0.3, 0.1, 20)).compresses
    assert not compression.group_compression(rng.normal(0.04, 0.1, 20)).compresses
    few = compression.group_compression([1.0, 2.0, np.nan])
    assert few.mean == 1.5 and np.isnan(few.low) and not few.compresses


def test_a_fall_is_from_the_largest_running_mean_of_each_run():
    early, late = np.where(EPOCH <= 50, 4.0, 3.0), np.where(EPOCH < 20, 1.0, 2.0)
    np.testing.assert_allclose(compression.falls_from_peak(EPOCH, [early, late]), [1.0, 0.0])
    noise = np.random.default_rng(0).normal(5, 0.1, (20, 101))
    falls = compression.falls_from_peak(EPOCH, noise)
    assert (falls >= 0).all() and falls.max() < 0.1 < 5 * compression.compression_factor(
        EPOCH, noise
    ).min()


def test_noise_is_no_fall_where_the_schedule_is_thin():
    epoch = np.array(Schedule().epochs(8000))
    noise = np.random.default_rng(1).normal(2, 0.05, (30, len(epoch)))
    falls = compression.falls_from_peak(epoch, noise)
    assert falls.max() < 0.04 and not compression.group_compression(falls).compresses
    lost = np.where(np.arange(30)[:, None] == 3, np.nan, noise)
    assert np.isnan(compression.falls_from_peak(epoch, lost)).tolist() == [
        i == 3 for i in range(30)
    ]
    assert all(
        np.isnan(each[3]) and np.isfinite(each[2])
        for each in compression.path_traits(epoch, lost, noise).values()
    )


def test_runs_of_few_epochs_end_with_their_last_half():
    assert [compression.window_length([0, n]) for n in (1, 3, 8, 99, 100, 8000)] == [
        1,
        1,
        4,
        49,
        50,
        50,
    ]
    assert compression.last_epochs([0, 1, 2, 3]).tolist() == [False] * 3 + [True]
    assert compression.end([0, 1, 2, 3], [[9.0, 9.0, 9.0, 1.0]]).mean == 1


def test_the_traits_of_a_hand_made_path():
    epoch = np.unique(np.round(np.geomspace(1, 4096, 200)).astype(int)) - 1
    along = np.log1p(epoch) / np.log(4096)
    i_xt = np.minimum(along, 1.2 - along) * 5  # up to 3 bits at 0.6 of the way, then down to 1
    found = compression.path_traits(epoch, i_xt[None], along[None])
    assert (
        found["turns of I(X;T)"] == 1
        and found["epoch of the largest I(X;T)"] == epoch[i_xt.argmax()]
    )
    assert found["area below I(X;T)"] == pytest.approx(5 * (0.18 + 0.16), abs=1e-3)
    assert found["end of I(T;Y)"] == pytest.approx(1, abs=1e-2)
    still = compression.path_traits(epoch, np.ones((2, len(epoch))), np.ones((2, len(epoch))))
    assert still["turns of I(X;T)"].tolist() == [0, 0]


def test_the_interval_of_a_mean_is_students():
    for n in (4, 11, 400):
        values = np.random.default_rng(n).normal(1.0, 0.5, n)
        found = compression.mean_interval([*values, np.nan, np.inf])
        ends = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        np.testing.assert_allclose(found, [values.mean(), ends.low, ends.high])


def test_a_mean_of_few_values_has_no_interval():
    for values, mean in (([], np.nan), ([2.0], 2.0), ([1.0, 2.0, 6.0], 3.0)):
        np.testing.assert_array_equal(compression.mean_interval(values), [mean, np.nan, np.nan])
    assert compression.mean_interval([2.0] * 4) == (2.0, 2.0, 2.0)
