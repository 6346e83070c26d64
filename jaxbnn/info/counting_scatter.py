"""Counting by scatter-min grouping: rows that share a hash are compared in full."""

from functools import partial

import jax
import jax.numpy as jnp

from jaxbnn.info import compact
from jaxbnn.info.tally import MANY, Hash, Tally, _at, _class_counts, _pair_table, _tally, cell

GOLDEN = 0x9E3779B9  # 2**32 over the golden ratio: salts one after another
TABLE_BYTES = 20  # a row, up to which pairs are counted in a table [N, classes]


def scatter(words: jax.Array, labels: jax.Array, classes: int | None, hash_rows: Hash) -> Tally:
    """Rows grouped by `group`; pairs in a table [N, classes] where it is small, else grouped by
    (first row, label)."""
    n_rows = words.shape[0]
    owner = group(words, hash_rows)
    t, grouped = _tally(owner, n_rows), n_rows
    if (
        classes is not None
        and classes * cell(n_rows).itemsize <= TABLE_BYTES
        and n_rows * classes < 2**31
    ):
        ty, row_ty = _pair_table(owner, n_rows, labels, classes)
    else:
        first = group(_pairs(owner, labels, classes), hash_rows)
        ty = _tally(first, n_rows)
        row_ty, grouped = _at(ty, first), jnp.sum(ty)
    row_y = _label_counts(labels, classes, hash_rows)
    return Tally(t, ty, _at(t, owner), row_ty, row_y, (jnp.sum(t) == n_rows) & (grouped == n_rows))


def _pairs(owner, labels, classes):
    """(owner, label) as packed rows: one word where it holds both."""
    owner, labels = owner.astype(jnp.uint32), labels.astype(jnp.uint32)
    if classes is not None and owner.shape[0] * classes <= 2**32:
        return (owner * jnp.uint32(classes) + labels)[:, None]
    return jnp.stack([owner, labels], axis=1)


def _label_counts(labels, classes, hash_rows):
    """How often each row's label was seen, also where labels are unbounded or many: int32 [N]."""
    if classes is not None and classes <= MANY:
        return _class_counts(labels, classes)
    owner = group(labels.astype(jnp.uint32)[:, None], hash_rows)
    return _at(_tally(owner, labels.shape[0]), owner)


def group(words: jax.Array, hash_rows: Hash) -> jax.Array:
    """For each row the index of the first row equal to it, words [N, W] -> int32 [N].

    Scatter-min grouping: in each round every open row writes its index into a hashed table, the
    smallest wins its slot, and all open rows equal to their slot's winner are settled. The winner
    itself always is, so the rounds end; another round hashes the rest with another salt. Once few
    are open, only they take part.
    """
    n_rows, n_words = words.shape
    room = min(
        n_rows, max(256, n_rows // max(4, n_words - 4))
    )  # fewer of wide rows, whose copies take memory
    index = jnp.arange(n_rows, dtype=jnp.int32)

    def many(carry):
        return (carry[1] == 0) | (jnp.sum(carry[0] < 0) > room)

    def settle(carry):
        owner, salt = carry
        found = _settle(words, words, jnp.where(owner < 0, index, n_rows), salt, hash_rows)
        return jnp.where(owner < 0, found, owner), salt + jnp.uint32(GOLDEN)

    owner, salt = jax.lax.while_loop(many, settle, (jnp.full(n_rows, -1, jnp.int32), jnp.uint32(0)))
    rest = partial(_settle_rest, words, room, hash_rows)
    return jax.lax.cond(jnp.any(owner < 0), rest, lambda owner, salt: owner, owner, salt)


def _settle(words, rows, index, salt, hash_rows):
    """One round: the index of each of `rows` in `words`, or N where it is closed -> its owner, or
    -1."""
    n_rows = words.shape[0]
    n_slots = 1 << (2 * n_rows - 1).bit_length()
    slot = (hash_rows(rows, salt) & jnp.uint32(n_slots - 1)).astype(jnp.int32)
    table = jnp.full(n_slots, n_rows, jnp.int32).at[slot].min(index, mode="promise_in_bounds")
    winner = jnp.minimum(table.at[slot].get(mode="promise_in_bounds"), n_rows - 1)
    same = jnp.all(words.at[winner].get(mode="promise_in_bounds") == rows, axis=1)
    return jnp.where(same & (index < n_rows), winner, -1)


def _settle_rest(words, room, hash_rows, owner, salt):
    """Settles the at most `room` open rows by themselves."""
    n_rows = words.shape[0]
    chosen = compact.many(owner < 0, room, n_rows)
    rows = words.at[jnp.minimum(chosen, n_rows - 1)].get(mode="promise_in_bounds")

    def is_open(carry):
        return jnp.any(carry[0] < 0)

    def settle(carry):
        found, salt = carry
        new = _settle(words, rows, jnp.where(found < 0, chosen, n_rows), salt, hash_rows)
        return jnp.where(found < 0, new, found), salt + jnp.uint32(GOLDEN)

    found, _ = jax.lax.while_loop(is_open, settle, (jnp.where(chosen < n_rows, -1, 0), salt))
    return owner.at[chosen].set(found, mode="drop")
