"""A Zarr 3 store of plain arrays with one writer: rows appended along an axis, a manifest last.

Every chunk is under the crc32c codec, so that a damaged one raises when it is read. The manifest
lists each file with its size and SHA-256, because Zarr reads a chunk that is missing as its fill
value. A store with a manifest is finished; one without is being written.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from jaxbnn.files.atomic import replacing
from jaxbnn.files.limits import memory
from jaxbnn.storage import zarr_metadata

ARRAYS = "arrays.zarr"
MANIFEST = "manifest.json"
CHUNK_BYTES = 2**22  # of one chunk, before compression
LEVEL = 3  # of zstd
EPOCH = 1  # the axis along which rows are appended
PARTIAL = ".partial"  # of a file that Zarr writes beside its place: a killed run leaves it


class ArraySpec(NamedTuple):
    """An array of a store: its shape when it is finished."""

    shape: tuple[int, ...]
    dtype: str
    dims: tuple[str, ...]
    attributes: Mapping[str, Any] = {}


class Manifest(NamedTuple):
    """What a finished store holds."""

    facts: Mapping[str, Any]  # the writer's
    files: Mapping[str, tuple[int, str]]  # path below the store's folder -> (bytes, SHA-256)


def create(
    folder: Path, specs: Mapping[str, ArraySpec], attributes: Mapping[str, Mapping[str, Any]]
) -> None:
    """Makes an empty store, in place of what is there.

    Args:
        folder: of the store; the arrays go to FOLDER/arrays.zarr.
        specs: of each array, by "group/name".
        attributes: of each group, as JSON values.
    """
    import zarr

    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    root = zarr.create_group(folder / ARRAYS, overwrite=True, zarr_format=3)
    for name, values in attributes.items():
        root.create_group(name, attributes=dict(values))
    for name, spec in specs.items():
        root.create_array(
            name,
            shape=spec.shape,
            dtype=spec.dtype,
            chunks=chunk_shape(spec),
            fill_value=fill_value(spec.dtype),
            compressors=_compressors(),
            dimension_names=spec.dims,
            attributes=dict(spec.attributes),
            config={"write_empty_chunks": True},
        )


def chunk_shape(spec: ArraySpec) -> tuple[int, ...]:
    """A chunk spans all axes but the one that grows, of which it holds about CHUNK_BYTES."""
    sizes = [max(1, size) for size in spec.shape]
    if len(sizes) <= EPOCH:
        return tuple(sizes)
    row = math.prod(sizes) // sizes[EPOCH] * np.dtype(spec.dtype).itemsize
    sizes[EPOCH] = min(sizes[EPOCH], max(1, CHUNK_BYTES // row))
    return tuple(sizes)


def fill_value(dtype: str) -> Any:
    """What stands where nothing is written yet: NaN, -1, 0 of unsigned numbers, False."""
    return {"f": math.nan, "i": -1, "u": 0, "b": False}[np.dtype(dtype).kind]


def matches(folder: Path, specs: Mapping[str, ArraySpec]) -> bool:
    """Whether the store's arrays are those of the specs."""
    described = zarr_metadata.read_arrays(folder / ARRAYS)
    expected = {name: (spec.shape, spec.dtype) for name, spec in specs.items()}
    return described == expected


def write_rows(folder: Path, first: int, rows: Mapping[str, np.ndarray]) -> None:
    """Writes rows [S, R, ...] of each array from row `first` on, over what stood there.

    Raises:
        OSError: where the disk is full, say.
        ValueError: for a damaged chunk that holds earlier rows too.
    """
    root = _open(folder, "r+")
    for name, values in rows.items():
        try:
            root[name][:, first : first + values.shape[EPOCH]] = values
        except OSError:
            raise
        except Exception as error:  # a broken chunk fails in several ways: crc32c, zstd, its size
            raise ValueError(
                f"{folder / ARRAYS / name} is damaged ({_one_line(error)}): remove {folder} to "
                "start this block again"
            ) from error


