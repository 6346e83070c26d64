"""Bop, an optimiser that flips binary weights and knows no latent ones."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax


class BopState(NamedTuple):
    """The moving average of the gradient, as the parameters are shaped; 0 before the first step."""

    momentum: Any


def bop(threshold: float = 1e-8, gamma: float = 1e-4) -> optax.GradientTransformation:
    """An optax transform that flips a weight where the gradient has long and clearly asked for it.

    m <- (1 - gamma) m + gamma g; where |m| > threshold and m has the weight's sign, the update is
    -2 w, which flips w: its sign is the binary weight, its size is left alone. No learning rate
    applies. ValueError unless 0 < gamma <= 1 and threshold >= 0. Source: Helwegen et al. 2019,
    algorithm 1 (its defaults are those of Larq).
    """
    if not 0 < gamma <= 1 or not threshold >= 0:
        raise ValueError(f"expected 0 < gamma <= 1 and threshold >= 0, got {gamma} and {threshold}")

    def init(params):
        return BopState(jax.tree.map(jnp.zeros_like, params))

    def flip(momentum, weight):
        return jnp.where(
            (jnp.abs(momentum) > threshold) & (momentum * weight > 0), -2 * weight, 0 * weight
        )

    def update(updates, state, params=None):
        if params is None:
            raise ValueError(
                "expected params in update(updates, state, params): bop flips them, got None"
            )
        momentum = jax.tree.map(lambda m, g: (1 - gamma) * m + gamma * g, state.momentum, updates)
        return jax.tree.map(flip, momentum, params), BopState(momentum)

    return optax.GradientTransformation(init, update)
