"""A network layer by layer is the module, and its thresholds are BatchNorm and sign."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbnn.nn import MLP, Moments, Relu, SignActivation
from jaxbnn.nn.steps import mlp_steps
from jaxbnn.nn.thresholds import sign_above, whole_threshold

X = np.random.default_rng(0).normal(size=(40, 2, 3)).astype(np.float32)
MODELS = {
    "binary": MLP((7, 5), 3),
    "sign(0) = +1": MLP((7, 5), 3, SignActivation(sign_of_zero=1.0), kernel_sign_of_zero=1.0),
    "real ends": MLP((7, 5), 3, binary_first=False, binary_last=False),
    "no BatchNorm": MLP((7, 5), 3, normalise=False),
    "real": MLP((7, 5), 3, Relu(), kernel_surrogate=None, normalise=False),
}


def variables_of(model):
    variables = {"batch_stats": {}} | dict(model.init(jax.random.key(0), X, train=False))
    return jax.tree.map(lambda leaf: leaf + 0.3 * jnp.abs(jnp.sin(1 + leaf)), variables)


@pytest.mark.parametrize("name", MODELS)
def test_steps_one_after_the_other_are_the_module(name):
    model = MODELS[name]
    variables = variables_of(model)
    logits, hidden = jax.jit(lambda v: model.apply(v, X, train=False))(variables)
    t = X
    for step, expected in zip(mlp_steps(model, variables), (*hidden, logits), strict=True):
        values = step(t)
        t = values.activation
        np.testing.assert_allclose(t, expected, atol=1e-5)


def test_moments_of_ones_own_take_the_place_of_the_running_ones():
    model = MODELS["binary"]
    variables = variables_of(model)
    step = mlp_steps(model, variables)[1]
    t = jnp.sign(jnp.asarray(X).reshape(40, 6)[:, :1]) * jnp.ones((1, 7))
    product = np.asarray(step(t).product)
    moments = Moments(jnp.asarray(product.mean(axis=0)), jnp.asarray(product.var(axis=0)))
    values = step(t, moments)
    bias = np.asarray(variables["params"]["norm_2"]["bias"])
    scale = np.sqrt(product.var(axis=0) + model.epsilon)
    expected = (product - product.mean(axis=0)) / scale + bias
    np.testing.assert_allclose(values.preactivation, expected, atol=1e-4)
    np.testing.assert_array_equal(values.activation > 0, values.preactivation > 0)


def test_only_networks_of_signs_offer_steps():
    assert MODELS["real"].steps is None
    assert len(MODELS["binary"].steps(variables_of(MODELS["binary"]))) == 3


@pytest.mark.parametrize("at_zero", [False, True])
def test_a_threshold_is_where_the_rounded_function_changes(at_zero):
    rng = np.random.default_rng(1)
    mean = np.r_[rng.normal(0, 5, 200), 3, -30, 30, 0].astype(np.float32)
    bias = np.r_[rng.normal(0, 3, 200), 0, 0, 0, 1e9].astype(np.float32)
    scale = np.r_[rng.uniform(0.1, 9, 200), 1, 1, 1, 1].astype(np.float32)

    def activate(x):
        y = (x - mean[None]) * scale[None] + bias[None]
        return jnp.where(y >= 0 if at_zero else y > 0, 1.0, -1.0)

    threshold = whole_threshold(activate, jnp.asarray(mean - bias / scale), 10)
    x = jnp.arange(-10.0, 11.0)[:, None] * jnp.ones((1, len(mean)))
    np.testing.assert_array_equal(sign_above(x, threshold), activate(x))


def test_no_number_has_no_sign():
    assert np.isnan(whole_threshold(jnp.sign, jnp.array([jnp.nan]), 3)).all()
    signs = sign_above(jnp.array([[0.0, jnp.nan]]), jnp.array([jnp.nan, 0.0]))
    assert np.isnan(signs).all()
