import jax
import numpy as np
import pytest
from scipy import stats

from jaxbnn.train import shuffle

DRAWS = 3000


@pytest.mark.parametrize("n", [1, 2, 3, 64, 512, 513, 766, 1024, 1025, 3276, 60000])
def test_every_place_is_taken_once(n):
    orders = jax.vmap(lambda key: shuffle.permutation(key, n))(
        jax.random.split(jax.random.key(n), 3)
    )
    assert orders.dtype == np.int32
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(n), (3, 1)))
    alone = shuffle.permutation(jax.random.split(jax.random.key(n), 3)[1], n)
    np.testing.assert_array_equal(orders[1], alone)  # whatever the other lanes drew
    assert n < 64 or len({tuple(order[:10]) for order in np.asarray(orders)}) == 3


@pytest.fixture(
    scope="module",
    params=[
        513,
        pytest.param(766, marks=pytest.mark.slow),
        pytest.param(1025, marks=pytest.mark.slow),
    ],
)
def drawn(request):
    n = request.param
    keys = jax.random.split(jax.random.key(5), DRAWS)
    return n, np.asarray(jax.jit(jax.vmap(lambda key: shuffle.permutation(key, n)))(keys))


def is_uniform(values, n):
    """values below n: their shares in 19 bins pass a chi-square test at one in ten thousand."""
    bins = np.arange(n) * 19 // n
    expected = np.bincount(bins) / n * len(values)
    return stats.chisquare(np.bincount(bins[values], minlength=19), expected).pvalue > 1e-4


def test_a_place_goes_anywhere_and_so_do_pairs_and_triples(drawn):
    n, orders = drawn
    for i in (0, 1, n // 2, n - 1):
        assert is_uniform(orders[:, i], n)
    for j in (1, 2, n // 2, n - 1):
        assert is_uniform((orders[:, j] - orders[:, 0] - 1) % n % (n - 1), n - 1)
    assert is_uniform((orders[:, 0] + orders[:, 1] - orders[:, 2]) % n, n)


def test_the_order_is_neither_rising_nor_falling(drawn):
    """Inversions among the first 50 places: mean and variance of a uniform order."""
    m, (i, j) = 50, np.triu_indices(50, 1)
    inversions = (drawn[1][:, i] > drawn[1][:, j]).sum(axis=1)
    variance = m * (m - 1) * (2 * m + 5) / 72
    assert abs(inversions.mean() - m * (m - 1) / 4) < 4 * np.sqrt(variance / DRAWS)
    assert inversions.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / DRAWS))


def test_two_examples_share_a_batch_as_often_as_chance_has_it(drawn):
    n, orders = drawn
    batch = np.argsort(orders, axis=1) // 64
    sizes = np.bincount(np.arange(n) // 64)
    chance = (sizes * (sizes - 1)).sum() / (n * (n - 1))
    for j in (1, 2, n // 2, n - 1):
        share = (batch[:, 0] == batch[:, j]).mean()
        assert abs(share - chance) < 4 * np.sqrt(chance * (1 - chance) / DRAWS)


def test_no_examples_are_refused():
    with pytest.raises(ValueError, match="expected n >= 1 examples, got 0"):
        shuffle.permutation(jax.random.key(0), 0)
