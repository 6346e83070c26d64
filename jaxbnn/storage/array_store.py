"""A Zarr 3 store of plain arrays with one writer: rows appended along an axis, a manifest last.

Every chunk is under the crc32c codec, so that a damaged one raises when it is read. The manifest
lists each file with its size and SHA-256, because Zarr reads a chunk that is missing as its fill
value. A store with a manifest is finished; one without is being written.
"""

import hashlib
import json
import math
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np

from jaxbnn.files.atomic import replacing
from jaxbnn.files.limits import memory
from jaxbnn.storage import zarr_metadata

ARRAYS = "arrays.zarr"
MANIFEST = "manifest.json"
CHUNK_BYTES = 2**22  # of one chunk, before compression
LEVEL = 3  # of zstd
EPOCH = 1  # the axis along which rows are appended
JSON_ERRORS = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
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


def write_rows(folder: Path, first: int, rows: Mapping[str, np.ndarray]) -> None:
    """Writes rows [S, R, ...] of each array from row `first` on, over what stood there.

    Raises:
        OSError: where the disk is full, say.
        ValueError: for a damaged chunk of which a part is to be written.
    """
    for name, array in _open(folder, rows, "r+").items():
        try:
            with _naming(folder, name):
                array[:, first : first + rows[name].shape[EPOCH]] = rows[name]
        except ValueError as error:
            raise ValueError(f"{error}: {_again(folder)}") from error


