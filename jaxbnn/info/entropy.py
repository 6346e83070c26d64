"""Entropies in bits from counts, in compiled code: float32, good to 1e-5 bit."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jaxbnn.info.arrays import AnyArray
from jaxbnn.info.counting import Counts

NATS_PER_BIT = math.log(2)  # the one place where nats appear
ROUNDING = 1e-5  # bits, the accuracy of float32 entropies and of their differences


def plugin(counts: Counts) -> Float32[jax.Array, ""]:
    """-sum (c/N) log2 (c/N), the entropy of the sample itself.

    Where the rows are fewer than the cells for patterns it is summed over the rows: -(1/N) sum
    log2 (c_row/N).

    Args:
        counts: of N examples.

    Returns:
        Bits []; NaN where the counts are not certified.
    """
    if counts.row is not None and counts.row.size < counts.count.size:
        return _certified(counts, _sum(_log2(counts.total) - _log2(counts.row)) / counts.total)
    p = counts.count / counts.total.astype(jnp.float32)
    return _certified(counts, _sum(-p * jnp.log2(jnp.where(p > 0, p, 1))))


def miller_madow(counts: Counts) -> Float32[jax.Array, ""]:
    """plug-in + (K - 1)/(2 N ln 2), K patterns seen. Source: Miller 1955.

    Args:
        counts: of N examples.

    Returns:
        Bits []; NaN where the counts are not certified.
    """
    return plugin(counts) + (counts.n_patterns - 1) / (2 * NATS_PER_BIT * counts.total)


def information_error(t: Counts, ty: Counts) -> Float32[jax.Array, ""]:
    """The standard error of the plug-in I(T;Y) by the delta method.

    sqrt((mean l^2 - (mean l)^2) / N), l = log2(N c_ty / (c_t c_y)) of each row.

    Args:
        t: counts of T as `count` gives them.
        ty: counts of (T, Y) from the same call.

    Returns:
        Bits []; NaN where the counts are not certified.

    Raises:
        ValueError: counts without rows, as a histogram has them.
    """
    # A table [patterns, classes] may have fewer cells than there are rows.
    if ty.count.ndim == 2 and (ty.row is None or ty.count.size < ty.row.size):
        times = ty.count
        per_class = _log2(jnp.sum(times, axis=0))[None, :]
        ratio = _log2(times) - _log2(t.count)[:, None] - per_class + _log2(ty.total)
    elif ty.row is None or ty.label is None or t.row is None:
        raise ValueError("expected counts with rows, as `count` gives them, got a histogram's")
    else:
        times = 1
        ratio = _log2(ty.row) - _log2(t.row) - _log2(ty.label) + _log2(ty.total)
    mean = _sum(times * ratio) / ty.total
    return _certified(ty, jnp.sqrt(_sum(times * (ratio - mean) ** 2)) / ty.total)


def of_distribution(p: Float[jax.Array, "*axes c"]) -> Float[jax.Array, "*axes"]:
    """-sum p log2 p over the last axis.

    Args:
        p: probabilities [..., C].

    Returns:
        Bits [...].
    """
    return -jnp.sum(p * jnp.log2(jnp.where(p > 0, p, 1)), axis=-1)


def summed(p: Float[jax.Array, "..."]) -> Float[jax.Array, ""]:
    """-sum p log2 p over all entries: the entropies of many distributions in one sum.

    Args:
        p: probabilities of any shape.

    Returns:
        Bits [].
    """
    p = p.reshape(-1)
    return _sum(-p * jnp.log2(jnp.where(p > 0, p, 1)))


def without_rounding(bits: Float32[jax.Array, "*axes"]) -> Float32[jax.Array, "*axes"]:
    """An information that cannot be negative: 0 where it is below 0 by no more than ROUNDING.

    Args:
        bits: a difference of float32 entropies [...].

    Returns:
        Bits [...]: 0 for -ROUNDING to 0, every other value as it was. A value below -ROUNDING is
        no rounding, and stays negative so that it is seen.
    """
    return jnp.where((bits <= 0) & (bits >= -ROUNDING), jnp.float32(0), bits)


def _log2(count: AnyArray) -> jax.Array:
    return jnp.log2(jnp.maximum(count, 1).astype(jnp.float32))


def _certified(counts: Counts, entropy: jax.Array) -> jax.Array:
    """NaN where nobody vouches for the counts."""
    return jnp.where(counts.certified, entropy, jnp.nan)


def _sum(terms: AnyArray) -> jax.Array:
    # A running float32 sum of 60000 small terms is off by 1e-4; sums of sums are not.
    side = max(1, math.isqrt(terms.size))
    terms = terms.reshape(-1)
    blocks = jnp.pad(terms, (0, -terms.size % side)).reshape(-1, side)
    return jnp.sum(jnp.sum(blocks, axis=1))
