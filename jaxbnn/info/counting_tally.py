"""What a counting algorithm returns, and the tables that several of them use."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Int32

Hash = Callable[[jax.Array, jax.Array], jax.Array]  # hash_rows(words [N, W], salt []) -> uint32 [N]
MAX_ADDRESSED = 2**16  # classes past which labels are grouped instead of addressed


class Tally(NamedTuple):
    """Counts of T and of (T, Y), each pattern's or pair's once and 0 elsewhere, of any shape; and
    row by row. The order of the rows is the algorithm's, the same in the three fields."""

    t: Int32[jax.Array, "..."]  # patterns
    ty: Int32[jax.Array, "..."]  # pairs
    row_t: Int32[jax.Array, " n"]  # how often each row's pattern was seen
    row_ty: Int32[jax.Array, " n"]  # how often each row's pair was seen
    row_y: Int32[jax.Array, " n"]  # how often each row's label was seen
    certified: Bool[jax.Array, ""]  # every row was settled by a comparison in full


def pair_table(
    pattern: jax.Array, n_patterns: int, labels: jax.Array, classes: int
) -> tuple[jax.Array, jax.Array]:
    """Counts of (pattern, label) in a table; a label past its bound is clipped.

    Args:
        pattern: each row's pattern, int32 [N] below `n_patterns`.
        n_patterns: rows of the table (static).
        labels: int32 [N].
        classes: columns of the table (static); n_patterns * classes < 2**31.

    Returns:
        The table, int32 [n_patterns, classes], and each row's own cell of it, int32 [N].
    """
    address = pattern * classes + jnp.clip(labels, 0, classes - 1)
    cells = histogram(address, n_patterns * classes, cell_type(labels.shape[0]))
    table = cells.reshape(n_patterns, classes).astype(jnp.int32)
    return table, values_at(cells, address).astype(jnp.int32)


def cell_type(n_rows: int) -> jnp.dtype:
    """The smallest type that counts so many rows.

    Args:
        n_rows: N.

    Returns:
        uint16 below 2**16 rows, else int32.
    """
    return jnp.dtype(jnp.uint16 if n_rows < 2**16 else jnp.int32)


def histogram(index: jax.Array, n: int, dtype: Any = jnp.int32) -> jax.Array:
    """How often each of 0 .. n - 1 is in `index`.

    Args:
        index: int32 [N], all of it below n: nothing checks it.
        n: static.
        dtype: of the counts.

    Returns:
        dtype [n].
    """
    return jnp.zeros(n, dtype).at[index].add(jnp.ones((), dtype), mode="promise_in_bounds")


def values_at(values: jax.Array, index: jax.Array) -> jax.Array:
    """values[index], looked up before what follows is computed.

    Args:
        values: [K].
        index: int32 [N], all of it below K: nothing checks it.

    Returns:
        [N], of the type of `values`.
    """
    # The barrier keeps XLA:CPU from fusing the look-up into what follows, which then would not be
    # vectorised.
    return jax.lax.optimization_barrier(values.at[index].get(mode="promise_in_bounds"))


def class_counts(labels: jax.Array, classes: int) -> jax.Array:
    """How often each row's label was seen; a label past its bound is clipped.

    Args:
        labels: int32 [N].
        classes: all labels are below it (static).

    Returns:
        int32 [N].
    """
    inside = jnp.clip(labels, 0, classes - 1)
    return values_at(histogram(inside, classes), inside)
