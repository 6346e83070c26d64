"""Real-valued layers counted: value by value, or in bins over the layer's own range."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from jaxbnn.info.estimators.counted import Counted, Reference, Rows, count_rows, point_of_counts, prepare_counted
from jaxbnn.info.packing import pack_codes
from jaxbnn.info.plane import Point


@dataclass(frozen=True)
class Values:
    """H of a layer of any float32 values, counted exactly: two rows are one pattern where all their values are equal.

    No bins, so that a one-to-one map of each unit (a BatchNorm) loses nothing but what float32 rounds together. -0.0 is
    0.0; NaN or infinity in the layer gives NaN.
    """

    def prepare(self, x: jax.Array, y: jax.Array, classes: int | None = None) -> Reference:
        return prepare_counted("none", x, y, classes)

    def encode(self, t: jax.Array) -> Rows:
        t = t.astype(jnp.float32)
        words = jax.lax.bitcast_convert_type(jnp.where(t == 0, 0.0, t), jnp.uint32)
        return Rows(words, jnp.all(jnp.isfinite(t), axis=1))

    def count(self, reference: Reference, codes: Rows) -> Counted:
        return count_rows(reference, codes)

    def point(self, reference: Reference, counted: Counted) -> Point:
        return point_of_counts("none", reference, counted)

    def estimate(self, reference: Reference, codes: Rows) -> Point:
        return self.point(reference, self.count(reference, codes))


@dataclass(frozen=True)
class OwnRange:
    """H of the layer in `bins` equal bins from its smallest to its largest value over the sample, all units together.

    min(floor((t - low) / (high - low) bins), bins - 1): unlike a fixed grid it follows the layer, whose points at two
    epochs are then not of one variable. A constant layer is one pattern; NaN or infinity in the layer gives NaN.
    """

    bins: int = 30

    def __post_init__(self):
        if not isinstance(self.bins, int):
            raise TypeError(f"expected bins as an integer, got {self.bins!r}")
        if not 1 <= self.bins <= 2**24:
            raise ValueError(f"expected bins from 1 to 2**24, got {self.bins}")

    def prepare(self, x: jax.Array, y: jax.Array, classes: int | None = None) -> Reference:
        return prepare_counted("none", x, y, classes)

    def encode(self, t: jax.Array) -> jax.Array:
        return t.astype(jnp.float32)

    def count(self, reference: Reference, codes: jax.Array) -> Counted:
        low, high = jnp.min(codes), jnp.max(codes)
        place = (codes - low) * (self.bins / jnp.where(high > low, high - low, 1))
        # Inside jit nothing is refused: what is not finite is not certified.
        binned = jnp.clip(jnp.nan_to_num(jnp.floor(place)), 0, self.bins - 1).astype(jnp.int32)
        words = pack_codes(binned, max(1, (self.bins - 1).bit_length()))
        return count_rows(reference, Rows(words, jnp.all(jnp.isfinite(codes), axis=1)))

    def point(self, reference: Reference, counted: Counted) -> Point:
        return point_of_counts("none", reference, counted)

    def estimate(self, reference: Reference, codes: jax.Array) -> Point:
        return self.point(reference, self.count(reference, codes))
