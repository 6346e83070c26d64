"""The routes from packed rows to exact counts: direct addressing, scatter-min grouping, sort-and-count.

Every route gives the same counts. Rows are compared in full, or are their own key: a hash's collision costs time,
never a bit. A route counts T and (T, Y) together; what the caller does not use is not computed under jit.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxbnn.info import compact

Hash = Callable[[jax.Array, jax.Array], jax.Array]  # hash_rows(words [N, W], salt []) -> uint32 [N]

GOLDEN = 0x9E3779B9  # 2**32 over the golden ratio: salts one after another
TABLE_BYTES = 20  # a row, up to which pairs are counted in a table [N, classes]
MANY = 2**16  # classes past which labels are grouped instead of addressed
DROP = 2**31 - 1  # an index past the end of any array: the write is dropped


class Tally(NamedTuple):
    """Counts of T and of (T, Y), each pattern's or pair's once and 0 elsewhere, of any shape; and row by row."""

    t: jax.Array  # int32, patterns
    ty: jax.Array  # int32, pairs
    row_t: jax.Array  # [N] int32: how often each row's pattern was seen, rows in an order that is the route's
    row_ty: jax.Array  # [N] int32: how often each row's pair was seen, in the same order
    row_y: jax.Array  # [N] int32: how often each row's label was seen, in the same order
    certified: jax.Array  # [] bool: every row was settled by a comparison in full


def direct(words: jax.Array, labels: jax.Array, bits: int, classes: int) -> Tally:
    """A table with a cell for each possible pair: the fastest where it is small. words [N, 1]."""
    word = (words[:, 0] & jnp.uint32(2**bits - 1)).astype(jnp.int32)
    table, row_ty = _pair_table(word, 2**bits, labels, classes)
    t = jnp.sum(table, axis=1, dtype=jnp.int32)
    return Tally(t, table, _at(t, word), row_ty, _class_counts(labels, classes), jnp.bool_(True))


def scatter(words: jax.Array, labels: jax.Array, classes: int | None, hash_rows: Hash) -> Tally:
    """Rows grouped by `group`; pairs in a table [N, classes] where it is small, else grouped by (first row, label)."""
    n_rows = words.shape[0]
    owner = group(words, hash_rows)
    t, grouped = _tally(owner, n_rows), n_rows
    if classes is not None and classes * cell(n_rows).itemsize <= TABLE_BYTES and n_rows * classes < 2**31:
        ty, row_ty = _pair_table(owner, n_rows, labels, classes)
    else:
        first = group(_pairs(owner, labels, classes), hash_rows)
        ty = _tally(first, n_rows)
        row_ty, grouped = _at(ty, first), jnp.sum(ty)
    row_y = _label_counts(labels, classes, hash_rows)
    return Tally(t, ty, _at(t, owner), row_ty, row_y, (jnp.sum(t) == n_rows) & (grouped == n_rows))


def _pair_table(pattern, n_patterns, labels, classes):
    """Counts of (pattern, label), int32 [n_patterns, classes], and each row's; a label past the bounds is clipped."""
    address = pattern * classes + jnp.clip(labels, 0, classes - 1)
    cells = _tally(address, n_patterns * classes, cell(labels.shape[0]))
    return cells.reshape(n_patterns, classes).astype(jnp.int32), _at(cells, address).astype(jnp.int32)


def cell(n_rows: int) -> jnp.dtype:
    """The smallest type that counts so many rows."""
    return jnp.dtype(jnp.uint16 if n_rows < 2**16 else jnp.int32)


def _pairs(owner, labels, classes):
    """(owner, label) as packed rows: one word where it holds both."""
    owner, labels = owner.astype(jnp.uint32), labels.astype(jnp.uint32)
    if classes is not None and owner.shape[0] * classes <= 2**32:
        return (owner * jnp.uint32(classes) + labels)[:, None]
    return jnp.stack([owner, labels], axis=1)


def _tally(index, n, cell=jnp.int32):
    return jnp.zeros(n, cell).at[index].add(jnp.ones((), cell), mode="promise_in_bounds")


