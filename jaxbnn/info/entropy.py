"""Entropies in bits from counts, in the program: float32, good to 1e-5 bit."""

import math

import jax
import jax.numpy as jnp

from jaxbnn.info.counts import Counts

NATS_PER_BIT = math.log(2)  # the one place where nats appear


def plugin(counts: Counts) -> jax.Array:
    """-sum (c/N) log2 (c/N), the entropy of the sample itself. Counts -> float32 bits []; NaN if they are not exact."""
    p = counts.count / counts.total.astype(jnp.float32)
    return _vouched(counts, _sum(-p * jnp.log2(jnp.where(p > 0, p, 1))))


def miller_madow(counts: Counts) -> jax.Array:
    """plug-in + (K - 1)/(2 N ln 2), K patterns seen. Counts -> float32 bits []. Source: Miller 1955."""
    return plugin(counts) + (counts.n_patterns - 1) / (2 * NATS_PER_BIT * counts.total)


def of_distribution(p: jax.Array) -> jax.Array:
    """-sum p log2 p over the last axis of probabilities p [..., C] -> float32 bits [...]."""
    return -jnp.sum(p * jnp.log2(jnp.where(p > 0, p, 1)), axis=-1)


def _vouched(counts, entropy):
    return jnp.where(counts.exact, entropy, jnp.nan)


def _sum(terms):
    # A running float32 sum of 60000 small terms is off by 1e-4; sums of sums are not.
    side = max(1, math.isqrt(terms.size))
    blocks = jnp.pad(terms, (0, -terms.size % side)).reshape(-1, side)
    return jnp.sum(jnp.sum(blocks, axis=1))
