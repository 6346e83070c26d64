"""Zstandard that never makes more bytes than a chunk has: a chunk may be a stranger's, and a few
bytes of it can stand for a petabyte.

Imports Zarr, and is therefore imported where a store is opened.
"""

import asyncio
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import zarr
from zarr.codecs import ZstdCodec
from zarr.registry import register_codec

_LOCK = threading.Lock()


class BoundedZstdCodec(ZstdCodec):
    """Zarr's codec "zstd", which decodes into the bytes of one chunk of numbers."""

    async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        dtype = chunk_spec.dtype.to_native_dtype()
        if dtype.kind not in "biuf":  # text has no fixed size; our own stores hold none
            return await super()._decode_single(chunk_bytes, chunk_spec)
        size = math.prod(chunk_spec.shape) * dtype.itemsize
        values = await asyncio.to_thread(_decoded, chunk_bytes.as_numpy_array(), size)
        return chunk_spec.prototype.buffer.from_array_like(values)


def _decoded(encoded: np.ndarray, size: int) -> np.ndarray:
    from numcodecs.zstd import Zstd

    values = np.empty(size, np.uint8)
    Zstd().decode(encoded, out=values)  # raises where the bytes make more than `size`
    return values


@contextmanager
def bounded() -> Iterator[None]:
    """Arrays that are opened within have the bounded codec."""
    with _LOCK, zarr.config.set({"codecs.zstd": f"{__name__}.{BoundedZstdCodec.__qualname__}"}):
        yield


register_codec("zstd", BoundedZstdCodec)
