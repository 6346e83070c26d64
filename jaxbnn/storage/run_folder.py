"""A run's folder: config.json, result.nc, provenance.json, blocks/. The only file writing.

Every file and checkpoint is written beside its place and renamed into it, so what stands under its
name is whole.
"""

import errno
import fcntl
import hashlib
import importlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxbnn import config
from jaxbnn.config.experiment import Experiment
from jaxbnn.config.registry import Runnable
from jaxbnn.files import npz, tables
from jaxbnn.files.atomic import replacing, reserve
from jaxbnn.info.ragged import Ragged
from jaxbnn.storage import checkpoints, growing, hdf5, merging

PART, SPECTRA, SNAPSHOT = "part.h5", "spectra.h5", "epoch-{}.npz"
RESULT, CONFIG, PROVENANCE, BLOCKS = "result.nc", "config.json", "provenance.json", "blocks"
REPORT = "report.md"
DATA = "data_sha256"  # the attribute of a result that names its data
BLOCK_NAME = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")


class Variable(NamedTuple):
    """One variable of a result."""

    dims: tuple[str, ...]
    values: np.ndarray
    attributes: Mapping[str, Any] = {}


class Group(NamedTuple):
    """One group of a result: the main probe's is the root, each further probe has its own."""

    coordinates: Mapping[str, np.ndarray]
    variables: Mapping[str, Variable]
    attributes: Mapping[str, Any]


def folder_of(out: str | Path, experiment: Runnable) -> Path:
    """OUT/<name>/<digest>."""
    return Path(out) / experiment.name / config.digest(experiment)


def make_folder(folder: Path) -> None:
    """Makes a run's folder if need be. ValueError when it cannot be written."""
    try:
        (folder / BLOCKS).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"expected an output folder that can be written, got {folder}: {error.strerror}"
        ) from None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the folder for one run; ValueError when another has it. The system frees it however the
    process ends."""
    with _held(folder, fcntl.LOCK_EX):
        yield


@contextmanager
def _held(folder, how):
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ValueError(
            f"another run is working in {folder}: wait for it, or give another --out"
        ) from None
    finally:
        os.close(handle)


def check_free(folder: Path) -> None:
    """ValueError when another run has the folder."""
    with _held(folder, fcntl.LOCK_SH):
        pass


def check_libraries() -> None:
    """ImportError now, before any training, where a library that writes results or checkpoints is
    missing."""
    for name in ("h5netcdf", "h5py", "xarray"):
        importlib.import_module(name)


def write_config(folder: Path, experiment: Runnable) -> None:
    """config.json: the experiment, with all seeds it has or is to have."""
    _write_text(folder / CONFIG, config.to_json(experiment) + "\n")


def read_config(folder: str | Path) -> Experiment:
    """The experiment a run's folder belongs to, with the seeds it has or is to have."""
    path = Path(folder) / CONFIG
    if not path.is_file():
        raise ValueError(f"expected a run's folder with {CONFIG}, got {folder}")
    found = config.from_json(path.read_text())
    if not isinstance(found, Experiment):
        raise ValueError(
            f"expected the folder of a run of networks, got that of {found.name} in {folder}"
        )
    return found


def write_provenance(folder: Path, facts: Mapping[str, Any]) -> None:
    """provenance.json: the facts of this run at the top, those of earlier runs into the same folder
    under "earlier"."""
    before = read_provenance(folder)
    earlier = [*before.pop("earlier", []), before] if before else []
    _write_text(folder / PROVENANCE, json.dumps({**facts, "earlier": earlier}, indent=2) + "\n")


def read_provenance(folder: str | Path) -> dict[str, Any] | None:
    """The facts of the latest finished run into the folder, None where there are none."""
    path = Path(folder) / PROVENANCE
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged ({error}): remove it to go on") from None
    if not isinstance(found, dict) or not isinstance(found.get("earlier", []), list):
        raise ValueError(f"{path} is damaged (it holds no facts of a run): remove it to go on")
    return found


def write_part(block: Path, groups: Mapping[str, Group]) -> Path:
    """blocks/<seeds>/part.h5: a finished block, the root group under the key "", others by name."""
    block.mkdir(parents=True, exist_ok=True)
    encoded = {
        name or merging.ROOT: (_encoded(group), group.attributes) for name, group in groups.items()
    }
    merging.write_part(block / PART, encoded)
    return block / PART


def part_of(folder: Path, seeds: Sequence[int]) -> Path:
    """blocks/<seeds>/part.h5: where the finished block of these seeds is."""
    return block_folder(folder, seeds) / PART


