"""MNIST and Fashion-MNIST: four IDX files each, or Keras' mnist.npz."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from jaxbnn.data.download import Report
from jaxbnn.data.folders import first_right, named_folder, searched_folders
from jaxbnn.data.idx import read_idx, write_idx
from jaxbnn.data.images import Images, pixel_values
from jaxbnn.data.published import FASHION_MNIST, MNIST, Collection, File
from jaxbnn.data.source import fetch
from jaxbnn.data.split import Dataset, Split
from jaxbnn.files import npz as archives

KERAS_ARCHIVE = "mnist.npz"
KERAS_NAMES = ("x_train", "y_train", "x_test", "y_test")  # in the order of MNIST's files


@dataclass(frozen=True)
class Mnist(Images):
    """The handwritten digits of LeCun et al. (1998): 60000 train, 10000 test, ten classes.

    Black is 0, ink is 255.
    """


@dataclass(frozen=True)
class FashionMnist(Mnist):
    """The clothes of Xiao, Rasul & Vollgraf (2017), in the format and numbers of MNIST."""


def load_mnist(
    spec: Mnist,
    root: str | Path | None = None,
    collection: Collection | None = None,
    report: Report | None = None,
) -> Split:
    """MNIST's own split, or Fashion-MNIST's.

    Args:
        spec: which of the two, and what its pixels become.
        root: the user's folder; see `fetch`.
        collection: the four files: train images, train labels, test images, test labels.
        report: see `fetch`.

    Returns:
        x [N, 28, 28] float32, y [N] int32.

    Raises:
        ValueError: images and labels do not go together; and what `fetch` and `read_idx` raise.
    """
    is_fashion = isinstance(spec, FashionMnist)
    collection = collection or (FASHION_MNIST if is_fashion else MNIST)
    payloads = idx_files(collection, root, report)
    arrays = [
        read_idx(payload, file.name)
        for payload, file in zip(payloads, collection.files, strict=True)
    ]
    values = pixel_values(spec.value_range)
    train = digits("train", arrays[0], arrays[1], values)
    test = digits("test", arrays[2], arrays[3], values)
    if is_fashion:
        check_equal_classes("train", train.y)
        check_equal_classes("test", test.y)
    return Split(train, test, n_classes=10, population=False)


def idx_files(
    collection: Collection, root: str | Path | None, report: Report | None
) -> list[bytes]:
    """The four unpacked files: as they are, else out of Keras' archive if the set has one."""
    readers = [partial(_fetch_all, collection, root, report)]
    folder = named_folder(root)
    if folder is not None and KERAS_ARCHIVE in collection.also:
        readers.append(partial(keras_files, collection, searched_folders(folder, collection)))
    return first_right(readers)


def _fetch_all(
    collection: Collection, root: str | Path | None, report: Report | None
) -> list[bytes]:
    return [fetch(file, root, collection, report=report) for file in collection.files]


def keras_files(collection: Collection, folders: Sequence[Path]) -> list[bytes]:
    """The arrays of the first mnist.npz in the folders, each as the IDX file it came from.

    Their checksums are therefore those of the published files.

    Raises:
        FileNotFoundError: no folder has one.
        ValueError: it is no .npz of four such arrays, or one is not the published one.
    """
    paths = [folder / KERAS_ARCHIVE for folder in folders]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise FileNotFoundError(f"expected {KERAS_ARCHIVE} in {', '.join(map(str, folders))}")
    arrays = archives.read(path, KERAS_NAMES)
    return [
        _idx_file(arrays[name], file, f"{name} of {path}")
        for name, file in zip(KERAS_NAMES, collection.files, strict=True)
    ]


def _idx_file(array: np.ndarray, file: File, name: str) -> bytes:
    if array.dtype != np.uint8:
        raise ValueError(f"expected unsigned bytes as {name}, got dtype {array.dtype}")
    payload = write_idx(array)
    md5 = hashlib.md5(payload, usedforsecurity=False).hexdigest()
    if md5 != file.md5:
        raise ValueError(
            f"expected the values of {file.name} (as an IDX file with md5 {file.md5}) as {name}, "
            f"got others, of shape {list(array.shape)} (md5 {md5})"
        )
    return payload


def digits(part: str, images: np.ndarray, labels: np.ndarray, values: np.ndarray) -> Dataset:
    """Each pixel p of the images as values[p], with their labels.

    Args:
        part: "train" or "test", for the messages.
        images: uint8 [N, 28, 28].
        labels: uint8 [N], 0 to 9.
        values: float32 [256].

    Raises:
        ValueError: other shapes or labels.
    """
    if images.shape[1:] != (28, 28):
        raise ValueError(f"expected {part} images of shape [N, 28, 28], got {list(images.shape)}")
    if labels.shape != images.shape[:1]:
        raise ValueError(
            f"expected {part} labels of shape [{len(images)}], one an image, "
            f"got {list(labels.shape)}"
        )
    if labels.max() > 9:
        raise ValueError(f"expected {part} labels from 0 to 9, got {labels.max()}")
    return Dataset(values[images], labels.astype(np.int32))


def check_equal_classes(part: str, labels: np.ndarray) -> None:
    """ValueError unless each class that occurs does so equally often, as in Fashion-MNIST.

    No checksum of its unpacked files is published, and MNIST's files have the same names and sizes.
    """
    sizes = np.bincount(labels)
    sizes = sizes[sizes > 0]
    if sizes.min() != sizes.max():
        raise ValueError(
            f"expected {part} labels of Fashion-MNIST, each class equally often, "
            f"got between {sizes.min()} and {sizes.max()} of a class: are they MNIST's?"
        )
