"""Activations, and the dense layer of binary weights."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxbnn.nn.pixels import Pixels, pixel_matmul
from jaxbnn.nn.products import stable_matmul, whole_matmul
from jaxbnn.nn.surrogate import STE, Surrogate, sign

LATENT = "latent"  # the name of every parameter whose sign is the weight


@runtime_checkable
class Activation(Protocol):
    """An elementwise nonlinearity.

    One of your own is a frozen dataclass that derives from this class, or that is registered with
    role="activation".
    """

    def __call__(self, x: jax.Array) -> jax.Array:
        """The activation at x.

        Args:
            x: pre-activations, [...].

        Returns:
            [...], of the dtype of x.
        """
        ...


@dataclass(frozen=True)
class SignActivation:
    """sign(x) in {-1, +1}; [...] -> [...].

    Args:
        surrogate: the derivative in the backward pass.
        sign_of_zero: sign(0), -1 or +1.

    Raises:
        ValueError: for another sign_of_zero.
    """

    surrogate: Surrogate = STE()
    sign_of_zero: float = -1.0

    def __post_init__(self) -> None:
        check_sign_of_zero(self.sign_of_zero)

    def __call__(self, x: jax.Array) -> jax.Array:
        return sign(self.surrogate, x, self.sign_of_zero)


@dataclass(frozen=True)
class Tanh:
    """tanh(x); [...] -> [...]."""

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.tanh(x)


@dataclass(frozen=True)
class HardTanh:
    """max(-1, min(1, x)); [...] -> [...]."""

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.clip(x, -1, 1)


@dataclass(frozen=True)
class Relu:
    """max(0, x); [...] -> [...]."""

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.maximum(x, 0)


@dataclass(frozen=True)
class SwishSignActivation:
    """2 s(z) (1 + z (1 - s(z))) - 1 with z = beta x, s the logistic function; [...] -> [...].

    Args:
        beta: the steepness.

    Raises:
        ValueError: unless beta > 0.

    Source: Raj et al. 2020, eq. 8.
    """

    beta: float = 5.0

    def __post_init__(self) -> None:
        if not self.beta > 0:
            raise ValueError(f"expected SwishSignActivation.beta > 0, got {self.beta}")

    def __call__(self, x: jax.Array) -> jax.Array:
        z = self.beta * x
        s = jax.nn.sigmoid(z)
        return 2 * s * (1 + z * (1 - s)) - 1


def check_sign_of_zero(sign_of_zero: float) -> None:
    """Refuses a sign of zero that is neither -1 nor +1 (ValueError)."""
    if sign_of_zero not in (-1.0, 1.0):
        raise ValueError(f"expected sign_of_zero to be -1 or 1, got {sign_of_zero}")


class BinaryDense(nn.Module):
    """x @ sign(latent): a dense layer whose weights are -1 or +1 in the forward pass.

    The parameter `latent` [D, features] is real. There is no bias: a BatchNorm follows.

    Args:
        features: F, the number of units.
        surrogate: the derivative of the weights' sign.
        sign_of_zero: the weight of a latent weight of 0, -1 or +1.
        kernel_init: what `latent` starts from, (key, shape, dtype) -> values.
        of_signs: whether all inputs are -1 or +1, so that the product is of whole numbers.

    Source: Courbariaux et al. 2016; Raj et al. 2020, section 2.
    """

    features: int
    surrogate: Surrogate = STE()
    sign_of_zero: float = -1.0
    kernel_init: Callable = nn.initializers.glorot_uniform()
    of_signs: bool = False

    @nn.compact
    def __call__(self, x: jax.Array | Pixels) -> jax.Array:
        """The layer's pre-activations.

        Args:
            x: [B, D] float32, or Pixels.

        Returns:
            [B, F] float32.
        """
        latent = self.param(LATENT, self.kernel_init, (x.shape[-1], self.features), jnp.float32)
        return binary_matmul(x, sign(self.surrogate, latent, self.sign_of_zero), self.of_signs)


def binary_matmul(x: jax.Array | Pixels, w: jax.Array, of_signs: bool) -> jax.Array:
    """x @ w for binary weights.

    Args:
        x: [B, D] float32, or Pixels.
        w: -1 and +1, [D, F].
        of_signs: whether x is -1 and +1 throughout.

    Returns:
        [B, F] float32.
    """
    if isinstance(x, Pixels):
        return pixel_matmul(x, w)
    return whole_matmul(x, w, 1) if of_signs else stable_matmul(x, w)
