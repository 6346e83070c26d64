"""An MLP layer by layer: each layer as a function of the activations before it."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from jaxbnn.nn.layers import LATENT, SignActivation, binary_matmul
from jaxbnn.nn.moments import InputMoments, Matmul, Moments, product_moments
from jaxbnn.nn.pixels import Pixels, WholeProduct, flat, pixel_product, real_inputs
from jaxbnn.nn.products import stable_matmul
from jaxbnn.nn.surrogate import sign
from jaxbnn.nn.thresholds import sign_above, whole_threshold


class LayerValues(NamedTuple):
    """One layer at B examples or patterns."""

    product: jax.Array  # [B, F], before BatchNorm
    preactivation: jax.Array  # [B, F], behind BatchNorm; the product itself without one
    activation: jax.Array  # [B, F]; of the output layer the logits


class Step(Protocol):
    """One layer of a network with its weights."""

    def __call__(self, t: Any, moments: Moments | None = None) -> LayerValues:
        """The layer at t.

        Args:
            t: activations of the layer before, [B, D]; of the first layer the inputs [B, ...], or
                Pixels where the model takes them.
            moments: BatchNorm's; None takes the running ones.

        Returns:
            The layer's values.
        """
        ...


def mlp_steps(model: Any, variables: Any, matmul: Matmul | None = None) -> "tuple[DenseStep, ...]":
    """The layers of an MLP, measured as in `MLP.__call__` with train=False.

    The signs of a binary layer behind a hidden layer of signs, or behind Pixels, are taken of whole
    numbers, by a threshold: whatever computes them agrees in every bit.

    Args:
        model: the MLP.
        variables: its variables; every leaf may have further axes behind its own.
        matmul: the product of activations and weights, [B, D, ...] [D, F, ...] -> [B, F, ...];
            None: the fastest, for leaves without further axes.

    Returns:
        A function for each hidden layer and, last, the output.
    """
    n_layers = len(model.widths) + 1
    return tuple(DenseStep(model, variables, matmul, i) for i in range(n_layers))


def layer_name(model: Any, i: int) -> str:
    """The name of an MLP's layer i, from 0, in those of its submodules: "1", "2", ..., "output"."""
    return "output" if i == len(model.widths) else str(i + 1)


@dataclass(frozen=True, eq=False)
class DenseStep:
    """Layer i of an MLP, from 0; a Step.

    Args:
        model: the MLP.
        variables: as of `mlp_steps`.
        matmul: as of `mlp_steps`.
        i: which layer.
    """

    model: Any
    variables: Any
    matmul: Matmul | None
    i: int

    def __call__(self, t: Any, moments: Moments | None = None) -> LayerValues:
        """The layer at t, as of Step."""
        model = self.model
        name = layer_name(model, self.i)
        params = self.variables["params"][f"dense_{name}"]
        t = t if self.matmul is not None else flat(t)
        signs = self.i > 0 and type(model.activation) is SignActivation
        whole = _whole_product(model, params, t, self.matmul, signs)
        product = whole.product if whole else _real_product(model, params, t, self.matmul)
        normalise = _normaliser(model, self.variables, f"norm_{name}", moments)
        preactivation = normalise(product)
        if self.i == len(model.widths):
            return LayerValues(product, preactivation, preactivation)
        if whole is None or type(model.activation) is not SignActivation:
            return LayerValues(product, preactivation, model.activation(preactivation))
        threshold = whole_threshold(
            lambda x: model.activation(normalise(whole.at(x))),
            whole.whole_at(normalise.zero(product[0])),
            whole.limit,
        )
        return LayerValues(product, preactivation, sign_above(whole.whole, threshold))

    def moments(self, inputs: InputMoments) -> Moments:
        """The moments of the product over a data set, from those of the layer's inputs."""
        params = self.variables["params"][f"dense_{layer_name(self.model, self.i)}"]
        return product_moments(inputs, _weights(self.model, params), self.matmul)


def _weights(model: Any, params: Any) -> jax.Array:
    """A layer's weights, [D, F]."""
    if LATENT in params:
        return sign(model.kernel_surrogate, params[LATENT], model.kernel_sign_of_zero)
    return params["kernel"]


def _whole_product(
    model: Any, params: Any, t: Any, matmul: Matmul | None, signs: bool
) -> WholeProduct | None:
    """The product of whole numbers and binary weights; None of others.

    Args:
        signs: whether t is -1 and +1.
    """
    if LATENT not in params:
        return None
    weights: Any = _weights(model, params)
    if isinstance(t, Pixels):
        return pixel_product(t, weights)
    if not signs:
        return None
    whole = binary_matmul(t, weights, of_signs=True) if matmul is None else matmul(t, weights)
    return WholeProduct(whole, 1.0, None, t.shape[1])


def _real_product(model: Any, params: Any, t: Any, matmul: Matmul | None) -> jax.Array:
    """The product of any numbers and weights."""
    matmul = matmul or stable_matmul
    product = matmul(real_inputs(t), _weights(model, params))
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
