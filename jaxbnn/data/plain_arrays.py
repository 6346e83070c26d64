"""Arrays as people have them, read as plain numpy numbers or refused."""

from __future__ import annotations

import numpy as np

NARROW = ("bfloat", "float", "int", "uint")  # how ml_dtypes' real types begin


def plain_array(array: np.ndarray, name: str) -> np.ndarray:
    """The values as bool, integers or floats of numpy's own, each kept exactly.

    Args:
        array: of any shape. Narrow types of ml_dtypes (bfloat16, float8, int4, ...) become float32
            or int32. A masked array is taken where nothing is masked.
        name: what the messages call it.

    Raises:
        ValueError: text, objects, complex numbers, dates; masked values; raw bytes, which is what
            numpy makes of narrow types in a file.
    """
    if isinstance(array, np.ma.MaskedArray):
        if np.ma.is_masked(array):
            raise ValueError(
                f"expected {name} without masked values, got {np.ma.count_masked(array)} masked: "
                "leave those examples out"
            )
        array = np.ma.getdata(array)
    if is_narrow(array.dtype):
        return array.astype(np.float32 if "float" in array.dtype.name else np.int32)
    if array.dtype.type is np.void and array.dtype.names is None:
        raise ValueError(
            f"expected real numbers as {name}, got raw bytes (dtype {array.dtype}), as numpy saves "
            "bfloat16, float8 or int4: save .astype(np.float32)"
        )
    if array.dtype.kind not in "biuf":
        raise ValueError(f"expected real numbers as {name}, got dtype {array.dtype}")
    return array


def is_narrow(dtype: np.dtype) -> bool:
    """Whether it is a real type of ml_dtypes, which registers them with numpy."""
    return dtype.type.__module__ == "ml_dtypes" and dtype.name.startswith(NARROW)
