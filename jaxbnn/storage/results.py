"""A run's result: its finished blocks as one lazy xarray.Dataset."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxbnn.files.atomic import replacing, reserve
from jaxbnn.files.limits import memory
from jaxbnn.storage import array_store, run_folder, schema, zarr_metadata
from jaxbnn.storage.array_store import one_line
from jaxbnn.storage.lazy_rows import SeedRows

DATA = "data_sha256"  # the fact of a block's manifest that names its data
SETTINGS = "settings"  # the fact that says under which settings of JAX and XLA
SHARED = {"digest": "experiment", DATA: "data set", SETTINGS: "set of JAX's and XLA's settings"}
VERSION = 6  # of a block's layout, and of the arithmetic that its numbers come from
OLD_RESULT = "result.nc"  # what version 0.1 wrote


class FinishedBlock(NamedTuple):
    """A block whose results are complete."""

    folder: Path
    seeds: tuple[int, ...]
    facts: Mapping[str, Any]  # its manifest's


def open_result(folder: str | Path, probe: str | None = None) -> Any:
    """A run's result. Nothing but its coordinates is read until a variable is asked for.

    Args:
        folder: the run's, OUT/<name>/<digest>.
        probe: a further probe's name, or "<probe>_unit_counts" or "<probe>_activations" for what it
            has kept. Without one: the first probe, with the curves of training.

    Returns:
        An xarray.Dataset with the variables of docs/result.md, the seeds of all finished blocks
        in rising order.

    Raises:
        ValueError: for a folder without finished blocks, of another version, with blocks of
            different data, or with a block whose files are missing; for an unknown probe.
    """
    folder = Path(folder)
    if is_finished_study(folder):
        with _refusing(folder):
            return _open_study(folder)
    blocks = finished_blocks(folder)
    if not blocks:
        raise ValueError(
            f"expected a finished run's folder, got {folder}: {_what_is_there(folder)}"
        )
    known = array_store.groups(blocks[0].folder)
    main = str(blocks[0].facts["main"])
    group = main if probe is None else probe
    if group not in known:
        raise ValueError(f"expected a probe among {', '.join(known)}, got {probe!r}")
    with _refusing(folder):
        return _dataset(blocks, group)


def finished_blocks(folder: Path) -> list[FinishedBlock]:
    """The finished blocks of a run, each checked for its files.

    Raises:
        ValueError: for a damaged block, and for blocks of different experiments, data or settings.
    """
    blocks = []
    for block in run_folder.block_folders(folder):
        if not array_store.is_finished(block):
            continue
        facts = array_store.read_manifest(block).facts
        _check_facts(facts, block)
        blocks.append(FinishedBlock(block, tuple(facts["seeds"]), facts))
    for fact, words in SHARED.items():
        found = {repr(block.facts.get(fact)) for block in blocks}
        if len(found) > 1:
            raise ValueError(f"expected blocks of one {words} in {folder}, got {len(found)}")
    return blocks


def finished_seeds(
    folder: Path, checksum: str | None = None, settings: Mapping[str, str] | None = None
) -> tuple[int, ...]:
    """The seeds whose results are complete, rising.

    Args:
        folder: the run's; it need not exist.
        checksum: of the data they must have been made with.
        settings: of JAX and XLA they must have been made under.

    Raises:
        ValueError: for a result of version 0.1, of other data, or with a damaged block.
    """
    refuse_old(folder)
    seeds: set[int] = set()
    for block in finished_blocks(folder):
        if checksum not in (None, block.facts[DATA]):
            raise ValueError(
                f"{folder} holds results of other data (sha256 {str(block.facts[DATA])[:12]}, now "
                f"{str(checksum)[:12]}): give back the data it was made with, or another --out"
            )
        if settings is not None:
            _check_settings(block, settings)
        seeds |= set(block.seeds)
    return tuple(sorted(seeds))


def _check_settings(block: FinishedBlock, settings: Mapping[str, str]) -> None:
    """ValueError for a block that was made under other settings of JAX or XLA."""
    before = block.facts.get(SETTINGS)
    if before == dict(settings):
        return
    known = before if isinstance(before, dict) else {}
    changed = [name for name in settings if known.get(name) != settings[name]]
    pairs = [f"{name} {known.get(name)!r}, now {settings[name]!r}" for name in changed]
    raise ValueError(
        f"{block.folder} was made under other settings ({'; '.join(pairs)}): its seeds are not "
        "comparable with new ones; give back the settings, or another --out"
    )


def refuse_old(folder: Path) -> None:
    """ValueError for a run that version 0.1 of jaxbnn has made."""
    ours = is_finished_study(folder) or bool(run_folder.block_folders(folder))
    if (folder / OLD_RESULT).exists() and not ours:  # ours may have been exported to that name
        raise ValueError(
            f"{folder} was made by jaxbnn 0.1, whose results this version does not read: "
            "run the experiment again, or read it with jaxbnn 0.1"
        )


def write_study(
    folder: Path,
    variables: Mapping[str, tuple[tuple[str, ...], np.ndarray, Mapping[str, Any]]],
    coordinates: Mapping[str, Sequence[Any]],
    attributes: Mapping[str, Any],
) -> None:
    """The result of a study of samples, as one finished store in its folder.

    Args:
        folder: the study's.
        variables: name -> (dimensions, values, attributes).
        coordinates: dimension -> its values, numbers or text.
        attributes: of the whole.
    """
    group = "samples"
    specs = {}
    for name, (dims, values, about) in variables.items():
        spec = array_store.ArraySpec(values.shape, str(values.dtype), dims, _plain(about))
        specs[f"{group}/{name}"] = spec
    plain = {key: np.asarray(values).tolist() for key, values in coordinates.items()}
    about = {"coordinates": plain, "attributes": _plain(attributes)}
    array_store.create(folder, specs, {group: about})
    array_store.write_whole(folder, {f"{group}/{name}": v[1] for name, v in variables.items()})
    array_store.finish(folder, {"group": group, "version": VERSION})


def is_finished_study(folder: Path) -> bool:
    """Whether a study of samples has its result in the folder."""
    return array_store.is_finished(folder)


def export(folder: str | Path, target: str | Path) -> None:
    """Writes a run's result as one netCDF 4 file: the first probe in the root, each further one and
    what was kept as a group.

    Raises:
        ValueError: for a target that exists, or whose name does not end in .nc.
        ImportError: where h5netcdf is not installed (`pip install 'jaxbnn[export]'`).
    """
    folder = Path(folder)
    target = Path(target)
    if target.suffix != ".nc" or target.exists():
        problem = "a file that exists" if target.exists() else f"{target.name!r}"
        raise ValueError(f"expected a new file that ends in .nc, got {problem}: {target}")
    if not target.parent.is_dir():
        raise ValueError(f"expected a folder that exists for {target.name}, got {target.parent}")
    _check_exporter()
    blocks = finished_blocks(folder)
    main = None if not blocks else str(blocks[0].facts["main"])
    names = [] if not blocks else array_store.groups(blocks[0].folder)
    further = [name for name in names if name != main]
    reserve(target, sum(_size(block.folder) for block in blocks))
    with replacing(target) as beside:
        for name in (None, *further):
            dataset = open_result(folder, name)
            encoding = {variable: {"zlib": True} for variable in dataset.data_vars}
            mode = "a" if beside.exists() else "w"
            dataset.to_netcdf(beside, engine="h5netcdf", group=name, mode=mode, encoding=encoding)


def _check_exporter() -> None:
    try:
        import h5netcdf  # noqa: F401
    except ImportError:
        raise ImportError(
            "expected h5netcdf, which writes netCDF: pip install 'jaxbnn[export]'"
        ) from None


@contextmanager
def _refusing(folder: Path) -> Iterator[None]:
    """ValueError where a store has manifest and arrays, but not what a result needs."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        words = f"{type(error).__name__}: {one_line(error)}"
        raise ValueError(f"expected a result of jaxbnn in {folder}, got {words}") from error


