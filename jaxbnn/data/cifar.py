"""CIFAR-10 in its binary archive."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jaxbnn.data.fetch import CIFAR10, Collection, fetch, reason
from jaxbnn.data.images import Images, pixel_values
from jaxbnn.data.split import Dataset, Split

SIDE, CHANNELS = 32, 3
ROW = (
    1 + CHANNELS * SIDE * SIDE
)  # bytes of an example: its label, then its red, green and blue planes
FOLDER = "cifar-10-batches-bin"
TRAIN = tuple(f"{FOLDER}/data_batch_{i}.bin" for i in range(1, 6))
TEST = f"{FOLDER}/test_batch.bin"
PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)
MOST = 10**5  # examples of one file: no more is read


@dataclass(frozen=True)
class Cifar10(Images):
    """The small colour images of Krizhevsky (2009): 50000 train, 10000 test, ten classes."""


def load_cifar10(
    spec: Cifar10, root: str | Path | None = None, collection: Collection = CIFAR10
) -> Split:
    """CIFAR-10's own split, x [N, 32, 32, 3]. Raises what `fetch`, `read_archive` and `read_batch`
    raise."""
    (file,) = collection.files
    batches = read_archive(fetch(file, root, collection), (*TRAIN, TEST), file.name)
    *train, test = (read_batch(payload, name) for name, payload in batches.items())
    values, joined = (
        pixel_values(spec.value_range),
        Dataset(*map(np.concatenate, zip(*train, strict=True))),
    )
    train, test = (part._replace(x=values[part.x]) for part in (joined, test))
    return Split(train, test, n_classes=10, population=False)


def read_archive(payload: bytes, names: tuple[str, ...], archive: str) -> dict[str, bytes]:
    """The contents of the named files of a tar archive; nothing is written, and no other member is
    looked into.

    Raises ValueError for what is no such archive, and where a name is missing, no plain file or far
    too large.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(payload), mode="r:") as tar:
            members = {member.name: member for member in tar if member.type in PLAIN}
            missing = [name for name in names if name not in members]
            if missing:
                raise ValueError(
                    f"expected {missing[0]} in {archive}, got {', '.join([*members][:5]) or 'no file'}"
                )
            large = [name for name in names if members[name].size > MOST * ROW]
            if large:
                raise ValueError(
                    f"expected {large[0]} in {archive} of at most {MOST * ROW} bytes, got more"
                )
            opened = {name: tar.extractfile(members[name]) for name in names}
            return {name: file.read() for name, file in opened.items() if file is not None}
    except (tarfile.TarError, EOFError, OverflowError, RecursionError) as error:
        raise ValueError(f"expected {archive} to be a tar archive, got {reason(error)}") from error


def read_batch(payload: bytes, name: str) -> Dataset:
    """The images uint8 [N, 32, 32, 3] and labels of one file. Raises ValueError for a wrong size or
    label."""
    if not payload or len(payload) % ROW:
        raise ValueError(f"expected {name} to hold rows of {ROW} bytes, got {len(payload)} bytes")
    rows = np.frombuffer(payload, np.uint8).reshape(-1, ROW)
    labels = rows[:, 0].astype(np.int32)
    if labels.max() > 9:
        raise ValueError(f"expected labels from 0 to 9 in {name}, got {labels.max()}")
    return Dataset(rows[:, 1:].reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1), labels)
