"""The Estimator protocol: a layer's whole sample in, one point of the information plane out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, get_args, runtime_checkable

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Bool, Float32, Int32, Shaped, UInt32

from jaxbnn.info import entropy
from jaxbnn.info.arrays import AnyArray, as_array
from jaxbnn.info.counting import Counts, count
from jaxbnn.info.labels import check_labels
from jaxbnn.info.packing import pack_values, value_words
from jaxbnn.info.plane import Point
from jaxbnn.info.tables import PatternTable, counts_of

Correction = Literal["none", "miller_madow"]


def _static() -> Any:
    """A field of a dataclass that JAX compiles for instead of tracing it."""
    return field(default=None, metadata={"static": True})


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Reference:
    """What an estimator needs of the sample itself, made once."""

    y: Int32[jax.Array, " n"]
    h_x: Float32[jax.Array, ""]  # bits, entropy of the inputs in the sample; log2 N: none repeats
    h_y: Float32[jax.Array, ""]  # bits, entropy of the labels in the sample
    h_y_corrected: Float32[jax.Array, ""]  # bits, the same under the estimator's correction
    classes: int | None = _static()  # all labels are below it, where that is known


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Rows:
    """Packed rows, and which of them the encoder vouches for."""

    words: UInt32[jax.Array, "b w"]
    valid: Bool[AnyArray, " b"]
    bits: int | None = _static()  # all bits of a row are below it


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TableRows:
    """A whole sample of a layer, as its table of counts."""

    table: PatternTable
    parts: tuple[int, ...] = _static()  # of the table, that the sample is made of


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class WeightedRows:
    """A whole sample of a layer as its different rows, and how often each was seen."""

    values: Float32[jax.Array, "p d"]
    count: Int32[jax.Array, "p c"]  # by label
    certified: Bool[AnyArray, ""]  # every example has one of the rows and labels


class Counted(NamedTuple):
    """A layer's counts; certified only where the encoder vouches for every row."""

    t: Counts
    ty: Counts


@runtime_checkable
class Estimator(Protocol):
    """How a layer's information is measured. Frozen, hashable, usable under jit, vmap and
    lax.map."""

    def prepare(
        self,
        x: Shaped[AnyArray, "n ..."],
        y: Shaped[AnyArray, " n"],
        classes: int | None = None,
    ) -> Reference:
        """What is needed of the sample itself, once per sample.

        Args:
            x: inputs [N, ...], numbers.
            y: whole labels >= 0 [N].
            classes: all labels are below it (static); None: unknown.

        Returns:
            The reference that `estimate` takes.

        Raises:
            ValueError: shapes that do not fit; outside jit also NaN or bad labels.
        """
        ...

    def encode(self, t: Shaped[AnyArray, "b d"]) -> Any:
        """A batch of a layer as the estimator keeps it, row by row.

        Args:
            t: activations [B, D].

        Returns:
            Arrays [B, ...], which the caller puts together to [N, ...].
        """
        ...

    def estimate(self, reference: Reference, codes: Any) -> Point:
        """The point of a layer, once per sample.

        Args:
            reference: of the sample.
            codes: what `encode` gave of all N rows, in the order of `reference.y`.

        Returns:
            One Point, in bits; NaN where the estimator cannot vouch for a number.
        """
        ...


@runtime_checkable
class Counting(Estimator, Protocol):
    """An estimator that counts: its counts serve more than its own point."""

    def count(self, reference: Reference, codes: Any) -> Counted:
        """Counts of T and of (T, Y), once per sample.

        Args:
            reference: of the sample.
            codes: what `encode` gave of all N rows, in the order of `reference.y`.

        Returns:
            Counts, certified only where the encoder vouches for every row.
        """
        ...

    def point(self, reference: Reference, counted: Counted) -> Point:
        """The point of these counts.

        Args:
            reference: of the sample.
            counted: what `count` gave.

        Returns:
            One Point, in bits; NaN and -1 where the counts are not certified.
        """
        ...

    def estimate(self, reference: Reference, codes: Any) -> Point:
        """The point of a layer, once per sample: that of its counts.

        Args:
            reference: of the sample.
            codes: what `encode` gave of all N rows, in the order of `reference.y`.

        Returns:
            One Point, in bits; NaN and -1 where the counts are not certified.
        """
        return self.point(reference, self.count(reference, codes))


