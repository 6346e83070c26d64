"""Counts of a layer's patterns in a table with a row for each possible pattern.

In a network of binary layers each layer is a function of the one before. Once the patterns of one
layer are counted, together with the part of the data and the label, the table of every deeper layer
follows from it: the network is evaluated on the possible patterns instead of the examples, and rows
that it maps to one pattern are added up.
"""

from collections.abc import Sequence
from functools import reduce
from operator import and_, or_
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float32, Int32

from jaxbnn.info.arrays import AnyArray
from jaxbnn.info.counting import Counts
from jaxbnn.info.redundancy import RedundantUnits, number_redundant

MAX_PATTERNS = 2**12  # of a layer: larger tables have not been tried


class PatternTable(NamedTuple):
    """How often each possible pattern of a layer was seen, by part of the data and label."""

    count: Int32[AnyArray, "p k c"]  # [P, K, C]: P patterns, K parts, C labels
    certified: Bool[AnyArray, ""]  # every example has one of these patterns, parts and labels


class UnitCounts(NamedTuple):
    """How often the units of a layer were +1."""

    one: Int32[jax.Array, " d"]  # each unit
    two: Int32[jax.Array, "d d"]  # each two units together


def is_enumerable(n_units: int, n_examples: int) -> bool:
    """Whether a layer has few enough possible patterns for a table.

    Args:
        n_units: D, of -1 and +1.
        n_examples: that are measured.

    Returns:
        True where 2**D is at most MAX_PATTERNS and at most the number of examples.
    """
    return 2**n_units <= min(MAX_PATTERNS, n_examples)


def all_patterns(n_units: int) -> Float32[jax.Array, "p d"]:
    """Every pattern of a layer of -1 and +1.

    Args:
        n_units: D.

    Returns:
        [2**D, D]: unit d of pattern p is +1 where bit d of p is set, as `pack_signs` numbers them.
    """
    pattern = jnp.arange(2**n_units, dtype=jnp.uint32)[:, None]
    unit = jnp.arange(n_units, dtype=jnp.uint32)[None]
    return jnp.where((pattern >> unit) & 1 == 1, jnp.float32(1), jnp.float32(-1))


def patterns_of(t: Float32[AnyArray, "b d *seeds"]) -> jax.Array:
    """Which pattern each row of a layer shows.

    Args:
        t: activations [B, D] of -1 and +1, or [B, D, S] of many networks; D at most 31.

    Returns:
        int32 [B] or [B, S], the row of `all_patterns`; -1 where another value than -1 and +1 is.
    """
    units = [t[:, d] for d in range(t.shape[1])]
    number = reduce(or_, [(unit > 0).astype(jnp.int32) << d for d, unit in enumerate(units)])
    signs = reduce(and_, [(unit == 1) | (unit == -1) for unit in units])
    return jnp.where(signs, number, -1)


def count_patterns(
    pattern: Int32[AnyArray, " n"],
    part: Int32[AnyArray, " n"],
    label: Int32[AnyArray, " n"],
    shape: tuple[int, int, int],
) -> PatternTable:
    """The table of a layer's examples.

    Args:
        pattern: the number of each example's pattern, -1 of none [N].
        part: of the data, 0 to K - 1 [N].
        label: 0 to C - 1 [N].
        shape: (P, K, C), static.

    Returns:
        Counts [P, K, C]. An example one of whose numbers is out of range is not counted and leaves
        the table without its certificate.
    """
    n_patterns, n_parts, n_labels = shape
    known = (pattern >= 0) & (pattern < n_patterns)
    known = known & (part >= 0) & (part < n_parts) & (label >= 0) & (label < n_labels)
    cell = (pattern * n_parts + part) * n_labels + label
    n_cells = n_patterns * n_parts * n_labels
    count = jnp.zeros(n_cells, jnp.int32)
    count = count.at[jnp.where(known, cell, n_cells)].add(1, mode="drop")
    return PatternTable(count.reshape(shape), jnp.all(known))


def push(table: PatternTable, pattern: Int32[AnyArray, " p"], n_patterns: int) -> PatternTable:
    """The table of a deeper layer, which is a function of this one.

    Args:
        table: of this layer, P patterns.
        pattern: the number of the deeper layer's pattern, -1 of none, at each pattern of this one
            [P].
        n_patterns: P', of the deeper layer (static).

    Returns:
        Counts [P', K, C]; certified where every pattern that was seen leads to one.
    """
    seen = jnp.any(table.count > 0, axis=(1, 2))
    known = (pattern >= 0) & (pattern < n_patterns)
    count = jnp.zeros((n_patterns, *table.count.shape[1:]), jnp.int32)
    count = count.at[jnp.where(known, pattern, n_patterns)].add(table.count, mode="drop")
    return PatternTable(count, table.certified & jnp.all(known | ~seen))


def counts_of(table: PatternTable, parts: Sequence[int]) -> tuple[Counts, Counts]:
    """The counts of T and of (T, Y) over some parts of the data, as `counting.count` gives them.

    Args:
        table: of the layer.
        parts: which of the K parts (static).

    Returns:
        Counts of T, [P], and of (T, Y), [P, C], without rows.
    """
    pairs = pair_counts(table, parts)
    patterns = jnp.sum(pairs, axis=1, dtype=jnp.int32)
    total = jnp.sum(patterns, dtype=jnp.int32)
    return Counts(patterns, total, table.certified), Counts(pairs, total, table.certified)


def pair_counts(table: PatternTable, parts: Sequence[int]) -> jax.Array:
    """How often each pattern was seen with each label.

    Args:
        table: of the layer.
        parts: which of the K parts (static).

    Returns:
        int32 [P, C].
    """
    return jnp.sum(table.count[:, np.array(parts)], axis=1, dtype=jnp.int32)


def unit_counts(table: PatternTable, parts: Sequence[int]) -> UnitCounts:
    """How often each of the D units, and each two together, were +1.

    Args:
        table: of the layer, P = 2**D patterns.
        parts: which of the K parts (static).

    Returns:
        Counts [D] and [D, D]; the diagonal of the second is the first. Exact for fewer than 2**24
        examples.
    """
    n_units = (table.count.shape[0] - 1).bit_length()
    times = jnp.sum(pair_counts(table, parts), axis=1, dtype=jnp.int32)
    on = (all_patterns(n_units) > 0).astype(jnp.float32)
    pairs = (on[:, :, None] * on[:, None, :]).reshape(len(on), n_units**2)
    # Whole numbers below 2**24 in float32, whose product is fast on every platform.
    two = jnp.matmul(times.astype(jnp.float32), pairs, precision=jax.lax.Precision.HIGHEST)
    two = two.astype(jnp.int32).reshape(n_units, n_units)
    return UnitCounts(jnp.diagonal(two), two)


def redundant_units(table: PatternTable, parts: Sequence[int]) -> RedundantUnits:
    """How many units are constant, repeat or oppose an earlier one: exact, without a hash.

    Args:
        table: as of `unit_counts`.
        parts: as of `unit_counts`.

    Returns:
        Three numbers of units []; -1 where the table is not certified.
    """
    total = jnp.sum(pair_counts(table, parts), dtype=jnp.int32)
    one, two = unit_counts(table, parts)
    constant = (one == 0) | (one == total)
    both_off = total - one[:, None] - one[None] + two
    alike = two + both_off
    return number_redundant(table.certified, constant, alike == total, alike == 0)
