"""Pickle files of plain values: read without running anything that they name.

A pickle is a program. The general unpickler imports what it names and calls it. Here every name is
refused but the four that numpy writes for an array, and those stand for functions of this module,
which build uint8 arrays from bytes and know no other use.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Callable
from functools import partial

import numpy as np

from jaxbnn.data.failure import reason

PLAIN = (dict, list, bytes, str, int)


class PickledDtype:
    """Stands for numpy.dtype: uint8 and no other."""

    def __init__(self, name: object = None, *_: object) -> None:
        if name not in ("u1", b"u1"):
            raise pickle.UnpicklingError(f"an array of dtype {name!r}")

    def __setstate__(self, state: object) -> None:
        """Byte order and such: a byte has none."""


class PickledArray:
    """Stands for numpy.ndarray until its shape and bytes are known."""

    values: np.ndarray | None = None

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise pickle.UnpicklingError("an array without its five parts")
        _, shape, dtype, is_fortran, payload = state
        if not isinstance(dtype, PickledDtype) or not isinstance(payload, bytes):
            raise pickle.UnpicklingError("an array of other things than bytes")
        if not _is_shape(shape) or len(payload) != math.prod(shape):
            raise pickle.UnpicklingError(f"an array of {len(payload)} bytes and shape {shape!r}")
        order = "F" if is_fortran else "C"
        self.values = np.frombuffer(payload, np.uint8).reshape(shape, order=order)


def _is_shape(shape: object) -> bool:
    if not isinstance(shape, tuple) or len(shape) > 8:
        return False
    return all(type(length) is int and length >= 0 for length in shape)


def reconstruct(*_: object) -> PickledArray:
    """Stands for numpy's _reconstruct: an array whose state comes next."""
    return PickledArray()


def encode(text: object, encoding: object) -> bytes:
    """Stands for _codecs.encode, by which Python 3 writes bytes for Python 2."""
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError(f"text encoded as {encoding!r}")
    return text.encode("latin1")


STAND_INS: dict[tuple[str, str], Callable[..., object]] = {
    ("numpy.core.multiarray", "_reconstruct"): reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): reconstruct,
    ("numpy", "ndarray"): PickledArray,
    ("numpy", "dtype"): PickledDtype,
    ("_codecs", "encode"): encode,
}


class PlainUnpickler(pickle.Unpickler):
    """An unpickler that imports nothing."""

    def find_class(self, module_name: str, global_name: str, /) -> object:
        """The stand-in for a name. UnpicklingError for any other name."""
        if (module_name, global_name) not in STAND_INS:
            raise pickle.UnpicklingError(f"{module_name}.{global_name}")
        # A new object each time: a pickle may set attributes of what it is given.
        return partial(STAND_INS[module_name, global_name])


def read_plain_pickle(payload: bytes, name: str) -> object:
    """The value in a pickle file of dicts, lists, bytes, str, int and uint8 arrays.

    Args:
        payload: the file.
        name: what the messages call it.

    Returns:
        The value, str of Python 2 as bytes.

    Raises:
        ValueError: it holds anything else, or is no pickle.
    """
    try:
        return _plain(PlainUnpickler(io.BytesIO(payload), encoding="bytes").load())
    except Exception as error:  # a broken pickle fails in a dozen ways; none has run anything
        raise ValueError(
            f"expected {name} to be a pickle of dict, list, bytes, str, int and uint8 arrays "
            f"alone, got {reason(error)}"
        ) from error


def _plain(value: object) -> object:
    """The value with its arrays in the stand-ins' place. UnpicklingError for another type."""
    if isinstance(value, PickledArray) and value.values is not None:
        return value.values
    if type(value) not in PLAIN:
        raise pickle.UnpicklingError(f"a {type(value).__name__}")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    return value
