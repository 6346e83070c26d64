"""Counting by sorting rows, or their hashes."""

import jax
import jax.numpy as jnp

from jaxbnn.info.counting_scatter import GOLDEN, _label_counts
from jaxbnn.info.tally import MANY, Hash, Tally, _at, _class_counts

DROP = 2**31 - 1  # an index past the end of any array: the write is dropped


def sort(
    words: jax.Array, labels: jax.Array, bits: int, classes: int | None, hash_rows: Hash
) -> Tally:
    """Sort-and-count. Rows and labels of at most 64 bits together are their own key; wider rows are
    hashed."""
    if classes is not None and bits + _bits(classes) <= 64 and classes <= MANY:
        return _sort_rows(words, labels, bits, classes)
    return _sort_hashes(words, labels, classes, hash_rows)


def _sort_rows(words, labels, bits, classes):
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
    row_y = _class_counts(label, 1 << shift)
    return Tally(t, ty, _at_next(ends_t, t), _at_next(ends_ty, ty), row_y, jnp.bool_(True))


def _sort_hashes(words, labels, classes, hash_rows):
    """Rounds of a sort by (hash, label). A group of one hash is settled where its rows equal its
    head in full."""
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
        settled, first = (
            jnp.where(same, order, DROP),
            jnp.where(same & (seen == before + 1), order, DROP),
        )
        places = (jnp.where(starts & live, order, DROP), first, settled, settled)
        values = (of_t, of_ty, of_t, of_ty)
        tally = [a.at[p].set(v, mode="drop") for a, p, v in zip(tally, places, values, strict=True)]
        return (
            is_open.at[order].set(live & ~same),
            salt + jnp.uint32(2 * GOLDEN & 0xFFFFFFFF),
            *tally,
        )

    begin = (jnp.ones(n_rows, bool), jnp.uint32(0), unset, unset, unset, unset)
    _, _, t, ty, row_t, row_ty = jax.lax.while_loop(some_open, settle, begin)
    row_y = _label_counts(labels, classes, hash_rows)
    return Tally(t, ty, row_t, row_ty, row_y, (jnp.sum(t) == n_rows) & (jnp.sum(ty) == n_rows))


def _sorted_by_hash(words, labels, is_open, salt, hash_rows, shift, index_bits):
    """Row indices by (hash, label), closed rows last; where hashes and pairs begin; which rows are
    open.

    With `index_bits` the row's index is the key's low end and the sort has one operand, else it is
    carried along.
    """
    n_rows = words.shape[0]
    with jax.enable_x64(True):
        u64 = jnp.uint64
        high, low = (hash_rows(words, salt + jnp.uint32(step)).astype(u64) for step in (0, GOLDEN))
        wide = (high << u64(32)) | low
        hashed = wide >> u64(
            1 + shift + index_bits
        )  # the top bit is free: it is set where a row is closed
        label = labels.astype(u64) & u64((1 << shift) - 1)
        key = jnp.where(is_open, (hashed << u64(shift)) | label, u64((1 << (63 - index_bits)) - 1))
        key = key | (jnp.where(is_open, u64(0), u64(1)) << u64(63 - index_bits))
        index = jnp.arange(n_rows, dtype=jnp.int32)
        if index_bits:
            packed = jax.lax.sort((key << u64(index_bits)) | index.astype(u64))
            key, order = (
                packed >> u64(index_bits),
                (packed & u64((1 << index_bits) - 1)).astype(jnp.int32),
            )
        else:
            key, order = jax.lax.sort((key, index), num_keys=1)
        live = (key >> u64(63 - index_bits)) == u64(0)
        starts, starts_pair = _starts(key >> u64(shift)), _starts(key)
    return order, starts, starts_pair, live


def _between(seen, same, starts):
    """How many of `same` each run that begins at `starts` holds, and how many came before it; both
    at every row."""
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
