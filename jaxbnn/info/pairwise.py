"""Single units and pairs of units, counted in packed activations of -1 and +1."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Int32, UInt32

BATCH = 4096  # rows unpacked at once


class Units(NamedTuple):
    """How often each unit is +1, and each two are +1 together; -1 where the activations are not -1
    and +1."""

    count: Int32[jax.Array, " d"]
    together: Int32[jax.Array, "d d"]  # symmetric; its diagonal is count


@partial(jax.jit, static_argnames=("bits",))
def count_units(words: UInt32[jax.Array, "n w"], valid: Bool[jax.Array, " n"], bits: int) -> Units:
    """together[d, e] = number of rows with units d and e set.

    Args:
        words: packed rows, uint32 [N, W], as `pack_signs` gives them.
        valid: bool [N], rows that hold signs.
        bits: units D (static).

    Returns:
        Counts [D] and [D, D]; -1 where a row is not valid.
    """
    n_rows = words.shape[0]
    size = min(BATCH, n_rows)
    # Rows of zeros behind the last count nothing.
    batches = jnp.pad(words, ((0, -n_rows % size), (0, 0))).reshape(-1, size, words.shape[1])

    def add(together: jax.Array, batch: jax.Array) -> tuple[jax.Array, None]:
        on = _unpack(batch, bits)
        # Sums of at most 4096 ones are exact in float32, whatever its matmul's precision for 0 and
        # 1.
        return together + (on.T @ on).astype(jnp.int32), None

    together, _ = jax.lax.scan(add, jnp.zeros((bits, bits), jnp.int32), batches)
    together = jnp.where(jnp.all(valid), together, -1)
    return Units(jnp.diagonal(together), together)


def _unpack(words: jax.Array, bits: int) -> jax.Array:
    """uint32 [B, W] -> float32 [B, bits] of 0 and 1."""
    shift = jnp.arange(32, dtype=jnp.uint32).reshape(1, 1, 32)
    ones = ((words[:, :, None] >> shift) & 1).astype(jnp.float32)
    return ones.reshape(words.shape[0], -1)[:, :bits]
