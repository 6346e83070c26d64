"""Single units and pairs of units, counted in packed activations of -1 and +1."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

BATCH = 4096  # rows unpacked at once


class Units(NamedTuple):
    """How often each unit is +1, and each two are +1 together; -1 where the activations are not -1
    and +1."""

    count: jax.Array  # [D] int32
    together: jax.Array  # [D, D] int32, symmetric; its diagonal is count


@partial(jax.jit, static_argnames=("bits",))
def count_units(words: jax.Array, valid: jax.Array, bits: int) -> Units:
    """together[d, e] = number of rows with units d and e set. words uint32 [N, W] of `bits` units,
    valid bool [N]."""
    n_rows = words.shape[0]
    size = min(BATCH, n_rows)
    # Rows of zeros behind the last count nothing.
    batches = jnp.pad(words, ((0, -n_rows % size), (0, 0))).reshape(-1, size, words.shape[1])

    def add(together, batch):
        on = _unpack(batch, bits)
        # Sums of at most 4096 ones are exact in float32, whatever its matmul's precision for 0 and
        # 1.
        return together + (on.T @ on).astype(jnp.int32), None

    together, _ = jax.lax.scan(add, jnp.zeros((bits, bits), jnp.int32), batches)
    together = jnp.where(jnp.all(valid), together, -1)
    return Units(jnp.diagonal(together), together)


def _unpack(words, bits):
    """uint32 [B, W] -> float32 [B, bits] of 0 and 1."""
    shift = jnp.arange(32, dtype=jnp.uint32).reshape(1, 1, 32)
    return (
        ((words[:, :, None] >> shift) & 1).astype(jnp.float32).reshape(words.shape[0], -1)[:, :bits]
    )
