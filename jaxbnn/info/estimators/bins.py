"""Real-valued layers counted in bins."""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from jaxbnn.info.estimators.protocol import (
    Correction,
    Counted,
    Reference,
    Rows,
    check_correction,
    count_rows,
    point_of_counts,
    prepare_counted,
)
from jaxbnn.info.packing import pack_codes
from jaxbnn.info.plane import Point


@dataclass(frozen=True)
class FixedBins:
    """H of the layer in `bins` equal bins from `low` to `high`, each unit on its own.

    code = floor((t - low) / (high - low) * bins), kept inside 0 .. bins - 1, so that values outside
    fall into the first or the last bin. The codes are counted exactly; what they say of a
    real-valued layer depends on the bins. NaN or infinity in the layer gives NaN. On a layer of -1
    and +1 any bins that separate the two give the exact value. `correction`: see `Exact`.
    Source: Shwartz-Ziv & Tishby 2017.
    """

    low: float = -1.0
    high: float = 1.0
    bins: int = 30
    correction: Correction = "none"

    def __post_init__(self):
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"expected finite low < high, got {self.low} and {self.high}")
        if not self.high - self.low < 1e38:
            raise ValueError(
                f"expected high - low < 1e38 (float32), got {self.low} and {self.high}"
            )
        check_bins(self.bins)
        check_correction(self.correction)

    @property
    def bits(self) -> int:
        """Bits that hold a code."""
        return bits_of(self.bins)

    def codes(self, t: jax.Array) -> jax.Array:
        """Each value's bin: [...] -> int32 [...]."""
        position = jnp.floor((t - self.low) * (self.bins / (self.high - self.low)))
        return jnp.clip(position, 0, self.bins - 1).astype(jnp.int32)

    def prepare(self, x: jax.Array, y: jax.Array, classes: int | None = None) -> Reference:
        return prepare_counted(self.correction, x, y, classes)

    def encode(self, t: jax.Array) -> Rows:
        valid = jnp.all(jnp.isfinite(t), axis=1)
        words = pack_codes(self.codes(t), self.bits)
        return Rows(words, valid, self.bits * t.shape[1] if words.shape[1] == 1 else None)

    def count(self, reference: Reference, codes: Rows) -> Counted:
        return count_rows(reference, codes)

    def point(self, reference: Reference, counted: Counted) -> Point:
        return point_of_counts(self.correction, reference, counted)

    def estimate(self, reference: Reference, codes: Rows) -> Point:
        return self.point(reference, self.count(reference, codes))


@dataclass(frozen=True)
class OwnRangeBins:
    """H of the layer in `bins` equal bins from its smallest to its largest value over the sample,
    all units together.

    min(floor((t - low) / (high - low) bins), bins - 1): unlike a fixed grid it follows the layer,
    whose points at two epochs are then not of one variable. A constant layer is one pattern; NaN or
    infinity in the layer gives NaN.
    """

    bins: int = 30

    def __post_init__(self):
        check_bins(self.bins)

    def prepare(self, x: jax.Array, y: jax.Array, classes: int | None = None) -> Reference:
        return prepare_counted("none", x, y, classes)

    def encode(self, t: jax.Array) -> jax.Array:
        return t.astype(jnp.float32)

    def count(self, reference: Reference, codes: jax.Array) -> Counted:
        low, high = jnp.min(codes), jnp.max(codes)
        place = (codes - low) * (self.bins / jnp.where(high > low, high - low, 1))
        # Inside jit nothing is refused: what is not finite is not certified.
        binned = jnp.clip(jnp.nan_to_num(jnp.floor(place)), 0, self.bins - 1).astype(jnp.int32)
        words = pack_codes(binned, bits_of(self.bins))
        return count_rows(reference, Rows(words, jnp.all(jnp.isfinite(codes), axis=1)))

    def point(self, reference: Reference, counted: Counted) -> Point:
        return point_of_counts("none", reference, counted)

    def estimate(self, reference: Reference, codes: jax.Array) -> Point:
        return self.point(reference, self.count(reference, codes))


def check_bins(bins: object) -> None:
    """TypeError or ValueError unless `bins` is a whole number from 1 to 2**24."""
    if not isinstance(bins, int):
        raise TypeError(f"expected bins as an integer, got {bins!r}")
    if not 1 <= bins <= 2**24:
        raise ValueError(f"expected bins from 1 to 2**24, got {bins}")


def bits_of(bins: int) -> int:
    """Bits that hold the codes 0 .. bins - 1."""
    return max(1, (bins - 1).bit_length())
