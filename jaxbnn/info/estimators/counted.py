"""The Estimator protocol and its members: a layer's whole sample in, one point of the information plane out."""

import math
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, NamedTuple, Protocol, get_args, runtime_checkable

import jax
import jax.numpy as jnp
from jax.core import Tracer

from jaxbnn.info import entropy
from jaxbnn.info.counting import Counts, check_labels, count
from jaxbnn.info.packing import are_signs, as_array, pack_codes, pack_signs, pack_values
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
    """How a layer's information is measured. Frozen, hashable, usable under jit, vmap and lax.map."""

    def prepare(self, x: jax.Array, y: jax.Array, classes: int | None = None) -> Reference:
        """Once per sample: x [N, ...], y [N] int32, all labels below `classes` (static) where that is known."""
        ...

    def encode(self, t: jax.Array) -> Any:
        """Per batch and row by row: t [B, D] -> arrays [B, ...], which are then put together to [N, ...]."""
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


@dataclass(frozen=True)
class Exact:
    """H(T) by counting the patterns of a layer of -1 and +1, exactly. I(X;T) = H(T), for T is a function of X.

    I(T;Y) = H(T) + H(Y) - H(T,Y). `correction="miller_madow"` adds (K - 1)/(2N ln 2) to each of the three entropies; a
    population needs none. A layer with any other value than -1 and +1 gives NaN and exact = False.
    """

    correction: Correction = "none"

    def __post_init__(self):
        _check_correction(self.correction)

    def prepare(self, x: jax.Array, y: jax.Array, classes: int | None = None) -> Reference:
        return prepare_counted(self.correction, x, y, classes)

    def encode(self, t: jax.Array) -> Rows:
        return Rows(pack_signs(t), are_signs(t), t.shape[1])

    def count(self, reference: Reference, codes: Rows) -> Counted:
        return count_rows(reference, codes)

    def point(self, reference: Reference, counted: Counted) -> Point:
        return point_of_counts(self.correction, reference, counted)

    def estimate(self, reference: Reference, codes: Rows) -> Point:
        return self.point(reference, self.count(reference, codes))


@dataclass(frozen=True)
class FixedGrid:
    """`bins` equal bins from `low` to `high`; what lies below or above falls into the first or the last bin."""

    low: float = -1.0
    high: float = 1.0
    bins: int = 30

    def __post_init__(self):
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"expected finite low < high, got {self.low} and {self.high}")
        if not self.high - self.low < 1e38:
            raise ValueError(f"expected high - low < 1e38 (float32), got {self.low} and {self.high}")
        if not isinstance(self.bins, int):
            raise TypeError(f"expected bins as an integer, got {self.bins!r}")
        if not 1 <= self.bins <= 2**24:
            raise ValueError(f"expected bins from 1 to 2**24, got {self.bins}")

    def codes(self, t: jax.Array) -> jax.Array:
        """floor((t - low) / (high - low) * bins), kept inside 0 .. bins - 1. [...] -> int32 [...]."""
        position = jnp.floor((t - self.low) * (self.bins / (self.high - self.low)))
        return jnp.clip(position, 0, self.bins - 1).astype(jnp.int32)

    @property
    def bits(self) -> int:
        """Bits that hold a code."""
        return max(1, (self.bins - 1).bit_length())


@dataclass(frozen=True)
class Binned:
    """H of the layer rounded to a fixed grid, each unit on its own: the binning of Shwartz-Ziv & Tishby 2017.

    The codes are counted exactly; what they say of a real-valued layer depends on the grid. NaN or infinity in the
    layer gives NaN. On a layer of -1 and +1 any grid that separates the two gives the exact value.
    """

    grid: FixedGrid = FixedGrid()
    correction: Correction = "none"

    def __post_init__(self):
        _check_correction(self.correction)

    def prepare(self, x: jax.Array, y: jax.Array, classes: int | None = None) -> Reference:
        return prepare_counted(self.correction, x, y, classes)

    def encode(self, t: jax.Array) -> Rows:
        valid = jnp.all(jnp.isfinite(t), axis=1)
        words = pack_codes(self.grid.codes(t), self.grid.bits)
        return Rows(words, valid, self.grid.bits * t.shape[1] if words.shape[1] == 1 else None)

    def count(self, reference: Reference, codes: Rows) -> Counted:
        return count_rows(reference, codes)

    def point(self, reference: Reference, counted: Counted) -> Point:
        return point_of_counts(self.correction, reference, counted)

    def estimate(self, reference: Reference, codes: Rows) -> Point:
        return self.point(reference, self.count(reference, codes))