def write_whole(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes whole arrays."""
    for name, array in _open(folder, arrays, "r+").items():
        array[...] = arrays[name]


def clear(folder: Path, name: str) -> None:
    """Removes what is written of an array."""
    shutil.rmtree(folder / ARRAYS / name / "c", ignore_errors=True)


def read(folder: Path, name: str, selection: Any = ...) -> np.ndarray:
    """An array of a store, or a basic selection of it.

    Raises:
        ValueError: for a damaged chunk.
    """
    array = _open(folder, [name], "r")[name]
    with _naming(folder, name):
        return np.asarray(array[selection])


def arrays(folder: Path) -> dict[str, Any]:
    """Name -> the Zarr array, of which nothing is read yet.

    Raises:
        ValueError: for a store that no run writes, or a chunk larger than the machine's memory.
    """
    described = zarr_metadata.read_arrays(folder / ARRAYS)
    largest = max((array.n_bytes_at_once(EPOCH) for array in described.values()), default=0)
    if largest > memory():
        raise ValueError(
            f"expected chunks that fit into memory in {folder}, got {largest / 2**30:.0f} GiB"
        )
    try:
        return _open(folder, described, "r")
    except OSError:
        raise
    except Exception as error:  # metadata fail in several ways: a codec's options, a fill value
        raise ValueError(f"expected Zarr arrays in {folder}, got {one_line(error)}") from error


def attributes(folder: Path, group: str) -> dict[str, Any]:
    """The attributes of a group."""
    return zarr_metadata.read_attributes(folder / ARRAYS / group)


def groups(folder: Path) -> list[str]:
    """The names of the groups that hold arrays."""
    return sorted({name.partition("/")[0] for name in zarr_metadata.read_arrays(folder / ARRAYS)})


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
            files[path.relative_to(folder).as_posix()] = [path.stat().st_size, _sha(path)]
    check_chunks(folder, files)
    check_contents(folder)
    with replacing(folder / MANIFEST) as beside:
        beside.write_text(json.dumps({"facts": dict(facts), "files": files}, indent=1) + "\n")


def check_contents(folder: Path) -> None:
    """ValueError for a chunk that is damaged; one that is missing is not seen."""
    for name, array in arrays(folder).items():
        _read_chunks(array, name, folder)


def is_finished(folder: Path) -> bool:
    """Whether the store has a manifest."""
    return (folder / MANIFEST).is_file()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a finished store, whose files are there and as large as it says.

    Chunks have checksums of their own, which are looked at when they are read.

    Raises:
        ValueError: for a broken manifest, for a file that is missing, a link, or of another size,
            and for damaged metadata.
    """
    path = folder / MANIFEST
    try:
        plain = json.loads(path.read_text())
        facts = dict(plain["facts"])
        files = {str(name): (int(size), str(sha)) for name, (size, sha) in plain["files"].items()}
    except JSON_ERRORS as error:
        raise ValueError(f"expected a manifest in {path}, got: {one_line(error)}") from None
    real = folder.resolve()
    for name, (size, sha) in files.items():
        _check_path(name, path)
        there = folder / name
        if _size(there) != size or there.resolve() != real / name:
            raise ValueError(
                f"expected a file of {size} bytes as {there}, got none, a link, or another size"
            )
        if there.name == zarr_metadata.FILE and _sha(there) != sha:
            raise ValueError(f"{there} is damaged (its checksum does not hold)")
    check_chunks(folder, files)
    return Manifest(facts, files)


def check_chunks(folder: Path, files: Collection[str]) -> None:
    """ValueError where a chunk of an array is not among the files, which are named below the
    store's folder."""
    for name, array in zarr_metadata.read_arrays(folder / ARRAYS).items():
        grid = array.grid()
        prefix = f"{ARRAYS}/{name}/c"
        n_written = sum(file == prefix or file.startswith(f"{prefix}/") for file in files)
        if n_written != math.prod(grid):
            raise ValueError(
                f"expected {math.prod(grid)} chunks of {name} in {folder}, got {n_written}"
            )
        for index in np.ndindex(grid):
            if "/".join((prefix, *map(str, index))) not in files:
                raise ValueError(f"expected chunk {index} of {name} in {folder}, got none")


def damaged_files(folder: Path) -> list[str]:
    """The files of a finished store whose contents are not those that were written."""
    damaged = []
    for name, (_, sha) in read_manifest(folder).files.items():
        if _sha(folder / name) != sha:
            damaged.append(name)
    return damaged


def check_rows(
    folder: Path,
    names: Iterable[str],
    n_rows: int,
    n_kept: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Checks that no array, and no chunk of the rows before a checkpoint, is missing.

    Args:
        folder: of the store.
        names: of its arrays.
        n_rows: how many rows [S, epoch, ...] were written.
        n_kept: of groups that have rows of their own, how many.

    Raises:
        ValueError: where one is.
    """
    there = arrays(folder)
    gone = sorted(set(names) - set(there))
    if gone:
        raise ValueError(f"{folder / ARRAYS / gone[0]} is missing: {_again(folder)}")
    for name, array in there.items():
        dims = array.metadata.dimension_names or ()
        if dims[:2] != ("seed", "epoch") or name.endswith("/trust"):
            continue
        written = n_kept.get(name.partition("/")[0], n_rows)
        for i in range(-(-written // array.chunks[EPOCH])):
            key = "/".join(["c", "0", str(i), *["0"] * (array.ndim - 2)])
            if not (folder / ARRAYS / name / key).is_file():
                raise ValueError(f"{folder / ARRAYS / name} lacks rows: {_again(folder)}")


@contextmanager
def naming(path: Any) -> Iterator[None]:
    """ValueError that names the array where reading a chunk of it fails."""
    try:
        yield
    except (OSError, MemoryError, RuntimeError):  # no thread could be started, say
        raise
    except Exception as error:  # a broken chunk fails in several ways: crc32c, zstd, its size
        raise ValueError(f"{path} is damaged ({one_line(error)})") from error


def one_line(error: BaseException) -> str:
    """An error's words on one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _again(folder: Path) -> str:
    return f"remove {folder} to start this block again"


def _naming(folder: Path, name: str) -> AbstractContextManager[None]:
    return naming(folder / ARRAYS / name)


def _check_path(name: str, path: Path) -> None:
    """ValueError for a name that leads out of the store's folder."""
    parts = Path(name).parts
    if Path(name).is_absolute() or ".." in parts or parts[:1] != (ARRAYS,):
        raise ValueError(f"expected files below {ARRAYS} in {path}, got {name[:200]!r}")


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _size(path: Path) -> int | None:
    """The bytes of a file, None where there is none."""
    try:
        return path.stat().st_size if path.is_file() else None
    except (OSError, ValueError):  # a name that the system does not take
        return None


def _read_chunks(array: Any, name: str, folder: Path) -> None:
    """Reads what is written of an array, chunk by chunk: a damaged one raises."""
    if array.ndim <= EPOCH:
        read(folder, name)
    places = [path.name for path in (folder / ARRAYS / name / "c" / "0").glob("*")]
    for place in sorted(int(place) for place in places if place.isdecimal()):
        first = place * array.chunks[EPOCH]
        with _naming(folder, name):
            array[:, first : first + array.chunks[EPOCH]]


def _open(folder: Path, names: Iterable[str], mode: Literal["r", "r+"]) -> dict[str, Any]:
    """The Zarr arrays of these names, whose chunks are decoded into their own size at most."""
    import zarr

    from jaxbnn.storage.bounded_zstd import bounded

    with bounded():
        root = zarr.open_group(folder / ARRAYS, mode=mode, zarr_format=3, use_consolidated=False)
        return {name: root[name] for name in names}


def _compressors() -> list[Any]:
    from zarr.codecs import Crc32cCodec, ZstdCodec

    return [ZstdCodec(level=LEVEL), Crc32cCodec()]
