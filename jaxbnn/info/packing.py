"""Rows of activations packed into uint32 words: equal rows give equal words, and only equal rows
do."""

from functools import reduce
from operator import and_, or_
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Bool, Integer, Shaped, UInt32

from jaxbnn.info.arrays import AnyArray, as_array, plain_array

WORD = 32
# Codes of a row, up to which a loop over them is written out: XLA:CPU then works on many rows at
# once.
MAX_UNROLLED = 64
# The bits of -0.0 in a float of so many bytes.
NEGATIVE_ZERO = {4: np.uint32(2**31), 8: np.uint64(2**63)}


def pack_signs(t: Shaped[AnyArray, "n d"]) -> UInt32[jax.Array, "n w"]:
    """The signs of t as bits: unit d is bit d % 32 of word d // 32, set where t > 0.

    Args:
        t: activations of -1 and +1 (or bool) [N, D].

    Returns:
        uint32 [N, W], W = ceil(D / 32); unused bits are 0.

    Raises:
        ValueError: another value outside jit, or an empty array. Inside jit values cannot be looked
            at: `are_signs` says which rows are good.
    """
    t = _rows(t)
    if _is_concrete(t) and not bool(are_signs(t).all()):
        raise ValueError(f"expected activations of -1 and +1 (or bool), got {_first_bad(t)}")
    return _pack((t > 0).astype(jnp.uint32), 1)


def pack_bits(on: Bool[jax.Array, "n d *seeds"]) -> UInt32[jax.Array, "n w *seeds"]:
    """Truth values as bits: unit d is bit d % 32 of word d // 32.

    Args:
        on: [N, D], or [N, D, S] of many networks; then D is at most MAX_UNROLLED.

    Returns:
        uint32 [N, W] or [N, W, S], W = ceil(D / 32); unused bits are 0.
    """
    return _pack(on.astype(jnp.uint32), 1)


def are_signs(t: Shaped[AnyArray, "n d"]) -> Bool[AnyArray, " n"]:
    """Whether each row holds only -1 and +1 (or bool).

    Args:
        t: activations [N, D].

    Returns:
        bool [N].

    Raises:
        ValueError: an empty array.
    """
    t = _rows(t)
    if t.dtype == jnp.bool_:
        return jnp.ones(t.shape[0], jnp.bool_)
    if t.shape[1] <= MAX_UNROLLED:
        return reduce(and_, [(t[:, j] == 1) | (t[:, j] == -1) for j in range(t.shape[1])])
    return jnp.all((t == 1) | (t == -1), axis=1)


def pack_codes(codes: Integer[AnyArray, "n k"], bits: int) -> UInt32[jax.Array, "n w"]:
    """Whole codes of `bits` bits each, floor(32 / bits) codes a word; none straddles two words.

    Args:
        codes: whole numbers [N, K] from 0 to 2**bits - 1.
        bits: of a code, 1 to 32 (static).

    Returns:
        uint32 [N, W], W = ceil(K / floor(32 / bits)); unused bits are 0.

    Raises:
        ValueError: `bits` or, outside jit, a code out of range, or an empty array.
        TypeError: codes that are not integers.
    """
    codes = _rows(codes)
    if not 1 <= bits <= WORD:
        raise ValueError(f"expected bits from 1 to {WORD}, got {bits}")
    if not jnp.issubdtype(codes.dtype, jnp.integer):
        raise TypeError(f"expected integer codes, got {codes.dtype}")
    if _is_concrete(codes):
        _check_range(np.asarray(codes), bits)
    return _pack(codes.astype(jnp.uint32), bits)


def value_words(t: Shaped[AnyArray, "n d"]) -> UInt32[jax.Array, "n d"]:
    """The bits of each value, in compiled code; -0.0 has the bits of 0.0.

    The two zeros are told from other numbers by their bits, for XLA compares numbers below 1.2e-38
    (denormals) as if they were 0.

    Args:
        t: bool, integers or floats of at most 32 bits [N, D].

    Returns:
        uint32 [N, D]: equal words for equal values, and only for these (NaN aside).

    Raises:
        TypeError: a wider type.
    """
    t = as_array(t)
    if t.dtype.itemsize > 4:
        raise TypeError(
            f"expected activations of at most 32 bits in compiled code, got {t.dtype}: "
            "give them as float32, or count them with info.measure"
        )
    if not jnp.issubdtype(t.dtype, jnp.floating):
        return jnp.asarray(t).astype(jnp.uint32)
    words = jax.lax.bitcast_convert_type(jnp.asarray(t).astype(jnp.float32), jnp.uint32)
    return jnp.where(words == NEGATIVE_ZERO[4], jnp.uint32(0), words)


