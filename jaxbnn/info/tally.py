"""What a counting algorithm returns, and the tables that several of them use."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

Hash = Callable[[jax.Array, jax.Array], jax.Array]  # hash_rows(words [N, W], salt []) -> uint32 [N]
MANY = 2**16  # classes past which labels are grouped instead of addressed


class Tally(NamedTuple):
    """Counts of T and of (T, Y), each pattern's or pair's once and 0 elsewhere, of any shape; and
    row by row."""

    t: jax.Array  # int32, patterns
    ty: jax.Array  # int32, pairs
    row_t: (
        jax.Array
    )  # [N] int32: how often each row's pattern was seen, rows in an order that is the algorithm's
    row_ty: jax.Array  # [N] int32: how often each row's pair was seen, in the same order
    row_y: jax.Array  # [N] int32: how often each row's label was seen, in the same order
    certified: jax.Array  # [] bool: every row was settled by a comparison in full


def _pair_table(pattern, n_patterns, labels, classes):
    """Counts of (pattern, label), int32 [n_patterns, classes], and each row's; a label past the
    bounds is clipped."""
    address = pattern * classes + jnp.clip(labels, 0, classes - 1)
    cells = _tally(address, n_patterns * classes, cell(labels.shape[0]))
    return cells.reshape(n_patterns, classes).astype(jnp.int32), _at(cells, address).astype(
        jnp.int32
    )


def cell(n_rows: int) -> jnp.dtype:
    """The smallest type that counts so many rows."""
    return jnp.dtype(jnp.uint16 if n_rows < 2**16 else jnp.int32)


def _tally(index, n, cell=jnp.int32):
    return jnp.zeros(n, cell).at[index].add(jnp.ones((), cell), mode="promise_in_bounds")


def _at(values, index):
    # The barrier keeps XLA:CPU from fusing the look-up into what follows, which then would not be
    # vectorised.
    return jax.lax.optimization_barrier(values.at[index].get(mode="promise_in_bounds"))


def _class_counts(labels, classes):
    """How often each row's label was seen, labels below `classes`: int32 [N]."""
    inside = jnp.clip(labels, 0, classes - 1)
    return _at(_tally(inside, classes), inside)
