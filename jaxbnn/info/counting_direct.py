"""Counting by direct addressing: a table with a cell for each possible pair."""

import jax
import jax.numpy as jnp
from jaxtyping import Int32, UInt32

from jaxbnn.info.counting_tally import Tally, class_counts, pair_table, values_at


def direct(
    words: UInt32[jax.Array, "n 1"], labels: Int32[jax.Array, " n"], bits: int, classes: int
) -> Tally:
    """Counts in a table with a cell for each possible pair: the fastest where it is small.

    Args:
        words: packed rows of one word, uint32 [N, 1].
        labels: int32 [N].
        bits: all bits of a row are below it (static).
        classes: all labels are below it (static); 2**bits * classes < 2**31.

    Returns:
        A tally with t [2**bits] and ty [2**bits, classes], rows in their own order.
    """
    word = (words[:, 0] & jnp.uint32(2**bits - 1)).astype(jnp.int32)
    table, row_ty = pair_table(word, 2**bits, labels, classes)
    t = jnp.sum(table, axis=1, dtype=jnp.int32)
    row_y = class_counts(labels, classes)
    return Tally(t, table, values_at(t, word), row_ty, row_y, jnp.bool_(True))
