"""The metadata of a Zarr store, checked before Zarr opens it: the store may be a stranger's."""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FILE = "zarr.json"
MAX_BYTES = 2**24  # of one metadata file
CODECS = ("bytes", "zstd", "crc32c")
DTYPES = ("bool", "int8", "int32", "int64", "uint32", "float32", "float64")


class ArrayMetadata(NamedTuple):
    """What a store says of an array."""

    shape: tuple[int, ...]
    dtype: str
    chunks: tuple[int, ...]  # the shape of a chunk

    def n_bytes(self) -> int:
        """Bytes of the array, before compression."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    def n_bytes_at_once(self, axis: int) -> int:
        """Bytes of the array as far as one chunk goes along an axis, before compression."""
        sizes = list(self.shape)
        if len(sizes) > axis:
            sizes[axis] = self.chunks[axis]
        return math.prod(sizes) * np.dtype(self.dtype).itemsize

    def grid(self) -> tuple[int, ...]:
        """How many chunks the array has along each axis."""
        sizes = zip(self.shape, self.chunks, strict=True)
        return tuple(-(-size // chunk) for size, chunk in sizes)


def read_arrays(store: Path) -> dict[str, ArrayMetadata]:
    """ "group/name" -> the metadata of every array of a store.

    Raises:
        ValueError: for what no run writes: links, deeper groups, other codecs, types or layouts.
    """
    _node(store, "group")
    described = {}
    for group in sorted(path for path in _entries(store) if path.is_dir()):
        _node(group, "group")
        for path in sorted(path for path in _entries(group) if path.is_dir()):
            described[f"{group.name}/{path.name}"] = _array(path)
    return described


def read_attributes(group: Path) -> dict[str, Any]:
    """The attributes of a group."""
    attributes = _node(group, "group").get("attributes", {})
    if not isinstance(attributes, dict):
        raise ValueError(f"expected attributes in {group / FILE}, got {type(attributes).__name__}")
    return attributes


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder; ValueError for a link, which may lead anywhere."""
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise ValueError(f"expected a Zarr store in {folder}: {error.strerror}") from None
    for path in entries:
        if path.is_symlink():
            raise ValueError(f"expected no links in {folder}, got {path.name!r}")
    return entries


def _node(folder: Path, kind: str) -> dict[str, Any]:
    path = folder / FILE
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise ValueError(f"expected {path}, which is missing or too large: the store is damaged")
    try:
        node = json.loads(path.read_text())
    except (ValueError, RecursionError):
        raise ValueError(f"expected JSON in {path}: the store is damaged") from None
    if not isinstance(node, dict) or node.get("node_type") != kind or node.get("zarr_format") != 3:
        raise ValueError(f"expected a Zarr 3 {kind} in {path}: the store is damaged")
    return node


def _array(folder: Path) -> ArrayMetadata:
    node = _node(folder, "array")
    shape = node.get("shape")
    dtype = node.get("data_type")
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"expected a shape in {folder / FILE}, got {str(shape)[:100]}")
    if dtype not in DTYPES:
        raise ValueError(f"expected numbers in {folder / FILE}, got {str(dtype)[:100]}")
    codecs = node.get("codecs")
    names = [codec.get("name") for codec in codecs or ()] if _is_list_of_objects(codecs) else []
    if tuple(names) != CODECS or node.get("storage_transformers", []):
        raise ValueError(f"expected the codecs {', '.join(CODECS)} in {folder / FILE}, got others")
    return ArrayMetadata(tuple(shape), dtype, _chunks(node, shape, folder))


def _chunks(node: dict[str, Any], shape: list[int], folder: Path) -> tuple[int, ...]:
    """The shape of a chunk; ValueError unless the array is cut into a regular grid of chunks no
    larger than itself."""
    grid = node.get("chunk_grid")
    about = grid.get("configuration") if isinstance(grid, dict) else None
    sizes = about.get("chunk_shape") if isinstance(about, dict) else None
    if not isinstance(sizes, list) or len(sizes) != len(shape):
        raise ValueError(f"expected a regular grid of chunks in {folder / FILE}, got another")
    if not all(type(n) is int and n >= 1 for n in sizes):
        raise ValueError(f"expected a regular grid of chunks in {folder / FILE}, got another")
    if any(size > max(1, n) for size, n in zip(sizes, shape, strict=True)):
        raise ValueError(f"expected chunks within the shape in {folder / FILE}, got larger ones")
    return tuple(sizes)


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)
