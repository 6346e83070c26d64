"""Entropies in bits from counts, in the program: float32, good to 1e-5 bit."""

import math

import jax
import jax.numpy as jnp

from jaxbnn.info.counting import Counts

NATS_PER_BIT = math.log(2)  # the one place where nats appear


def plugin(counts: Counts) -> jax.Array:
    """-sum (c/N) log2 (c/N), the entropy of the sample itself. Counts -> float32 bits []; NaN if
    they are not exact.

    Where the rows are fewer than the places for patterns it is summed over the rows: -(1/N) sum
    log2 (c_row/N).
    """
    if counts.row is not None and counts.row.size < counts.count.size:
        return _vouched(counts, _sum(_log2(counts.total) - _log2(counts.row)) / counts.total)
    p = counts.count / counts.total.astype(jnp.float32)
    return _vouched(counts, _sum(-p * jnp.log2(jnp.where(p > 0, p, 1))))


def miller_madow(counts: Counts) -> jax.Array:
    """plug-in + (K - 1)/(2 N ln 2), K patterns seen. Counts -> float32 bits []. Source: Miller
    1955."""
    return plugin(counts) + (counts.n_patterns - 1) / (2 * NATS_PER_BIT * counts.total)


def information_error(t: Counts, ty: Counts) -> jax.Array:
    """The standard error of the plug-in I(T;Y) by the delta method, of counts as `count` gives them
    -> float32 bits [].

    sqrt((mean l^2 - (mean l)^2) / N), l = log2(N c_ty / (c_t c_y)) of each row. NaN if they are not
    exact.
    """
    # A table [patterns, classes] may have fewer cells than there are rows.
    if ty.count.ndim == 2 and (ty.row is None or ty.count.size < ty.row.size):
        times = ty.count
        ratio = (
            _log2(times)
            - _log2(t.count)[:, None]
            - _log2(jnp.sum(times, axis=0))[None, :]
            + _log2(ty.total)
        )
    else:
        times = 1
        ratio = _log2(ty.row) - _log2(t.row) - _log2(ty.label) + _log2(ty.total)
    mean = _sum(times * ratio) / ty.total
    return _vouched(ty, jnp.sqrt(_sum(times * (ratio - mean) ** 2)) / ty.total)


def _log2(count):
    return jnp.log2(jnp.maximum(count, 1).astype(jnp.float32))


def of_distribution(p: jax.Array) -> jax.Array:
    """-sum p log2 p over the last axis of probabilities p [..., C] -> float32 bits [...]."""
    return -jnp.sum(p * jnp.log2(jnp.where(p > 0, p, 1)), axis=-1)


def summed(p: jax.Array) -> jax.Array:
    """-sum p log2 p over all entries of p [...]: the entropies of many distributions in one sum,
    float32 bits []."""
    p = p.reshape(-1)
    return _sum(-p * jnp.log2(jnp.where(p > 0, p, 1)))


def _vouched(counts, entropy):
    return jnp.where(counts.certified, entropy, jnp.nan)


def _sum(terms):
    # A running float32 sum of 60000 small terms is off by 1e-4; sums of sums are not.
    side = max(1, math.isqrt(terms.size))
    terms = terms.reshape(-1)
    blocks = jnp.pad(terms, (0, -terms.size % side)).reshape(-1, side)
    return jnp.sum(jnp.sum(blocks, axis=1))
