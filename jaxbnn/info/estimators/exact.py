"""Layers counted value by value."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Shaped

from jaxbnn.info.arrays import AnyArray
from jaxbnn.info.estimators.protocol import (
    Correction,
    Counted,
    Counting,
    Reference,
    Rows,
    TableRows,
    check_correction,
    count_rows,
    point_of_counts,
    prepare_counted,
)
from jaxbnn.info.packing import are_signs, pack_signs, value_words
from jaxbnn.info.plane import Point


@dataclass(frozen=True)
class Exact(Counting):
    """H(T) by counting the patterns of a layer of -1 and +1, exactly. I(X;T) = H(T), for T is a
    function of X.

    I(T;Y) = H(T) + H(Y) - H(T,Y). A layer with any other value than -1 and +1 gives NaN and
    certified = False.

    Args:
        correction: "miller_madow" adds (K - 1)/(2N ln 2) to each of the three entropies; a
            population needs none.

    Raises:
        ValueError: another correction than "none" and "miller_madow".
    """

    correction: Correction = "none"

    def __post_init__(self) -> None:
        check_correction(self.correction)

    def prepare(self, x: jax.Array, y: jax.Array, classes: int | None = None) -> Reference:
        return prepare_counted(self.correction, x, y, classes)

    def encode(self, t: Shaped[AnyArray, "b d"]) -> Rows:
        return Rows(pack_signs(t), are_signs(t), t.shape[1])

    def count(self, reference: Reference, codes: Rows | TableRows) -> Counted:
        return count_rows(reference, codes)

    def point(self, reference: Reference, counted: Counted) -> Point:
        return point_of_counts(self.correction, reference, counted)


@dataclass(frozen=True)
class ExactValues(Counting):
    """H of a layer of any numbers of up to 32 bits, counted exactly: two rows are one pattern where
    all their values are equal.

    No bins, so that a one-to-one map of each unit (a BatchNorm) loses nothing but what float32
    rounds together. -0.0 is 0.0, every other number is itself, those below 1.2e-38 (denormals)
    too; NaN or infinity in the layer gives NaN. Wider types are refused (TypeError).
    """

    def prepare(self, x: jax.Array, y: jax.Array, classes: int | None = None) -> Reference:
        return prepare_counted("none", x, y, classes)

    def encode(self, t: Shaped[AnyArray, "b d"]) -> Rows:
        return Rows(value_words(t), jnp.all(jnp.isfinite(t), axis=1))

    def count(self, reference: Reference, codes: Rows) -> Counted:
        return count_rows(reference, codes)

    def point(self, reference: Reference, counted: Counted) -> Point:
        return point_of_counts("none", reference, counted)
