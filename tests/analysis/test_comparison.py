import numpy as np
import pytest
import xarray as xr
from scipy import stats

from jaxbnn.analysis import comparison
from jaxbnn.analysis.comparison import compare


def fake(values, layers=("hidden_1", "output"), epochs=None, **attrs):
    values = np.asarray(values, np.float32)
    epochs = np.arange(values.shape[1]) if epochs is None else epochs
    named = {"i_xt": (("seed", "epoch", "layer"), values)}
    return xr.Dataset(
        named,
        {"seed": np.arange(len(values)), "epoch": epochs, "layer": list(layers)},
        {"estimator": "Exact()", "sample": "all"} | attrs,
    )


def noise(seed, n=10, n_epochs=5, shift=0.0):
    return np.random.default_rng(seed).normal(3 + shift, 0.5, (n, n_epochs, 2))


def test_statistics_are_welchs():
    a, b = noise(0), noise(1, n=7, shift=0.4)
    found = compare(fake(a), fake(b))
    t = stats.ttest_ind(a.astype(np.float32), b.astype(np.float32), equal_var=False)
    half = (found.high - found.low) / 2
    np.testing.assert_allclose(found.difference, a.mean(axis=0) - b.mean(axis=0), atol=1e-6)
    ratio = (
        np.abs(found.difference) / half / np.abs(t.statistic)
    )  # one over the critical value, everywhere
    np.testing.assert_allclose(ratio, ratio.flat[0], rtol=1e-4)
    assert found.n_seeds == (10, 7) and found.layer == ("hidden_1", "output")


def test_p_is_that_of_scipys_permutations():
    a, b = noise(2, n=6, n_epochs=1)[:, :, :1], noise(3, n=6, n_epochs=1, shift=0.3)[:, :, :1]
    found = compare(fake(a, ("hidden_1",)), fake(b, ("hidden_1",)))

    def welch(x, y, axis):
        return np.abs(stats.ttest_ind(x, y, equal_var=False, axis=axis).statistic)

    exact = stats.permutation_test(
        (a[:, 0, 0], b[:, 0, 0]), welch, n_resamples=np.inf, alternative="greater"
    )
    assert found.p == pytest.approx(exact.pvalue, abs=4 * np.sqrt(exact.pvalue / comparison.DRAWS))


def test_equal_planes_are_called_different_as_often_as_the_level_says():
    found = [compare(fake(noise(2 * i, n=6)), fake(noise(2 * i + 1, n=6))) for i in range(200)]
    p = np.array([each.p for each in found])
    covered = np.array([((each.low <= 0) & (each.high >= 0)).all() for each in found])
    assert 0.01 <= (p <= 0.05).mean() <= 0.10 and 0.90 <= covered.mean() <= 0.99


def test_matched_seeds_are_compared_seed_by_seed():
    shared = noise(8, n=12)
    a = fake(shared + noise(9, n=12, shift=-2.9) * 0.2, root_seed=3)
    b = fake(shared, root_seed=3)
    found = compare(a, b)
    apart = compare(a, fake(shared, root_seed=4))
    assert found.matched and not apart.matched and found.n_seeds == (12, 12)
    np.testing.assert_allclose(found.difference, apart.difference, atol=1e-6)
    assert (found.high - found.low).max() < 0.5 * (apart.high - apart.low).min()
    later = b.assign_coords(seed=np.arange(6, 18))  # six seeds are in both
    assert compare(a, later).n_seeds == (6, 6)
    values = (a.i_xt - b.i_xt).values.reshape(12, -1)
    t = stats.ttest_1samp(values, 0).statistic.reshape(5, 2)
    ratio = np.abs(found.difference) / ((found.high - found.low) / 2) / np.abs(t)
    np.testing.assert_allclose(ratio, ratio.flat[0], rtol=1e-3)


def test_a_difference_is_found_where_it_is():
    b = noise(5)
    b[:, 3, 1] += 2
    found = compare(fake(noise(4)), fake(b))
    assert found.p < 0.01
    np.testing.assert_array_equal(np.argwhere(found.high < 0), [[3, 1]])


def test_only_what_both_runs_have_is_compared():
    a, b = noise(6), noise(7)
    a[2, 1:] = np.nan  # a seed that diverged
    a[:, :, 1] = np.nan  # a layer that is not counted
    found = compare(
        fake(a, epochs=[0, 1, 2, 5, 9]), fake(b, ("hidden_1", "output"), [0, 2, 4, 9, 11])
    )
    assert (
        found.epoch.tolist() == [0, 2, 9]
        and found.layer == ("hidden_1",)
        and found.n_seeds == (9, 10)
    )


def test_runs_that_are_equal_throughout_do_not_differ():
    found = compare(fake(np.full((5, 3, 2), 2.0)), fake(np.full((5, 3, 2), 2.0)))
    assert found.p == 1 and (found.difference == 0).all()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            fake(noise(1), sample="test"),
            "expected two runs measured alike, got sample 'all' and 'test'",
        ),
        (
            fake(noise(1), ("a", "b")),
            "expected runs that share epochs and layers with i_xt, got 5, 0",
        ),
        (
            fake(noise(1, n=3)),
            "expected 4 or more seeds in each run that did not diverge, got 10 and 3",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(other, message):
    with pytest.raises(ValueError) as error:
        compare(fake(noise(0)), other)
    assert str(error.value) == message
