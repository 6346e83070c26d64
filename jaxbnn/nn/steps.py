"""An MLP layer by layer: each layer as a function of the activations before it."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from jaxbnn.nn.layers import LATENT, SignActivation
from jaxbnn.nn.products import stable_matmul
from jaxbnn.nn.surrogate import sign
from jaxbnn.nn.thresholds import sign_above, whole_threshold

Matmul = Callable[[jax.Array, jax.Array], jax.Array]  # [B, D], [D, F] -> [B, F]


class Moments(NamedTuple):
    """What BatchNorm takes from its input."""

    mean: jax.Array  # [F]
    var: jax.Array  # [F]


class LayerValues(NamedTuple):
    """One layer at B examples or patterns."""

    product: jax.Array  # [B, F], before BatchNorm
    preactivation: jax.Array  # [B, F], behind BatchNorm; the product itself without one
    activation: jax.Array  # [B, F]; of the output layer the logits


class Step(Protocol):
    """One layer of a network with its weights."""

    def __call__(self, t: jax.Array, moments: Moments | None = None) -> LayerValues:
        """The layer at t.

        Args:
            t: activations of the layer before, [B, D]; of the first layer the inputs [B, ...].
            moments: BatchNorm's; None takes the running ones.

        Returns:
            The layer's values.
        """
        ...


def flat_matmul(x: jax.Array, w: jax.Array) -> jax.Array:
    """x @ w of examples of any shape and type, [B, ...] [D, F] -> [B, F] float32."""
    return stable_matmul(x.reshape(x.shape[0], -1).astype(jnp.float32), w)


def mlp_steps(model: Any, variables: Any, matmul: Matmul = flat_matmul) -> tuple[Step, ...]:
    """The layers of an MLP, measured as in `MLP.__call__` with train=False.

    The signs of a binary layer behind a hidden layer of signs are taken of whole numbers, by a
    threshold: whatever computes them agrees in every bit.

    Args:
        model: the MLP.
        variables: its variables; every leaf may have further axes behind its own.
        matmul: the product of activations and weights, [B, D, ...] [D, F, ...] -> [B, F, ...].

    Returns:
        A function for each hidden layer and, last, the output.
    """
    n_hidden = len(model.widths)
    steps: list[Step] = []
    for i in range(n_hidden + 1):
        steps.append(partial(_step, model, variables, matmul, i))
    return tuple(steps)


def _step(
    model: Any, variables: Any, matmul: Matmul, i: int, t: jax.Array, moments: Moments | None = None
) -> LayerValues:
    """Layer i, from 0, at t."""
    is_output = i == len(model.widths)
    name = "output" if is_output else str(i + 1)
    params = variables["params"][f"dense_{name}"]
    product = _product(model, params, t, matmul)
    normalise = _normaliser(model, variables, f"norm_{name}", moments)
    preactivation = normalise(product)
    if is_output:
        return LayerValues(product, preactivation, preactivation)
    if i == 0 or LATENT not in params or type(model.activation) is not SignActivation:
        return LayerValues(product, preactivation, model.activation(preactivation))
    threshold = whole_threshold(
        lambda x: model.activation(normalise(x)), normalise.zero(product[0]), model.widths[i - 1]
    )
    return LayerValues(product, preactivation, sign_above(product, threshold))


def _product(model: Any, params: Any, t: jax.Array, matmul: Matmul) -> jax.Array:
    if LATENT in params:
        return matmul(t, sign(model.kernel_surrogate, params[LATENT], model.kernel_sign_of_zero))
    product = matmul(t, params["kernel"])
    return product + params["bias"][None] if "bias" in params else product


class _Normaliser(NamedTuple):
    """BatchNorm without scale: x -> (x - mean) / sqrt(var + epsilon) + bias."""

    moments: Moments
    bias: jax.Array
    epsilon: float

    def __call__(self, x: jax.Array) -> jax.Array:
        scale = jax.lax.rsqrt(self.moments.var + self.epsilon)
        return (x - self.moments.mean[None]) * scale[None] + self.bias[None]

    def zero(self, unit: jax.Array) -> jax.Array:
        """Where it is 0, of each unit [F, ...]."""
        return self.moments.mean - self.bias * jnp.sqrt(self.moments.var + self.epsilon)


class _Nothing(NamedTuple):
    """No BatchNorm."""

    def __call__(self, x: jax.Array) -> jax.Array:
        return x

    def zero(self, unit: jax.Array) -> jax.Array:
        """Where it is 0, of each unit [F, ...]."""
        return jnp.zeros_like(unit)


def _normaliser(
    model: Any, variables: Any, name: str, moments: Moments | None
) -> _Normaliser | _Nothing:
    if not model.normalise:
        return _Nothing()
    if moments is None:
        running = variables["batch_stats"][name]
        moments = Moments(running["mean"], running["var"])
    return _Normaliser(moments, variables["params"][name]["bias"], model.epsilon)