def _what_is_there(folder: Path) -> str:
    refuse_old(folder)
    if not (folder / run_folder.CONFIG).is_file():
        return f"it has no {run_folder.CONFIG}"
    return "none of its blocks is finished, the same run command goes on"


def _check_facts(facts: Mapping[str, Any], block: Path) -> None:
    """ValueError for a manifest that lacks what a result needs."""
    seeds = facts.get("seeds")
    has_all = facts.get("version") == VERSION and DATA in facts and "main" in facts
    if not has_all or not run_folder.are_seeds(seeds):
        raise ValueError(
            f"expected a block of version {VERSION} in {block}, got another: remove it to run its "
            "seeds again"
        )
    if tuple(seeds) != run_folder.seeds_of(block):
        raise ValueError(
            f"expected in {block / array_store.MANIFEST} the seeds of {run_folder.SEEDS}, got "
            f"others: remove {block} to run its seeds again"
        )


def _dataset(blocks: Sequence[FinishedBlock], group: str) -> Any:
    import xarray

    first = blocks[0]
    rows = sorted((seed, i, row) for i, b in enumerate(blocks) for row, seed in enumerate(b.seeds))
    order = _first_of_each(rows)
    stores = [array_store.arrays(block.folder) for block in blocks]
    _check_alike(blocks, stores)
    about = array_store.attributes(first.folder, group)
    coordinates = {"seed": np.array([seed for seed, _, _ in order], np.int64)}
    for name, values in about["coordinates"].items():
        coordinates[name] = np.array(values, dtype=object if name == "layer" else np.int64)
    places = [(block, row) for _, block, row in order]
    variables = {}
    names = [path.partition("/")[2] for path in stores[0] if path.startswith(f"{group}/")]
    for name in sorted(names, key=schema.position):
        parts = [store[f"{group}/{name}"] for store in stores]
        variables |= _variables(name, parts, places)
    return xarray.Dataset(variables, coordinates, dict(about["attributes"]))


