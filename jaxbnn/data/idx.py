"""The IDX format of MNIST's files."""

from __future__ import annotations

from math import prod

import numpy as np

MAX_AXES = 4


def read_idx(payload: bytes, name: str) -> np.ndarray:
    """The array in an IDX file of unsigned bytes; nothing is copied.

    The format: 00 00, the type 08, the number of axes; each axis's length as a big-endian uint32;
    the bytes. Lengths are compared as Python integers before anything of their size is made.

    Args:
        payload: the unpacked file.
        name: what the messages call it.

    Returns:
        uint8, of one to four axes, read-only.

    Raises:
        ValueError: another magic number, a header or contents too short, an empty axis, or bytes
            left over.

    Source: LeCun, Cortes & Burges, "The MNIST database", "File formats".
    """
    shape = idx_shape(payload, name)
    start = 4 + 4 * len(shape)
    size = prod(shape)
    rest = len(payload) - start
    if size == 0:
        raise ValueError(f"expected {name} to hold something along each axis, got shape {shape}")
    if rest != size:
        fault = "it is cut off" if rest < size else "bytes are left over"
        raise ValueError(
            f"expected {name} to hold {size} bytes for shape {shape}, got {rest}: {fault}"
        )
    return np.frombuffer(payload, np.uint8, offset=start).reshape(shape)


def idx_shape(payload: bytes, name: str) -> list[int]:
    """The lengths of the axes, as the header has them. ValueError as `read_idx` raises it."""
    if payload[:3] != b"\x00\x00\x08" or not 1 <= int.from_bytes(payload[3:4]) <= MAX_AXES:
        got = payload[:4].hex(" ") or "an empty file"
        raise ValueError(
            f"expected {name} to begin with 00 00 08 and 01 to 04 "
            f"(IDX of unsigned bytes), got {got}"
        )
    end = 4 + 4 * payload[3]
    if len(payload) < end:
        raise ValueError(
            f"expected {name} to have a header of {end} bytes, got {len(payload)} bytes in all"
        )
    return [int.from_bytes(payload[i : i + 4]) for i in range(4, end, 4)]


def write_idx(array: np.ndarray) -> bytes:
    """The IDX file of an array of unsigned bytes, from which `read_idx` gives the array back."""
    lengths = b"".join(length.to_bytes(4) for length in array.shape)
    return bytes([0, 0, 8, array.ndim]) + lengths + array.tobytes()
