import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbnn.nn import (
    STE,
    BinaryDense,
    HardTanh,
    Relu,
    SignActivation,
    SwishSignActivation,
    Tanh,
)

X = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])


@pytest.mark.parametrize(
    ("activation", "values"),
    [
        (SignActivation(), [-1, -1, -1, 1, 1]),
        (SignActivation(sign_of_zero=1.0), [-1, -1, 1, 1, 1]),
        (Tanh(), np.tanh(X)),
        (HardTanh(), [-1, -0.5, 0, 0.5, 1]),
        (Relu(), [0, 0, 0, 0.5, 2]),
        (
            SwishSignActivation(5.0),
            [2 / (1 + np.exp(-5 * x)) * (1 + 5 * x / (1 + np.exp(5 * x))) - 1 for x in X],
        ),
    ],
)
def test_activations_have_their_published_values(activation, values):
    np.testing.assert_allclose(activation(X), values, rtol=1e-5, atol=1e-6)


def test_bad_activations_are_refused():
    with pytest.raises(ValueError, match="sign_of_zero to be -1 or 1, got 0"):
        SignActivation(sign_of_zero=0.0)
    with pytest.raises(ValueError, match="beta > 0"):
        SwishSignActivation(0.0)


def test_binary_dense_multiplies_by_signs_and_passes_the_gradient_through_its_own_slope():
    latent = jnp.array([[0.3, -2.0], [0.0, 0.7]])
    layer, x = BinaryDense(2, STE(clip=1.0)), jnp.array([[3.0, 5.0]])
    np.testing.assert_array_equal(layer.apply({"params": {"latent": latent}}, x), [[3 - 5, -3 + 5]])
    gradient = jax.grad(lambda p: layer.apply({"params": p}, x).sum())({"latent": latent})
    np.testing.assert_array_equal(
        gradient["latent"], [[3, 0], [5, 5]]
    )  # 0 where |latent| = 2 > clip


def test_binary_dense_keeps_the_zero_of_its_field():
    params = {"params": {"latent": jnp.zeros((1, 1))}}
    assert BinaryDense(1).apply(params, jnp.ones((1, 1))) == -1
    assert BinaryDense(1, sign_of_zero=1.0).apply(params, jnp.ones((1, 1))) == 1