def write_groups(path: Path, groups: Mapping[str, Group]) -> None:
    """A netCDF file of groups."""
    path.parent.mkdir(parents=True, exist_ok=True)
    variables = [each for group in groups.values() for each in group.variables.values()]
    reserve(
        path, sum(np.asarray(each.values).nbytes for each in variables) + 2**12 * len(variables)
    )
    with replacing(path) as beside:
        for name, group in groups.items():
            mode = "a" if beside.exists() else "w"
            _dataset(group).to_netcdf(beside, engine="h5netcdf", group=name or None, mode=mode)


def write_result(folder: Path, parts: Sequence[Path]) -> None:
    """result.nc: the parts' seeds and those already in it, put together seed by seed. The parts are
    removed.

    ValueError where they do not go together or one is damaged; then all of them are left.
    """
    before = folder / RESULT if (folder / RESULT).is_file() else None
    try:
        merging.merge(before, parts, folder / RESULT)
    except Exception as error:  # a broken HDF5 file fails in a dozen ways
        if _is_full(error):
            raise
        remove = f"remove {before or folder / BLOCKS} to run its seeds again"
        raise ValueError(
            f"{folder / RESULT} cannot be put together ({_words(error)}): {remove}"
        ) from error
    for part in parts:
        part.unlink()
        for used in (part.parent / SPECTRA, *part.parent.glob(SNAPSHOT.format("*"))):
            used.unlink(missing_ok=True)


def has_spectra(block: Path) -> bool:
    """Whether the block has spectra beside its checkpoints."""
    return (block / SPECTRA).is_file()


def forget(block: Path) -> None:
    """Removes all that is stored of a block."""
    shutil.rmtree(block)


def append_spectra(
    block: Path, row: int, spectra: Mapping[str, Sequence[tuple[str, Ragged]]]
) -> None:
    """Writes spectra [rows, seeds, layers] behind the first `row` rows of
    blocks/<seeds>/spectra.h5; drops later ones.

    spectra: probe -> (("t", spectra of T), ("ty", spectra of (T, Y))).
    """
    block.mkdir(parents=True, exist_ok=True)
    with _damage_told(block / SPECTRA):
        growing.append(
            block / SPECTRA,
            row,
            {probe: _ragged_variables(pairs) for probe, pairs in spectra.items()},
        )


