"""A user's own data in one .npz file."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jaxbnn.data.fetch import named_folder, reason
from jaxbnn.data.split import (
    FLOAT32_MAX,
    Dataset,
    Split,
    check_labels_dealt,
    check_shared,
    check_value_range,
    divide,
)
from jaxbnn.files import npz as archives

PARTS = ("x_train", "y_train", "x_test", "y_test")
WHOLE = ("x", "y")


@dataclass(frozen=True)
class Npz:
    """A user's own arrays: x_train, y_train, x_test and y_test (taken where the file has them), or
    x and y.

    Only x and y are split, by `train_fraction`, the same for all seeds unless `split_per_seed`. `value_range` is
    what the minimum and the maximum of the train inputs become; None leaves the values alone.
    `path` is as given, or else below the root.
    """

    path: str
    train_fraction: float = 0.8
    split_seed: int = 0
    split_per_seed: bool = False
    value_range: tuple[float, float] | None = None
    label_seed: int | None = None
    label_noise: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.path, str):
            raise TypeError(f"expected path as a string, got {self.path!r}")
        if not self.path:
            raise ValueError("expected path to name an .npz file, got ''")
        check_shared(self)
        check_labels_dealt(self)
        if self.value_range is not None:
            check_value_range(self.value_range)


def load_npz(spec: Npz, root: str | Path | None = None, seed: int | None = None) -> Split:
    """The user's arrays, split as they are or as the spec says, x [N, ...].

    Raises FileNotFoundError, and ValueError for a file that is no .npz, arrays that are missing,
    pickled, empty, not numeric or not finite, lengths that differ, labels that are not whole
    numbers of at least 0, and a missing seed.
    """
    path = npz_path(spec.path, root)
    arrays = read_npz(path)
    if "x" in arrays:
        split = divide(labelled(arrays, *WHOLE, path), spec, seed, population=False)
    elif spec.split_per_seed:
        raise ValueError(
            f"expected x and y in {path}, for the spec has split_per_seed set, got a file already split"
        )
    else:
        split = joined(labelled(arrays, *PARTS[:2], path), labelled(arrays, *PARTS[2:], path))
    return mapped(split, spec.value_range)


def npz_path(path: str, root: str | Path | None) -> Path:
    """Where the file is: at `path`, else below `root` or $JAXBNN_DATA. Raises FileNotFoundError
    naming both places."""
    folder = named_folder(root)
    places = [Path(path), *([] if folder is None else [Path(folder).expanduser() / path])]
    for place in places:
        if place.is_file():
            return place
    raise FileNotFoundError(f"expected an .npz file at {' or '.join(map(str, places))}, found none")


def read_npz(
    path: str | Path, choices: Sequence[tuple[str, ...]] = (PARTS, WHOLE)
) -> dict[str, np.ndarray]:
    """The arrays of the first choice of names that the file holds whole. ValueError for none, or a
    broken file."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"expected an .npz file, got {path}, which is no file")
    if not _is_archive(path):
        raise ValueError(f"expected an .npz archive (a zip file), got {path}, which is none")
    # A broken archive fails in a dozen ways: zip, zlib, npy header, encryption, pickle, memory.
    try:
        there = archives.names(path)
        names = next((choice for choice in choices if set(choice) <= set(there)), ())
        arrays = archives.read(path, names)
    except Exception as error:
        what = (
            "pickled objects, which are never loaded" if "pickle" in str(error) else reason(error)
        )
        raise ValueError(f"expected plain numeric arrays in {path}, got {what}") from error
    if not arrays:
        missing = min(([name for name in names if name not in there] for names in choices), key=len)
        raise ValueError(
            f"expected the arrays {', or '.join(' and '.join(names) for names in choices)} in {path}, "
            f"got {', '.join(there) or 'none'}: {', '.join(missing)} missing"
        )
    return arrays


def _is_archive(path):
    """Whether the file is a zip archive, broken ones included."""
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:
        return True