def pack_values(t: Any) -> UInt32[np.ndarray, "n w"]:
    """The exact bits of any array of numbers.

    Two numbers are the same value when they are equal in their own precision: -0.0 is 0.0.

    Args:
        t: bool, integers or floats [N, D] or [N, ...], of any width, numpy's longdouble and the
            narrow types of ml_dtypes included.

    Returns:
        uint32 [N, W]: for -1 and +1, or bool, as `pack_signs`; else one or two words a value.

    Raises:
        ValueError: NaN, which equals nothing; masked values; an empty array.
        TypeError: values that are no real numbers.
    """
    t = plain_array(t, "activations")
    t = _rows(t.reshape(t.shape[0], -1) if t.ndim > 2 else t)
    n_nan = int(np.isnan(t).any(axis=1).sum())
    if n_nan:
        raise ValueError(f"expected activations without NaN, got {n_nan} rows with NaN")
    if t.dtype == bool or np.all((t == 1) | (t == -1)):
        return np.asarray(pack_signs(t))
    if t.dtype.itemsize > 8:  # a longdouble has bytes that mean nothing: its values are numbered
        t = np.unique(t, return_inverse=True)[1].reshape(t.shape)
    return _bits_of_values(t)


def hash_rows(
    words: UInt32[AnyArray, "n w"], salt: UInt32[AnyArray, ""]
) -> UInt32[jax.Array, " n"]:
    """A 32-bit hash of each row; another salt is another hash.

    Up to eight words one after another are multiplied into a state that is mixed (multiply,
    xor-shift: the finaliser of MurmurHash3). More are mixed each with its column's salt, all at
    once, and summed. Nothing rests on its quality but speed: whoever groups by it compares full
    rows.

    Args:
        words: packed rows [N, W].
        salt: any number [].

    Returns:
        uint32 [N].
    """
    n_words = words.shape[1]
    if n_words <= 8:
        state = jnp.full(words.shape[0], salt, jnp.uint32)
        for j in range(n_words):
            state = _mix(state, words[:, j])
        return state
    index = jnp.arange(1, n_words + 1, dtype=jnp.uint32)
    column = (salt + index * jnp.uint32(0x9E3779B9)).reshape(1, n_words)
    mixed = (words ^ column) * jnp.uint32(0x85EBCA6B)
    mixed = (mixed ^ (mixed >> 15)) * (column | jnp.uint32(1))
    return _mix(jnp.sum(mixed ^ (mixed >> 13), axis=1, dtype=jnp.uint32), salt)


def _mix(state: jax.Array, word: AnyArray) -> jax.Array:
    state = (state ^ word) * jnp.uint32(0x85EBCA6B)
    state = (state ^ (state >> 13)) * jnp.uint32(0xC2B2AE35)
    return state ^ (state >> 16)


def _rows(t: Any) -> Any:
    t = as_array(t)
    if t.ndim != 2 or t.shape[0] < 1 or t.shape[1] < 1:
        raise ValueError(
            f"expected an array [N, D] with N >= 1 and D >= 1, got shape {tuple(t.shape)}"
        )
    return t


def _pack(codes: Any, bits: int) -> jax.Array:
    """Codes [N, K] below 2**bits as words [N, W]; up to MAX_UNROLLED with further axes behind."""
    n_rows, n_codes = codes.shape[:2]
    per_word = WORD // bits
    if n_codes <= MAX_UNROLLED:
        words = [
            _one_word(codes, first, min(first + per_word, n_codes), bits)
            for first in range(0, n_codes, per_word)
        ]
        return jnp.stack(words, axis=1)
    padded = jnp.pad(codes, ((0, 0), (0, -n_codes % per_word))).reshape(n_rows, -1, per_word)
    shift = bits * jnp.arange(per_word, dtype=jnp.uint32)
    return jnp.sum(padded << shift.reshape(1, 1, per_word), axis=2, dtype=jnp.uint32)


def _one_word(codes: Any, first: int, last: int, bits: int) -> Any:
    """The codes of the columns first .. last - 1 in one word a row."""
    return reduce(or_, [codes[:, j] << (bits * (j - first)) for j in range(first, last)])


def _bits_of_values(t: np.ndarray) -> np.ndarray:
    """Integers or floats of at most eight bytes [N, D] as words: one a value, or two past four
    bytes."""
    width = 4 if t.dtype.itemsize <= 4 else 8
    bits = np.ascontiguousarray(t.astype(f"{t.dtype.kind}{width}")).view(f"u{width}")
    if t.dtype.kind == "f":
        bits = np.where(bits == NEGATIVE_ZERO[width], bits.dtype.type(0), bits)
    return bits.view(np.uint32)


def _is_concrete(array: Any) -> bool:
    return not isinstance(array, Tracer)


def _first_bad(t: Any) -> str:
    """The first value that is no sign, and where it is."""
    values = np.asarray(t)
    row, column = np.argwhere((values != 1) & (values != -1))[0]
    return f"{values[row, column]} in row {row}, unit {column}"


def _check_range(codes: np.ndarray, bits: int) -> None:
    if codes.min() < 0 or codes.max() >= 2**bits:
        raise ValueError(
            f"expected codes from 0 to {2**bits - 1} ({bits} bits), "
            f"got {codes.min()} to {codes.max()}"
        )
