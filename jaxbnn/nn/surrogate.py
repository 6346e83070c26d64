"""The sign function with a surrogate derivative: one `custom_vjp`, and a dataclass a surrogate."""

from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp


@runtime_checkable
class Surrogate(Protocol):
    """What stands in for d sign(x)/dx in the backward pass.

    It is elementwise and even in x, and may be negative. One of your own is a frozen dataclass that
    derives from this class, or that is registered with role="surrogate".
    """

    def __call__(self, x: jax.Array) -> jax.Array:
        """The derivative at x.

        Args:
            x: what the sign is taken of, [...].

        Returns:
            [...], of the dtype of x.
        """
        ...


@dataclass(frozen=True)
class STE:
    """Straight-through estimator: 1 where |x| <= clip, else 0; [...] -> [...].

    Args:
        clip: how far from 0 the gradient passes.

    Raises:
        ValueError: unless clip > 0.

    Source: Raj et al. 2020, eq. 2.
    """

    clip: float = 1.0

    def __post_init__(self) -> None:
        if not self.clip > 0:
            raise ValueError(f"expected STE.clip > 0, got {self.clip}")

    def __call__(self, x: jax.Array) -> jax.Array:
        return (jnp.abs(x) <= self.clip).astype(x.dtype)


@dataclass(frozen=True)
class ApproxSign:
    """Triangle: 2 - 2|x| where |x| <= 1, else 0; [...] -> [...].

    Source: Raj et al. 2020, eq. 3 (Liu et al. 2018).
    """

    def __call__(self, x: jax.Array) -> jax.Array:
        return 2 * jnp.maximum(1 - jnp.abs(x), 0)


@dataclass(frozen=True)
class SwishSign:
    """beta (2 - beta x tanh(beta x / 2)) / (1 + cosh(beta x)); [...] -> [...].

    It equals beta at 0 and is negative far from 0. It is computed from e = exp(-|z|), z = beta x,
    which does not overflow: tanh(|z| / 2) = (1 - e) / (1 + e) and 1 / (1 + cosh z) =
    2 e / (1 + e)^2. Beyond |z| = 110 it is 0.

    Args:
        beta: the steepness.

    Raises:
        ValueError: unless beta > 0.

    Source: Raj et al. 2020, eq. 4, with the x that its print has lost (Darabi et al. 2018).
    """

    beta: float = 5.0

    def __post_init__(self) -> None:
        if not self.beta > 0:
            raise ValueError(f"expected SwishSign.beta > 0, got {self.beta}")

    def __call__(self, x: jax.Array) -> jax.Array:
        z = jnp.minimum(jnp.abs(self.beta * x), 110)
        e = jnp.exp(-z)
        share = 1 / (1 + e)
        return self.beta * (2 - z * (1 - e) * share) * 2 * e * share * share


@dataclass(frozen=True)
class PassThrough:
    """1 everywhere: the gradient passes unchanged; [...] -> [...]. Source: Bengio et al. 2013."""

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.ones_like(x)


@partial(jax.custom_vjp, nondiff_argnums=(0, 2))
def sign(surrogate: Surrogate, x: jax.Array, sign_of_zero: float = -1.0) -> jax.Array:
    """The sign of x in {-1, +1}, with `surrogate(x)` as its derivative.

    Args:
        surrogate: the derivative in the backward pass; static.
        x: [...], of a floating dtype. NaN stays NaN.
        sign_of_zero: sign(0), -1 as in Raj et al. 2020, eq. 1, or +1 as in Larq; static.

    Returns:
        [...], of the dtype of x.
    """
    positive = x >= 0 if sign_of_zero > 0 else x > 0
    return jnp.where(jnp.isnan(x), x, jnp.where(positive, 1, -1).astype(x.dtype))


def _forward(
    surrogate: Surrogate, x: jax.Array, sign_of_zero: float
) -> tuple[jax.Array, jax.Array]:
    # Of the derivative made here XLA:CPU computes a costly one once, not in each of its readers.
    return sign(surrogate, x, sign_of_zero), surrogate(x)


def _backward(
    surrogate: Surrogate, sign_of_zero: float, derivative: jax.Array, cotangent: jax.Array
) -> tuple[jax.Array]:
    return (cotangent * derivative,)


sign.defvjp(_forward, _backward)
