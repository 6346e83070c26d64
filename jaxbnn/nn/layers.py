"""Layers and activations of binary networks, and the optax transform that keeps latent weights in
range."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jaxbnn.nn.products import stable_matmul
from jaxbnn.nn.surrogate import STE, Surrogate, sign

LATENT = "latent"


@runtime_checkable
class Activation(Protocol):
    """An elementwise nonlinearity, [...] -> [...]."""

    def __call__(self, x: jax.Array) -> jax.Array: ...


@dataclass(frozen=True)
class SignActivation:
    """sign(x) in {-1, +1} with a surrogate surrogate; sign(0) is `sign_of_zero`, -1 or +1."""

    surrogate: Surrogate = STE()
    sign_of_zero: float = -1.0

    def __post_init__(self):
        check_sign_of_zero(self.sign_of_zero)

    def __call__(self, x: jax.Array) -> jax.Array:
        return sign(self.surrogate, x, self.sign_of_zero)


@dataclass(frozen=True)
class Tanh:
    """tanh(x)."""

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.tanh(x)


@dataclass(frozen=True)
class HardTanh:
    """max(-1, min(1, x))."""

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.clip(x, -1, 1)


@dataclass(frozen=True)
class Relu:
    """max(0, x)."""

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.maximum(x, 0)


@dataclass(frozen=True)
class SwishSignActivation:
    """2 s(bx) (1 + bx (1 - s(bx))) - 1 with b = beta, s the logistic function. Source: Raj et al.
    2020, eq. 8."""

    beta: float = 5.0

    def __post_init__(self):
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
    """x @ sign(latent), [B, D] -> [B, features]: a dense layer whose weights are -1 or +1 in the
    forward pass.

    The parameter `latent` [D, features] is real; its gradient passes through `surrogate`. No bias: a
    BatchNorm follows. Source: Courbariaux et al. 2016; Raj et al. 2020, section 2.
    """

    features: int
    surrogate: Surrogate = STE()
    sign_of_zero: float = -1.0
    kernel_init: Callable = nn.initializers.glorot_uniform()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        latent = self.param(LATENT, self.kernel_init, (x.shape[-1], self.features), jnp.float32)
        return stable_matmul(x, sign(self.surrogate, latent, self.sign_of_zero))


def clip_latent(limit: float = 1.0) -> optax.GradientTransformation:
    """An optax transform, last in the chain, after which every latent weight lies in [-limit,
    limit].

    Latent weights are the leaves named `latent`; all others pass. The update becomes clip(p + u) -
    p, so a clipped weight may stand one rounding step off the limit. Source: Courbariaux et al.
    2016, section 1.
    """
    if not limit > 0:
        raise ValueError(f"expected a latent limit > 0, got {limit}")

    def clip(path, update, param):
        if getattr(path[-1], "key", None) != LATENT:
            return update
        return jnp.clip(param + update, -limit, limit) - param

    def update(updates, state, params=None):
        if params is None:
            raise ValueError(
                "expected params in update(updates, state, params): clip_latent needs them, got None"
            )
        return jax.tree_util.tree_map_with_path(clip, updates, params), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)
