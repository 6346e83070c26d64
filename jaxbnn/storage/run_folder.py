"""A run's folder: config.json, and a folder for each block.

Every file and checkpoint is written atomically: beside its place, then renamed into it.
"""

import errno
import fcntl
import hashlib
import importlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeGuard

from jaxbnn.config import codec
from jaxbnn.config.experiment import MAX_SEEDS_PER_PROGRAM, Experiment
from jaxbnn.config.registry import Runnable
from jaxbnn.files.atomic import write_text
from jaxbnn.storage import array_store

CONFIG = "config.json"
BLOCKS = "blocks"
SEEDS = "seeds.json"  # of a block
MAX_NAME = 100  # characters of a block folder's name
NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


def folder_of(out: str | Path, experiment: Runnable) -> Path:
    """OUT/<name>/<digest>."""
    return Path(out) / experiment.name / codec.digest(experiment)


def make_folder(folder: Path) -> None:
    """Makes a run's folder if need be; ValueError where it cannot be written."""
    try:
        (folder / BLOCKS).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"expected an output folder that can be written, got {folder}: {error.strerror}"
        ) from None


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Holds the folder for one run; gives the lock. The system frees it however the process ends.

    Raises:
        ValueError: where another run has it, or its file system has no locks.
    """
    with _held(folder, fcntl.LOCK_EX) as lock:
        yield lock


@contextmanager
def joined(folder: Path) -> Iterator[None]:
    """Holds the folder together with the other processes of a run; errors as of `locked`."""
    with _held(folder, fcntl.LOCK_SH):
        yield


def open_to_group(lock: int, folder: Path) -> None:
    """Lets the other processes of the run join a lock; errors as of `locked`."""
    _lock(lock, fcntl.LOCK_SH, folder)


def check_free(folder: Path) -> None:
    """ValueError where another run has the folder, or its file system has no locks."""
    with locked(folder):
        pass


@contextmanager
def _held(folder: Path, how: int) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(handle, how, folder)
        yield handle
    finally:
        os.close(handle)


def _lock(handle: int, how: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ValueError(
            f"another run is working in {folder}: wait for it, or give another --out"
        ) from None
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        raise ValueError(
            f"expected a file system with locks for {folder}, got none ({error.strerror}): run "
            "with --out on a local disk and copy the folder, or mount with locks (NFS: "
            "local_lock=flock)"
        ) from None


def check_libraries() -> None:
    """ImportError now, before any training, where a library that writes results is missing."""
    for name in ("zarr", "orbax.checkpoint"):
        importlib.import_module(name)


def write_config(folder: Path, experiment: Runnable) -> None:
    """config.json: the experiment, with all seeds it has or is to have."""
    write_text(folder / CONFIG, codec.to_json(experiment) + "\n")


def read_config(folder: str | Path) -> Experiment:
    """The experiment a run's folder belongs to, with the seeds it has or is to have.

    Raises:
        ValueError: where there is none, or that of a study of samples.
    """
    path = Path(folder) / CONFIG
    if not path.is_file():
        raise ValueError(f"expected a run's folder with {CONFIG}, got {folder}")
    experiment = codec.from_json(path.read_text())
    if not isinstance(experiment, Experiment):
        raise ValueError(
            f"expected the folder of a run of networks, got that of {experiment.name} in {folder}"
        )
    return experiment


def block_folder(folder: Path, seeds: Sequence[int]) -> Path:
    """blocks/<seeds>: seeds 0 to 7 as "0-7", others as "0-3,9"; a long list by its digest."""
    spans: list[list[int]] = []
    for seed in seeds:
        if spans and seed == spans[-1][1] + 1:
            spans[-1][1] = seed
        else:
            spans.append([seed, seed])
    name = ",".join(f"{a}-{b}" if b > a else f"{a}" for a, b in spans)
    if len(name) >= MAX_NAME:
        name = f"{seeds[0]}-and-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return folder / BLOCKS / name


def make_block_folder(folder: Path, seeds: Sequence[int]) -> Path:
    """The folder of a block, which says in seeds.json whose it is."""
    block = block_folder(folder, seeds)
    block.mkdir(parents=True, exist_ok=True)
    if not (block / SEEDS).is_file():
        write_text(block / SEEDS, json.dumps(list(seeds)) + "\n")
    return block


def block_folders(folder: Path) -> list[Path]:
    """The folders of a run's blocks."""
    return sorted(path.parent for path in (folder / BLOCKS).glob(f"*/{SEEDS}"))


def seeds_of(block: Path) -> tuple[int, ...]:
    """The seeds of a block.

    Raises:
        ValueError: where its seeds.json is damaged.
        OSError: where it cannot be read, for want of a permission, say.
    """
    path = block / SEEDS
    try:
        seeds = json.loads(path.read_text())
    except (FileNotFoundError, IsADirectoryError, ValueError, RecursionError):
        seeds = None
    if not are_seeds(seeds):
        manifest = block / array_store.MANIFEST
        mend = f"write into it the seeds that {manifest} names"
        again = f"remove {block} to start this block again"
        raise ValueError(f"{path} is damaged: {mend if manifest.is_file() else again}")
    return tuple(seeds or ())


def are_seeds(value: Any) -> TypeGuard[list[int]]:
    """Whether a JSON value is the list of a block's seeds."""
    if not isinstance(value, list) or not 0 < len(value) <= MAX_SEEDS_PER_PROGRAM:
        return False
    return all(type(seed) is int and 0 <= seed < 2**32 for seed in value)


def is_full(error: BaseException) -> bool:
    """Whether the disk has no room or may not be written: no file is damaged."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS)
    return isinstance(error, OSError) and error.errno in full
