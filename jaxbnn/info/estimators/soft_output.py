"""The softmax output as a stochastic variable."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Float32, Shaped

from jaxbnn.info import entropy
from jaxbnn.info.arrays import AnyArray
from jaxbnn.info.estimators.protocol import (
    Estimator,
    Reference,
    WeightedRows,
    prepare_counted,
)
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

    def estimate(
        self, reference: Reference, codes: Float32[jax.Array, "n c"] | WeightedRows
    ) -> Point:
        if isinstance(codes, WeightedRows):
            return _of_weighted(codes, reference.y.shape[0])
        n, n_classes = codes.shape
        member = jax.nn.one_hot(reference.y, n_classes, dtype=codes.dtype, axis=0)  # [C, N]
        size = jnp.sum(member, axis=1)
        within = _product(member, codes) / jnp.maximum(size, 1)[:, None]
        labelled = jnp.all((reference.y >= 0) & (reference.y < n_classes))
        known = _are_probabilities(codes) & labelled
        mean_h = entropy.summed(codes) / n
        return _point(known, jnp.mean(codes, axis=0), mean_h, within, size / n)


def _of_weighted(rows: WeightedRows, n: int) -> Point:
    """The point of n examples, of whose softmax outputs only the different ones are given."""
    p = _of_seen(rows)
    count = rows.count.astype(p.dtype)
    size = jnp.sum(count, axis=0)
    within = _product(count.T, p) / jnp.maximum(size, 1)[:, None]
    labelled = rows.certified & jnp.all(size[p.shape[1] :] == 0)
    weight = jnp.sum(count, axis=1)
    mean = _product(weight, p) / n
    mean_h = jnp.sum(weight * entropy.of_distribution(p)) / n
    return _point(_are_probabilities(p) & labelled, mean, mean_h, within, size / n)


def _of_seen(rows: WeightedRows) -> jax.Array:
    """The rows; a uniform one in place of each that was not seen, which has no part in anything."""
    seen = jnp.any(rows.count > 0, axis=1)
    return jnp.where(seen[:, None], rows.values, 1 / rows.values.shape[1])


def _point(
    known: jax.Array, mean: jax.Array, mean_h: jax.Array, within: jax.Array, share: jax.Array
) -> Point:
    """The point of the mean p [C], the mean H(p) [], the means within the classes [C, C] and the
    classes' shares [C]."""
    h_t = jnp.where(known, entropy.of_distribution(mean), jnp.nan)
    xt = entropy.without_rounding(h_t - mean_h)
    ty = entropy.without_rounding(h_t - jnp.sum(share * entropy.of_distribution(within)))
    unknown = jnp.float32(jnp.nan)
    uncounted = jnp.int32(-1)
    return Point(xt, ty, h_t, unknown, uncounted, uncounted, jnp.bool_(False))


def _are_probabilities(p: jax.Array) -> jax.Array:
    """Whether every row of p [N, C] is at least 0 and sums to 1: [] bool."""
    total = _product(p, jnp.ones(p.shape[1], p.dtype))
    return jnp.all(p >= 0) & jnp.all(jnp.abs(total - 1) < MAX_DEFECT)


def _product(a: jax.Array, b: jax.Array) -> jax.Array:
    # A GPU's default keeps three digits.
    return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)
