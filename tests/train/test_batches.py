import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbnn.train.batches import in_batches

ROWS = jnp.asarray(np.random.default_rng(0).normal(size=(11, 2, 3)).astype(np.float32))


@pytest.mark.parametrize("limit", [1, 3, 4, 10, 11, 100])
def test_any_batching_gives_each_rows_result_in_order(limit):
    def f(x):
        return {"sum": x.sum(axis=(1, 2)), "twice": 2 * x}

    found = in_batches(f, ROWS, limit)
    np.testing.assert_allclose(found["sum"], ROWS.sum(axis=(1, 2)), rtol=1e-6)
    np.testing.assert_array_equal(found["twice"], 2 * ROWS)


@pytest.mark.parametrize(("n", "limit", "size"), [(11, 4, 4), (12, 8, 6), (9, 9, 9)])
def test_all_batches_have_one_shape_and_at_most_limit_rows(n, limit, size):
    seen = []
    jax.eval_shape(
        lambda x: in_batches(lambda b: seen.append(b.shape) or b, x, limit), jnp.zeros((n, 3))
    )
    assert set(seen) == {(size, 3)}