def _check_alike(blocks: Sequence[FinishedBlock], stores: Sequence[Mapping[str, Any]]) -> None:
    """ValueError unless each block holds the first one's arrays, with a row for each seed."""
    first = {name: (array.dtype, array.shape[1:]) for name, array in stores[0].items()}
    for block, store in zip(blocks, stores, strict=True):
        own = {name: (array.dtype, array.shape[1:]) for name, array in store.items()}
        rows = {array.shape[:1] for array in store.values()}
        if own != first or rows != {(len(block.seeds),)}:
            raise ValueError(
                f"expected in {block.folder} the arrays of {blocks[0].folder} for "
                f"{len(block.seeds)} seeds, got others"
            )


def _first_of_each(rows: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """(seed, block, row) of each seed once: of a seed in two blocks the first counts."""
    first: dict[int, tuple[int, int, int]] = {}
    for row in rows:
        first.setdefault(row[0], row)
    return list(first.values())


def _variables(array: str, parts: Sequence[Any], places: Sequence[tuple[int, int]]) -> dict:
    """The variables that a stored array holds, by name."""
    import xarray

    described = schema.columns(array)
    if not described:
        lazy = SeedRows(parts, places).lazy()
        return {array: xarray.Variable(parts[0].metadata.dimension_names, lazy, parts[0].attrs)}
    variables = {}
    axis = 3 if array == schema.SPECTRA else -1
    for i, variable in enumerate(described):
        lazy = SeedRows(parts, places, i, axis, np.dtype(variable.dtype)).lazy()
        about = schema.attributes(variable)
        variables[variable.name] = xarray.Variable(variable.dims, lazy, about)
    if array == schema.SAMPLE:
        n_labels = parts[0].shape[-1] - len(described)
        lazy = SeedRows(parts, places, slice(len(described), None), -1, np.dtype(np.int64)).lazy()
        about = schema.attributes(schema.CLASS_SIZE)
        if n_labels:
            variables["class_size"] = xarray.Variable(schema.CLASS_SIZE.dims, lazy, about)
    return variables


def _open_study(folder: Path) -> Any:
    import xarray

    manifest = array_store.read_manifest(folder)
    size = _size(folder)
    if size > memory():
        raise ValueError(
            f"expected a study that fits into memory in {folder}, got {size / 2**30:.0f} GiB"
        )
    group = str(manifest.facts.get("group"))
    about = array_store.attributes(folder, group)
    variables = {}
    for path, array in array_store.arrays(folder).items():
        name = path.partition("/")[2]
        variables[name] = xarray.Variable(
            array.metadata.dimension_names, array_store.read(folder, path), dict(array.attrs)
        )
    coordinates = {}
    for name, values in about["coordinates"].items():
        coordinates[name] = np.array(values, dtype=object if isinstance(values[0], str) else None)
    return xarray.Dataset(variables, coordinates, dict(about["attributes"]))


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as JSON values."""
    plain = {}
    for key, value in attributes.items():
        plain[key] = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    return plain


def _size(folder: Path) -> int:
    """Bytes of a block's arrays before compression."""
    described = zarr_metadata.read_arrays(folder / array_store.ARRAYS)
    return sum(array.n_bytes() for array in described.values())
