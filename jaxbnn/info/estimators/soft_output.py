"""The softmax output as a stochastic variable."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Float32, Shaped

from jaxbnn.info import entropy
from jaxbnn.info.arrays import AnyArray
from jaxbnn.info.estimators.protocol import Estimator, Reference, prepare_counted
from jaxbnn.info.plane import Point

MAX_DEFECT = 1e-3  # by which a row of probabilities may miss the sum 1


@dataclass(frozen=True)
class SoftOutput(Estimator):
    """Information of the softmax output read as a stochastic variable, Yhat ~ softmax. Source:
    Nothnagel & Geiger 2026.

    With p_n the softmax of example n: I(X;Yhat) = H(mean_n p_n) - mean_n H(p_n), and
    I(Yhat;Y) = H(mean_n p_n) - sum_c p(c) H(mean of p_n over class c). Layers are probabilities
    [B, C], labels 0 .. C - 1: anything else gives NaN. Both are at least 0; as differences of
    float32 sums they can come out below it by rounding, and are 0 where that is at most 1e-5 bit.
    """

    def prepare(self, x: jax.Array, y: jax.Array, classes: int | None = None) -> Reference:
        return prepare_counted("none", x, y, classes)

    def encode(self, t: Shaped[AnyArray, "b d"]) -> Shaped[AnyArray, "b d"]:
        return t

    def estimate(self, reference: Reference, codes: Float32[jax.Array, "n c"]) -> Point:
        n, n_classes = codes.shape
        member = jax.nn.one_hot(reference.y, n_classes, dtype=codes.dtype, axis=0)  # [C, N]
        size = jnp.sum(member, axis=1)
        share = size / n
        within = _product(member, codes) / jnp.maximum(size, 1)[:, None]
        labelled = jnp.all((reference.y >= 0) & (reference.y < n_classes))
        h_t = entropy.of_distribution(jnp.mean(codes, axis=0))
        h_t = jnp.where(_are_probabilities(codes) & labelled, h_t, jnp.nan)
        xt = entropy.without_rounding(h_t - entropy.summed(codes) / n)
        ty = entropy.without_rounding(h_t - jnp.sum(share * entropy.of_distribution(within)))
        unknown, uncounted = jnp.float32(jnp.nan), jnp.int32(-1)
        return Point(xt, ty, h_t, unknown, uncounted, uncounted, jnp.bool_(False))


def _are_probabilities(p: jax.Array) -> jax.Array:
    """Whether every row of p [N, C] is at least 0 and sums to 1: [] bool."""
    total = _product(p, jnp.ones(p.shape[1], p.dtype))
    return jnp.all(p >= 0) & jnp.all(jnp.abs(total - 1) < MAX_DEFECT)


def _product(a: jax.Array, b: jax.Array) -> jax.Array:
    # A GPU's default keeps three digits.
    return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)
