"""The indices at which a mask holds, in an array of fixed size."""

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Int32

WORD = 32


def written_indices(mask: Bool[jax.Array, " n"], room: int, fill: int) -> Int32[jax.Array, " room"]:
    """The indices at which a mask holds, each written to its rank: time goes with N, whatever the
    room.

    Args:
        mask: bool [N].
        room: how many indices there is room for (static); those past it are dropped.
        fill: what stands behind the last index (static).

    Returns:
        int32 [room], rising, then `fill`.
    """
    n_rows = mask.shape[0]
    word = _words(mask)
    bit = jnp.arange(WORD, dtype=jnp.uint32).reshape(1, WORD)
    lower = word[:, None] & ((jnp.uint32(1) << bit) - 1)
    inside = jax.lax.population_count(lower).astype(jnp.int32)
    whole = jax.lax.population_count(word).astype(jnp.int32)
    rank = (inside + (jnp.cumsum(whole) - whole)[:, None]).reshape(-1)[:n_rows]
    target = jnp.where(mask, jnp.minimum(rank, room), room)
    index = jnp.arange(n_rows, dtype=jnp.int32)
    indices = jnp.full(room + 1, fill, jnp.int32)
    return indices.at[target].set(index, mode="promise_in_bounds")[:room]


def searched_indices(
    mask: Bool[jax.Array, " n"], room: int, fill: int
) -> Int32[jax.Array, " room"]:
    """As `written_indices`, for a room far below N: each index is searched for, which takes
    room * log2 N steps and N / 32 words.

    Args:
        mask: bool [N].
        room: how many indices there is room for (static); those past it are dropped.
        fill: what stands behind the last index (static).

    Returns:
        int32 [room], rising, then `fill`.
    """
    word = _words(mask)
    whole = jax.lax.population_count(word).astype(jnp.int32)
    seen = jnp.cumsum(whole)
    rank = jnp.arange(room, dtype=jnp.int32)
    at = jnp.minimum(jnp.searchsorted(seen, rank, side="right"), word.shape[0] - 1)
    at = at.astype(jnp.int32)
    index = WORD * at + _bit_of_rank(word[at], rank - (seen - whole)[at])
    return jnp.where(rank < seen[-1], index, fill)


def _words(mask: jax.Array) -> jax.Array:
    """mask [N] as bits, uint32 [ceil(N / 32)]."""
    blocks = jnp.pad(mask, (0, -mask.shape[0] % WORD)).reshape(-1, WORD)
    bit = jnp.arange(WORD, dtype=jnp.uint32).reshape(1, WORD)
    return jnp.sum(blocks.astype(jnp.uint32) << bit, axis=1, dtype=jnp.uint32)


def _bit_of_rank(word: jax.Array, rank: jax.Array) -> jax.Array:
    """Which bit of a word has this rank among the set ones: halves of the word, then halves of the
    half."""
    bit = jnp.zeros_like(rank)
    for half in (16, 8, 4, 2, 1):
        low = (word >> bit.astype(jnp.uint32)) & jnp.uint32((1 << half) - 1)
        count = jax.lax.population_count(low).astype(jnp.int32)
        above = rank >= count
        rank = jnp.where(above, rank - count, rank)
        bit = jnp.where(above, bit + half, bit)
    return bit
