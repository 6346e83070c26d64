"""Counts of counts: all that an entropy estimate needs of a sample."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
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


def spectra(counts: Sequence[Counts], n: int) -> Spectrum:
    """The counts of counts of several small tables at once, in compiled code.

    Args:
        counts: K of them, each of n examples.
        n: static.

    Returns:
        A spectrum with leaves int32 [K, M], as `spectrum` gives them.
    """
    most = max(one.count.size for one in counts)
    cell = jnp.int16 if most < 2**15 else jnp.int32  # half the memory to go through
    number = jnp.zeros((len(counts), n + 1), cell)
    for k, one in enumerate(counts):
        times = jnp.where(one.certified, one.count.reshape(-1), 0)
        number = number.at[k, times].add(cell(1), mode="promise_in_bounds")
    number = number.at[:, 0].set(0)
    multiplicity = jax.vmap(lambda mask: searched_indices(mask, room(n), 0))(number > 0)
    found = jnp.take_along_axis(number, multiplicity, axis=1)
    return Spectrum(multiplicity, found.astype(jnp.int32))


def room(n: int) -> int:
    """How many different multiplicities n examples can hold: the largest M with 1 + 2 + ... + M
    <= n, floor((sqrt(8 n + 1) - 1) / 2).

    Args:
        n: examples.

    Returns:
        M.
    """
    return (math.isqrt(8 * n + 1) - 1) // 2
