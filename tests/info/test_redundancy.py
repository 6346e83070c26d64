import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbnn.info.packing import are_signs, pack_signs
from jaxbnn.info.redundancy import redundant_units


def of(t):
    t = jnp.asarray(t, jnp.float32)
    return [
        int(n)
        for n in jax.jit(redundant_units, static_argnums=2)(pack_signs(t), are_signs(t), t.shape[1])
    ]


def brute_force(t):
    constant = [len(set(column)) == 1 for column in t.T]
    pairs = [(i, j) for j in range(t.shape[1]) for i in range(j) if not constant[j]]
    duplicate = {j for i, j in pairs if (t[:, i] == t[:, j]).all()}
    return [
        sum(constant),
        len(duplicate),
        len({j for i, j in pairs if (t[:, i] == -t[:, j]).all()}),
    ]


def test_known_answer():
    a, b = np.array([1, 1, -1, 1]), np.array([1, -1, -1, 1])
    one = np.ones(4)
    # constant: two (one of each sign); a again: a duplicate; -a: complementary; -b: complementary
    # to b
    assert of(np.stack([a, one, a, -a, b, -one, -b], axis=1)) == [2, 1, 2]


@pytest.mark.parametrize("shape", [(1, 3), (5, 1), (6, 4), (8, 40), (5000, 3), (4097, 70)])
def test_equals_a_comparison_of_all_pairs(shape):
    rng = np.random.default_rng(shape[0])
    base = rng.choice([-1, 1], size=(shape[0], max(1, shape[1] // 2)))
    t = base[:, rng.integers(base.shape[1], size=shape[1])] * rng.choice([-1, 1], size=shape[1])
    assert of(t) == brute_force(t)


def test_the_order_of_examples_and_a_units_sign_change_nothing_but_duplicate_for_complementary():
    rng = np.random.default_rng(0)
    t = np.repeat(rng.choice([-1, 1], size=(50, 3)), 2, axis=1)
    assert of(t) == of(t[rng.permutation(50)]) == [0, 3, 0]
    assert of(t * np.array([1, -1] * 3)) == [0, 0, 3]


def test_what_is_no_sign_is_not_counted():
    t = jnp.array([[0.5, 1.0], [1.0, -1.0]])
    words = pack_signs(jnp.sign(t))
    assert [int(n) for n in redundant_units(words, are_signs(t), 2)] == [-1, -1, -1]
