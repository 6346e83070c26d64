import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbnn.nn import BinaryConv, SwishSign, sign
from jaxbnn.nn.conv import convolve, max_pool

RNG = np.random.default_rng(0)


def normal(*shape):
    return jnp.asarray(RNG.normal(size=shape).astype(np.float32))


def direct(x, kernel):
    """JAX's own convolution, in and out as `convolve`."""
    layout = ("NHWC", "HWIO", "NHWC")
    y = jax.lax.conv_general_dilated(
        x.transpose(3, 1, 2, 0), kernel, (1, 1), "VALID", dimension_numbers=layout
    )
    return y.transpose(3, 1, 2, 0)


def test_known_answer():
    image = jnp.arange(9.0).reshape(1, 3, 3, 1)
    kernel = jnp.array([[1.0, 0.0], [0.0, -1.0]]).reshape(2, 2, 1, 1)
    np.testing.assert_array_equal(convolve(image, kernel)[0, :, :, 0], [[-4, -4], [-4, -4]])


@pytest.mark.parametrize(
    ("x", "kernel"), [((1, 28, 28, 3), (5, 5, 1, 6)), ((6, 7, 9, 4), (3, 3, 6, 5))]
)
def test_forward_and_gradients_equal_the_direct_convolution(x, kernel):
    x, kernel = normal(*x), normal(*kernel)
    weights = normal(*direct(x, kernel).shape)
    np.testing.assert_allclose(convolve(x, kernel), direct(x, kernel), atol=1e-4)
    ours, theirs = (
        jax.grad(lambda x, k, f=f: jnp.sum(weights * f(x, k)), argnums=(0, 1))(x, kernel)
        for f in (convolve, direct)
    )
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-3, rtol=1e-5)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pooling_takes_the_largest_of_each_square_and_drops_what_is_left_over(size):
    x = RNG.normal(size=(2, 7, 5, 3))
    height, width = 7 // size, 5 // size
    expected = np.empty((2, height, width, 3))
    for h, w in np.ndindex(height, width):
        expected[:, h, w] = x[:, h * size : (h + 1) * size, w * size : (w + 1) * size].max(
            axis=(1, 2)
        )
    np.testing.assert_array_equal(
        max_pool(jnp.asarray(x, jnp.float32), size), expected.astype(np.float32)
    )


def test_the_gradient_of_pooling_goes_to_the_largest_and_is_shared_where_several_are():
    x = jnp.array([[1.0, 2.0], [0.0, 2.0]]).reshape(1, 2, 2, 1)
    gradient = jax.grad(lambda x: 3 * jnp.sum(max_pool(x, 2)))(x)
    np.testing.assert_allclose(gradient[0, :, :, 0], [[0, 1.5], [0, 1.5]])


def test_a_convolution_with_a_slope_has_signs_for_weights_and_their_gradients():
    x, surrogate = normal(2, 4, 4, 3), SwishSign(5.0)
    layer = BinaryConv(3, 2, surrogate)
    variables = layer.init(jax.random.key(0), x)
    latent = variables["params"]["latent"]
    assert latent.shape == (2, 2, 2, 3)
    np.testing.assert_allclose(layer.apply(variables, x), direct(x, jnp.sign(latent)), atol=1e-4)
    gradient = jax.grad(
        lambda latent: jnp.sum(layer.apply({"params": {"latent": latent}}, x) ** 2)
    )(latent)
    expected = jax.grad(lambda latent: jnp.sum(direct(x, sign(surrogate, latent, -1.0)) ** 2))(
        latent
    )
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-3)


def test_a_real_convolution_may_have_a_bias():
    x = normal(1, 4, 4, 2)
    variables = BinaryConv(3, 2, use_bias=True).init(jax.random.key(0), x)
    params = variables["params"] | {"bias": jnp.array([1.0, 2.0, 3.0])}
    y = BinaryConv(3, 2, use_bias=True).apply({"params": params}, x)
    np.testing.assert_allclose(
        y, direct(x, params["kernel"]) + jnp.array([1, 2, 3]).reshape(3, 1, 1, 1), atol=1e-5
    )


def test_many_networks_at_once_are_each_its_own():
    x, kernel = normal(4, 2, 6, 6, 3), normal(4, 3, 3, 2, 5)
    together = jax.vmap(convolve)(x, kernel)
    for one, *each in zip(together, x, kernel, strict=True):
        np.testing.assert_allclose(one, direct(*each), atol=1e-4)
