import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxbnn.nn.transforms import bop, clip_latent


def by_hand(weights, gradients, threshold, gamma):
    """Helwegen et al.'s algorithm 1, weight by weight."""
    momentum, said = np.zeros_like(weights), []
    for gradient in gradients:
        for i, g in enumerate(gradient):
            momentum[i] = (1 - gamma) * momentum[i] + gamma * g
            if abs(momentum[i]) > threshold and np.sign(momentum[i]) == np.sign(weights[i]):
                weights[i] = -weights[i]
        said.append(weights.copy())
    return np.stack(said)


@pytest.mark.parametrize("threshold", [0.0, 0.05, 5.0])
def test_flips_are_those_of_the_algorithm(threshold):
    rng = np.random.default_rng(0)
    weights, gradients = rng.uniform(-1, 1, 40), rng.normal(size=(30, 40))
    rule, params = bop(threshold, 0.2), {"w": jnp.asarray(weights, jnp.float32)}
    state, update = rule.init(params), jax.jit(rule.update)
    expected = by_hand(weights.copy(), gradients, threshold, 0.2)
    for gradient, after in zip(gradients, expected, strict=True):
        updates, state = update({"w": jnp.asarray(gradient, jnp.float32)}, state, params)
        params = optax.apply_updates(params, updates)
        np.testing.assert_allclose(params["w"], after, atol=1e-6)
    assert (len(np.unique(np.sign(expected), axis=0)) > 1) == (threshold < 5)


def test_a_weight_stays_where_the_average_is_at_the_threshold_or_opposes_it():
    rule, params = bop(0.5, 1.0), jnp.array([1.0, 1.0, -1.0, -0.25, 0.0])
    updates, state = rule.update(
        jnp.array([0.5, 0.75, 0.75, -0.75, 9.0]), rule.init(params), params
    )
    np.testing.assert_array_equal(params + updates, [1.0, -1.0, -1.0, 0.25, 0.0])
    np.testing.assert_array_equal(state.momentum, [0.5, 0.75, 0.75, -0.75, 9.0])


@pytest.mark.parametrize("arguments", [(1e-8, 0.0), (1e-8, 1.5), (-1.0, 0.5), (float("nan"), 0.5)])
def test_bad_numbers_are_refused(arguments):
    with pytest.raises(ValueError, match="expected 0 < gamma <= 1 and threshold >= 0"):
        bop(*arguments)


def test_params_are_needed():
    with pytest.raises(ValueError, match="bop flips them"):
        bop().update(jnp.ones(2), bop().init(jnp.ones(2)))


def test_clip_latent_keeps_latent_weights_in_range_and_leaves_the_rest():
    params = {"a": {"latent": jnp.array([0.9, -0.9, 0.1])}, "b": {"kernel": jnp.array([5.0])}}
    updates = {"a": {"latent": jnp.array([0.5, -0.5, 0.1])}, "b": {"kernel": jnp.array([1.0])}}
    rule = clip_latent(1.0)
    clipped, _ = rule.update(updates, rule.init(params), params)
    after = optax.apply_updates(params, clipped)
    np.testing.assert_allclose(after["a"]["latent"], [1.0, -1.0, 0.2], atol=1e-6)
    assert jnp.abs(after["a"]["latent"]).max() <= 1.0
    assert after["b"]["kernel"] == 6.0


def test_clip_latent_refuses_a_bad_limit_and_missing_params():
    with pytest.raises(ValueError, match="limit > 0, got 0"):
        clip_latent(0.0)
    with pytest.raises(ValueError, match="expected params"):
        clip_latent().update({}, optax.EmptyState())
