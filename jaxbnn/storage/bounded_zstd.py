"""Zstandard that never makes more bytes than a chunk has: a chunk may be a stranger's, and a few
bytes of it can stand for a petabyte.

Imports Zarr, and is therefore imported where a store is opened.
"""

import math
import threading
from asyncio import to_thread
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import zarr
from zarr.codecs import ZstdCodec
from zarr.registry import register_codec

MAGIC = (0xFD2FB528).to_bytes(4, "little")
HEADER = 18  # bytes of a frame's header at most
_LOCK = threading.Lock()


class BoundedZstdCodec(ZstdCodec):
    """Zarr's codec "zstd", which decodes into the bytes of one chunk of numbers."""

    async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        dtype = chunk_spec.dtype.to_native_dtype()
        if dtype.kind not in "biuf":  # text has no fixed size; our own stores hold none
            return await super()._decode_single(chunk_bytes, chunk_spec)
        size = math.prod(chunk_spec.shape) * dtype.itemsize
        values = await to_thread(_decoded, chunk_bytes.as_numpy_array(), size)
        return chunk_spec.prototype.buffer.from_array_like(values)


def _decoded(encoded: np.ndarray, size: int) -> np.ndarray:
    """`size` bytes; ValueError where the frame makes fewer, more or other ones."""
    from numcodecs.zstd import Zstd

    claimed = content_size(encoded[:HEADER].tobytes())
    if claimed != size:
        raise ValueError(f"expected a Zstandard frame of {size} bytes, got {claimed}")
    values = np.empty(size, np.uint8)
    try:
        Zstd().decode(encoded, out=values)  # a frame fills what it claims; a second has no room
    except RuntimeError as error:
        raise ValueError(str(error)) from error
    return values


def content_size(frame: bytes) -> int | None:
    """The bytes that a Zstandard frame claims to make; None where it claims nothing.

    Source: RFC 8878, section 3.1.1.1.
    """
    if frame[:4] != MAGIC or len(frame) < 5:
        return None
    descriptor = frame[4]
    is_single_segment = bool(descriptor & 0x20)
    width = (int(is_single_segment), 2, 4, 8)[descriptor >> 6]
    first = 5 + (not is_single_segment) + (0, 1, 2, 4)[descriptor & 3]
    if not width or len(frame) < first + width:
        return None
    size = int.from_bytes(frame[first : first + width], "little")
    return size + 256 if width == 2 else size


@contextmanager
def bounded() -> Iterator[None]:
    """Arrays that are opened within have the bounded codec."""
    with _LOCK, zarr.config.set({"codecs.zstd": f"{__name__}.{BoundedZstdCodec.__qualname__}"}):
        yield


register_codec("zstd", BoundedZstdCodec)