def _at(values, index):
    # The barrier keeps XLA:CPU from fusing the look-up into what follows, which then would not be vectorised.
    return jax.lax.optimization_barrier(values.at[index].get(mode="promise_in_bounds"))


def _class_counts(labels, classes):
    """How often each row's label was seen, labels below `classes`: int32 [N]."""
    inside = jnp.clip(labels, 0, classes - 1)
    return _at(_tally(inside, classes), inside)


def _label_counts(labels, classes, hash_rows):
    """How often each row's label was seen, also where labels are unbounded or many: int32 [N]."""
    if classes is not None and classes <= MANY:
        return _class_counts(labels, classes)
    owner = group(labels.astype(jnp.uint32)[:, None], hash_rows)
    return _at(_tally(owner, labels.shape[0]), owner)


def group(words: jax.Array, hash_rows: Hash) -> jax.Array:
    """For each row the index of the first row equal to it, words [N, W] -> int32 [N].

    Scatter-min grouping: in each round every open row writes its index into a hashed table, the smallest wins its slot,
    and all open rows equal to their slot's winner are settled. The winner itself always is, so the rounds end; another
    round hashes the rest with another salt. Once few are open, only they take part.
    """
    n_rows, n_words = words.shape
    room = min(n_rows, max(256, n_rows // max(4, n_words - 4)))  # fewer of wide rows, whose copies take memory
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
    """One round: the index of each of `rows` in `words`, or N where it is closed -> its owner, or -1."""
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


def sort(words: jax.Array, labels: jax.Array, bits: int, classes: int | None, hash_rows: Hash) -> Tally:
    """Sort-and-count. Rows and labels of at most 64 bits together are their own key; wider rows are hashed."""
    if classes is not None and bits + _bits(classes) <= 64 and classes <= MANY:
        return _sort_rows(words, labels, bits, classes)
    return _sort_hashes(words, labels, classes, hash_rows)


def _sort_rows(words, labels, bits, classes):
    """One sort of one operand, (row, label) as one number: equal pairs are neighbours, and so are equal rows."""
    shift = _bits(classes)
    width = jnp.uint32 if bits + shift <= 32 else jnp.uint64
    with jax.enable_x64(True):
        label = jnp.clip(labels, 0, classes - 1).astype(width)
        key = jax.lax.sort((_as_number(words, width) << width(shift)) | label)
        ends_ty, ends_t = _ends(key), _ends(key >> width(shift))
        label = (key & width((1 << shift) - 1)).astype(jnp.int32)
    t, ty = _lengths(ends_t), _lengths(ends_ty)
    row_y = _class_counts(label, 1 << shift)
    return Tally(t, ty, _at_next(ends_t, t), _at_next(ends_ty, ty), row_y, jnp.bool_(True))


def _sort_hashes(words, labels, classes, hash_rows):
    """Rounds of a sort by (hash, label). A group of one hash is settled where its rows equal its head in full."""
    n_rows = words.shape[0]
    shift = _bits(classes) if classes is not None else 31
    index_bits = _bits(n_rows)
    one_operand = 63 - shift - index_bits >= 2 * index_bits + 4
    unset = jnp.zeros(n_rows, jnp.int32)

    def some_open(carry):
        return jnp.any(carry[0])

    def settle(carry):
        is_open, salt, *tally = carry
        order, starts, starts_pair, live = _sorted_by_hash(
            words, labels, is_open, salt, hash_rows, shift, index_bits if one_operand else 0
        )
        place = jnp.arange(n_rows, dtype=jnp.int32)
        head = jax.lax.cummax(jnp.where(starts, place, 0))
        same = live & jnp.all(words[order] == words[order[head]], axis=1)
        seen = jnp.cumsum(same, dtype=jnp.int32)
        of_t, _ = _between(seen, same, starts)
        of_ty, before = _between(seen, same, starts_pair)
        settled, first = jnp.where(same, order, DROP), jnp.where(same & (seen == before + 1), order, DROP)
        places = (jnp.where(starts & live, order, DROP), first, settled, settled)
        values = (of_t, of_ty, of_t, of_ty)
        tally = [a.at[p].set(v, mode="drop") for a, p, v in zip(tally, places, values, strict=True)]
        return is_open.at[order].set(live & ~same), salt + jnp.uint32(2 * GOLDEN & 0xFFFFFFFF), *tally

    begin = (jnp.ones(n_rows, bool), jnp.uint32(0), unset, unset, unset, unset)
    _, _, t, ty, row_t, row_ty = jax.lax.while_loop(some_open, settle, begin)
    row_y = _label_counts(labels, classes, hash_rows)
    return Tally(t, ty, row_t, row_ty, row_y, (jnp.sum(t) == n_rows) & (jnp.sum(ty) == n_rows))


def _sorted_by_hash(words, labels, is_open, salt, hash_rows, shift, index_bits):
    """Row indices by (hash, label), closed rows last; where hashes and pairs begin; which rows are open.

    With `index_bits` the row's index is the key's low end and the sort has one operand, else it is carried along.
    """
    n_rows = words.shape[0]
    with jax.enable_x64(True):
        u64 = jnp.uint64
        high, low = (hash_rows(words, salt + jnp.uint32(step)).astype(u64) for step in (0, GOLDEN))
        wide = (high << u64(32)) | low
        hashed = wide >> u64(1 + shift + index_bits)  # the top bit is free: it is set where a row is closed
        label = labels.astype(u64) & u64((1 << shift) - 1)
        key = jnp.where(is_open, (hashed << u64(shift)) | label, u64((1 << (63 - index_bits)) - 1))
        key = key | (jnp.where(is_open, u64(0), u64(1)) << u64(63 - index_bits))
        index = jnp.arange(n_rows, dtype=jnp.int32)
        if index_bits:
            packed = jax.lax.sort((key << u64(index_bits)) | index.astype(u64))
            key, order = packed >> u64(index_bits), (packed & u64((1 << index_bits) - 1)).astype(jnp.int32)
        else:
            key, order = jax.lax.sort((key, index), num_keys=1)
        live = (key >> u64(63 - index_bits)) == u64(0)
        starts, starts_pair = _starts(key >> u64(shift)), _starts(key)
    return order, starts, starts_pair, live


def _between(seen, same, starts):
    """How many of `same` each run that begins at `starts` holds, and how many came before it; both at every row."""
    n_rows = seen.shape[0]
    place = jnp.arange(n_rows, dtype=jnp.int32)
    first = jax.lax.cummax(jnp.where(starts, place, 0))
    ends = jnp.concatenate([starts[1:], jnp.ones(1, bool)])
    last = jax.lax.cummin(jnp.where(ends, place, n_rows - 1), reverse=True)
    before = seen[first] - same[first].astype(jnp.int32)
    return seen[last] - before, before


def _starts(key):
    return jnp.concatenate([jnp.ones(1, bool), key[1:] != key[:-1]])


def _ends(key):
    return jnp.concatenate([key[1:] != key[:-1], jnp.ones(1, bool)])


def _lengths(ends):
    """The length of each run at its end, 0 elsewhere; ends [N] bool -> int32 [N]."""
    place = jnp.arange(ends.shape[0], dtype=jnp.int32)
    last = jax.lax.cummax(jnp.where(ends, place, -1))
    before = jnp.concatenate([jnp.full(1, -1, jnp.int32), last[:-1]])
    return jnp.where(ends, place - before, 0)


def _at_next(ends, values):
    """At every row the value at the end of its run."""
    n_rows = ends.shape[0]
    place = jnp.arange(n_rows, dtype=jnp.int32)
    return _at(values, jax.lax.cummin(jnp.where(ends, place, n_rows - 1), reverse=True))


def _as_number(words, width):
    """Each row of at most two words as one number."""
    number = jnp.zeros(words.shape[0], width)
    for j in range(words.shape[1]):
        number = number | (words[:, j].astype(width) << width(32 * j))
    return number


def _bits(n):
    """Bits that hold 0 .. n - 1."""
    return max(1, (n - 1).bit_length())
