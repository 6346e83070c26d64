"""Real-valued layers counted in bins."""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32, Int32, Shaped

from jaxbnn.info.arrays import AnyArray
from jaxbnn.info.estimators.protocol import (
    Correction,
    Counted,
    Counting,
    Reference,
    Rows,
    check_correction,
    count_rows,
    point_of_counts,
    prepare_counted,
)
from jaxbnn.info.packing import pack_codes, value_words
from jaxbnn.info.plane import Point

MAX_BINS = 2**24
MIN_RANGE, MAX_RANGE = 2.0**-100, 1e38  # of a layer, within which float32 divides it into bins


@dataclass(frozen=True)
class FixedBins(Counting):
    """H of the layer in `bins` equal bins from `low` to `high`, each unit on its own.

    code = floor((t - low) / (high - low) * bins), kept inside 0 .. bins - 1, so that values outside
    fall into the first or the last bin. The codes are counted exactly; what they say of a
    real-valued layer depends on the bins. NaN or infinity in the layer gives NaN. On a layer of -1
    and +1 any bins that separate the two give the exact value. Source: Shwartz-Ziv & Tishby 2017.

    Args:
        low: the lower end of the first bin.
        high: the upper end of the last bin.
        bins: how many, 1 to 2**24.
        correction: as that of `Exact`.

    Raises:
        ValueError: ends that are not finite, too near (2**-100) or too far (1e38) for float32;
            bins or a correction that there are not.
        TypeError: bins that are no integer.
    """

    low: float = -1.0
    high: float = 1.0
    bins: int = 30
    correction: Correction = "none"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"expected finite low < high, got {self.low} and {self.high}")
        if not MIN_RANGE <= self.high - self.low < MAX_RANGE:
            raise ValueError(
                "expected high - low from 2**-100 to 1e38 (float32), "
                f"got {self.low} and {self.high}"
            )
        check_bins(self.bins)
        check_correction(self.correction)

    @property
    def bits(self) -> int:
        """Bits that hold a code."""
        return bits_of(self.bins)

    def codes(self, t: Float[AnyArray, "..."]) -> Int32[jax.Array, "..."]:
        """Each value's bin.

        Args:
            t: activations of any shape.

        Returns:
            int32 of the same shape, 0 to bins - 1.
        """
        position = jnp.floor((t - self.low) * (self.bins / (self.high - self.low)))
        return jnp.clip(position, 0, self.bins - 1).astype(jnp.int32)

    def prepare(self, x: jax.Array, y: jax.Array, classes: int | None = None) -> Reference:
        return prepare_counted(self.correction, x, y, classes)

    def encode(self, t: Shaped[AnyArray, "b d"]) -> Rows:
        valid = jnp.all(jnp.isfinite(t), axis=1)
        words = pack_codes(self.codes(t), self.bits)
        return Rows(words, valid, self.bits * t.shape[1] if words.shape[1] == 1 else None)

    def count(self, reference: Reference, codes: Rows) -> Counted:
        return count_rows(reference, codes)

    def point(self, reference: Reference, counted: Counted) -> Point:
        return point_of_counts(self.correction, reference, counted)


@dataclass(frozen=True)
class OwnRangeBins(Counting):
    """H of the layer in `bins` equal bins from its smallest to its largest value over the sample,
    all units together.

    min(floor((t - low) / (high - low) bins), bins - 1): unlike a fixed grid it follows the layer,
    whose points at two epochs are then not of one variable. A constant layer is one pattern. NaN or
    infinity in the layer gives NaN, and so does a range that float32 cannot divide: below 2**-100,
    or 1e38 and more.

    Args:
        bins: how many, 1 to 2**24.

    Raises:
        ValueError: bins out of range.
        TypeError: bins that are no integer.
    """

    bins: int = 30

    def __post_init__(self) -> None:
        check_bins(self.bins)

    def prepare(self, x: jax.Array, y: jax.Array, classes: int | None = None) -> Reference:
        return prepare_counted("none", x, y, classes)

    def encode(self, t: Shaped[AnyArray, "b d"]) -> Float32[jax.Array, "b d"]:
        return jnp.asarray(t.astype(jnp.float32))

    def count(self, reference: Reference, codes: Float32[jax.Array, "n d"]) -> Counted:
        low, high = jnp.min(codes), jnp.max(codes)
        position = (codes - low) * (self.bins / jnp.where(high > low, high - low, 1))
        # Inside jit nothing is refused: what is not finite is not certified.
        binned = jnp.clip(jnp.nan_to_num(jnp.floor(position)), 0, self.bins - 1).astype(jnp.int32)
        words = pack_codes(binned, bits_of(self.bins))
        valid = jnp.all(jnp.isfinite(codes), axis=1) & _can_be_divided(codes, high - low)
        return count_rows(reference, Rows(words, valid))

    def point(self, reference: Reference, counted: Counted) -> Point:
        return point_of_counts("none", reference, counted)


def _can_be_divided(codes: jax.Array, extent: jax.Array) -> jax.Array:
    """Whether float32 divides the range of the values into bins, or they are all one value, by
    their bits: XLA takes numbers below 1.2e-38 for 0."""
    words = value_words(codes)
    constant = jnp.all(words == words[0, 0])
    return constant | ((extent >= MIN_RANGE) & (extent < MAX_RANGE))


def check_bins(bins: object) -> None:
    """Refuses what is no number of bins.

    Args:
        bins: anything.

    Raises:
        TypeError: it is no integer.
        ValueError: it is not from 1 to 2**24.
    """
    if not isinstance(bins, int):
        raise TypeError(f"expected bins as an integer, got {bins!r}")
    if not 1 <= bins <= MAX_BINS:
        raise ValueError(f"expected bins from 1 to 2**24, got {bins}")


def bits_of(bins: int) -> int:
    """Bits that hold a code.

    Args:
        bins: how many codes there are.

    Returns:
        The bits of the largest code, bins - 1; at least 1.
    """
    return max(1, (bins - 1).bit_length())
