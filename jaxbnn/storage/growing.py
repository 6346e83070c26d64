"""HDF5 files that grow: rows appended to a block's file, which is never whole in memory.

Ragged variables are laid out as CF's: `<name>_size` counts each point's entries, and those of all
points stand one after another along the dimension `<name>_entry`.
"""

import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxbnn.files.atomic import replacing, reserve
from jaxbnn.storage.hdf5 import DIMENSIONS, check

CHUNK, INDEX = (
    2**14,
    2**13,
)  # bytes: HDF5 writes a variable in whole chunks, and what it knows of them
ROW = "row"


def append(
    path: Path, row: int, groups: Mapping[str, Mapping[str, tuple[tuple[str, ...], np.ndarray]]]
) -> None:
    """Writes group -> name -> (dimensions, values) behind the first `row` rows of a file, and drops
    what stood there.

    Each variable's first dimension grows: "row", or one that ends in "_entry", whose entries belong
    to rows, in order, by the variable of the same name with "_size" for "_entry".
    """
    import h5py

    there = path.stat().st_size if path.is_file() else 0
    new = [
        np.asarray(values).nbytes
        for variables in groups.values()
        for _, values in variables.values()
    ]
    reserve(path, there + 2 * sum(new) + (CHUNK + INDEX) * len(new))
    with replacing(path) as beside:
        if path.is_file():
            check(path)
            shutil.copyfile(path, beside)
        with h5py.File(beside, "a") as file:
            for name, variables in groups.items():
                group: Any = file[name] if name in file else _new_group(file, name, variables)
                starts = {each: _first(group, each, row) for each in variables}
                _check_there(group, starts, path)
                for each, (_, values) in variables.items():
                    group[each].resize(starts[each] + len(values), axis=0)
                    group[each][starts[each] :] = values


def rows(path: Path, until: int) -> dict[str, dict[str, np.ndarray]]:
    """Group -> name -> the values of the first `until` rows of a file made by `append`."""
    import h5py

    check(path)
    with h5py.File(path, "r") as file:
        return {
            name: {each: values[: _first(group, each, until)] for each, values in group.items()}
            for name, group in file.items()
        }


def _new_group(file, name, variables):
    group = file.create_group(name)
    for each, (dimensions, values) in variables.items():
        values = np.asarray(values)
        fixed = values.shape[1:]
        one = max(1, math.prod(fixed) * values.itemsize)
        sizes = {
            "shape": (0, *fixed),
            "maxshape": (None, *fixed),
            "chunks": (max(1, CHUNK // one), *fixed),
        }
        # fletcher32: a damaged chunk raises when it is read
        made = group.create_dataset(each, dtype=values.dtype, fletcher32=True, **sizes)
        made.attrs[DIMENSIONS] = list(dimensions)
    return group


def _check_there(group, starts, path):
    """ValueError where a variable has fewer entries than it starts behind."""
    for name, start in starts.items():
        if len(group[name]) < start:
            what = "rows" if group[name].attrs[DIMENSIONS][0] == ROW else f"entries of {name}"
            got = len(group[name])
            raise ValueError(
                f"expected {start} {what} in {path}, got {got}: remove {path.parent} to go on"
            )


def _first(group, name, n_rows):
    """How many entries of a variable's first dimension belong to the first `n_rows` rows."""
    dimension = group[name].attrs[DIMENSIONS][0]
    if dimension == ROW:
        return n_rows
    return int(group[dimension.removesuffix("_entry") + "_size"][:n_rows].sum())
