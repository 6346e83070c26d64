"""The places at which a mask holds, in an array of fixed size: many of them, or few of a long
mask."""

import jax
import jax.numpy as jnp

WORD = 32


def many(mask: jax.Array, room: int, fill: int) -> jax.Array:
    """The indices at which mask [N] holds, rising: int32 [room], `fill` behind them. Those past
    `room` are dropped.

    Every index is written to its rank: time goes with N, whatever the room.
    """
    n_rows = mask.shape[0]
    word = _words(mask)
    bit = jnp.arange(WORD, dtype=jnp.uint32).reshape(1, WORD)
    inside = jax.lax.population_count(word[:, None] & ((jnp.uint32(1) << bit) - 1)).astype(
        jnp.int32
    )
    whole = jax.lax.population_count(word).astype(jnp.int32)
    rank = (inside + (jnp.cumsum(whole) - whole)[:, None]).reshape(-1)[:n_rows]
    place = jnp.where(mask, jnp.minimum(rank, room), room)
    index = jnp.arange(n_rows, dtype=jnp.int32)
    return jnp.full(room + 1, fill, jnp.int32).at[place].set(index, mode="promise_in_bounds")[:room]


def few(mask: jax.Array, room: int, fill: int) -> jax.Array:
    """As `many`, for a room far below N: each place is looked up, which takes room * log2 N steps
    and N / 32 words."""
    word = _words(mask)
    whole = jax.lax.population_count(word).astype(jnp.int32)
    seen = jnp.cumsum(whole)
    rank = jnp.arange(room, dtype=jnp.int32)
    at = jnp.minimum(jnp.searchsorted(seen, rank, side="right"), word.shape[0] - 1).astype(
        jnp.int32
    )
    place = WORD * at + _place_of_bit(word[at], rank - (seen - whole)[at])
    return jnp.where(rank < seen[-1], place, fill)


def _words(mask):
    """mask [N] as bits, uint32 [ceil(N / 32)]."""
    blocks = jnp.pad(mask, (0, -mask.shape[0] % WORD)).reshape(-1, WORD)
    bit = jnp.arange(WORD, dtype=jnp.uint32).reshape(1, WORD)
    return jnp.sum(blocks.astype(jnp.uint32) << bit, axis=1, dtype=jnp.uint32)


def _place_of_bit(word, rank):
    """Where the bit of this rank among the set bits of a word is: halves of the word, then halves
    of the half."""
    place = jnp.zeros_like(rank)
    for half in (16, 8, 4, 2, 1):
        low = (word >> place.astype(jnp.uint32)) & jnp.uint32((1 << half) - 1)
        count = jax.lax.population_count(low).astype(jnp.int32)
        above = rank >= count
        rank, place = jnp.where(above, rank - count, rank), jnp.where(above, place + half, place)
    return place
