"""Counting by sorting rows, or their hashes."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Int32, UInt32

from jaxbnn.info.counting_scatter import GOLDEN, label_counts
from jaxbnn.info.counting_tally import MAX_ADDRESSED, Hash, Tally, class_counts, values_at

DROPPED = 2**31 - 1  # an index past the end of any array: the write is dropped


def sort(
    words: UInt32[jax.Array, "n w"],
    labels: Int32[jax.Array, " n"],
    bits: int,
    classes: int | None,
    hash_rows: Hash,
) -> Tally:
    """Sort-and-count. Rows and labels of at most 64 bits together are their own key; wider rows are
    hashed.

    Args:
        words: packed rows, uint32 [N, W].
        labels: int32 [N].
        bits: all bits of a row are below it (static).
        classes: all labels are below it (static); None: unknown.
        hash_rows: decides the speed and nothing else.

    Returns:
        A tally with t [N] and ty [N], rows in the order of the keys, or in their own where they are
        hashed.
    """
    if classes is not None and bits + _bits(classes) <= 64 and classes <= MAX_ADDRESSED:
        return _sort_rows(words, labels, bits, classes)
    return _sort_hashes(words, labels, classes, hash_rows)


def _sort_rows(words: jax.Array, labels: jax.Array, bits: int, classes: int) -> Tally:
    """One sort of one operand, (row, label) as one number: equal pairs are neighbours, and so are
    equal rows."""
    shift = _bits(classes)
    width = jnp.uint32 if bits + shift <= 32 else jnp.uint64
    with jax.enable_x64(True):
        label = jnp.clip(labels, 0, classes - 1).astype(width)
        key = jax.lax.sort((_as_number(words, width) << width(shift)) | label)
        ends_ty, ends_t = _ends(key), _ends(key >> width(shift))
        label = (key & width((1 << shift) - 1)).astype(jnp.int32)
    t, ty = _lengths(ends_t), _lengths(ends_ty)
    row_y = class_counts(label, 1 << shift)
    return Tally(t, ty, _at_next(ends_t, t), _at_next(ends_ty, ty), row_y, jnp.bool_(True))


class _Round(NamedTuple):
    """What the rounds over hashes have counted so far."""

    is_open: jax.Array  # [N] bool, rows not settled yet
    salt: jax.Array  # [] uint32, of the round
    t: jax.Array  # [N] int32, as in Tally; 0 where a row is open
    ty: jax.Array
    row_t: jax.Array
    row_ty: jax.Array


def _sort_hashes(
    words: jax.Array, labels: jax.Array, classes: int | None, hash_rows: Hash
) -> Tally:
    """Rounds of a sort by (hash, label). A group of one hash is settled where its rows equal its
    head in full."""
    n_rows = words.shape[0]
    layout = _key_layout(n_rows, classes)

    def some_open(now: _Round) -> jax.Array:
        return jnp.any(now.is_open)

    def settle(now: _Round) -> _Round:
        return _settled(words, labels, now, layout, hash_rows)

    unset = jnp.zeros(n_rows, jnp.int32)
    begin = _Round(jnp.ones(n_rows, bool), jnp.uint32(0), unset, unset, unset, unset)
    end = jax.lax.while_loop(some_open, settle, begin)
    row_y = label_counts(labels, classes, hash_rows)
    certified = (jnp.sum(end.t) == n_rows) & (jnp.sum(end.ty) == n_rows)
    return Tally(end.t, end.ty, end.row_t, end.row_ty, row_y, certified)


def _settled(
    words: jax.Array, labels: jax.Array, now: _Round, layout: "_KeyLayout", hash_rows: Hash
) -> _Round:
    """One round: every row of a hash's group that equals the group's head is counted and closed."""
    rows = _sorted_by_hash(words, labels, now, layout, hash_rows)
    order = rows.order
    head = _heads(rows.starts)
    same = rows.is_open & jnp.all(words[order] == words[order[head]], axis=1)
    seen = jnp.cumsum(same, dtype=jnp.int32)
    n_t, _ = _between(seen, same, rows.starts)
    n_ty, before = _between(seen, same, rows.starts_pair)
    settled = jnp.where(same, order, DROPPED)
    first_of_pair = jnp.where(same & (seen == before + 1), order, DROPPED)
    first_of_pattern = jnp.where(rows.starts & rows.is_open, order, DROPPED)
    return _Round(
        is_open=now.is_open.at[order].set(rows.is_open & ~same),
        salt=now.salt + jnp.uint32(2 * GOLDEN & 0xFFFFFFFF),
        t=now.t.at[first_of_pattern].set(n_t, mode="drop"),
        ty=now.ty.at[first_of_pair].set(n_ty, mode="drop"),
        row_t=now.row_t.at[settled].set(n_t, mode="drop"),
        row_ty=now.row_ty.at[settled].set(n_ty, mode="drop"),
    )


class _KeyLayout(NamedTuple):
    """How a sort key of 64 bits is divided: from the top [closed | hash | label | index]."""

    label_bits: int
    index_bits: int  # 0: the index is not in the key but carried along


def _key_layout(n_rows: int, classes: int | None) -> _KeyLayout:
    """The row's index in the key, so that the sort has one operand, where enough bits are left for
    the hash."""
    label_bits = 31 if classes is None else _bits(classes)
    index_bits = _bits(n_rows)
    hash_bits = 63 - label_bits - index_bits
    return _KeyLayout(label_bits, index_bits if hash_bits >= 2 * index_bits + 4 else 0)


class _SortedRows(NamedTuple):
    """Rows by (closed, hash, label)."""

    order: jax.Array  # [N] int32, the row at each position
    starts: jax.Array  # [N] bool, a hash begins here
    starts_pair: jax.Array  # [N] bool, a pair of hash and label begins here
    is_open: jax.Array  # [N] bool, the row here is open; open rows come first


def _sorted_by_hash(
    words: jax.Array, labels: jax.Array, now: _Round, layout: _KeyLayout, hash_rows: Hash
) -> _SortedRows:
    """The rows sorted by key, and where hashes and pairs begin."""
    with jax.enable_x64(True):
        hashed = _hash_of_63_bits(words, now.salt, hash_rows)
        key = _keys(hashed, labels, now.is_open, layout)
        key, order = _sorted_keys(key, layout.index_bits)
        closed = key >> jnp.uint64(63 - layout.index_bits)
        starts = _starts(key >> jnp.uint64(layout.label_bits))
        return _SortedRows(order, starts, _starts(key), closed == jnp.uint64(0))


def _hash_of_63_bits(words: jax.Array, salt: jax.Array, hash_rows: Hash) -> jax.Array:
    """Two hashes of 32 bits side by side, without the last bit: uint64 [N]."""
    high = hash_rows(words, salt).astype(jnp.uint64)
    low = hash_rows(words, salt + jnp.uint32(GOLDEN)).astype(jnp.uint64)
    return ((high << jnp.uint64(32)) | low) >> jnp.uint64(1)


def _keys(
    hashed: jax.Array, labels: jax.Array, is_open: jax.Array, layout: _KeyLayout
) -> jax.Array:
    """[closed | hash | label] of each row, uint64 [N]: all ones of a closed one, so that it comes
    last."""
    u64 = jnp.uint64
    shift = u64(layout.label_bits)
    label = labels.astype(u64) & u64((1 << layout.label_bits) - 1)
    hashed = hashed >> u64(layout.label_bits + layout.index_bits)
    closed = u64((1 << (64 - layout.index_bits)) - 1)
    return jnp.where(is_open, (hashed << shift) | label, closed)


def _sorted_keys(key: jax.Array, index_bits: int) -> tuple[jax.Array, jax.Array]:
    """The keys in order, and the row each belongs to. With `index_bits` the row's index is the low
    end of what is sorted, else it is carried along."""
    index = jnp.arange(key.shape[0], dtype=jnp.int32)
    if not index_bits:
        key, order = jax.lax.sort((key, index), num_keys=1)
        return key, order
    packed = jax.lax.sort((key << jnp.uint64(index_bits)) | index.astype(jnp.uint64))
    order = (packed & jnp.uint64((1 << index_bits) - 1)).astype(jnp.int32)
    return packed >> jnp.uint64(index_bits), order


def _between(seen: jax.Array, same: jax.Array, starts: jax.Array) -> tuple[jax.Array, jax.Array]:
    """How many of `same` each run that begins at `starts` holds, and how many came before it; both
    at every row. `seen` is the running count of `same`."""
    n_rows = seen.shape[0]
    position = jnp.arange(n_rows, dtype=jnp.int32)
    first = _heads(starts)
    ends = jnp.concatenate([starts[1:], jnp.ones(1, bool)])
    last = jax.lax.cummin(jnp.where(ends, position, n_rows - 1), reverse=True)
    before = seen[first] - same[first].astype(jnp.int32)
    return seen[last] - before, before


def _heads(starts: jax.Array) -> jax.Array:
    """At every row where its run begins, int32 [N]."""
    position = jnp.arange(starts.shape[0], dtype=jnp.int32)
    return jax.lax.cummax(jnp.where(starts, position, 0))


def _starts(key: jax.Array) -> jax.Array:
    return jnp.concatenate([jnp.ones(1, bool), key[1:] != key[:-1]])


def _ends(key: jax.Array) -> jax.Array:
    return jnp.concatenate([key[1:] != key[:-1], jnp.ones(1, bool)])


def _lengths(ends: jax.Array) -> jax.Array:
    """The length of each run at its end, 0 elsewhere; ends [N] bool -> int32 [N]."""
    position = jnp.arange(ends.shape[0], dtype=jnp.int32)
    last = jax.lax.cummax(jnp.where(ends, position, -1))
    before = jnp.concatenate([jnp.full(1, -1, jnp.int32), last[:-1]])
    return jnp.where(ends, position - before, 0)


def _at_next(ends: jax.Array, values: jax.Array) -> jax.Array:
    """At every row the value at the end of its run."""
    n_rows = ends.shape[0]
    position = jnp.arange(n_rows, dtype=jnp.int32)
    return values_at(values, jax.lax.cummin(jnp.where(ends, position, n_rows - 1), reverse=True))


def _as_number(words: jax.Array, width: type) -> jax.Array:
    """Each row of at most two words as one number."""
    number = jnp.zeros(words.shape[0], width)
    for j in range(words.shape[1]):
        number = number | (words[:, j].astype(width) << width(32 * j))
    return number


def _bits(n: int) -> int:
    """Bits that hold 0 .. n - 1."""
    return max(1, (n - 1).bit_length())
