"""Counting by direct addressing: a table with a cell for each possible pair."""

import jax
import jax.numpy as jnp

from jaxbnn.info.tally import Tally, _at, _class_counts, _pair_table


def direct(words: jax.Array, labels: jax.Array, bits: int, classes: int) -> Tally:
    """A table with a cell for each possible pair: the fastest where it is small. words [N, 1]."""
    word = (words[:, 0] & jnp.uint32(2**bits - 1)).astype(jnp.int32)
    table, row_ty = _pair_table(word, 2**bits, labels, classes)
    t = jnp.sum(table, axis=1, dtype=jnp.int32)
    return Tally(t, table, _at(t, word), row_ty, _class_counts(labels, classes), jnp.bool_(True))
