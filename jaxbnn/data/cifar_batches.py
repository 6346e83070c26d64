"""CIFAR-10's batches: the rows of its binary version, the pickles of its Python version."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from jaxbnn.data.failure import reason
from jaxbnn.data.plain_pickle import read_plain_pickle
from jaxbnn.data.split import Dataset

SIDE = 32
CHANNELS = 3
PIXELS = CHANNELS * SIDE * SIDE
ROW = 1 + PIXELS  # bytes of an example: its label, then its red, green and blue planes
BATCH = 10_000  # examples of each of the six files
MAX_BYTES = 400_000_000  # of one file of an archive: no more is read
REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE)


class Version(NamedTuple):
    """A published version of the six files, the test batch last."""

    folder: str  # their folder in the archive
    names: tuple[str, ...]
    md5: tuple[str, ...]  # hex, one a file; empty where none is published
    nested: tuple[str, ...]  # folders of unpacked files, below a searched one
    read: Callable[[bytes, str], Dataset]

    def archive_paths(self) -> list[str]:
        """The six files' paths in the archive."""
        return [f"{self.folder}/{name}" for name in self.names]


def read_batch(payload: bytes, name: str) -> Dataset:
    """The images and labels of one file of the binary version.

    Returns:
        x uint8 [N, 32, 32, 3], y int32 [N].

    Raises:
        ValueError: a wrong size, or a label above 9.
    """
    if not payload or len(payload) % ROW:
        raise ValueError(f"expected {name} to hold rows of {ROW} bytes, got {len(payload)} bytes")
    rows = np.frombuffer(payload, np.uint8).reshape(-1, ROW)
    return colour_images(rows[:, 1:], rows[:, 0], name)


def read_pickled_batch(payload: bytes, name: str) -> Dataset:
    """The images and labels of one file of the Python version; see `read_plain_pickle`.

    Returns:
        x uint8 [N, 32, 32, 3], y int32 [N].

    Raises:
        ValueError: it is no dict of `data`, uint8 [N, 3072], and `labels`, a list of N numbers from
            0 to 9, or it is anything but plain values.
    """
    batch = read_plain_pickle(payload, name)
    if not isinstance(batch, dict):
        raise ValueError(f"expected a dict in {name}, got a {type(batch).__name__}")
    rows = batch.get(b"data", batch.get("data"))
    labels = batch.get(b"labels", batch.get("labels"))
    if not isinstance(rows, np.ndarray) or rows.shape[1:] != (PIXELS,) or len(rows) == 0:
        raise ValueError(f"expected data of shape [N, {PIXELS}] in {name}, got another")
    if not isinstance(labels, list) or len(labels) != len(rows):
        raise ValueError(f"expected a list of {len(rows)} labels in {name}, got another")
    wrong = [label for label in labels if type(label) is not int or not 0 <= label <= 9]
    if wrong:
        raise ValueError(f"expected labels from 0 to 9 in {name}, got {wrong[0]!r:.40}")
    return colour_images(rows, np.array(labels, np.uint8), name)


def colour_images(rows: np.ndarray, labels: np.ndarray, name: str) -> Dataset:
    """Rows of red, green and blue planes [N, 3072] as images [N, 32, 32, 3], labels as int32."""
    if labels.max() > 9:
        raise ValueError(f"expected labels from 0 to 9 in {name}, got {labels.max()}")
    planes = rows.reshape(-1, CHANNELS, SIDE, SIDE)
    return Dataset(planes.transpose(0, 2, 3, 1), labels.astype(np.int32))


TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
BINARY = Version(
    folder="cifar-10-batches-bin",
    names=(*(f"{name}.bin" for name in TRAIN_BATCHES), "test_batch.bin"),
    md5=(),
    nested=("cifar-10-batches-bin", ""),
    read=read_batch,
)
PYTHON = Version(
    folder="cifar-10-batches-py",
    names=(*TRAIN_BATCHES, "test_batch"),
    md5=(
        "c99cafc152244af753f735de768cd75f",
        "d4bba439e000b95fd0a9bffe97cbabec",
        "54ebc095f3ab1f0389bbae665268c751",
        "634d18415352ddfa80567beed471001a",
        "482c414d41f54cd18b22e5b47cb7c3cb",
        "40351d587109b95175f43aff81a1287e",
    ),
    nested=(
        "cifar-10-batches-py",
        "cifar-10-batches-py-target/cifar-10-batches-py",  # Keras 3
        "",
    ),
    read=read_pickled_batch,
)


def read_archive(payload: bytes, names: Sequence[str], archive: str) -> dict[str, bytes]:
    """The contents of the named files of a tar archive.

    Nothing is written, and no other member is looked into.

    Args:
        payload: the unpacked archive.
        names: of the files wanted.
        archive: what the messages call it.

    Raises:
        ValueError: it is no such archive; a name is missing, no plain file or far too large.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(payload), mode="r:") as tar:
            members = {member.name: member for member in tar if member.type in REGULAR}
            _check_members(members, names, archive)
            return {name: _contents(tar, members[name]) for name in names}
    except (tarfile.TarError, EOFError, OverflowError, RecursionError) as error:
        raise ValueError(f"expected {archive} to be a tar archive, got {reason(error)}") from error


def _check_members(members: dict[str, tarfile.TarInfo], names: Sequence[str], archive: str) -> None:
    missing = [name for name in names if name not in members]
    if missing:
        got = ", ".join([*members][:5]) or "no file"
        raise ValueError(f"expected {missing[0]} in {archive}, got {got}")
    large = [name for name in names if members[name].size > MAX_BYTES]
    if large:
        raise ValueError(f"expected {large[0]} in {archive} of at most {MAX_BYTES} bytes, got more")


def _contents(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    if file is None:
        raise ValueError(f"expected {member.name} to be a plain file, got another member")
    return file.read()
