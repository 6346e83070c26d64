"""Units of a layer that say the same: constant ones, and those that repeat or oppose an earlier
unit."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxbnn.info.packing import WORD, hash_rows

BATCH = 4096  # rows unpacked at once
SALTS = (0x243F6A88, 0x85A308D3)


class RedundantUnits(NamedTuple):
    """Numbers of units, over one sample; -1 where the activations are not -1 and +1."""

    constant: jax.Array  # [] int32, units with one sign for all examples
    duplicate: jax.Array  # [] int32, further units that equal an earlier one on every example
    complementary: (
        jax.Array
    )  # [] int32, further units that are the opposite of an earlier one on every example


def redundant_units(words: jax.Array, valid: jax.Array, n_units: int) -> RedundantUnits:
    """How many of the units are alike; words uint32 [N, W] as `pack_signs` gives them, valid bool
    [N].

    Each example has two hashed numbers of 32 bits; a unit is known by their sums over the examples
    where it is +1. Two units that differ have the same two sums with a probability of about 2**-64.
    """
    numbers = jnp.stack(
        [hash_rows(jnp.arange(len(words), dtype=jnp.uint32)[:, None], jnp.uint32(s)) for s in SALTS]
    )
    total = jnp.sum(numbers, axis=1, dtype=jnp.uint32)
    sums = _sums(words, numbers, n_units)

    def equal(one, other):
        return jnp.all(one == other, axis=0)

    constant = equal(sums, jnp.zeros_like(sums)) | equal(sums, total[:, None])
    varies = ~constant
    earlier = jnp.triu(jnp.ones((n_units, n_units), jnp.bool_), 1)  # [i, j]: i is before j
    same = equal(sums[:, :, None], sums[:, None, :]) & earlier
    opposite = equal(sums[:, :, None] + sums[:, None, :], total[:, None, None]) & earlier
    counts = constant, varies & jnp.any(same, axis=0), varies & jnp.any(opposite, axis=0)
    return RedundantUnits(
        *(jnp.where(jnp.all(valid), jnp.sum(each, dtype=jnp.int32), -1) for each in counts)
    )


def _sums(words, numbers, n_units):
    """Each number summed over the rows in which a unit's bit is set, modulo 2**32: uint32 [2,
    n_units]."""
    n_rows = words.shape[0]
    size = min(BATCH, n_rows)
    missing = -n_rows % size
    batches = jnp.pad(words, ((0, missing), (0, 0))).reshape(-1, size, words.shape[1])
    rows = jnp.pad(numbers, ((0, 0), (0, missing))).reshape(len(numbers), -1, size).swapaxes(0, 1)
    add = partial(_add, jnp.arange(n_units))
    return jax.lax.scan(add, jnp.zeros((len(numbers), n_units), jnp.uint32), (batches, rows))[0]


def _add(units, sums, batch):
    words, numbers = batch
    on = (words[:, units // WORD] >> (units % WORD).astype(jnp.uint32).reshape(1, -1)) & 1
    return sums + jnp.stack(
        [jnp.sum(on * each[:, None], axis=0, dtype=jnp.uint32) for each in numbers]
    ), None
