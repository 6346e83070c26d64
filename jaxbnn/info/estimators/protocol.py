"""The Estimator protocol: a layer's whole sample in, one point of the information plane out."""

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, get_args, runtime_checkable

import jax
import jax.numpy as jnp
from jax.core import Tracer

from jaxbnn.info import entropy
from jaxbnn.info.counting import Counts, count
from jaxbnn.info.arrays import as_array
from jaxbnn.info.labels import check_labels
from jaxbnn.info.packing import pack_values, value_words
from jaxbnn.info.plane import Point

Correction = Literal["none", "miller_madow"]
STATIC: Any = field(default=None, metadata={"static": True})


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Reference:
    """What an estimator needs of the sample itself, made once."""

    y: jax.Array  # [N] int32
    h_x: jax.Array  # [] bits, entropy of the inputs in the sample: log2 N when no input repeats
    h_y: jax.Array  # [] bits, entropy of the labels in the sample
    h_y_corrected: jax.Array  # [] bits, the same under the estimator's correction
    classes: int | None = STATIC  # all labels are below it, where that is known


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Rows:
    """Packed rows, and which of them the encoder vouches for."""

    words: jax.Array  # [B, W] uint32
    valid: jax.Array  # [B] bool
    bits: int | None = STATIC  # all bits of a row are below it


class Counted(NamedTuple):
    """A layer's counts; exact only where the encoder vouches for every row."""

    t: Counts
    ty: Counts


@runtime_checkable
class Estimator(Protocol):
    """How a layer's information is measured. Frozen, hashable, usable under jit, vmap and
    lax.map."""

    def prepare(self, x: jax.Array, y: jax.Array, classes: int | None = None) -> Reference:
        """Once per sample: x [N, ...], y [N] int32, all labels below `classes` (static) where that
        is known."""
        ...

    def encode(self, t: jax.Array) -> Any:
        """Per batch and row by row: t [B, D] -> arrays [B, ...], which are then put together to [N,
        ...]."""
        ...

    def estimate(self, reference: Reference, codes: Any) -> Point:
        """Once per sample: the codes of all N rows, in the order of `reference.y` -> one Point."""
        ...


@runtime_checkable
class Counting(Estimator, Protocol):
    """An estimator that counts: its counts serve more than its own point."""

    def count(self, reference: Reference, codes: Any) -> Counted:
        """Once per sample: the codes of all N rows -> counts of T and of (T, Y)."""
        ...

    def point(self, reference: Reference, counted: Counted) -> Point:
        """The point of these counts: estimate = point of count."""
        ...


def prepare_counted(
    correction: Correction, x: jax.Array, y: jax.Array, classes: int | None = None
) -> Reference:
    """H(X) and H(Y) of the sample by exact counting; x [N, ...] numbers, y [N] whole labels >= 0.

    Outside jit inputs are compared in their own precision and bad labels raise; inside jit in
    float32.
    """
    x, y = as_array(x), as_array(y)
    if x.ndim < 2 or x.shape[0] < 1 or y.shape != x.shape[:1]:
        raise ValueError(f"expected x [N, ...] and y [N] with N >= 1, got {x.shape} and {y.shape}")
    y = y.astype(jnp.int32) if isinstance(y, Tracer) else jnp.asarray(check_labels(y))
    nothing = jnp.zeros_like(y)  # one class: only T is counted
    inputs, _ = count(_input_words(x), nothing, classes=1)
    bits = None if classes is None else max(1, (classes - 1).bit_length())
    labels, _ = count(y.astype(jnp.uint32)[:, None], nothing, bits=bits, classes=1)
    return Reference(
        y, entropy.plugin(inputs), entropy.plugin(labels), entropy_of(correction)(labels), classes
    )


def _input_words(x) -> jax.Array:
    if not isinstance(x, Tracer):
        return jnp.asarray(pack_values(x))
    x = x.reshape(x.shape[0], -1).astype(jnp.float32)
    return jax.lax.bitcast_convert_type(jnp.where(x == 0, 0.0, x), jnp.uint32)  # -0.0 is 0.0


def count_rows(reference: Reference, codes: Rows) -> Counted:
    """Counts of packed rows and of (row, label)."""
    valid = jnp.all(codes.valid)
    t, ty = count(codes.words, reference.y, bits=codes.bits, classes=reference.classes)
    return Counted(
        t._replace(certified=t.certified & valid), ty._replace(certified=ty.certified & valid)
    )


def point_of_counts(correction: Correction, reference: Reference, counted: Counted) -> Point:
    """The point of a layer whose rows are counted: I(X;T) = H(T), I(T;Y) = H(T) + H(Y) - H(T,Y)."""
    t, ty = counted
    h, exact = entropy_of(correction), t.certified & ty.certified
    h_t = h(t)
    n_patterns, n_singletons = (
        jnp.where(exact, number, -1) for number in (t.n_patterns, t.n_singletons)
    )
    i_ty = h_t + reference.h_y_corrected - h(ty)
    return Point(h_t, i_ty, h_t, entropy.information_error(t, ty), n_patterns, n_singletons, exact)


def entropy_of(correction):
    return entropy.miller_madow if correction == "miller_madow" else entropy.plugin


def check_correction(correction):
    if correction not in get_args(Correction):
        raise ValueError(
            f"expected correction to be one of {get_args(Correction)}, got {correction!r}"
        )
