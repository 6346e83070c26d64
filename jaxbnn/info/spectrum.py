"""Counts of counts: all that an entropy estimate needs of a sample."""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Integer

from jaxbnn.info.arrays import AnyArray
from jaxbnn.info.counting import Counts
from jaxbnn.info.mask_indices import searched_indices


class Spectrum(NamedTuple):
    """Counts of counts: `number` patterns were seen `multiplicity` times each."""

    multiplicity: Integer[AnyArray, "*points m"]  # rising, then 0
    number: Integer[AnyArray, "*points m"]  # 0 where multiplicity is 0

    @staticmethod
    def from_histogram(histogram: Any) -> "Spectrum":
        """The spectrum of anyone's histogram.

        Args:
            histogram: whole numbers >= 0 [K], at least one of them not 0.

        Returns:
            A spectrum of numpy arrays [M], without padding.

        Raises:
            ValueError: as `Counts.from_histogram`.
        """
        counts = np.asarray(Counts.from_histogram(histogram).count)
        return Spectrum(*np.unique(counts[counts > 0], return_counts=True))


def spectrum(counts: Counts, n: int) -> Spectrum:
    """The counts of counts, in compiled code.

    Args:
        counts: of n examples.
        n: static.

    Returns:
        A spectrum with leaves int32 [M], M = `room(n)`; all 0 where the counts are not certified.
    """
    times = jnp.where(counts.certified, counts.count.reshape(-1), 0)
    number = jnp.zeros(n + 1, jnp.int32).at[times].add(1, mode="promise_in_bounds").at[0].set(0)
    multiplicity = searched_indices(number > 0, room(n), 0)
    return Spectrum(multiplicity, number[multiplicity])


def room(n: int) -> int:
    """How many different multiplicities n examples can hold: the largest M with 1 + 2 + ... + M
    <= n, floor((sqrt(8 n + 1) - 1) / 2).

    Args:
        n: examples.

    Returns:
        M.
    """
    return (math.isqrt(8 * n + 1) - 1) // 2
