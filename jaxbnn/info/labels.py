"""Class labels as loaders give them, as whole numbers from 0."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int32

from jaxbnn.info.arrays import plain_array

N_LABELS = 2**31  # labels are int32


def class_labels(y: Any) -> Int32[np.ndarray, " n"]:
    """The labels of N examples in any of the forms that loaders give.

    Args:
        y: whole numbers >= 0 [N] or [N, 1], of bool, integers or floats; or [N] of -1 and +1, both
            of them, which become 0 and 1; or one-hot [N, C], each row one 1 and otherwise 0, which
            becomes the 1's index.

    Returns:
        int32 [N].

    Raises:
        ValueError: another shape, rows that are not one-hot, masked, negative or fractional labels,
            NaN, or whole floats so large that their type rounds neighbours together.
        TypeError: labels that are no numbers.
    """
    values = plain_array(y, "labels")
    check_rounding(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    elif values.ndim == 2 and values.size:
        values = _hot_index(values)
    if values.dtype.kind in "if" and set(np.unique(values).tolist()) == {-1, 1}:
        values = values > 0
    return check_labels(values)


def check_labels(y: Any) -> Int32[np.ndarray, " n"]:
    """Whole labels [N] >= 0 as int32.

    Args:
        y: bool, integers or floats [N], N >= 1.

    Returns:
        int32 [N].

    Raises:
        ValueError: another shape, masked, negative or fractional labels, NaN, labels of 2**31 and
            more, or whole floats so large that their type rounds neighbours together.
        TypeError: labels that are no numbers.
    """
    check_rounding(y)
    y = plain_array(y, "labels")
    if y.ndim != 1 or y.size < 1:
        raise ValueError(f"expected labels [N] with N >= 1, got shape {y.shape}")
    if not np.isfinite(y).all() or (y != np.floor(y)).any():
        raise ValueError("expected whole labels, got fractions, NaN or infinity")
    if y.min() < 0 or float(y.max()) >= N_LABELS:
        raise ValueError(f"expected labels from 0 to 2**31 - 1, got {y.min()} to {y.max()}")
    return y.astype(np.int32)


def check_rounding(y: Any) -> None:
    """Refuses floats so large that their type does not hold every whole number.

    Args:
        y: labels of any type and shape.

    Raises:
        ValueError: a label of 2**b or more, b the bits of the type's significand: 256 of bfloat16,
            2048 of float16, 2**24 of float32.
    """
    y = np.asarray(y)
    if not y.size or not jnp.issubdtype(y.dtype, np.floating):
        return
    limit = 2 ** (int(jnp.finfo(y.dtype).nmant) + 1)
    largest = y.astype(np.float64).max()
    if limit <= largest < N_LABELS:
        raise ValueError(
            f"expected {y.dtype} labels below {limit}, from where it rounds whole numbers "
            f"together, got {largest:g}: save labels as integers"
        )


def _hot_index(y: np.ndarray) -> np.ndarray:
    """The column of the 1 in each row of one-hot labels [N, C]."""
    hot = y == 1
    if not ((y == 0) | hot).all() or not (hot.sum(axis=1) == 1).all():
        raise ValueError(
            f"expected labels [N], [N, 1] or one-hot [N, C], got {y.dtype} of shape {y.shape} "
            "with rows that are not one 1 and otherwise 0"
        )
    return np.argmax(hot, axis=1)
