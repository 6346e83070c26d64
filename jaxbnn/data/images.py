"""Data sets read from files: MNIST and Fashion-MNIST in their IDX format, the user's own arrays in
an .npz."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from jaxbnn.data.fetch import FASHION_MNIST, MNIST, Collection, fetch
from jaxbnn.data.split import (
    Dataset,
    Split,
    check_labels_dealt,
    check_max_examples,
    check_value_range,
)


@dataclass(frozen=True)
class Images:
    """A published set of images of bytes.

    `value_range` is what pixel values 0 and 255 become. `label_seed`, `label_noise`: see `relabelled`.
    `max_examples`: see `shortened`.
    """

    value_range: tuple[float, float] = (-1.0, 1.0)
    label_seed: int | None = None
    label_noise: float = 1.0
    max_examples: int | None = None

    def __post_init__(self) -> None:
        check_value_range(self.value_range)
        check_labels_dealt(self)
        check_max_examples(self.max_examples)


@dataclass(frozen=True)
class Mnist(Images):
    """The handwritten digits of LeCun et al. (1998): 60000 train, 10000 test, ten classes; black is
    0, ink is 255."""


@dataclass(frozen=True)
class FashionMnist(Mnist):
    """The clothes of Xiao, Rasul & Vollgraf (2017), in the format and numbers of MNIST."""


def load_mnist(
    spec: Mnist, root: str | Path | None = None, collection: Collection | None = None
) -> Split:
    """MNIST's own split, or Fashion-MNIST's, x [N, 28, 28].

    `collection` lists four files: train images, train labels, test images, test labels. Raises what
    `fetch` and `read_idx` raise, and ValueError where images and labels do not go together.
    """
    collection = collection or (FASHION_MNIST if isinstance(spec, FashionMnist) else MNIST)
    images, labels, test_images, test_labels = (
        read_idx(fetch(file, root, collection), file.name) for file in collection.files
    )
    values = pixel_values(spec.value_range)
    train = digits("train", images, labels, values)
    return Split(
        train, digits("test", test_images, test_labels, values), n_classes=10, population=False
    )


def pixel_values(value_range: tuple[float, float]) -> np.ndarray:
    """What the pixels 0 .. 255 become: evenly spaced over the value_range, float32 [256]."""
    low, high = value_range
    return (low + (high - low) * np.arange(256) / 255).astype(np.float32)


def digits(part: str, images: np.ndarray, labels: np.ndarray, values: np.ndarray) -> Dataset:
    """The images [N, 28, 28], each pixel p as values[p], with their labels [N]. Raises ValueError
    for other shapes."""
    if images.shape[1:] != (28, 28):
        raise ValueError(f"expected {part} images of shape [N, 28, 28], got {list(images.shape)}")
    if labels.shape != images.shape[:1]:
        raise ValueError(
            f"expected {part} labels of shape [{len(images)}], one an image, got {list(labels.shape)}"
        )
    if labels.max() > 9:
        raise ValueError(f"expected {part} labels from 0 to 9, got {labels.max()}")
    return Dataset(values[images], labels.astype(np.int32))


def read_idx(payload: bytes, name: str) -> np.ndarray:
    """The array in an IDX file of unsigned bytes, of one to four axes: uint8, read-only, nothing
    copied.

    The format: 00 00, the type 08, the number of axes; each axis's length as a big-endian uint32;
    the bytes. `name` goes into the messages. Raises ValueError for another magic number, a header
    or contents too short, an empty axis, and bytes left over; lengths are compared as Python
    integers before anything of their size is made.
    """
    if payload[:3] != b"\x00\x00\x08" or not 1 <= int.from_bytes(payload[3:4]) <= 4:
        got = payload[:4].hex(" ") or "an empty file"
        raise ValueError(
            f"expected {name} to begin with 00 00 08 and 01 to 04 (IDX of unsigned bytes), got {got}"
        )
    start = 4 + 4 * payload[3]
    if len(payload) < start:
        raise ValueError(
            f"expected {name} to have a header of {start} bytes, got {len(payload)} bytes in all"
        )
    shape = [int.from_bytes(payload[i : i + 4]) for i in range(4, start, 4)]
    size, left = prod(shape), len(payload) - start
    if size == 0:
        raise ValueError(f"expected {name} to hold something along each axis, got shape {shape}")
    if left < size:
        raise ValueError(
            f"expected {name} to hold {size} bytes for shape {shape}, got {left}: it is cut off"
        )
    if left > size:
        raise ValueError(
            f"expected {name} to hold {size} bytes for shape {shape}, got {left}: bytes are left over"
        )
    return np.frombuffer(payload, np.uint8, offset=start).reshape(shape)