@dataclass(frozen=True)
class SoftOutput:
    """Information of the softmax output read as a stochastic variable, Yhat ~ softmax. Source: Nothnagel & Geiger 2026.

    With p_n the softmax of example n: I(X;Yhat) = H(mean_n p_n) - mean_n H(p_n), and
    I(Yhat;Y) = H(mean_n p_n) - sum_c p(c) H(mean of p_n over class c). Layers are probabilities
    [B, C], labels 0 .. C - 1: anything else gives NaN.
    """

    def prepare(self, x: jax.Array, y: jax.Array, classes: int | None = None) -> Reference:
        return prepare_counted("none", x, y, classes)

    def encode(self, t: jax.Array) -> jax.Array:
        return t

    def estimate(self, reference: Reference, codes: jax.Array) -> Point:
        n, n_classes = codes.shape
        multiply = partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)  # a GPU's default keeps three digits
        member = jax.nn.one_hot(reference.y, n_classes, dtype=codes.dtype, axis=0)  # [C, N]
        size = jnp.sum(member, axis=1)
        share, within = size / n, multiply(member, codes) / jnp.maximum(size, 1)[:, None]
        total = multiply(codes, jnp.ones(n_classes, codes.dtype))
        summed = jnp.all(codes >= 0) & jnp.all(jnp.abs(total - 1) < 1e-3)
        sound = summed & jnp.all((reference.y >= 0) & (reference.y < n_classes))
        h_t = jnp.where(sound, entropy.of_distribution(jnp.mean(codes, axis=0)), jnp.nan)
        xt = h_t - entropy.summed(codes) / n
        ty = h_t - jnp.sum(share * entropy.of_distribution(within))
        return Point(xt, ty, h_t, jnp.float32(jnp.nan), jnp.int32(-1), jnp.int32(-1), jnp.bool_(False))


def prepare_counted(correction: Correction, x: jax.Array, y: jax.Array, classes: int | None = None) -> Reference:
    """H(X) and H(Y) of the sample by exact counting; x [N, ...] numbers, y [N] whole labels >= 0.

    Outside jit inputs are compared in their own precision and bad labels raise; inside jit in float32.
    """
    x, y = as_array(x), as_array(y)
    if x.ndim < 2 or x.shape[0] < 1 or y.shape != x.shape[:1]:
        raise ValueError(f"expected x [N, ...] and y [N] with N >= 1, got {x.shape} and {y.shape}")
    y = y.astype(jnp.int32) if isinstance(y, Tracer) else jnp.asarray(check_labels(y))
    nothing = jnp.zeros_like(y)  # one class: only T is counted
    inputs, _ = count(_input_words(x), nothing, classes=1)
    bits = None if classes is None else max(1, (classes - 1).bit_length())
    labels, _ = count(y.astype(jnp.uint32)[:, None], nothing, bits=bits, classes=1)
    return Reference(y, entropy.plugin(inputs), entropy.plugin(labels), _entropy(correction)(labels), classes)


def _input_words(x) -> jax.Array:
    if not isinstance(x, Tracer):
        return jnp.asarray(pack_values(x))
    x = x.reshape(x.shape[0], -1).astype(jnp.float32)
    return jax.lax.bitcast_convert_type(jnp.where(x == 0, 0.0, x), jnp.uint32)  # -0.0 is 0.0


def count_rows(reference: Reference, codes: Rows) -> Counted:
    """Counts of packed rows and of (row, label)."""
    valid = jnp.all(codes.valid)
    t, ty = count(codes.words, reference.y, bits=codes.bits, classes=reference.classes)
    return Counted(t._replace(exact=t.exact & valid), ty._replace(exact=ty.exact & valid))


def point_of_counts(correction: Correction, reference: Reference, counted: Counted) -> Point:
    """The point of a layer whose rows are counted: I(X;T) = H(T), I(T;Y) = H(T) + H(Y) - H(T,Y)."""
    t, ty = counted
    h, exact = _entropy(correction), t.exact & ty.exact
    h_t = h(t)
    n_patterns, n_singletons = (jnp.where(exact, number, -1) for number in (t.n_patterns, t.n_singletons))
    i_ty = h_t + reference.h_y_corrected - h(ty)
    return Point(h_t, i_ty, h_t, entropy.information_error(t, ty), n_patterns, n_singletons, exact)


def _entropy(correction):
    return entropy.miller_madow if correction == "miller_madow" else entropy.plugin


def _check_correction(correction):
    if correction not in get_args(Correction):
        raise ValueError(f"expected correction to be one of {get_args(Correction)}, got {correction!r}")
