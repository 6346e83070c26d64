"""Packed rows -> exact counts of their patterns, with a certificate. Collisions of the hash cost time, never a bit."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxbnn.info.bits import as_array, hash_rows


class Counts(NamedTuple):
    """How often each pattern was seen. A pattern's multiplicity stands once, at its first row; the rest is 0."""

    count: jax.Array  # [N] int32
    total: jax.Array  # [] int32, N
    exact: jax.Array  # [] bool, True when every row was compared in full with its pattern's first row

    @staticmethod
    def from_histogram(histogram) -> "Counts":
        """Counts from anyone's histogram: non-negative integers [K], at least one of them not 0 (else ValueError)."""
        h = np.asarray(histogram)
        if h.ndim != 1 or h.dtype.kind not in "iu" or h.size == 0 or h.min() < 0 or h.sum() < 1:
            raise ValueError(f"expected non-negative integer counts [K], not all 0, got {h.dtype} {h.shape}")
        if h.sum() > np.iinfo(np.int32).max:
            raise ValueError(f"expected at most 2**31 - 1 examples in all, got {h.sum()}")
        return Counts(jnp.asarray(h, jnp.int32), jnp.int32(h.sum()), jnp.bool_(True))

    @property
    def n_patterns(self) -> jax.Array:
        """Number of patterns seen, [] int32."""
        return jnp.sum(self.count > 0, dtype=jnp.int32)

    @property
    def n_singletons(self) -> jax.Array:
        """Number of patterns seen exactly once, [] int32."""
        return jnp.sum(self.count == 1, dtype=jnp.int32)


def count(words: jax.Array, labels: jax.Array, hash_rows=hash_rows) -> tuple[Counts, Counts]:
    """Exact counts of the patterns T and of the pairs (T, Y). words uint32 [N, W], labels int32 [N].

    `hash_rows` (static) only decides the speed: a bad hash gives the same counts, slower.
    """
    words, labels = as_array(words), as_array(labels)
    if words.dtype != np.uint32:
        raise TypeError(f"expected words of uint32 (see pack_signs, pack_codes), got {words.dtype}")
    if words.ndim != 2 or labels.shape != words.shape[:1] or words.shape[0] < 1:
        raise ValueError(f"expected words [N, W] and labels [N], N >= 1, got {words.shape} and {labels.shape}")
    words, labels = jnp.asarray(words), labels if isinstance(labels, Tracer) else jnp.asarray(check_labels(labels))
    owner = group(words, hash_rows)
    pairs = jnp.stack([owner.astype(jnp.uint32), labels.astype(jnp.uint32)], axis=1)
    return _tally(words, owner), _tally(pairs, group(pairs, hash_rows))


def check_labels(y) -> np.ndarray:
    """The labels as int32 [N]; ValueError or TypeError unless they are whole, >= 0, below 2**31 and one-dimensional."""
    y = np.asarray(y)
    if y.ndim != 1 or y.size < 1:
        raise ValueError(f"expected labels [N] with N >= 1, got shape {y.shape}")
    if y.dtype.kind not in "biuf":
        raise TypeError(f"expected whole labels >= 0, got {y.dtype}")
    if not np.isfinite(y).all() or (y != np.floor(y)).any():
        raise ValueError("expected whole labels, got fractions, NaN or infinity")
    if y.min() < 0 or y.max() >= 2**31:
        raise ValueError(f"expected labels from 0 to 2**31 - 1, got {y.min()} to {y.max()}")
    return y.astype(np.int32)


def group(words: jax.Array, hash_rows=hash_rows) -> jax.Array:
    """For each row the index of the first row equal to it, words [N, W] -> int32 [N].

    Scatter-min grouping: in each round every open row writes its index into a hashed table, the smallest wins its slot,
    and all open rows equal to their slot's winner are settled. The winner itself always is, so the loop ends; another
    round hashes the rest with another salt. The smallest open index of a pattern is always its first row.
    """
    n_rows = words.shape[0]
    index = jnp.arange(n_rows, dtype=jnp.int32)
    n_slots = 1 << (2 * n_rows - 1).bit_length()

    def is_open(carry):
        owner, _ = carry
        return jnp.any(owner < 0)

    def settle(carry):
        owner, salt = carry
        slot = (hash_rows(words, salt) & jnp.uint32(n_slots - 1)).astype(jnp.int32)
        table = jnp.full(n_slots, n_rows, jnp.int32).at[slot].min(jnp.where(owner < 0, index, n_rows))
        winner = jnp.minimum(table[slot], n_rows - 1)
        same = (owner < 0) & jnp.all(words[winner] == words, axis=1)
        return jnp.where(same, winner, owner), salt + jnp.uint32(0x9E3779B9)

    owner, _ = jax.lax.while_loop(is_open, settle, (jnp.full(n_rows, -1, jnp.int32), jnp.uint32(0)))
    return owner


def _tally(words, owner):
    n_rows = words.shape[0]
    tally = jnp.zeros(n_rows, jnp.int32).at[owner].add(1)
    compared = jnp.all(words[owner] == words) & (jnp.sum(tally) == n_rows)
    return Counts(tally, jnp.int32(n_rows), compared)
