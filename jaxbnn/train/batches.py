"""A row-wise function applied to many rows, in batches of one shape, so that memory is bounded."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

LIMIT = 4096  # rows of a batch


def in_batches(f: Callable[[jax.Array], Any], rows: jax.Array, limit: int = LIMIT) -> Any:
    """f(rows) for a row-wise f, at most `limit` rows at once.

    All batches have one shape (the last is filled with zeros, whose results are dropped), so that a
    row's result does not depend on its batch.

    Args:
        f: rows [B, ...] -> a tree of leaves [B, ...].
        rows: [N, ...].
        limit: the most rows of a batch.

    Returns:
        What f gives, leaves [N, ...].
    """
    n = rows.shape[0]
    n_batches = -(-n // limit)
    if n_batches == 1:
        return f(rows)
    size = -(-n // n_batches)
    padded = jnp.pad(rows, [(0, n_batches * size - n)] + [(0, 0)] * (rows.ndim - 1))
    done = jax.lax.map(f, padded.reshape(n_batches, size, *rows.shape[1:]))
    return jax.tree.map(lambda leaf: leaf.reshape(n_batches * size, *leaf.shape[2:])[:n], done)
