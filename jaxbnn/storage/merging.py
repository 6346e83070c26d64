"""Parts of a result, each of some seeds, and how they become one netCDF file: never all open, none
whole in memory.

A part is plain HDF5, whose datasets name their dimensions in an attribute: h5py writes it many
times as fast as netCDF.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxbnn.files.atomic import replacing, reserve
from jaxbnn.storage.hdf5 import DIMENSIONS, SAMPLE, check

AT_ONCE = 2**24  # values copied at once
SEED, ROOT = "seed", "/"
NO_VARIABLE = (
    b"This is a netCDF dimension but not a netCDF variable"  # what netCDF calls such a dataset
)

Move = Mapping[
    str, tuple[int, int, int]
]  # dimension -> the first and one past the last in a source, the first's place


class Encoded(NamedTuple):
    """A variable as netCDF has it: no booleans, text as objects."""

    dims: tuple[str, ...]
    values: np.ndarray
    attributes: Mapping[str, Any]


class Plan(NamedTuple):
    """How the sources' seeds, and the ragged entries that follow them, come into one group."""

    dimensions: Mapping[
        str, str
    ]  # of what is copied: variable -> "seed", or the dimension of its entries
    moves: Sequence[Sequence[Move]]  # of each source: its runs of seeds that stay neighbours
    sizes: Mapping[str, int]  # of these dimensions in the whole


def write_part(
    path: Path, groups: Mapping[str, tuple[Mapping[str, Encoded], Mapping[str, Any]]]
) -> None:
    """A part: group ("/" is the root) -> its variables, and its attributes."""
    import h5py

    every = [variable for variables, _ in groups.values() for variable in variables.values()]
    reserve(path, sum(each.values.nbytes for each in every) + 2**12 * len(every))
    with replacing(path) as beside, h5py.File(beside, "w") as file:
        for name, (variables, attributes) in groups.items():
            group = file.require_group(name)
            group.attrs.update(attributes)
            for each, (dims, values, about) in variables.items():
                dtype = h5py.string_dtype() if values.dtype == object else values.dtype
                group.create_dataset(each, data=values, dtype=dtype).attrs.update(
                    {**about, DIMENSIONS: list(dims)}
                )


def merge(before: Path | None, parts: Sequence[Path], target: Path) -> None:
    """A netCDF file of the seeds of an earlier one and of parts, rising; of a seed in two of them
    the first counts.

    ValueError where they differ in groups, variables or fixed dimensions. What has dimension "seed"
    in front is copied in runs of neighbouring seeds; ragged entries follow their seed; the rest is
    the first part's.
    """
    import h5netcdf
    import h5py

    sources = [*([before] if before else []), *parts]
    for source in sources:
        check(source)
    reserve(target, sum(source.stat().st_size for source in sources))
    with replacing(target) as beside:
        with h5py.File(parts[0], "r") as model, h5netcdf.File(beside, "w") as whole:
            names = [ROOT, *(name for name, each in model.items() if isinstance(each, h5py.Group))]
            _check_alike(sources, model, names)
            plans = {name: _plan(sources, model[name]) for name in names}
            for name, plan in plans.items():
                _create(whole if name == ROOT else whole.create_group(name), model[name], plan)
        with h5py.File(beside, "r+") as whole:
            for number, source in enumerate(sources):
                with h5py.File(source, "r") as part:
                    for name, plan in plans.items():
                        _copy(part[name], whole[name], plan, plan.moves[number])


def _variables(group) -> dict[str, Any]:
    """The variables of a group of a netCDF file or a part: name -> dataset."""
    import h5py

    datasets = {name: each for name, each in group.items() if isinstance(each, h5py.Dataset)}
    return {
        name: each
        for name, each in datasets.items()
        if not each.attrs.get("NAME", b"").startswith(NO_VARIABLE)
    }


def _check_alike(sources, model, names):
    """ValueError where sources differ in more than their seeds and entries."""
    import h5py

    ours = _layout(model, names, model)
    for source in sources:
        with h5py.File(source, "r") as file:
            theirs = _layout(
                file,
                [ROOT, *(n for n, each in file.items() if isinstance(each, h5py.Group))],
                model,
            )
        if ours != theirs:
            differ = ", ".join(sorted({name for name, _ in ours ^ theirs})[:5])
            raise ValueError(
                f"expected results of one version and experiment, got some that differ in {differ}"
            )


