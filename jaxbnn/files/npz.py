"""Arrays by name in an .npz file: written whole, read only where they are plain and as large as
they say."""

import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from jaxbnn.files.atomic import replacing
from jaxbnn.files.limits import memory

HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def write(path: Path, arrays: Mapping[str, np.ndarray], compressed: bool = True) -> None:
    """An .npz of the arrays, which takes the path's place once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save = np.savez_compressed if compressed else np.savez
    by_name: dict[str, Any] = dict(arrays)
    with replacing(path) as beside, beside.open("wb") as file:
        save(file, **by_name)


def names(path: str | Path) -> list[str]:
    """The names of the arrays in an .npz."""
    with zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def read(path: str | Path, wanted: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an .npz by name, all of them or those wanted.

    Nothing is allocated for an array whose header and size disagree, or that memory cannot hold,
    and nothing is unpickled. ValueError for these and for a broken archive; FileNotFoundError where
    there is none.
    """
    try:
        wanted = names(path) if wanted is None else wanted
        with zipfile.ZipFile(path) as archive:
            total = sum(_size(archive, f"{name}.npy") for name in wanted)
        if total > memory():
            raise ValueError(f"expected arrays that fit into memory, got {total / 2**30:.0f} GiB")
        with np.load(path, allow_pickle=False) as archive:
            return {name: np.asarray(archive[name]) for name in wanted}
    except FileNotFoundError:
        raise
    except (
        Exception
    ) as error:  # a broken archive fails in a dozen ways: zip, zlib, npy header, encryption, memory
        raise ValueError(
            f"expected plain arrays in {path}, got {' '.join(str(error).split())[:200]}"
        ) from error


def _size(archive: zipfile.ZipFile, name: str) -> int:
    """The bytes of an array, which its header and the archive agree on."""
    with archive.open(name) as member:
        version = npy.read_magic(member)
        if version not in HEADERS:
            raise ValueError(
                f"expected an array of plain numbers as {name}, got .npy version {version}"
            )
        shape, _, dtype = HEADERS[version](member)
        if dtype.hasobject:
            raise ValueError(f"expected an array of plain numbers as {name}, got pickled objects")
        size, there = (
            math.prod(shape) * dtype.itemsize,
            archive.getinfo(name).file_size - member.tell(),
        )
    if size != there:
        raise ValueError(
            f"expected {size} bytes of {name}, for its shape is {list(shape)}, got {there}"
        )
    return size
