import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbnn.nn import STE, ApproxSign, PassThrough, Surrogate, SwishSign, sign

X = [-3.0, -1.5, -1.0, -0.5, -1e-7, 0.0, 1e-7, 0.5, 1.0, 1.5, 3.0]


def swish_sign(x, b):
    """Raj et al. 2020 eq. 4, with its x."""
    return b * (2 - b * x * np.tanh(b * x / 2)) / (1 + np.cosh(b * x))


PUBLISHED = {
    STE(): [0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0],
    STE(clip=0.5): [0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0],
    ApproxSign(): [0, 0, 0, 1, 2 - 2e-7, 2, 2 - 2e-7, 1, 0, 0, 0],
    SwishSign(): [swish_sign(x, 5.0) for x in X],
    SwishSign(beta=2.0): [swish_sign(x, 2.0) for x in X],
    PassThrough(): [1] * len(X),
}


@pytest.mark.parametrize("surrogate", PUBLISHED)
def test_gradient_is_the_published_formula_at_inside_and_outside_the_edges(surrogate):
    gradient = jax.vmap(jax.grad(lambda x: sign(surrogate, x)))(jnp.array(X))
    np.testing.assert_allclose(gradient, PUBLISHED[surrogate], rtol=2e-6, atol=1e-7)


def test_swish_sign_is_beta_at_zero_and_the_derivative_of_its_activation():
    from jaxbnn.nn import SwishSignActivation

    assert SwishSign(5.0)(jnp.float32(0)) == 5.0
    x = jnp.linspace(-2, 2, 41)
    np.testing.assert_allclose(
        SwishSign(3.0)(x), jax.vmap(jax.grad(SwishSignActivation(3.0)))(x), atol=1e-5
    )


def test_swish_sign_is_finite_and_zero_far_out():
    np.testing.assert_array_equal(SwishSign(5.0)(jnp.array([-1e6, 1e6])), [0, 0])


@pytest.mark.parametrize("surrogate", PUBLISHED)
def test_slopes_are_even_elementwise_and_of_the_inputs_type(surrogate):
    x = jnp.array(X, jnp.float32).reshape(11, 1)
    assert (
        isinstance(surrogate, Surrogate)
        and surrogate(x).shape == x.shape
        and surrogate(x).dtype == x.dtype
    )
    np.testing.assert_array_equal(surrogate(x), surrogate(-x))


@pytest.mark.parametrize(("zero", "at_zero"), [(-1.0, -1), (1.0, 1)])
def test_sign_of_zero_is_the_fields_choice(zero, at_zero):
    x = jnp.array([-2.0, -0.0, 0.0, 1e-30, 3.0])
    np.testing.assert_array_equal(sign(STE(), x, zero), [-1, at_zero, at_zero, 1, 1])
    np.testing.assert_array_equal(jax.jit(lambda x: sign(STE(), x, zero))(x), sign(STE(), x, zero))
    np.testing.assert_array_equal(jax.vmap(lambda x: sign(STE(), x, zero))(x), sign(STE(), x, zero))


def test_sign_is_minus_one_at_zero_by_default():
    assert sign(STE(), jnp.float32(0)) == -1


def test_cotangent_is_multiplied_by_the_slope():
    x, upstream = jnp.array([0.25, 2.0]), jnp.array([3.0, 5.0])
    _, pull = jax.vjp(lambda x: sign(ApproxSign(), x), x)
    np.testing.assert_allclose(pull(upstream)[0], [3 * 1.5, 0])


@pytest.mark.parametrize(
    ("make", "message"),
    [(lambda: STE(0.0), "clip > 0, got 0"), (lambda: SwishSign(-1), "beta > 0, got -1")],
)
def test_bad_slopes_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_nan_has_no_sign_and_infinity_no_slope():
    assert np.isnan(sign(STE(), jnp.float32(np.nan))) and sign(STE(), jnp.float32(np.inf)) == 1
    assert SwishSign()(jnp.float32(np.inf)) == 0 and STE()(jnp.float32(-np.inf)) == 0
