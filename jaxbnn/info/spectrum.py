"""Counts of counts: all that an entropy estimate needs of a sample."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn.info import compact
from jaxbnn.info.counting import Counts


class Spectrum(NamedTuple):
    """Counts of counts: all that an entropy estimate needs. `number` patterns were seen
    `multiplicity` times each."""

    multiplicity: jax.Array  # [..., M] int32, rising, then 0
    number: jax.Array  # [..., M] int32, 0 where multiplicity is 0

    @staticmethod
    def from_histogram(histogram) -> "Spectrum":
        """The spectrum of anyone's histogram: non-negative integers [K], at least one of them not
        0; numpy arrays."""
        counts = Counts.from_histogram(histogram).count
        return Spectrum(*np.unique(np.asarray(counts)[np.asarray(counts) > 0], return_counts=True))


def spectrum(counts: Counts, n: int) -> Spectrum:
    """The counts of counts of n examples (static), M = `room(n)`. All 0 where the counts are not
    exact."""
    times = jnp.where(counts.certified, counts.count.reshape(-1), 0)
    number = jnp.zeros(n + 1, jnp.int32).at[times].add(1, mode="promise_in_bounds").at[0].set(0)
    multiplicity = compact.few(number > 0, room(n), 0)
    return Spectrum(multiplicity, number[multiplicity])


def room(n: int) -> int:
    """floor((sqrt(8 n + 1) - 1) / 2): 1 + 2 + ... + M <= n bounds how many different multiplicities
    n examples hold."""
    return (math.isqrt(8 * n + 1) - 1) // 2
