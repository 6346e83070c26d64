"""A row-wise function applied to many rows, in batches of one shape, so that memory is bounded."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

LIMIT = 4096  # rows at once


def in_batches(f: Callable, rows: jax.Array, limit: int = LIMIT):
    """f(rows) for a row-wise f, at most `limit` rows at once. rows [N, ...] -> whatever f gives,
    leaves [N, ...].

    All batches have one shape (the last is filled with zeros, whose results are dropped), so a
    row's result does not depend on which batch it fell into.
    """
    n = rows.shape[0]
    n_batches = -(-n // limit)
    if n_batches == 1:
        return f(rows)
    size = -(-n // n_batches)
    padded = jnp.pad(rows, [(0, n_batches * size - n)] + [(0, 0)] * (rows.ndim - 1))
    done = jax.lax.map(f, padded.reshape(n_batches, size, *rows.shape[1:]))
    return jax.tree.map(lambda leaf: leaf.reshape(n_batches * size, *leaf.shape[2:])[:n], done)