def write_whole(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes whole arrays."""
    root = _open(folder, "r+")
    for name, values in arrays.items():
        root[name][...] = values


def read(folder: Path, name: str, selection: Any = ...) -> np.ndarray:
    """An array of a store, or a basic selection of it.

    Raises:
        ValueError: for a damaged chunk.
    """
    return np.asarray(_open(folder, "r")[name][selection])


def arrays(folder: Path) -> dict[str, Any]:
    """Name -> the Zarr array, of which nothing is read yet.

    Raises:
        ValueError: for a store that no run writes, or that is larger than the machine's memory.
    """
    described = zarr_metadata.read_arrays(folder / ARRAYS)
    sizes = [math.prod(shape) * np.dtype(dtype).itemsize for shape, dtype in described.values()]
    if max(sizes, default=0) > memory():
        size = max(sizes) / 2**30
        raise ValueError(f"expected arrays that fit into memory in {folder}, got {size:.0f} GiB")
    root = _open(folder, "r")
    return {name: root[name] for name in described}


def attributes(folder: Path, group: str) -> dict[str, Any]:
    """The attributes of a group."""
    return zarr_metadata.read_attributes(folder / ARRAYS / group)


def groups(folder: Path) -> list[str]:
    """The names of the groups."""
    paths = (folder / ARRAYS).iterdir()
    return sorted(path.name for path in paths if path.is_dir())


def finish(folder: Path, facts: Mapping[str, Any]) -> None:
    """Checks every chunk, and writes the manifest: from then on the store is finished.

    Args:
        folder: of the store.
        facts: what the manifest says beside its files, as JSON values.

    Raises:
        ValueError: for a chunk that is damaged or missing.
    """
    files = {}
    for path in sorted((folder / ARRAYS).rglob("*")):
        if path.suffix == PARTIAL:
            path.unlink()
        elif path.is_file():
            content = path.read_bytes()
            name = path.relative_to(folder).as_posix()
            files[name] = [len(content), hashlib.sha256(content).hexdigest()]
    for name, array in arrays(folder).items():
        n_chunks = math.prod(-(-n // c) for n, c in zip(array.shape, array.chunks, strict=True))
        written = sum(path.startswith(f"{ARRAYS}/{name}/c") for path in files)
        if written != n_chunks:
            raise ValueError(f"expected {n_chunks} chunks of {name} in {folder}, got {written}")
        _check_chunks(array, name, folder)
    with replacing(folder / MANIFEST) as beside:
        beside.write_text(json.dumps({"facts": dict(facts), "files": files}, indent=1) + "\n")


def is_finished(folder: Path) -> bool:
    """Whether the store has a manifest."""
    return (folder / MANIFEST).is_file()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a finished store, whose files are there and as large as it says.

    Raises:
        ValueError: for a broken manifest, and for a file that is missing or of another size.
    """
    path = folder / MANIFEST
    try:
        plain = json.loads(path.read_text())
        facts = dict(plain["facts"])
        files = {str(name): (int(size), str(sha)) for name, (size, sha) in plain["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"expected a manifest in {path}, got {_one_line(error)}") from None
    for name, (size, _) in files.items():
        check_path(name, path)
        there = folder / name
        if not there.is_file() or there.stat().st_size != size:
            raise ValueError(f"expected {size} bytes in {there}, which is missing or another size")
    return Manifest(facts, files)


def check_path(name: str, path: Path) -> None:
    """ValueError for a name that leads out of the store's folder."""
    parts = Path(name).parts
    if Path(name).is_absolute() or ".." in parts or parts[:1] != (ARRAYS,):
        raise ValueError(f"expected files below {ARRAYS} in {path}, got {name!r}")


def damaged_files(folder: Path) -> list[str]:
    """The files of a finished store whose contents are not those that were written."""
    damaged = []
    for name, (_, sha) in read_manifest(folder).files.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != sha:
            damaged.append(name)
    return damaged


def check_rows(folder: Path, n_rows: int, n_kept: Mapping[str, int] = MappingProxyType({})) -> None:
    """Checks that no chunk of the rows before a checkpoint is missing.

    Args:
        folder: of the store.
        n_rows: how many rows [S, epoch, ...] were written.
        n_kept: of groups that have rows of their own, how many.

    Raises:
        ValueError: where a chunk is missing.
    """
    for name, array in arrays(folder).items():
        dims = array.metadata.dimension_names or ()
        if dims[:2] != ("seed", "epoch") or name.endswith("/trust"):
            continue
        written = n_kept.get(name.partition("/")[0], n_rows)
        for i in range(-(-written // array.chunks[EPOCH])):
            key = "/".join(["c", "0", str(i), *["0"] * (array.ndim - 2)])
            if not (folder / ARRAYS / name / key).is_file():
                raise ValueError(
                    f"{folder / ARRAYS / name} lacks rows: remove {folder} to start this block "
                    "again"
                )


def _check_chunks(array: Any, name: str, folder: Path) -> None:
    """Reads an array chunk by chunk: a damaged one raises."""
    length = array.shape[EPOCH] if array.ndim > EPOCH else 1
    step = array.chunks[EPOCH] if array.ndim > EPOCH else 1
    for first in range(0, length, step):
        try:
            array[:, first : first + step] if array.ndim > EPOCH else array[...]
        except Exception as error:  # a broken chunk fails in several ways: crc32c, zstd, its size
            raise ValueError(f"{folder / ARRAYS / name} is damaged ({_one_line(error)})") from error


def _open(folder: Path, mode: str) -> Any:
    import zarr

    return zarr.open_group(folder / ARRAYS, mode=mode, zarr_format=3, use_consolidated=False)


def _compressors() -> list[Any]:
    from zarr.codecs import Crc32cCodec, ZstdCodec

    return [ZstdCodec(level=LEVEL), Crc32cCodec()]


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
