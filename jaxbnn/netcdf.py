"""netCDF files that grow: rows appended to a block's file, which is never whole in memory.

A ragged variable follows the CF convention: `<name>_size` counts each point's entries, its attribute `sample_dimension`
names the dimension along which the entries of all points stand one after another.
"""

import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxbnn.files import memory, replacing, reserve

SAMPLE = "sample_dimension"
CHUNK = 2**14  # bytes by which a variable that grows may become larger than its values: HDF5 writes whole chunks


def check(path: Path) -> None:
    """ValueError for an HDF5 file that no run writes: that leads outside itself, or holds more than memory does."""
    import h5py

    with h5py.File(path, "r") as file:
        groups = [file, *(each for each in _members(file) if isinstance(each, h5py.Group))]
        datasets = [each for group in groups for each in _members(group) if isinstance(each, h5py.Dataset)]
        if any(isinstance(each, h5py.Group) for group in groups[1:] for each in _members(group)):
            raise ValueError(f"expected groups of one level in {path}, got deeper ones")
        if any(each.is_virtual or each.external for each in datasets):
            raise ValueError(f"expected a file that holds its own data in {path}, got one that reads other files")
        size = sum(math.prod(each.shape or ()) * each.dtype.itemsize for each in datasets)
    if size > memory():
        raise ValueError(f"expected variables that fit into memory in {path}, got {size / 2**30:.0f} GiB")


def head(path: Path) -> tuple[list[str], dict[str, Any], np.ndarray]:
    """The names in a file's root group, its attributes, and its seeds, none where it has no such variable."""
    import h5py

    check(path)
    with h5py.File(path, "r") as file:
        seeds = np.asarray(file["seed"]) if "seed" in file else np.empty(0)
        return list(file), dict(file.attrs), seeds


def _members(group):
    """What a group holds; ValueError for a link, which may lead anywhere."""
    import h5py

    links = {name: group.get(name, getlink=True) for name in group}
    for name, link in links.items():
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"expected no links in {group.file.filename}, got {name!r}")
    return [group[name] for name in links]


def append(path: Path, row: int, groups: Mapping[str, Mapping[str, tuple[tuple[str, ...], np.ndarray]]]) -> None:
    """Writes group -> name -> (dimensions, values) behind the first `row` rows of a file, and drops what stood there.

    Dimension "row" grows, and so does every dimension that ends in "_entry": their entries belong to rows, in order, by
    the variable of the same name with "_size" for "_entry". Other dimensions are fixed.
    """
    import h5netcdf

    there = path.stat().st_size if path.is_file() else 0
    new = [np.asarray(values).nbytes for variables in groups.values() for _, values in variables.values()]
    reserve(path, there + 2 * sum(new) + CHUNK * len(new))
    with replacing(path) as beside:
        if path.is_file():
            check(path)
            shutil.copyfile(path, beside)
        with h5netcdf.File(beside, "a") as file:
            for name, variables in groups.items():
                group = file.groups[name] if name in file.groups else _new_group(file, name, variables)
                if row > group.dimensions["row"].size:
                    got = group.dimensions["row"].size
                    raise ValueError(f"expected {row} rows in {path}, got {got}: remove {path.parent} to go on")
                starts = {d: row if d == "row" else _entries_before(group, d, row) for d in _growing(variables)}
                for each, (dimensions, values) in variables.items():
                    _write_behind(group, each, dimensions, np.asarray(values), starts)


def rows(path: Path, until: int) -> dict[str, dict[str, np.ndarray]]:
    """Group -> name -> the values of the first `until` rows of a file made by `append`."""
    import h5netcdf

    check(path)
    with h5netcdf.File(path, "r") as file:
        return {
            name: {each: _first(group, each, until) for each in group.variables} for name, group in file.groups.items()
        }


def _new_group(file, name, variables):
    group = file.create_group(name)
    for dimensions, values in variables.values():
        for dimension, size in zip(dimensions, np.shape(values), strict=True):
            if dimension not in group.dimensions:
                group.dimensions[dimension] = None if _grows(dimension) else size
    for each, (dimensions, values) in variables.items():
        # fletcher32: a damaged chunk raises when it is read
        variable = group.create_variable(each, dimensions, np.asarray(values).dtype, fletcher32=True)
        if each.endswith("_size"):
            variable.attrs[SAMPLE] = each.removesuffix("_size") + "_entry"
    return group


def _grows(dimension):
    return dimension == "row" or dimension.endswith("_entry")


def _growing(variables):
    return {dimension for dimensions, _ in variables.values() for dimension in dimensions if _grows(dimension)}


def _entries_before(group, dimension, row):
    return int(group.variables[dimension.removesuffix("_entry") + "_size"][:row].sum()) if row else 0


def _write_behind(group, name, dimensions, values, starts):
    start = starts[dimensions[0]]
    group.resize_dimension(dimensions[0], start + len(values))
    group.variables[name][start : start + len(values)] = values


def _first(group, name, until):
    variable = group.variables[name]
    dimension = variable.dimensions[0]
    return variable[: until if dimension == "row" else _entries_before(group, dimension, until)]
