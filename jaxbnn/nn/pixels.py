"""Inputs held as bytes, and the product of their whole numbers with binary weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn.nn.products import is_exact, stable_matmul, whole_matmul

CENTRED = 1e-6  # how far from 0 the middle of the values may be, as a share of the largest


@partial(jax.tree_util.register_dataclass, data_fields=["codes"], meta_fields=["values"])
@dataclass(frozen=True)
class Pixels:
    """Examples each of whose inputs is one of a few evenly spaced numbers.

    Args:
        codes: uint8 [B, ...].
        values: what the codes 0, 1, ... stand for, at most 256 float32 numbers; static.
    """

    codes: Any
    values: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """[B, ...]."""
        return self.codes.shape

    def __getitem__(self, index: Any) -> Pixels:
        """Some of the examples."""
        return Pixels(self.codes[index], self.values)

    def real(self) -> jax.Array:
        """The inputs themselves, float32 [B, ...]."""
        return jnp.asarray(self.values, jnp.float32).at[self.codes].get(mode="promise_in_bounds")


def flat(x: Any) -> Any:
    """Examples [B, ...] of any numbers as float32 [B, D]; Pixels stay Pixels."""
    if isinstance(x, Pixels):
        return Pixels(x.codes.reshape(x.shape[0], -1), x.values)
    return x.reshape(x.shape[0], -1).astype(jnp.float32)


class WholeProduct(NamedTuple):
    """Pixels times binary weights: scale * whole + offset."""

    whole: jax.Array  # [B, F] whole numbers
    scale: float
    offset: jax.Array | None  # [1, F]; None: 0
    limit: int  # no whole number is larger in size

    @property
    def product(self) -> jax.Array:
        """[B, F]."""
        return self.at(self.whole)

    def at(self, whole: jax.Array) -> jax.Array:
        """The product where the whole numbers are these, [K, F] -> [K, F]."""
        scaled = whole * np.float32(self.scale)
        return scaled if self.offset is None else scaled + self.offset

    def whole_at(self, product: jax.Array) -> jax.Array:
        """What whole number, not rounded, gives this product: [F] -> [F]."""
        shifted = product if self.offset is None else product - self.offset[0]
        return shifted / np.float32(self.scale)


def pixel_product(x: Pixels, w: jax.Array) -> WholeProduct | None:
    """The product of whole numbers behind x @ w.

    Values around 0, as -1 to 1, are taken as the odd numbers 2 c - n of their codes c = 0 .. n,
    which need no offset; others as their codes.

    Args:
        x: [B, D].
        w: -1 and +1 or NaN, [D, F].

    Returns:
        The product; None where float32 cannot hold its sums exactly.
    """
    n = len(x.values) - 1
    n_inputs = w.shape[0]
    if not is_exact(n, n_inputs):
        return None
    low = x.values[0]
    high = x.values[-1]
    limit = n * n_inputs
    codes = x.codes.astype(jnp.float32)
    step = (high - low) / n
    whole: Any
    if abs(low + high) <= CENTRED * max(abs(low), abs(high)):
        whole = whole_matmul(2 * codes - n, w, n)
        return WholeProduct(whole, step / 2, None, limit)
    whole = whole_matmul(codes, w, n)
    if low == 0:
        return WholeProduct(whole, step, None, limit)
    column_sums: Any = whole_matmul(jnp.ones((1, n_inputs), jnp.float32), w, 1)
    return WholeProduct(whole, step, low * column_sums, limit)


def pixel_matmul(x: Pixels, w: jax.Array) -> jax.Array:
    """x @ w for binary weights, [B, D] [D, F] -> float32 [B, F]."""
    product = pixel_product(x, w)
    if product is None:
        return stable_matmul(x.real(), w)
    return product.product


def inputs_for(model: Any, x: Any) -> Any:
    """Examples as a model takes them: Pixels where it has `takes_pixels`, else float32.

    Args:
        model: any Linen module.
        x: examples, Pixels or an array [B, ...].
    """
    return x if getattr(model, "takes_pixels", False) else real_inputs(x)


def real_inputs(x: Any) -> Any:
    """Examples as numbers: Pixels as float32, others as they are."""
    return x.real() if isinstance(x, Pixels) else x
