"""A user's own data in one .npz file."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jaxbnn.data.failure import reason
from jaxbnn.data.fields import (
    FLOAT32_MAX,
    check_relabelled,
    check_shared,
    check_switch,
    check_value_range,
)
from jaxbnn.data.folders import named_folder
from jaxbnn.data.labels import whole_labels, whole_labels_of_parts
from jaxbnn.data.plain_arrays import plain_array
from jaxbnn.data.scaling import mapped, plain_inputs, standardised
from jaxbnn.data.split import Dataset, Split, divide
from jaxbnn.files import npz as archives

PARTS = ("x_train", "y_train", "x_test", "y_test")
WHOLE = ("x", "y")


@dataclass(frozen=True)
class Npz:
    """A user's own arrays: x_train, y_train, x_test and y_test where the file has them, or x and y.

    Only x and y are split. Labels may be [N], [N, 1], one-hot [N, C] or -1 and +1; see `labels`.

    Args:
        path: of the file; as given, or else below the root.
        train_fraction: the share of the examples that train.
        split_seed: of the random split.
        split_per_seed: each seed gets its own split.
        value_range: what the minimum and maximum of all training inputs become; None leaves them.
        label_seed, label_noise: shuffled training labels; see `relabelled`.
        standardise: each input gets mean 0 and standard deviation 1 over the training examples.

    Raises:
        TypeError, ValueError: a field that cannot be; value_range together with standardise.
    """

    path: str
    train_fraction: float = 0.8
    split_seed: int = 0
    split_per_seed: bool = False
    value_range: tuple[float, float] | None = None
    label_seed: int | None = None
    label_noise: float = 1.0
    standardise: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.path, str):
            raise TypeError(f"expected path as a string, got {self.path!r}")
        if not self.path:
            raise ValueError("expected path to name an .npz file, got ''")
        check_shared(self)
        check_relabelled(self)
        check_switch("standardise", self.standardise)
        if self.value_range is None:
            return
        check_value_range(self.value_range)
        if self.standardise:
            raise ValueError(
                f"expected value_range or standardise, got both ({self.value_range!r} and True)"
            )


def load_npz(spec: Npz, root: str | Path | None = None, seed: int | None = None) -> Split:
    """The user's arrays, split as they are or as the spec says.

    Args:
        spec: the file, and what becomes of it.
        root: the folder below which the file is looked for, after the path as given.
        seed: the run's, for a spec with split_per_seed.

    Returns:
        x [N, ...] float32, y [N] int32.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no .npz; arrays are missing, pickled, empty, not numeric or not finite;
            lengths differ; labels break a rule of `labels`; a seed is missing.
    """
    path = npz_path(spec.path, root)
    arrays = read_npz(path)
    if "x" in arrays:
        split = divide(whole_dataset(arrays, path), spec, seed, population=False)
    elif spec.split_per_seed:
        raise ValueError(
            f"expected x and y in {path}, for the spec has split_per_seed set, "
            "got a file already split"
        )
    else:
        split = parts_as_split(arrays, path)
    if spec.standardise:
        return standardised(split)
    return plain_inputs(split) if spec.value_range is None else mapped(split, spec.value_range)


def npz_path(path: str, root: str | Path | None) -> Path:
    """Where the file is: at `path`, else below `root` or $JAXBNN_DATA.

    Raises:
        FileNotFoundError: it is at neither; the message names both.
    """
    paths = [Path(path)]
    folder = named_folder(root)
    if folder is not None:
        paths.append(folder / path)
    for candidate in paths:
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"expected an .npz file at {' or '.join(map(str, paths))}, found none")


def read_npz(
    path: str | Path, choices: Sequence[tuple[str, ...]] = (PARTS, WHOLE)
) -> dict[str, np.ndarray]:
    """The arrays of the first choice of names that the file holds whole.

    Args:
        path: of the file.
        choices: groups of names, in the order of preference.

    Returns:
        name -> array, as the file has them.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no choice is whole, or the file is broken, pickled or no .npz.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"expected an .npz file, got {path}, which is no file")
    if not _is_archive(path):
        raise ValueError(f"expected an .npz archive (a zip file), got {path}, which is none")
    # A broken archive fails in a dozen ways: zip, zlib, npy header, encryption, pickle, memory.
    try:
        present = archives.names(path)
        names = _first_whole(choices, present)
        arrays = archives.read(path, names)
    except Exception as error:
        what = reason(error)
        if "pickle" in str(error):
            what = "pickled objects, which are never loaded"
        raise ValueError(f"expected plain numeric arrays in {path}, got {what}") from error
    if not arrays:
        raise _missing(choices, present, path)
    return arrays


