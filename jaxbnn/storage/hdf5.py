"""HDF5 files that may be a stranger's: checked before anything of them is read."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from jaxbnn.files.atomic import memory

DIMENSIONS = "dimensions"  # the attribute by which a dataset of our own files names its axes
SAMPLE = "sample_dimension"  # CF's attribute of a variable of sizes: the dimension along which their entries stand


def check(path: Path) -> None:
    """ValueError for an HDF5 file that no run writes: that leads outside itself, or holds more than
    memory does."""
    import h5py

    with h5py.File(path, "r") as file:
        groups = [file, *(each for each in _members(file) if isinstance(each, h5py.Group))]
        datasets = [
            each for group in groups for each in _members(group) if isinstance(each, h5py.Dataset)
        ]
        if any(isinstance(each, h5py.Group) for group in groups[1:] for each in _members(group)):
            raise ValueError(f"expected groups of one level in {path}, got deeper ones")
        if any(each.is_virtual or each.external for each in datasets):
            raise ValueError(
                f"expected a file that holds its own data in {path}, got one that reads other files"
            )
        size = sum(math.prod(each.shape or ()) * each.dtype.itemsize for each in datasets)
    if size > memory():
        raise ValueError(
            f"expected variables that fit into memory in {path}, got {size / 2**30:.0f} GiB"
        )


def head(path: Path) -> tuple[list[str], dict[str, Any], np.ndarray]:
    """The names in a file's root group, its attributes, and its seeds, none where it has no such
    variable."""
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
