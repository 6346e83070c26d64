"""Optax transforms for binary weights: the clip of latent weights, and Bop."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxbnn.nn.layers import LATENT


def clip_latent(limit: float = 1.0) -> optax.GradientTransformation:
    """An optax transform, last in the chain, that keeps every latent weight in [-limit, limit].

    The update u of a weight p becomes clip(p + u) - p, so that a clipped weight may stand one
    rounding step off the limit. Latent weights are the leaves named `latent`; others pass.

    Args:
        limit: the largest size of a latent weight.

    Returns:
        The transform; its `update` needs the params.

    Raises:
        ValueError: unless limit > 0, and in `update` without params.

    Source: Courbariaux et al. 2016, section 1.
    """
    if not limit > 0:
        raise ValueError(f"expected a latent limit > 0, got {limit}")

    def clip(path: tuple, update: jax.Array, param: jax.Array) -> jax.Array:
        if getattr(path[-1], "key", None) != LATENT:
            return update
        return jnp.clip(param + update, -limit, limit) - param

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        _check_params(params, "clip_latent needs them")
        return jax.tree_util.tree_map_with_path(clip, updates, params), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


class BopState(NamedTuple):
    """The moving average of the gradient, as the parameters are shaped; 0 before the first step."""

    momentum: Any


def bop(threshold: float = 1e-8, gamma: float = 1e-4) -> optax.GradientTransformation:
    """An optax transform that flips a weight where its average gradient opposes it clearly.

    m <- (1 - gamma) m + gamma g; where |m| > threshold and m has the sign of the weight w, the
    update is -2 w, which flips w. The sign of w is the binary weight; its size stays. No learning
    rate applies.

    Args:
        threshold: the size of the average gradient above which a weight flips.
        gamma: the rate of the average.

    Returns:
        The transform; its `update` needs the params.

    Raises:
        ValueError: unless 0 < gamma <= 1 and threshold >= 0, and in `update` without params.

    Source: Helwegen et al. 2019, algorithm 1 (the defaults are those of Larq).
    """
    if not 0 < gamma <= 1 or not threshold >= 0:
        raise ValueError(f"expected 0 < gamma <= 1 and threshold >= 0, got {gamma} and {threshold}")

    def init(params: Any) -> BopState:
        return BopState(jax.tree.map(jnp.zeros_like, params))

    def flip(momentum: jax.Array, weight: jax.Array) -> jax.Array:
        flips = (jnp.abs(momentum) > threshold) & (momentum * weight > 0)
        return jnp.where(flips, -2 * weight, 0 * weight)

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, BopState]:
        _check_params(params, "bop flips them")
        momentum = jax.tree.map(lambda m, g: (1 - gamma) * m + gamma * g, state.momentum, updates)
        return jax.tree.map(flip, momentum, params), BopState(momentum)

    return optax.GradientTransformation(init, update)


def _check_params(params: Any, why: str) -> None:
    if params is None:
        raise ValueError(f"expected params in update(updates, state, params): {why}, got None")
