"""A row-wise function applied to many rows, in batches of one shape, so that memory is bounded."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

LIMIT = 4096  # rows of a batch


def in_batches(f: Callable[[Any], Any], rows: Any, limit: int = LIMIT) -> Any:
    """f(rows) for a row-wise f, at most `limit` rows at once.

    All batches have one shape (the last is filled with zeros, whose results are dropped), so that a
    row's result does not depend on its batch.

    Args:
        f: rows [B, ...] -> a tree of leaves [B, ...].
        rows: [N, ...], or a tree of such.
        limit: the most rows of a batch.

    Returns:
        What f gives, leaves [N, ...].
    """
    n = jax.tree.leaves(rows)[0].shape[0]
    n_batches = -(-n // limit)
    if n_batches == 1:
        return f(rows)
    size = -(-n // n_batches)

    def batches(leaf: jax.Array) -> jax.Array:
        padded = jnp.pad(leaf, [(0, n_batches * size - n)] + [(0, 0)] * (leaf.ndim - 1))
        return padded.reshape(n_batches, size, *leaf.shape[1:])

    done = jax.lax.map(f, jax.tree.map(batches, rows))
    return jax.tree.map(lambda leaf: leaf.reshape(n_batches * size, *leaf.shape[2:])[:n], done)


def of_batches(f: Callable[[Any], Any], rows: Any, limit: int = LIMIT) -> Any:
    """f of every batch: for sums over rows, to which no filled row may add.

    Args:
        f: rows [B, ...] -> a tree of leaves of any shape.
        rows: [N, ...], or a tree of such.
        limit: the most rows of a batch.

    Returns:
        What f gives of each batch, leaves [batches, ...]; the last batch may be smaller than the
        others.
    """
    n = jax.tree.leaves(rows)[0].shape[0]
    size = _batch_size(n, limit)
    n_batches = n // size

    def first(leaf: jax.Array) -> jax.Array:
        return leaf[: n_batches * size].reshape(n_batches, size, *leaf.shape[1:])

    done = jax.lax.map(f, jax.tree.map(first, rows))
    if n_batches * size == n:
        return done
    last = f(jax.tree.map(lambda leaf: leaf[n_batches * size :], rows))
    return jax.tree.map(lambda all_but, one: jnp.concatenate([all_but, one[None]]), done, last)


def _batch_size(n: int, limit: int) -> int:
    """The largest number of rows within the limit, and above its half, that divides n; else the
    limit."""
    for size in range(min(n, limit), limit // 2, -1):
        if n % size == 0:
            return size
    return limit
