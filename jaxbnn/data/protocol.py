"""Data sets of a user's own: what their specification must have."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from jaxbnn.data.split import Dataset, Split


@runtime_checkable
class DataSource(Protocol):
    """A frozen dataclass that names a data set and loads it.

    Optional member:
        split_per_seed: True where `load` gives each seed its own split.
    """

    def load(self, root: str | Path | None, seed: int | None) -> Split:
        """The training and test set: the same arrays for the same arguments.

        Args:
            root: the folder of data files that the user named, or None.
            seed: of the run, where the specification has `split_per_seed`; None otherwise.

        Returns:
            x [N, ...] of numbers that float32 holds, y [N] of whole labels from 0 to
            n_classes - 1, for both parts. `population` says that together they are all inputs
            there are.
        """
        ...


def load_own(spec: DataSource, root: str | Path | None, seed: int | None) -> Split:
    """What a user's specification loads, checked.

    Args:
        spec: the specification.
        root: the folder of data files, or None.
        seed: of the run, or None.

    Returns:
        The split, x float32 and y int32.

    Raises:
        TypeError: where `load` gives no Split.
        ValueError: for a missing seed, empty parts, shapes that differ, or labels and numbers that
            cannot be used.
    """
    name = type(spec).__name__
    if getattr(spec, "split_per_seed", False) and seed is None:
        raise ValueError(f"expected a seed, for {name} has split_per_seed set, got None")
    split = spec.load(root, seed)
    if not isinstance(split, Split):
        raise TypeError(f"expected {name}.load to give a jaxbnn.data.Split, got {split!r:.80}")
    train = _checked(split.train, split.n_classes, f"{name}.load: train")
    test = _checked(split.test, split.n_classes, f"{name}.load: test")
    if train.x.shape[1:] != test.x.shape[1:]:
        shapes = f"{train.x.shape[1:]} and {test.x.shape[1:]}"
        raise ValueError(f"expected examples of one shape from {name}.load, got {shapes}")
    return Split(train, test, int(split.n_classes), bool(split.population))


def _checked(part: Dataset, n_classes: int, name: str) -> Dataset:
    """One part of a split, x float32 and y int32; ValueError where it cannot be used."""
    x = np.asarray(part.x)
    y = np.asarray(part.y)
    if x.ndim < 2 or len(x) < 1 or y.shape != x.shape[:1]:
        shapes = f"{list(x.shape)} and {list(y.shape)}"
        raise ValueError(f"expected {name} x [N, ...] and y [N] with N >= 1, got {shapes}")
    if x.dtype.kind not in "biuf" or not np.isfinite(x.astype(np.float32)).all():
        raise ValueError(f"expected {name} x of finite numbers that float32 holds, got {x.dtype}")
    if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= n_classes:
        labels = f"{y.dtype} from {y.min()} to {y.max()}"
        raise ValueError(f"expected {name} y of whole labels below {n_classes}, got {labels}")
    return Dataset(np.ascontiguousarray(x, np.float32), np.ascontiguousarray(y, np.int32))
