"""Arrays as people have them, as arrays of plain numbers."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

AnyArray = jax.Array | np.ndarray


def as_array(value: Any) -> Any:
    """An array as it is, whatever library it is of; anything else, such as a list, as numpy's.

    Args:
        value: an array (anything with `ndim`) or nested lists of numbers.

    Returns:
        The array itself, or a numpy array.
    """
    return value if hasattr(value, "ndim") else np.asarray(value)


def plain_array(value: Any, name: str) -> np.ndarray:
    """An array of numpy's own bool, integers or floats, every value as it was.

    The narrow types of ml_dtypes are widened, which loses nothing: bfloat16, float8_*, float6_*
    and float4_* to float32, int2, int4, uint2 and uint4 to int16.

    Args:
        value: an array of any library that numpy reads, or nested lists of numbers.
        name: what the values are, for the messages.

    Returns:
        A numpy array of the same shape.

    Raises:
        ValueError: values are masked (numpy.ma).
        TypeError: values are not bool, integers or real floats.
    """
    if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
        n_masked = int(np.ma.getmaskarray(value).sum())
        raise ValueError(
            f"expected {name} without masked values, got {n_masked} masked: leave those rows out"
        )
    array = np.asarray(value)
    if array.dtype.type.__module__ == "ml_dtypes":
        return _widened(array, name)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"expected {name} of bool, integers or floats, got {_type_name(array)}")
    return array


def _widened(array: np.ndarray, name: str) -> np.ndarray:
    """The values of a narrow type of ml_dtypes as int16 or float32."""
    if jnp.issubdtype(array.dtype, np.integer):
        return array.astype(np.int16)
    if jnp.issubdtype(array.dtype, np.floating):
        return array.astype(np.float32)
    raise TypeError(f"expected {name} of bool, integers or floats, got {array.dtype}")


def _type_name(array: np.ndarray) -> str:
    """The type in words; a file of numpy keeps bfloat16 and its kin as bytes of no type."""
    if array.dtype.kind == "V" and array.dtype.names is None:
        return f"{array.dtype} (bfloat16 and float8 lose their type in .npz: save them as float32)"
    return str(array.dtype)
