"""Inputs held as bytes give the products of their values, exactly where whole numbers can."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxbnn.nn import MLP, ConvNet, Pixels, inputs_for, real_inputs
from jaxbnn.nn import pixels as pixels_module
from jaxbnn.nn.pixels import pixel_matmul, pixel_product
from jaxbnn.nn.steps import mlp_steps
from jaxbnn.train.batches import in_batches

RNG = np.random.default_rng(0)
RANGES = {"around 0": (-1.0, 1.0), "from 0": (0.0, 1.0), "anywhere": (0.25, 3.0)}


def values_of(ends, n=255):
    low, high = ends
    return tuple((low + (high - low) * np.arange(n + 1) / n).astype(np.float32).tolist())


def pixels(shape, ends=(-1.0, 1.0), n=255):
    return Pixels(RNG.integers(0, n + 1, shape).astype(np.uint8), values_of(ends, n))


def signs(*shape):
    return np.where(RNG.random(shape) < 0.5, -1, 1).astype(np.float32)


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("n", [1, 15, 255])
def test_a_product_is_that_of_the_values(name, n):
    x = pixels((9, 30), RANGES[name], n)
    w = signs(30, 7)
    expected = np.asarray(x.values)[x.codes] @ w.astype(np.float64)
    np.testing.assert_allclose(jax.jit(pixel_matmul)(x, w), expected, atol=2e-5)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(RANGES)), st.integers(1, 255), st.integers(1, 40))
def test_the_whole_numbers_are_whole_within_their_limit_and_bring_back_the_product(name, n, d):
    x = pixels((5, d), RANGES[name], n)
    product = pixel_product(x, jnp.asarray(signs(d, 3)))
    whole = np.asarray(product.whole)
    np.testing.assert_array_equal(whole, np.rint(whole))
    assert np.abs(whole).max() <= product.limit == n * d
    back = jax.vmap(product.whole_at)(product.product)
    np.testing.assert_allclose(back, whole, atol=0.05)


def test_gradients_are_those_of_the_values():
    x = pixels((9, 30))
    w = signs(30, 7)
    d = RNG.normal(size=(9, 7)).astype(np.float32)
    found = jax.grad(lambda w: jnp.sum(pixel_matmul(x, w) * d))(w)
    np.testing.assert_allclose(found, np.asarray(x.real()).T @ d, atol=1e-5)


def test_sums_that_float32_cannot_hold_are_of_the_values():
    n_inputs = 2**24 // 255 + 1
    x = Pixels(np.ones((1, n_inputs), np.uint8), values_of((0.0, 255.0)))
    w = jnp.ones((n_inputs, 1), jnp.float32)
    assert pixel_product(x, w) is None
    np.testing.assert_allclose(pixel_matmul(x, w), [[n_inputs]], rtol=1e-6)


def test_such_products_are_stable_ones(monkeypatch):
    called = []
    stable = pixels_module.stable_matmul
    monkeypatch.setattr(pixels_module, "is_exact", lambda limit, n_terms: False)
    monkeypatch.setattr(
        pixels_module, "stable_matmul", lambda *factors: called.append(1) or stable(*factors)
    )
    x = pixels((9, 30))
    w = signs(30, 7)
    np.testing.assert_allclose(pixel_matmul(x, w), np.asarray(x.real()) @ w, atol=1e-5)
    assert called


def test_a_weight_that_is_no_number_makes_its_unit_none():
    w = signs(6, 2)
    w[3, 1] = np.nan
    found = np.asarray(pixel_matmul(pixels((4, 6)), jnp.asarray(w)))
    assert np.isfinite(found[:, 0]).all() and np.isnan(found[:, 1]).all()


def test_examples_are_taken_batched_and_read_as_numbers():
    x = pixels((11, 2, 3))
    values = np.asarray(x.values, np.float32)[x.codes]
    np.testing.assert_array_equal(real_inputs(x), values)
    np.testing.assert_array_equal(x[np.array([3, 1])].real(), values[[3, 1]])
    sums = in_batches(lambda rows: rows.real().sum(axis=(1, 2)), x, 4)
    np.testing.assert_allclose(sums, values.sum(axis=(1, 2)), atol=1e-5)
    assert real_inputs(values) is values


def test_only_binary_first_layers_of_our_own_take_them():
    class Own(MLP):
        pass

    x = pixels((4, 6))
    assert inputs_for(MLP((3,), 2), x) is x
    for model in (MLP((3,), 2, binary_first=False), Own((3,), 2), ConvNet(), None):
        np.testing.assert_array_equal(inputs_for(model, x), x.real())


@pytest.mark.parametrize("name", RANGES)
def test_a_network_is_the_same_of_bytes_and_of_their_values(name):
    model = MLP((16, 7), 3)
    x = pixels((40, 4, 5), RANGES[name])
    variables = model.init(jax.random.key(0), x, train=False)
    of_values = model.init(jax.random.key(0), x.real(), train=False)
    jax.tree.map(np.testing.assert_array_equal, variables, of_values)
    (logits, hidden), state = model.apply(variables, x, train=True, mutable=["batch_stats"])
    (expected, layers), own = model.apply(variables, x.real(), train=True, mutable=["batch_stats"])
    np.testing.assert_array_equal(np.stack(hidden[0]), np.stack(layers[0]))
    np.testing.assert_allclose(logits, expected, atol=1e-4)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4), state, own)
    moved = {**variables, **state}
    t = u = x
    for step in mlp_steps(model, moved):
        t = step(t).activation
        u = step(u if u is not x else x.real()).activation
        np.testing.assert_allclose(t, u, atol=1e-4)


def test_how_many_examples_go_together_does_not_move_a_bit():
    """Nor does it matter which networks are looked at beside them."""
    model = MLP((16, 7), 3)
    x = pixels((60, 20))
    keys = jax.random.split(jax.random.key(0), 3)
    networks = jax.vmap(lambda key: model.init(key, x, train=False))(keys)
    networks = jax.tree.map(lambda leaf: leaf + 0.1 * jnp.sin(leaf + 1), networks)

    def hidden(variables, limit):
        def of_rows(rows):
            layers = []
            t = rows
            for step in mlp_steps(model, variables)[:2]:
                t = step(t).activation
                layers.append(t)
            return layers

        return in_batches(of_rows, x, limit)

    together = jax.jit(jax.vmap(lambda variables: hidden(variables, 60)))(networks)
    for i in range(3):
        one = jax.tree.map(lambda leaf, i=i: leaf[i], networks)
        alone = jax.jit(lambda variables: hidden(variables, 7))(one)
        for a, b in zip(alone, together, strict=True):
            np.testing.assert_array_equal(a, b[i])