def labelled(arrays: dict[str, np.ndarray], x_name: str, y_name: str, path: Path) -> Dataset:
    """The inputs as they are and the labels as int32. Raises ValueError unless each fits and they
    are as many."""
    x, y = arrays[x_name], arrays[y_name]
    check_inputs(x, f"{x_name} in {path}")
    check_labels(y, f"{y_name} in {path}")
    if len(x) != len(y):
        raise ValueError(
            f"expected as many labels as inputs in {path}, got {len(x)} {x_name} and {len(y)} {y_name}"
        )
    return Dataset(x, y.astype(np.int32))


def check_inputs(x: np.ndarray, name: str) -> None:
    """Raises ValueError unless x is [N, ...] of real numbers that float32 can hold, and not
    empty."""
    if x.dtype.kind not in "biuf":
        raise ValueError(f"expected real numbers as {name}, got dtype {x.dtype}")
    if x.ndim < 2 or x.size == 0:
        raise ValueError(f"expected {name} of shape [N, ...] and not empty, got {list(x.shape)}")
    for end in (float(x.min()), float(x.max())):  # a NaN anywhere is both
        if not -FLOAT32_MAX <= end <= FLOAT32_MAX:
            raise ValueError(f"expected finite float32 values as {name}, got {end}")


def check_labels(y: np.ndarray, name: str) -> None:
    """Raises ValueError unless y is [N] of whole numbers from 0 to 2**31 - 2, of any real dtype,
    and not empty."""
    if y.dtype.kind not in "biuf":
        raise ValueError(f"expected whole numbers as {name}, got dtype {y.dtype}")
    if y.ndim != 1 or y.size == 0:
        raise ValueError(f"expected {name} of shape [N] and not empty, got {list(y.shape)}")
    broken = y[y != np.floor(y)] if y.dtype.kind == "f" else y[:0]
    if broken.size:
        raise ValueError(f"expected whole numbers as {name}, got {broken[0]}")
    if y.min() < 0 or y.max() > 2**31 - 2:
        raise ValueError(
            f"expected labels from 0 to 2**31 - 2 as {name}, got {y.min()} to {y.max()}"
        )


def joined(train: Dataset, test: Dataset) -> Split:
    """The two parts of a file as a split. Raises ValueError when their examples differ in shape."""
    if train.x.shape[1:] != test.x.shape[1:]:
        raise ValueError(
            f"expected x_train and x_test with examples of one shape, got {train.x.shape[1:]} and {test.x.shape[1:]}"
        )
    return Split(train, test, int(max(train.y.max(), test.y.max())) + 1, population=False)


def mapped(split: Split, value_range: tuple[float, float] | None) -> Split:
    """The split in float32, with the minimum and maximum of the train inputs mapped onto the value_range
    if there is one.

    Test inputs follow the same line, so they may fall outside. Raises ValueError when the train
    inputs are constant.
    """
    low, high = float(split.train.x.min()), float(split.train.x.max())
    if value_range is not None and low == high:
        raise ValueError(
            f"expected train inputs that vary, to be mapped onto {value_range}, got {low} throughout"
        )
    train, test = (
        part._replace(
            x=part.x.astype(np.float32)
            if value_range is None
            else rescaled(part.x, (low, high), value_range)
        )
        for part in (split.train, split.test)
    )
    return split._replace(train=train, test=test)


def rescaled(
    x: np.ndarray, ends: tuple[float, float], value_range: tuple[float, float]
) -> np.ndarray:
    """value_range[0] + (x - ends[0]) / (ends[1] - ends[0]) * (value_range[1] - value_range[0]), in float64 and then as
    float32.

    Raises ValueError where float32 cannot hold the result.
    """
    y = x.astype(np.float64)
    with np.errstate(over="ignore"):
        y -= ends[0]
        y /= ends[1] - ends[0]
        y *= value_range[1] - value_range[0]
        y += value_range[0]
    low, high = y.min(), y.max()
    if not -FLOAT32_MAX <= low <= high <= FLOAT32_MAX:
        raise ValueError(
            f"expected inputs that float32 can hold once {ends} is {value_range}, got {low} to {high}"
        )
    return y.astype(np.float32)