def _first_whole(choices: Sequence[tuple[str, ...]], present: Sequence[str]) -> tuple[str, ...]:
    for choice in choices:
        if set(choice) <= set(present):
            return choice
    return ()


def _missing(
    choices: Sequence[tuple[str, ...]], present: Sequence[str], path: str | Path
) -> ValueError:
    """The error that names what the nearest choice lacks."""
    wanted = ", or ".join(" and ".join(names) for names in choices)
    nearest = min(choices, key=lambda names: len(set(names) - set(present)))
    missing = ", ".join(name for name in nearest if name not in present)
    got = ", ".join(present) or "none"
    return ValueError(f"expected the arrays {wanted} in {path}, got {got}: {missing} missing")


def _is_archive(path: str | Path) -> bool:
    """Whether the file is a zip archive, broken ones included."""
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:
        return True


def whole_dataset(arrays: dict[str, np.ndarray], path: Path) -> Dataset:
    """x and y, checked; y as int32."""
    x = real_inputs(arrays["x"], f"x in {path}")
    y = whole_labels(arrays["y"], f"y in {path}")
    check_lengths(x, y, WHOLE, path)
    return Dataset(x, y)


def parts_as_split(arrays: dict[str, np.ndarray], path: Path) -> Split:
    """The two parts of a file, checked; labels as int32, read together.

    Raises:
        ValueError: a part is not fit, or their examples differ in shape.
    """
    train_x = real_inputs(arrays["x_train"], f"x_train in {path}")
    test_x = real_inputs(arrays["x_test"], f"x_test in {path}")
    names = (f"y_train in {path}", f"y_test in {path}")
    train_y, test_y = whole_labels_of_parts(arrays["y_train"], arrays["y_test"], names)
    check_lengths(train_x, train_y, PARTS[:2], path)
    check_lengths(test_x, test_y, PARTS[2:], path)
    if train_x.shape[1:] != test_x.shape[1:]:
        raise ValueError(
            f"expected x_train and x_test with examples of one shape, "
            f"got {train_x.shape[1:]} and {test_x.shape[1:]}"
        )
    n_classes = int(max(train_y.max(), test_y.max())) + 1
    return Split(Dataset(train_x, train_y), Dataset(test_x, test_y), n_classes, population=False)


def check_lengths(x: np.ndarray, y: np.ndarray, names: Sequence[str], path: Path) -> None:
    """ValueError unless there are as many labels as inputs."""
    if len(x) != len(y):
        raise ValueError(
            f"expected as many labels as inputs in {path}, "
            f"got {len(x)} {names[0]} and {len(y)} {names[1]}"
        )


def real_inputs(array: np.ndarray, name: str) -> np.ndarray:
    """The inputs as plain numbers.

    Args:
        array: [N, ...] of any real dtype; see `plain_array`.
        name: what the messages call them.

    Raises:
        ValueError: another shape, empty, not real, not finite, or too large for float32.
    """
    x = plain_array(array, name)
    if x.ndim < 2 or x.size == 0:
        raise ValueError(f"expected {name} of shape [N, ...] and not empty, got {list(x.shape)}")
    for end in (float(x.min()), float(x.max())):  # a NaN anywhere is both
        if not -FLOAT32_MAX <= end <= FLOAT32_MAX:
            raise ValueError(f"expected finite float32 values as {name}, got {end}")
    return x
