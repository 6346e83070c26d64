"""The softmax output as a stochastic variable."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp

from jaxbnn.info import entropy
from jaxbnn.info.estimators.protocol import Reference, prepare_counted
from jaxbnn.info.plane import Point


@dataclass(frozen=True)
class SoftOutput:
    """Information of the softmax output read as a stochastic variable, Yhat ~ softmax. Source:
    Nothnagel & Geiger 2026.

    With p_n the softmax of example n: I(X;Yhat) = H(mean_n p_n) - mean_n H(p_n), and
    I(Yhat;Y) = H(mean_n p_n) - sum_c p(c) H(mean of p_n over class c). Layers are probabilities
    [B, C], labels 0 .. C - 1: anything else gives NaN.
    """

    def prepare(self, x: jax.Array, y: jax.Array, classes: int | None = None) -> Reference:
        return prepare_counted("none", x, y, classes)

    def encode(self, t: jax.Array) -> jax.Array:
        return t

    def estimate(self, reference: Reference, codes: jax.Array) -> Point:
        n, n_classes = codes.shape
        stable_matmul = partial(
            jnp.matmul, precision=jax.lax.Precision.HIGHEST
        )  # a GPU's default keeps three digits
        member = jax.nn.one_hot(reference.y, n_classes, dtype=codes.dtype, axis=0)  # [C, N]
        size = jnp.sum(member, axis=1)
        share, within = size / n, stable_matmul(member, codes) / jnp.maximum(size, 1)[:, None]
        total = stable_matmul(codes, jnp.ones(n_classes, codes.dtype))
        summed = jnp.all(codes >= 0) & jnp.all(jnp.abs(total - 1) < 1e-3)
        sound = summed & jnp.all((reference.y >= 0) & (reference.y < n_classes))
        h_t = jnp.where(sound, entropy.of_distribution(jnp.mean(codes, axis=0)), jnp.nan)
        xt = h_t - entropy.summed(codes) / n
        ty = h_t - jnp.sum(share * entropy.of_distribution(within))
        return Point(
            xt, ty, h_t, jnp.float32(jnp.nan), jnp.int32(-1), jnp.int32(-1), jnp.bool_(False)
        )