def prepare_counted(
    correction: Correction,
    x: Shaped[AnyArray, "n ..."],
    y: Shaped[AnyArray, " n"],
    classes: int | None = None,
) -> Reference:
    """H(X) and H(Y) of the sample by exact counting.

    Args:
        correction: "none" or "miller_madow".
        x: inputs [N, ...], numbers: compared in their own precision outside jit, in float32 inside.
        y: whole labels >= 0 [N].
        classes: all labels are below it (static); None: unknown.

    Returns:
        The reference that every counting estimator takes.

    Raises:
        ValueError: shapes that do not fit; outside jit also NaN or bad labels.
    """
    x, y = as_array(x), as_array(y)
    if x.ndim < 2 or x.shape[0] < 1 or y.shape != x.shape[:1]:
        raise ValueError(f"expected x [N, ...] and y [N] with N >= 1, got {x.shape} and {y.shape}")
    y = y.astype(jnp.int32) if isinstance(y, Tracer) else jnp.asarray(check_labels(y))
    nothing = jnp.zeros_like(y)  # one class: only T is counted
    inputs, _ = count(_input_words(x), nothing, classes=1)
    bits = None if classes is None else max(1, (classes - 1).bit_length())
    labels, _ = count(y.astype(jnp.uint32)[:, None], nothing, bits=bits, classes=1)
    h_y_corrected = entropy_of(correction)(labels)
    return Reference(y, entropy.plugin(inputs), entropy.plugin(labels), h_y_corrected, classes)


def _input_words(x: Any) -> jax.Array:
    if not isinstance(x, Tracer):
        return jnp.asarray(pack_values(x))
    return value_words(x.reshape(x.shape[0], -1).astype(jnp.float32))


def count_rows(reference: Reference, codes: Rows | TableRows) -> Counted:
    """Counts of packed rows and of (row, label).

    Args:
        reference: of the sample.
        codes: all N rows, in the order of `reference.y`; or their table.

    Returns:
        Counts, certified only where every row is valid.
    """
    if isinstance(codes, TableRows):
        return Counted(*counts_of(codes.table, codes.parts))
    valid = jnp.all(codes.valid)
    t, ty = count(codes.words, reference.y, bits=codes.bits, classes=reference.classes)
    return Counted(
        t._replace(certified=t.certified & valid), ty._replace(certified=ty.certified & valid)
    )


def point_of_counts(correction: Correction, reference: Reference, counted: Counted) -> Point:
    """The point of a layer whose rows are counted: I(X;T) = H(T), I(T;Y) = H(T) + H(Y) - H(T,Y).

    Args:
        correction: of the three entropies, "none" or "miller_madow".
        reference: of the sample, made under the same correction.
        counted: the layer's counts.

    Returns:
        One Point, in bits; NaN and -1 where the counts are not certified.
    """
    t, ty = counted
    h = entropy_of(correction)
    certified = t.certified & ty.certified
    h_t = h(t)
    i_ty = h_t + reference.h_y_corrected - h(ty)
    n_patterns = jnp.where(certified, t.n_patterns, -1)
    n_singletons = jnp.where(certified, t.n_singletons, -1)
    error = entropy.information_error(t, ty)
    return Point(h_t, i_ty, h_t, error, n_patterns, n_singletons, certified)


def entropy_of(correction: Correction) -> Callable[[Counts], jax.Array]:
    """The entropy that a correction names.

    Args:
        correction: "none" or "miller_madow".

    Returns:
        `entropy.plugin` or `entropy.miller_madow`.
    """
    return entropy.miller_madow if correction == "miller_madow" else entropy.plugin


def check_correction(correction: object) -> None:
    """Refuses what is no correction.

    Args:
        correction: anything.

    Raises:
        ValueError: it is neither "none" nor "miller_madow".
    """
    if correction not in get_args(Correction):
        raise ValueError(
            f"expected correction to be one of {get_args(Correction)}, got {correction!r}"
        )
