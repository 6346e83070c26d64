"""Mean and variance: of a layer's units, and of the inputs from which a first layer's follow."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxbnn.nn.products import stable_matmul

Matmul = Callable[[jax.Array, jax.Array], jax.Array]  # [B, D, ...], [D, F, ...] -> [B, F, ...]


class Moments(NamedTuple):
    """What BatchNorm takes from its input."""

    mean: jax.Array  # [F]
    var: jax.Array  # [F]


class InputMoments(NamedTuple):
    """Of the inputs of a data set."""

    mean: jax.Array  # [D]
    covariance: jax.Array  # [D, D]


def product_moments(inputs: InputMoments, weights: jax.Array, matmul: Matmul | None) -> Moments:
    """The moments of x @ weights without any x: mean @ weights, and w C w of each unit's weights w.

    Args:
        inputs: the moments of x.
        weights: [D, F]; every leaf here may have further axes behind its own.
        matmul: None: for leaves without further axes.

    Returns:
        Leaves [F].
    """
    matmul = matmul or stable_matmul
    mean = matmul(inputs.mean[None], weights)[0]
    var = jnp.sum(weights * matmul(inputs.covariance, weights), axis=0)
    return Moments(mean, jnp.maximum(var, 0))
