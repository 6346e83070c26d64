from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbnn.observe import words

TREE = (
    {"a": np.float32([[1.5, np.nan, -np.inf], [0.0, -0.0, 1e-42]]), "b": np.int32([-1, 2**31 - 1])},
    np.bool_([True, False, True]),
    np.float32(2.0),
)


def check(found):
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(TREE), strict=True):
        assert np.shape(one) == np.shape(other) and one.dtype == other.dtype
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()


def test_a_tree_comes_back_bit_for_bit():
    packed = words.pack(jax.tree.map(jnp.asarray, TREE))
    assert packed.shape == (6 + 2 + 3 + 1,) and packed.dtype == jnp.uint32
    check(words.unpack(np.asarray(packed), TREE))
    check(jax.jit(lambda row: words.unpack(row, TREE))(packed))


def test_rows_of_words_are_leaves_of_rows():
    packed = np.asarray(words.pack(jax.tree.map(jnp.asarray, TREE)))
    many = np.stack([np.stack([packed] * 3)] * 2)
    found = words.unpack(many, TREE)
    assert found[0]["a"].shape == (2, 3, 2, 3) and found[2].shape == (2, 3)
    check(jax.tree.map(lambda leaf: leaf[1, 2], found))


def test_words_of_another_tree_are_refused():
    with pytest.raises(ValueError, match=r"expected words \[\.\.\., 12\], got \(2, 11\)"):
        words.unpack(np.zeros((2, 11), np.uint32), TREE)


def test_what_is_mapped_is_as_if_one_by_one():
    def one(each):
        return {
            "sum": jnp.sum(each["a"]),
            "most": jnp.max(each["b"]),
            "any": jnp.any(each["b"] > 3),
        }

    every = [{"a": jnp.arange(4.0) * i, "b": jnp.arange(3, dtype=jnp.int32) + i} for i in range(3)]
    for n in (1, 3):
        for way in (partial(words.mapped, one), jax.jit(partial(words.mapped, one))):
            for found, each in zip(way(every[:n]), every[:n], strict=True):
                jax.tree.map(np.testing.assert_array_equal, found, one(each))
    both = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf + 1]), every)
    for found, each in zip(jax.vmap(partial(words.mapped, one))(both), both, strict=True):
        jax.tree.map(np.testing.assert_array_equal, found, jax.vmap(one)(each))


def test_numbers_of_other_sizes_are_refused():
    for wrong in (jnp.zeros(3, jnp.int8), jnp.zeros(3, jnp.float16)):
        with pytest.raises(TypeError, match="expected leaves of float32, int32 or bool, got"):
            words.pack((wrong,))
    assert words.pack((True, 2.0)).shape == (2,)
