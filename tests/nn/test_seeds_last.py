import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxbnn.nn import MLP, STE, Activation, Relu, SignActivation, SwishSign, Tanh, seeds_last

N_LANES = 3
X = np.random.default_rng(0).normal(size=(10, 5)).astype(np.float32)
MODELS = {
    "binary": MLP((4, 3), 2, kernel_surrogate=SwishSign(2.0)),
    "real ends": MLP((4, 3), 3, binary_first=False, binary_last=False, momentum=0.5, epsilon=0.1),
    "with biases": MLP((4,), 2, Tanh(), kernel_surrogate=None, normalise=False),
    "real, normalised": MLP((4,), 2, Relu(), kernel_surrogate=None),
}


def variables_of(model):
    """Variables of three lanes, lanes in front; biases and running statistics away from where they
    start."""
    keys = jax.random.split(jax.random.key(1), N_LANES)
    variables = {"batch_stats": {}} | dict(
        jax.vmap(lambda key: model.init(key, X, train=False))(keys)
    )
    return jax.tree.map(
        lambda leaf: leaf + 0.1 * jnp.abs(jnp.sin(1 + jnp.arange(leaf.size).reshape(leaf.shape))),
        variables,
    )


def last(tree):
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1), tree)


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_layers_and_statistics_are_those_of_the_module_lane_by_lane(name, train):
    model = MODELS[name]
    variables = variables_of(model)
    forward = jax.jit(partial(seeds_last.forward, model, train=train))
    logits, layers, statistics = forward(last(variables), X[:, :, None])

    def one(variables):
        return model.apply(variables, X, train=train, mutable=["batch_stats"])

    (theirs, hidden), state = jax.jit(jax.vmap(one))(variables)
    np.testing.assert_allclose(logits, last(theirs), atol=1e-5)
    for layer, t in zip(model.layer_names, hidden, strict=True):
        np.testing.assert_allclose(layers[layer], last(t), atol=1e-5)
    if model.normalise:
        expected = last(dict(state)["batch_stats"])
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), statistics, expected)


@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_those_of_the_module_lane_by_lane(name):
    model, y = MODELS[name], np.arange(10) % 2
    variables = variables_of(model)

    def ours(params):
        x = jnp.repeat(X[:, :, None], N_LANES, axis=2)
        logits, *_ = seeds_last.forward(model, last(variables) | {"params": params}, x, train=True)
        labels = jnp.repeat(jnp.asarray(y)[:, None], N_LANES, axis=1)
        return jnp.sum(seeds_last.mean(seeds_last.cross_entropy(logits, labels)))

    def theirs(params, statistics):
        (logits, _), _ = model.apply(
            {"params": params, "batch_stats": statistics}, X, train=True, mutable=["batch_stats"]
        )
        return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, y))

    gradient = jax.jit(jax.grad(ours))(last(variables)["params"])
    expected = last(
        jax.jit(jax.vmap(jax.grad(theirs)))(variables["params"], variables["batch_stats"])
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), gradient, expected)


def test_cross_entropy_known_answers_and_logits_that_would_overflow():
    logits = jnp.array([[0.0, 0.0], [1000.0, 0.0]])[:, :, None]
    each = seeds_last.cross_entropy(logits, jnp.array([[1], [1]]))
    np.testing.assert_allclose(each[:, 0], [np.log(2), 1000], rtol=1e-6)


def test_argmax_is_the_first_of_the_largest():
    x = jnp.array([[1.0, 3.0, 3.0], [2.0, 1.0, 0.0], [0.0, 0.0, 5.0]])[:, :, None]
    assert (
        seeds_last.argmax(x)[:, 0].tolist() == jnp.argmax(x[:, :, 0], axis=1).tolist() == [1, 0, 2]
    )


def test_the_mean_over_the_first_axis():
    np.testing.assert_allclose(seeds_last.mean(jnp.arange(12.0).reshape(3, 2, 2)), [[4, 5], [6, 7]])


def test_small_are_mlps_of_up_to_64_units_and_inputs():
    assert seeds_last.is_small(MLP((64, 2), 2), 64)
    assert not seeds_last.is_small(MLP((65,), 2), 12) and not seeds_last.is_small(MLP((4,), 2), 65)
    assert not seeds_last.is_small(MLP((4,), 65), 12) and not seeds_last.is_small(object(), 12)


@dataclasses.dataclass(frozen=True)
class Centred(Activation):
    """Reduces over the units, which stand on another axis where the seeds are last."""

    def __call__(self, x):
        return x - x.mean(-1, keepdims=True)


@dataclasses.dataclass(frozen=True)
class OwnSurrogate(STE):
    pass


def test_functions_of_ones_own_are_left_to_the_other_layout():
    for model in (
        MLP((4,), 2, Centred()),
        MLP((4,), 2, SignActivation(OwnSurrogate())),
        MLP((4,), 2, kernel_surrogate=OwnSurrogate()),
    ):
        assert not seeds_last.is_small(model, 12)
    assert seeds_last.is_small(MLP((4,), 2, Tanh(), kernel_surrogate=None), 12)
