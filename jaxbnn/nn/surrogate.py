"""The sign function with a surrogate derivative: one `custom_vjp`, and a small dataclass for each
surrogate."""

from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp


@runtime_checkable
class Surrogate(Protocol):
    """Stands in for d sign(x)/dx in the backward pass: elementwise, same shape, even in x. It may
    be negative."""

    def __call__(self, x: jax.Array) -> jax.Array: ...


@dataclass(frozen=True)
class STE:
    """Straight-through estimator: 1 where |x| <= clip, else 0. [...] -> [...]. Source: Raj et al.
    2020, eq. 2."""

    clip: float = 1.0

    def __post_init__(self):
        if not self.clip > 0:
            raise ValueError(f"expected STE.clip > 0, got {self.clip}")

    def __call__(self, x: jax.Array) -> jax.Array:
        return (jnp.abs(x) <= self.clip).astype(x.dtype)


@dataclass(frozen=True)
class ApproxSign:
    """Triangle: 2 - 2|x| where |x| <= 1, else 0. [...] -> [...]. Source: Raj et al. 2020, eq. 3
    (Liu et al. 2018)."""

    def __call__(self, x: jax.Array) -> jax.Array:
        return 2 * jnp.maximum(1 - jnp.abs(x), 0)


@dataclass(frozen=True)
class SwishSign:
    """beta (2 - beta x tanh(beta x / 2)) / (1 + cosh(beta x)). [...] -> [...]. Equals beta at 0,
    negative far out.

    Source: Raj et al. 2020, eq. 4 with the x its print has lost (Darabi et al. 2018). Computed with
    1/(1 + cosh z) = 2 s(z) s(-z), s the logistic function, which does not overflow; beyond |z| =
    100 it is 0.
    """

    beta: float = 5.0

    def __post_init__(self):
        if not self.beta > 0:
            raise ValueError(f"expected SwishSign.beta > 0, got {self.beta}")

    def __call__(self, x: jax.Array) -> jax.Array:
        z = jnp.clip(self.beta * x, -100, 100)
        bell = 2 * jax.nn.sigmoid(z) * jax.nn.sigmoid(-z)
        return self.beta * (2 - z * jnp.tanh(z / 2)) * bell


@dataclass(frozen=True)
class PassThrough:
    """1 everywhere: the gradient passes unchanged. [...] -> [...]. Source: Bengio et al. 2013."""

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.ones_like(x)


@partial(jax.custom_vjp, nondiff_argnums=(0, 2))
def sign(surrogate: Surrogate, x: jax.Array, sign_of_zero: float = -1.0) -> jax.Array:
    """The sign of x in {-1, +1}, with `surrogate(x)` as its derivative. [...] -> [...], same dtype.

    sign(0) is `sign_of_zero`: -1 as in Raj et al. 2020 eq. 1, +1 as in Larq. `surrogate` and `sign_of_zero` are static.
    NaN stays NaN.
    """
    positive = x >= 0 if sign_of_zero > 0 else x > 0
    return jnp.where(jnp.isnan(x), x, jnp.where(positive, 1, -1).astype(x.dtype))


def _forward(surrogate, x, sign_of_zero):
    return sign(surrogate, x, sign_of_zero), x


def _backward(surrogate, sign_of_zero, x, cotangent):
    return (cotangent * surrogate(x),)


sign.defvjp(_forward, _backward)
