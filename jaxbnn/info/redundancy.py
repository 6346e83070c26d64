"""Units of a layer that say the same: constant ones, and those that repeat or oppose an earlier
unit."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Int32, UInt32

from jaxbnn.info.arrays import AnyArray
from jaxbnn.info.packing import WORD, hash_rows

BATCH = 4096  # rows unpacked at once
SALTS = (0x243F6A88, 0x85A308D3)


class RedundantUnits(NamedTuple):
    """Numbers of units, over one sample; -1 where the activations are not -1 and +1."""

    constant: Int32[jax.Array, ""]  # one sign for all examples
    duplicate: Int32[jax.Array, ""]  # further units, equal to an earlier one on every example
    complementary: Int32[jax.Array, ""]  # further units, opposite to an earlier one on every one


def redundant_units(
    words: UInt32[jax.Array, "n w"], valid: Bool[AnyArray, " n"], n_units: int
) -> RedundantUnits:
    """How many of the units are constant, repeat or oppose an earlier one.

    Each example has two hashed numbers of 32 bits; a unit is known by their sums over the examples
    where it is +1. Two units that differ have the same two sums with a probability of about 2**-64.

    Args:
        words: packed rows, uint32 [N, W], as `pack_signs` gives them.
        valid: bool [N], rows that hold signs.
        n_units: D (static).

    Returns:
        Three numbers of units []; -1 where a row is not valid.
    """
    index = jnp.arange(len(words), dtype=jnp.uint32)[:, None]
    numbers = jnp.stack([hash_rows(index, jnp.uint32(salt)) for salt in SALTS])
    total = jnp.sum(numbers, axis=1, dtype=jnp.uint32)
    sums = _sums(words, numbers, n_units)
    constant = _equal(sums, jnp.zeros_like(sums)) | _equal(sums, total[:, None])
    same = _equal(sums[:, :, None], sums[:, None, :])
    opposite = _equal(sums[:, :, None] + sums[:, None, :], total[:, None, None])
    return number_redundant(jnp.all(valid), constant, same, opposite)


def number_redundant(
    valid: Bool[AnyArray, ""],
    constant: Bool[AnyArray, " d"],
    same: Bool[AnyArray, "d d"],
    opposite: Bool[AnyArray, "d d"],
) -> RedundantUnits:
    """How many units are redundant, where it is known which are constant or alike.

    Args:
        valid: whether the activations are -1 and +1.
        constant: units of one sign [D].
        same: pairs of units that are equal on every example [D, D].
        opposite: pairs of units that are opposite on every example [D, D].

    Returns:
        Three numbers of units []; -1 where the activations are not valid.
    """
    earlier = jnp.triu(jnp.ones(same.shape, jnp.bool_), 1)  # [i, j]: i is before j
    counted = partial(_number, valid)
    return RedundantUnits(
        constant=counted(constant),
        duplicate=counted(~constant & jnp.any(same & earlier, axis=0)),
        complementary=counted(~constant & jnp.any(opposite & earlier, axis=0)),
    )


def _number(valid: AnyArray, units: AnyArray) -> jax.Array:
    """How many of the units, bool [D], or -1 where the rows are not valid."""
    return jnp.where(valid, jnp.sum(units, dtype=jnp.int32), -1)


def _equal(one: jax.Array, other: jax.Array) -> jax.Array:
    """Whether both sums are equal, [2, ...] -> bool [...]."""
    return jnp.all(one == other, axis=0)


def _sums(words: jax.Array, numbers: jax.Array, n_units: int) -> jax.Array:
    """Each number summed over the rows in which a unit's bit is set, modulo 2**32: uint32 [2,
    n_units]."""
    n_rows = words.shape[0]
    size = min(BATCH, n_rows)
    missing = -n_rows % size
    batches = jnp.pad(words, ((0, missing), (0, 0))).reshape(-1, size, words.shape[1])
    rows = jnp.pad(numbers, ((0, 0), (0, missing))).reshape(len(numbers), -1, size).swapaxes(0, 1)
    add = partial(_add, jnp.arange(n_units))
    return jax.lax.scan(add, jnp.zeros((len(numbers), n_units), jnp.uint32), (batches, rows))[0]


def _add(
    units: jax.Array, sums: jax.Array, batch: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, None]:
    words, numbers = batch
    on = (words[:, units // WORD] >> (units % WORD).astype(jnp.uint32).reshape(1, -1)) & 1
    new = [jnp.sum(on * number[:, None], axis=0, dtype=jnp.uint32) for number in numbers]
    return sums + jnp.stack(new), None