def _layout(file, names, model):
    """(group and variable, the shape without what grows with the seeds) of each variable of a
    file."""
    every = {
        (name, each): dataset for name in names for each, dataset in _variables(file[name]).items()
    }
    moved = {
        (name, each) for name, each in every if name in model and _moves(model[name].get(each))
    }
    return {
        (f"{name}/{each}".lstrip("/"), d.shape[(name, each) in moved :])
        for (name, each), d in every.items()
    }


def _moves(dataset):
    """Whether a variable of a part is copied seed by seed, or entry by entry."""
    first = "" if dataset is None else next(iter(dataset.attrs[DIMENSIONS]), "")
    return first == SEED or first.endswith("_entry")


def _plan(sources, model):
    """The plan of a group of the first part."""
    variables = _variables(model)
    ragged = {each.attrs[SAMPLE]: name for name, each in variables.items() if SAMPLE in each.attrs}
    dimensions = {
        name: each.attrs[DIMENSIONS][0] for name, each in variables.items() if _moves(each)
    }
    known = [_seeds_and_ends(source, model.name, dimensions, ragged) for source in sources]
    where = {}
    for number, (seeds, _) in enumerate(known):
        for i, seed in enumerate(seeds):
            where.setdefault(seed, (number, i))
    order = [where[seed] for seed in sorted(where)]
    moves, sizes = [[] for _ in sources], dict.fromkeys((SEED, *ragged), 0)
    for (number, _), neighbours in itertools.groupby(
        enumerate(order), key=lambda pair: (pair[1][0], pair[1][1] - pair[0])
    ):
        run = [i for _, (_, i) in neighbours]
        ends = {SEED: range(len(known[number][0]) + 1)} | known[number][1]
        move = {d: (int(of[run[0]]), int(of[run[-1] + 1]), sizes[d]) for d, of in ends.items()}
        moves[number].append(move)
        sizes = {d: place + stop - start for d, (start, stop, place) in move.items()}
    return Plan(dimensions, moves, sizes)


def _seeds_and_ends(source, name, dimensions, ragged):
    """A source's seeds, and of each ragged dimension where the first seeds' entries end, from none
    of them to all.

    ValueError where the sizes do not add up to the entries there are.
    """
    import h5py

    with h5py.File(source, "r") as file:
        group: Any = file[name]
        seeds = np.asarray(group[SEED]).tolist()
        sizes = {
            dimension: np.asarray(group[size]).reshape(len(seeds), -1)
            for dimension, size in ragged.items()
        }
        there = {
            (each, dimension): len(group[each])
            for each, dimension in dimensions.items()
            if dimension in ragged
        }
    for (each, dimension), n in there.items():
        if (sizes[dimension] < 0).any() or sizes[dimension].sum() != n:
            raise ValueError(
                f"expected {sizes[dimension].sum()} entries of {each}, got {n} in {source}"
            )
    return seeds, {
        dimension: np.cumsum([0, *each.sum(axis=1)]) for dimension, each in sizes.items()
    }


def _create(group, model, plan):
    """Makes a group like the first part's, of the whole's sizes, with all that is not copied seed
    by seed."""
    import h5py

    variables = _variables(model)
    pairs = (zip(each.attrs[DIMENSIONS], each.shape, strict=True) for each in variables.values())
    for dimension, size in dict(itertools.chain(*pairs)).items():
        group.dimensions[dimension] = plan.sizes.get(dimension, size)
    group.attrs.update(dict(model.attrs))
    for name, each in variables.items():
        dtype = h5py.string_dtype() if each.dtype == object else each.dtype
        fill = each.attrs.get("_FillValue")
        made = group.create_variable(name, tuple(each.attrs[DIMENSIONS]), dtype, fillvalue=fill)
        made.attrs.update(
            {k: v for k, v in each.attrs.items() if k not in ("_FillValue", DIMENSIONS)}
        )
        if name not in plan.dimensions:
            made[...] = each.asstr()[...] if each.dtype == object else each[...]


def _copy(part, whole, plan, moves):
    """Copies a source's runs of seeds into the whole."""
    for name, dimension in plan.dimensions.items():
        source, target = part[name], whole[name]
        step = max(1, AT_ONCE // max(1, math.prod(target.shape[1:])))
        for start, stop, place in (move[dimension] for move in moves):
            for at in range(start, stop, step):
                end = min(at + step, stop)
                target[place + at - start : place + end - start] = source[at:end]
