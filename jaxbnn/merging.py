"""netCDF files of some seeds each, put together into one of all: never all of them open, none whole in memory."""

import math
import shutil
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxbnn.files import replacing, reserve
from jaxbnn.netcdf import SAMPLE, check

AT_ONCE = 2**24  # values copied at once
SEED = "seed"

Move = Mapping[str, tuple[int, int, int]]  # dimension -> the first and one past the last in a source, the first's place


class Plan(NamedTuple):
    """How the sources' seeds, and the ragged entries that follow them, come into one group."""

    dimensions: Mapping[str, str]  # of what is copied: variable -> "seed", or the dimension of its entries
    moves: Sequence[Sequence[Move]]  # of each source: its runs of seeds that stay neighbours
    sizes: Mapping[str, int]  # of these dimensions in the whole


def merge(sources: Sequence[Path], target: Path) -> None:
    """One file of the seeds of several, rising; of a seed in two sources the first counts.

    ValueError where they differ in groups, variables or fixed dimensions. What has dimension "seed" in front is copied
    in runs of neighbouring seeds; ragged entries follow their seed; the rest is the first source's.
    """
    import h5netcdf
    import h5py

    for source in sources:
        check(source)
    reserve(target, sum(source.stat().st_size for source in sources))
    with replacing(target) as beside:
        if len(sources) == 1:
            shutil.copyfile(sources[0], beside)
            return
        with h5netcdf.File(sources[0], "r") as first, h5netcdf.File(beside, "w") as whole:
            models = {"/": first, **first.groups}
            _check_alike(sources, models)
            plans = {name: _plan(sources, name, model) for name, model in models.items()}
            for name, model in models.items():
                _create(whole if name == "/" else whole.create_group(name), model, plans[name])
        with h5py.File(beside, "r+") as whole:  # h5py's reading and writing is many times as fast
            for number, source in enumerate(sources):
                with h5py.File(source, "r") as part:
                    for name, plan in plans.items():
                        _copy(part[name], whole[name], plan, plan.moves[number])


def _check_alike(sources, models):
    """ValueError where sources differ in more than their seeds and entries."""
    fixed = {name for model in models.values() for name in model.dimensions if not _moves(name)}
    ours = _layout(sources[0], fixed)
    for source in sources[1:]:
        differ = ours ^ _layout(source, fixed)
        if differ:
            names = ", ".join(sorted({name for name, _ in differ})[:5])
            raise ValueError(f"expected results of one version and experiment, got some that differ in {names}")


def _moves(dimension):
    return dimension == SEED or dimension.endswith("_entry")


def _layout(source, fixed):
    """The names in a file, those of fixed dimensions with their sizes: each dimension is a dataset, too."""
    import h5py

    def layout(name, each):
        is_fixed = isinstance(each, h5py.Dataset) and name.split("/")[-1] in fixed
        found.add((name, each.size if is_fixed else None))

    found = set()
    with h5py.File(source, "r") as file:
        file.visititems(layout)
    return found


def _plan(sources, name, model):
    """The plan of a group; model: the first source's."""
    ragged = {v.attrs[SAMPLE]: size for size, v in model.variables.items() if SAMPLE in v.attrs}
    dimensions = {name: v.dimensions[0] for name, v in model.variables.items() if v.dimensions[:1]}
    known = [_seeds_and_ends(source, name, dimensions, ragged) for source in sources]
    where = {}
    for number, (seeds, _) in enumerate(known):
        for i, seed in enumerate(seeds):
            where.setdefault(seed, (number, i))
    order = [where[seed] for seed in sorted(where)]
    moves, sizes = [[] for _ in sources], dict.fromkeys((SEED, *ragged), 0)
    for (number, _), neighbours in groupby(enumerate(order), key=lambda pair: (pair[1][0], pair[1][1] - pair[0])):
        run = [i for _, (_, i) in neighbours]
        ends = {SEED: range(len(known[number][0]) + 1)} | known[number][1]
        move = {d: (int(of[run[0]]), int(of[run[-1] + 1]), sizes[d]) for d, of in ends.items()}
        moves[number].append(move)
        sizes = {d: place + stop - start for d, (start, stop, place) in move.items()}
    return Plan({name: d for name, d in dimensions.items() if d in sizes}, moves, sizes)


def _seeds_and_ends(source, name, dimensions, ragged):
    """A source's seeds, and of each ragged dimension where the first seeds' entries end, from none of them to all.

    ValueError where the sizes do not add up to the entries there are.
    """
    import h5py

    with h5py.File(source, "r") as file:
        group: Any = file[name]
        seeds = np.asarray(group[SEED]).tolist()
        sizes = {dimension: np.asarray(group[size]).reshape(len(seeds), -1) for dimension, size in ragged.items()}
        there = {(each, dimension): len(group[each]) for each, dimension in dimensions.items() if dimension in ragged}
    for (each, dimension), n in there.items():
        if (sizes[dimension] < 0).any() or sizes[dimension].sum() != n:
            raise ValueError(f"expected {sizes[dimension].sum()} entries of {each}, got {n} in {source}")
    return seeds, {dimension: np.cumsum([0, *each.sum(axis=1)]) for dimension, each in sizes.items()}


def _create(group, model, plan):
    """Makes a group like the first source's, of the whole's sizes, with all that is not copied seed by seed."""
    for name, dimension in model.dimensions.items():
        group.dimensions[name] = plan.sizes.get(name, dimension.size)
    group.attrs.update(dict(model.attrs))
    for name, variable in model.variables.items():
        fill = variable.attrs.get("_FillValue")
        made = group.create_variable(name, variable.dimensions, variable.dtype, fillvalue=fill)
        made.attrs.update({k: v for k, v in variable.attrs.items() if k != "_FillValue"})
        if name not in plan.dimensions:
            made[...] = variable[...]


def _copy(part, whole, plan, moves):
    """Copies a source's runs of seeds into the whole."""
    for name, dimension in plan.dimensions.items():
        source, target = part[name], whole[name]
        step = max(1, AT_ONCE // max(1, math.prod(target.shape[1:])))
        for start, stop, place in (move[dimension] for move in moves):
            for at in range(start, stop, step):
                end = min(at + step, stop)
                target[place + at - start : place + end - start] = source[at:end]
