"""Counting by scatter-min grouping: rows that share a hash are compared in full."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Int32, UInt32

from jaxbnn.info.counting_tally import (
    MAX_ADDRESSED,
    Hash,
    Tally,
    cell_type,
    class_counts,
    histogram,
    pair_table,
    values_at,
)
from jaxbnn.info.mask_indices import written_indices

GOLDEN = 0x9E3779B9  # 2**32 over the golden ratio: salts one after another
TABLE_BYTES = 20  # a row, up to which pairs are counted in a table [N, classes]
Carry = tuple[jax.Array, jax.Array]  # owners [N], -1 where a row is open; the round's salt []


def scatter(
    words: UInt32[jax.Array, "n w"],
    labels: Int32[jax.Array, " n"],
    classes: int | None,
    hash_rows: Hash,
) -> Tally:
    """Rows grouped by `group`; pairs in a table [N, classes] where it is small, else grouped by
    (first row, label).

    Args:
        words: packed rows, uint32 [N, W].
        labels: int32 [N].
        classes: all labels are below it (static); None: unknown.
        hash_rows: decides the speed and nothing else.

    Returns:
        A tally with t [N] and ty [N, classes] or [N], rows in their own order.
    """
    n_rows = words.shape[0]
    owner = group(words, hash_rows)
    t = histogram(owner, n_rows)
    if classes is not None and _is_small(n_rows, classes):
        ty, row_ty = pair_table(owner, n_rows, labels, classes)
        grouped = n_rows
    else:
        first = group(_pairs(owner, labels, classes), hash_rows)
        ty = histogram(first, n_rows)
        row_ty = values_at(ty, first)
        grouped = jnp.sum(ty)
    row_y = label_counts(labels, classes, hash_rows)
    certified = (jnp.sum(t) == n_rows) & (grouped == n_rows)
    return Tally(t, ty, values_at(t, owner), row_ty, row_y, certified)


def _is_small(n_rows: int, classes: int) -> bool:
    """Whether a table [N, classes] takes little memory a row and int32 addresses it."""
    if n_rows * classes >= 2**31:
        return False
    return classes * cell_type(n_rows).itemsize <= TABLE_BYTES


def _pairs(owner: jax.Array, labels: jax.Array, classes: int | None) -> jax.Array:
    """(owner, label) as packed rows: one word where it holds both."""
    owner, labels = owner.astype(jnp.uint32), labels.astype(jnp.uint32)
    if classes is not None and owner.shape[0] * classes <= 2**32:
        return (owner * jnp.uint32(classes) + labels)[:, None]
    return jnp.stack([owner, labels], axis=1)


def label_counts(
    labels: Int32[jax.Array, " n"], classes: int | None, hash_rows: Hash
) -> Int32[jax.Array, " n"]:
    """How often each row's label was seen, also where labels are unbounded or many.

    Args:
        labels: int32 [N].
        classes: all labels are below it (static); None: unknown.
        hash_rows: decides the speed and nothing else.

    Returns:
        int32 [N].
    """
    if classes is not None and classes <= MAX_ADDRESSED:
        return class_counts(labels, classes)
    owner = group(labels.astype(jnp.uint32)[:, None], hash_rows)
    return values_at(histogram(owner, labels.shape[0]), owner)


def group(words: UInt32[jax.Array, "n w"], hash_rows: Hash) -> Int32[jax.Array, " n"]:
    """For each row the index of the first row equal to it.

    Scatter-min grouping: in each round every open row writes its index into a hashed table, the
    smallest wins its slot, and all open rows equal to their slot's winner are settled. The winner
    itself always is, so the rounds end; another round hashes the rest with another salt. Once few
    are open, only they take part.

    Args:
        words: packed rows, uint32 [N, W].
        hash_rows: decides the speed and nothing else.

    Returns:
        int32 [N].
    """
    n_rows, n_words = words.shape
    # Fewer of wide rows, whose copies take memory.
    room = min(n_rows, max(256, n_rows // max(4, n_words - 4)))
    index = jnp.arange(n_rows, dtype=jnp.int32)

    def many_open(carry: Carry) -> jax.Array:
        return (carry[1] == 0) | (jnp.sum(carry[0] < 0) > room)

    def settle(carry: Carry) -> Carry:
        owner, salt = carry
        settled = _settle(words, words, jnp.where(owner < 0, index, n_rows), salt, hash_rows)
        return jnp.where(owner < 0, settled, owner), salt + jnp.uint32(GOLDEN)

    begin = jnp.full(n_rows, -1, jnp.int32), jnp.uint32(0)
    owner, salt = jax.lax.while_loop(many_open, settle, begin)
    rest = partial(_settle_rest, words, room, hash_rows)
    return jax.lax.cond(jnp.any(owner < 0), rest, lambda owner, salt: owner, owner, salt)


def _settle(
    words: jax.Array, rows: jax.Array, index: jax.Array, salt: jax.Array, hash_rows: Hash
) -> jax.Array:
    """One round: the index of each of `rows` in `words`, or N where it is closed -> its owner, or
    -1."""
    n_rows = words.shape[0]
    n_slots = 1 << (2 * n_rows - 1).bit_length()
    slot = (hash_rows(rows, salt) & jnp.uint32(n_slots - 1)).astype(jnp.int32)
    table = jnp.full(n_slots, n_rows, jnp.int32).at[slot].min(index, mode="promise_in_bounds")
    winner = jnp.minimum(table.at[slot].get(mode="promise_in_bounds"), n_rows - 1)
    same = jnp.all(words.at[winner].get(mode="promise_in_bounds") == rows, axis=1)
    return jnp.where(same & (index < n_rows), winner, -1)


def _settle_rest(
    words: jax.Array, room: int, hash_rows: Hash, owner: jax.Array, salt: jax.Array
) -> jax.Array:
    """Settles the at most `room` open rows by themselves."""
    n_rows = words.shape[0]
    chosen = written_indices(owner < 0, room, n_rows)
    rows = words.at[jnp.minimum(chosen, n_rows - 1)].get(mode="promise_in_bounds")

    def some_open(carry: Carry) -> jax.Array:
        return jnp.any(carry[0] < 0)

    def settle(carry: Carry) -> Carry:
        owners, salt = carry
        new = _settle(words, rows, jnp.where(owners < 0, chosen, n_rows), salt, hash_rows)
        return jnp.where(owners < 0, new, owners), salt + jnp.uint32(GOLDEN)

    begin = jnp.where(chosen < n_rows, -1, 0), salt
    owners, _ = jax.lax.while_loop(some_open, settle, begin)
    return owner.at[chosen].set(owners, mode="drop")
