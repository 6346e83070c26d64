import jax.numpy as jnp
import numpy as np
import pytest

from jaxbnn.info import pairwise
from jaxbnn.info.packing import pack_signs


@pytest.mark.parametrize(("n", "d"), [(1, 1), (100, 40), (5000, 3)])
def test_units_and_pairs_are_those_of_a_product(n, d):
    t = np.random.default_rng(d).choice([-1.0, 1.0], (n, d)).astype(np.float32)
    found = pairwise.count_units(pack_signs(jnp.asarray(t)), jnp.ones(n, bool), d)
    on = (t > 0).astype(np.int64)
    np.testing.assert_array_equal(found.together, on.T @ on)
    np.testing.assert_array_equal(found.count, on.sum(axis=0))


def test_a_row_that_is_not_of_signs_unsets_all():
    found = pairwise.count_units(jnp.ones((3, 1), jnp.uint32), jnp.array([True, False, True]), 2)
    assert (found.together == -1).all() and (found.count == -1).all()
