"""CIFAR-10: from its binary or its Python archive, or from either one's unpacked batches."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from jaxbnn.data.cache import cache_path
from jaxbnn.data.cifar_batches import BATCH, BINARY, PYTHON, ROW, Version, read_archive
from jaxbnn.data.download import Report
from jaxbnn.data.folders import first_right, named_folder, searched_folders
from jaxbnn.data.images import Images, pixel_values
from jaxbnn.data.published import CIFAR10, CIFAR10_PYTHON, Collection
from jaxbnn.data.source import fetch
from jaxbnn.data.split import Dataset, Split

Batches = list[Dataset]  # six, of uint8 images; the test batch last


@dataclass(frozen=True)
class Cifar10(Images):
    """The small colour images of Krizhevsky (2009): 50000 train, 10000 test, ten classes."""


def load_cifar10(
    spec: Cifar10,
    root: str | Path | None = None,
    collection: Collection = CIFAR10,
    python: Collection = CIFAR10_PYTHON,
    report: Report | None = None,
) -> Split:
    """CIFAR-10's own split.

    A user's folder may have either archive or either one's unpacked batches. Without a folder the
    binary archive is downloaded, or else the Python one, which holds the same images in the same
    order.

    Args:
        spec: what the pixels become.
        root: the user's folder; see `fetch`.
        collection: the binary archive.
        python: the Python archive.
        report: see `fetch`.

    Returns:
        x [N, 32, 32, 3] float32, y [N] int32.

    Raises:
        FileNotFoundError: the folder has none of the forms.
        ValueError: it has wrong ones only.
        ConnectionError: no mirror gave an archive.
    """
    archives = [(collection, BINARY), (python, PYTHON)]
    folder = named_folder(root)
    if folder is None:
        batches = downloaded_batches(archives, report)
    else:
        batches = batches_in_folder(archives, folder)
    values = pixel_values(spec.value_range)
    *train, test = batches
    images = np.concatenate([batch.x for batch in train])
    labels = np.concatenate([batch.y for batch in train])
    return Split(
        Dataset(values[images], labels),
        Dataset(values[test.x], test.y),
        n_classes=10,
        population=False,
    )


def downloaded_batches(
    archives: Sequence[tuple[Collection, Version]], report: Report | None
) -> Batches:
    """The batches of the first archive that the cache or a mirror has; those cached come first."""
    failures = []
    for collection, version in sorted(archives, key=_is_not_cached):
        try:
            return batches_of_archive(collection, version, None, report)
        except ConnectionError as error:
            failures.append(str(error))
    raise ConnectionError("; ".join(failures))


def _is_not_cached(archive: tuple[Collection, Version]) -> bool:
    collection, _ = archive
    return not cache_path(collection.files[0], collection).is_file()


def batches_in_folder(archives: Sequence[tuple[Collection, Version]], folder: Path) -> Batches:
    """The batches of the first right form in the folder: the archives, then unpacked batches."""
    readers: list[Callable[[], Batches]] = []
    for collection, version in archives:
        readers.append(partial(batches_of_archive, collection, version, folder))
    for collection, version in archives:
        readers.append(partial(unpacked_batches, version, searched_folders(folder, collection)))
    return first_right(readers)


def batches_of_archive(
    collection: Collection,
    version: Version,
    root: Path | None,
    report: Report | None = None,
) -> Batches:
    """The batches in an archive. Raises what `fetch` and `read_archive` raise."""
    file = collection.files[0]
    payload = fetch(file, root, collection, report=report)
    contents = read_archive(payload, version.archive_paths(), file.name)
    return [version.read(batch, name) for name, batch in contents.items()]


def unpacked_batches(version: Version, folders: Sequence[Path]) -> Batches:
    """The batches of the first folder that has them unpacked.

    Raises:
        FileNotFoundError: none has any of the six files.
        ValueError: one has some of them, or a file is wrong: another md5 or, where none is
            published, not 10000 examples.
    """
    for folder in folders:
        for nested in version.nested:
            if any((folder / nested / name).is_file() for name in version.names):
                return [
                    version.read(payload, str(path))
                    for path, payload in batch_files(version, folder / nested).items()
                ]
    raise FileNotFoundError(f"expected {version.folder} in {', '.join(map(str, folders))}")


def batch_files(version: Version, folder: Path) -> Mapping[Path, bytes]:
    """The six files of a folder, checked: path -> contents. ValueError as `unpacked_batches`."""
    payloads = {}
    for number, name in enumerate(version.names):
        path = folder / name
        if not path.is_file():
            raise ValueError(f"expected {name} in {folder}, beside the others, found none")
        payload = path.read_bytes()
        if version.md5:
            check_md5(payload, version.md5[number], path)
        elif len(payload) != BATCH * ROW:
            raise ValueError(
                f"expected {BATCH} rows of {ROW} bytes in {path}, got {len(payload)} bytes"
            )
        payloads[path] = payload
    return payloads


def check_md5(payload: bytes, md5: str, path: Path) -> None:
    """ValueError unless the bytes have the md5."""
    got = hashlib.md5(payload, usedforsecurity=False).hexdigest()
    if got != md5:
        raise ValueError(
            f"{path}: expected the file as published, with md5 {md5}, got one with md5 {got}"
        )