def read_spectra(block: Path, rows: int) -> dict[str, dict[str, Ragged]]:
    """Probe -> "t" and "ty" -> spectra of the first `rows` rows. ValueError where the file is
    damaged or has fewer."""
    with _damage_told(block / SPECTRA):
        groups = growing.rows(block / SPECTRA, rows)
        found = {
            name: {key: _ragged_of(group, key) for key in ("t", "ty")}
            for name, group in groups.items()
        }
        every = [each for group in found.values() for each in group.values()]
        whole = all(
            len(r.size) == rows and r.size.sum() == len(r.number) == len(r.multiplicity)
            for r in every
        )
    if not every or not whole:
        raise ValueError(
            f"{block / SPECTRA} lacks rows or entries: remove {block} to start this block again"
        )
    return found


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz by name. ValueError where it is missing or damaged."""
    try:
        return npz.read(path)
    except (OSError, ValueError) as error:
        where = path.parent
        raise ValueError(
            f"{path} is missing or damaged ({error}): remove {where} to make it again"
        ) from None


def snapshot_path(block: Path, epoch: int) -> Path:
    """blocks/<seeds>/epoch-<epoch>.npz: what is stored of a named epoch."""
    return block / SNAPSHOT.format(epoch)


def ragged_variables(key: str, ragged: Ragged, dimensions: tuple[str, ...]) -> dict[str, Variable]:
    """The three variables of a ragged array in a result: its sizes [dimensions], and its
    entries."""
    entry = (f"{key}_entry",)
    return {
        f"{key}_size": Variable(dimensions, ragged.size, {hdf5.SAMPLE: entry[0]}),
        f"{key}_multiplicity": Variable(entry, ragged.multiplicity),
        f"{key}_number": Variable(entry, ragged.number),
    }


def read_result(folder: str | Path, group: str | None = None):
    """A finished run as an xarray.Dataset, whole in memory: the main probe's, or the group of a
    further probe."""
    with _opened(Path(folder) / RESULT, group) as dataset:
        return dataset.load()


@contextmanager
def _opened(path: Path, group: str | None):
    """A group of a result, whose variables are read as they are asked for. ValueError for what is
    no result."""
    import xarray

    with _broken_told(path):
        hdf5.check(path)
        with xarray.open_dataset(path, engine="h5netcdf", group=group) as dataset:
            yield dataset


@contextmanager
def _broken_told(path):
    """A result that is none or cannot be read: ValueError with what to do."""
    if not path.is_file():
        raise ValueError(f"expected a finished run's folder with {RESULT}, got {path.parent}")
    try:
        yield
    except Exception as error:  # a broken HDF5 file fails in a dozen ways
        raise ValueError(
            f"{path} cannot be read as a result ({_words(error)}): remove it to run the experiment again"
        ) from error


def save_figure(folder: Path, name: str, figure) -> list[Path]:
    """<name>.png and <name>.pdf of a matplotlib Figure; the paths."""
    paths = [folder / f"{name}.{kind}" for kind in ("png", "pdf")]
    for path in paths:
        with replacing(path) as beside:
            figure.savefig(beside, dpi=150, format=path.suffix[1:])
    return paths


def write_table(folder: Path, name: str, rows: tables.Rows) -> None:
    """<name>.csv and <name>.tex."""
    _write_text(folder / f"{name}.csv", tables.comma_separated(rows))
    _write_text(folder / f"{name}.tex", tables.latex(rows))


def write_report(folder: Path, text: str) -> Path:
    """report.md; its path."""
    _write_text(folder / REPORT, text)
    return folder / REPORT


def finished_seeds(folder: Path, checksum: str | None = None) -> tuple[int, ...]:
    """The seeds whose results are in the folder; none without result.nc. ValueError if they are of
    other data."""
    if not (folder / RESULT).exists():
        return ()
    with _broken_told(folder / RESULT):
        names, attributes, found = hdf5.head(folder / RESULT)
        seeds = tuple(int(seed) for seed in found)
    if not seeds or DATA not in attributes:
        raise ValueError(f"expected a result of jaxbnn in {folder / RESULT}, got {names[:9]}")
    if checksum not in (None, attributes[DATA]):
        raise ValueError(
            f"{folder} holds results of other data (sha256 {attributes[DATA][:12]}, now {checksum[:12]}): "
            "give back the data it was made with, or another --out"
        )
    return seeds


def begun_blocks(folder: Path) -> list[tuple[int, ...]]:
    """The seeds of each block that has a checkpoint."""
    paths = [
        path
        for path in (folder / BLOCKS).glob("*")
        if BLOCK_NAME.fullmatch(path.name) and checkpoints.folders(path)
    ]
    spans = [
        [[int(end) for end in span.split("-")] for span in path.name.split(",")]
        for path in sorted(paths)
    ]
    few = [
        of
        for of in spans
        if sum(span[-1] - span[0] + 1 for span in of) <= config.MAX_SEEDS_PER_PROGRAM
    ]
    return [tuple(seed for span in of for seed in range(span[0], span[-1] + 1)) for of in few]


def block_folder(folder: Path, seeds: Sequence[int]) -> Path:
    """blocks/<seeds>: seeds 0 to 7 as "0-7", others as "0-3,9"."""
    runs: list[list[int]] = []
    for seed in seeds:
        if runs and seed == runs[-1][1] + 1:
            runs[-1][1] = seed
        else:
            runs.append([seed, seed])
    name = ",".join(f"{a}-{b}" if b > a else f"{a}" for a, b in runs)
    return (
        folder
        / BLOCKS
        / (name if len(name) < 100 else hashlib.sha256(name.encode()).hexdigest()[:16])
    )


@contextmanager
def _damage_told(path):
    """A block's file that cannot be read: ValueError with what to do. A full disk is no damage."""
    try:
        yield
    except Exception as error:  # a broken HDF5 file fails in a dozen ways
        if _is_full(error):
            raise
        raise ValueError(
            f"{path} is damaged ({_words(error)}): remove {path.parent} to start this block again"
        ) from error


def _is_full(error):
    """Whether it is the disk that has no room, or may not be written, and no file that is
    damaged."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES)
    return isinstance(error, OSError) and error.errno in full


def _words(error):
    return " ".join(str(error).split())[:200]


def _encoded(group):
    """The variables of a group as netCDF has them."""
    import xarray
    from xarray.conventions import encode_cf_variable

    coordinates = {name: Variable((name,), values) for name, values in group.coordinates.items()}
    every = {
        name: xarray.Variable(*each) for name, each in (coordinates | dict(group.variables)).items()
    }
    encoded = {name: encode_cf_variable(each, name=name) for name, each in every.items()}
    return {
        name: merging.Encoded(each.dims, each.values, each.attrs) for name, each in encoded.items()
    }


def _dataset(group):
    import xarray

    variables = {
        name: (v.dims, v.values, dict(v.attributes)) for name, v in group.variables.items()
    }
    return xarray.Dataset(variables, dict(group.coordinates), dict(group.attributes))


def _ragged_variables(pairs):
    named = {}
    for key, ragged in pairs:
        variables = ragged_variables(key, ragged, ("row", "seed", "layer"))
        named |= {name: (v.dims, v.values) for name, v in variables.items()}
    return named


def _ragged_of(group, key):
    return Ragged(group[f"{key}_size"], group[f"{key}_multiplicity"], group[f"{key}_number"])


def _write_text(path, text):
    with replacing(path) as beside:
        beside.write_text(text)
