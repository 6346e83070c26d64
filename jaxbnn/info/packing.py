"""Rows of activations packed into uint32 words: equal rows give equal words, and only equal rows
do."""

from functools import reduce
from operator import and_, or_
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

WORD = 32
FEW = 64  # codes of a row, up to which a loop over them is written out: XLA:CPU then works on many rows at once


def pack_signs(t: jax.Array) -> jax.Array:
    """The signs of t as bits, t [N, D] of -1 and +1 (or bool) -> uint32 [N, ceil(D/32)]; unused
    bits are 0.

    Unit d is bit d % 32 of word d // 32, set where t > 0. Outside jit any other value raises
    ValueError; inside jit values cannot be looked at: `are_signs` says which rows are good.
    """
    t = _rows(t)
    if _concrete(t) and not bool(are_signs(t).all()):
        raise ValueError(f"expected activations of -1 and +1 (or bool), got {_first_bad(t)}")
    return _pack((t > 0).astype(jnp.uint32), 1)


def are_signs(t: jax.Array) -> jax.Array:
    """Whether each row of t [N, D] holds only -1 and +1 (or bool): bool [N]."""
    t = _rows(t)
    if t.dtype == jnp.bool_:
        return jnp.ones(t.shape[0], jnp.bool_)
    if t.shape[1] <= FEW:
        return reduce(and_, [(t[:, j] == 1) | (t[:, j] == -1) for j in range(t.shape[1])])
    return jnp.all((t == 1) | (t == -1), axis=1)


def pack_codes(codes: jax.Array, bits: int) -> jax.Array:
    """Integer codes of `bits` bits each, [N, K] in 0 .. 2**bits - 1 -> uint32 [N, W];
    floor(32/bits) codes a word.

    W = ceil(K / floor(32/bits)); no code straddles two words. Outside jit a code out of range
    raises ValueError.
    """
    codes = _rows(codes)
    if not 1 <= bits <= WORD:
        raise ValueError(f"expected bits from 1 to {WORD}, got {bits}")
    if not jnp.issubdtype(codes.dtype, jnp.integer):
        raise TypeError(f"expected integer codes, got {codes.dtype}")
    if _concrete(codes):
        _check_range(np.asarray(codes), bits)
    return _pack(codes.astype(jnp.uint32), bits)


def pack_values(t: np.ndarray) -> np.ndarray:
    """The exact bits of any array on the host, [N, ...] of bool, integers or floats -> uint32 [N,
    W].

    Signs (-1 and +1, or bool) are packed as by `pack_signs`. Two floats are the same value when
    they are equal: -0.0 is 0.0. NaN raises ValueError, for it equals nothing.
    """
    t = np.asarray(t)
    t = _rows(t.reshape(t.shape[0], -1) if t.ndim > 2 else t)
    if t.dtype.kind not in "biuf":
        raise TypeError(f"expected activations of bool, integers or floats, got {t.dtype}")
    if np.isnan(t).any():
        raise ValueError(
            f"expected activations without NaN, got {int(np.isnan(t).any(axis=1).sum())} rows with NaN"
        )
    if t.dtype == bool or np.all((t == 1) | (t == -1)):
        return np.asarray(pack_signs(t))
    width = 4 if t.dtype.itemsize <= 4 else 8
    return np.ascontiguousarray(t.astype(f"{t.dtype.kind}{width}") + 0).view(np.uint32)


def hash_rows(words: jax.Array, salt: jax.Array) -> jax.Array:
    """A 32-bit hash of each row, words [N, W] and salt uint32 [] -> uint32 [N]. Another salt is
    another hash.

    Up to eight words one after another are multiplied into a state that is mixed (stable_matmul,
    xor-shift: the finaliser of MurmurHash3). More are mixed each with its column's salt, all at
    once, and summed. Nothing rests on its quality but speed: whoever groups by it compares full
    rows.
    """
    n_words = words.shape[1]
    if n_words <= 8:
        state = jnp.full(words.shape[0], salt, jnp.uint32)
        for j in range(n_words):
            state = _mix(state, words[:, j])
        return state
    column = (salt + jnp.arange(1, n_words + 1, dtype=jnp.uint32) * jnp.uint32(0x9E3779B9)).reshape(
        1, n_words
    )
    mixed = (words ^ column) * jnp.uint32(0x85EBCA6B)
    mixed = (mixed ^ (mixed >> 15)) * (column | jnp.uint32(1))
    return _mix(jnp.sum(mixed ^ (mixed >> 13), axis=1, dtype=jnp.uint32), salt)


def _mix(state, word):
    state = (state ^ word) * jnp.uint32(0x85EBCA6B)
    state = (state ^ (state >> 13)) * jnp.uint32(0xC2B2AE35)
    return state ^ (state >> 16)


def as_array(value) -> Any:
    """An array as it is, whatever library it is of; anything else, such as a list, as a numpy
    array."""
    return value if hasattr(value, "ndim") else np.asarray(value)


def _rows(t) -> Any:
    t = as_array(t)
    if t.ndim != 2 or t.shape[0] < 1 or t.shape[1] < 1:
        raise ValueError(
            f"expected an array [N, D] with N >= 1 and D >= 1, got shape {tuple(t.shape)}"
        )
    return t


def _pack(codes, bits):
    n_codes, per_word = codes.shape[1], WORD // bits
    if n_codes <= FEW:
        words = [
            range(first, min(first + per_word, n_codes)) for first in range(0, n_codes, per_word)
        ]
        return jnp.stack(
            [reduce(or_, [codes[:, j] << (bits * (j - w[0])) for j in w]) for w in words], axis=1
        )
    padded = jnp.pad(codes, ((0, 0), (0, -n_codes % per_word))).reshape(
        codes.shape[0], -1, per_word
    )
    shift = bits * jnp.arange(per_word, dtype=jnp.uint32)
    return jnp.sum(padded << shift.reshape(1, 1, per_word), axis=2, dtype=jnp.uint32)


def _concrete(array):
    return not isinstance(array, Tracer)


def _first_bad(t):
    values = np.asarray(t)
    row, column = np.argwhere((values != 1) & (values != -1))[0]
    return f"{values[row, column]} in row {row}, unit {column}"


def _check_range(codes, bits):
    if codes.min() < 0 or codes.max() >= 2**bits:
        raise ValueError(
            f"expected codes from 0 to {2**bits - 1} ({bits} bits), got {codes.min()} to {codes.max()}"
        )
