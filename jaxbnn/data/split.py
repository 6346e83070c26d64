"""What a data set is once loaded, and how one is split into train and test."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from math import floor
from typing import NamedTuple, Protocol, TypeGuard

import numpy as np

FLOAT32_MAX = float(np.finfo(np.float32).max)


class Dataset(NamedTuple):
    """Examples and their labels, in one order."""

    x: np.ndarray  # [N, ...] float32
    y: np.ndarray  # [N] int32, each in 0 .. n_classes - 1


class Split(NamedTuple):
    """A data set in its two parts."""

    train: Dataset
    test: Dataset
    n_classes: int  # one more than the largest label of either part
    population: bool  # train and test together are every input there is


class Shared(Protocol):
    """The fields by which a spec says how its examples are shared between train and test."""

    @property
    def train_fraction(self) -> float: ...  # of the examples, for training; between 0 and 1

    @property
    def split_seed(self) -> int: ...

    @property
    def split_per_seed(self) -> bool: ...  # True: the run's seed joins `split_seed`


def check_shared(spec: Shared) -> None:
    """Raises TypeError or ValueError unless the fields of `Shared` are fit to split by and to be
    written as JSON."""
    check_train_fraction(spec.train_fraction)
    check_seed("split_seed", spec.split_seed)
    if not isinstance(spec.split_per_seed, bool):
        raise TypeError(f"expected split_per_seed to be True or False, got {spec.split_per_seed!r}")


def check_train_fraction(train_fraction: object) -> None:
    """Raises TypeError or ValueError unless `train_fraction` is a float strictly between 0 and 1."""
    if not is_number(train_fraction):
        raise TypeError(f"expected train_fraction as a number, got {train_fraction!r}")
    if not 0 < train_fraction < 1:
        raise ValueError(
            f"expected train_fraction between 0 and 1, both excluded, got {train_fraction!r}"
        )


def check_seed(name: str, seed: object) -> None:
    """Raises TypeError or ValueError unless `seed` is a whole number of at least 0."""
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise TypeError(f"expected {name} as a whole number, got {seed!r}")
    if seed < 0:
        raise ValueError(f"expected {name} of at least 0, got {seed}")


class Relabelled(Protocol):
    """The fields by which a spec says which training labels are dealt anew; see `relabelled`."""

    @property
    def label_seed(self) -> int | None: ...

    @property
    def label_noise(self) -> float: ...  # the share of them, above 0 and at most 1


def check_labels_dealt(spec: Relabelled) -> None:
    """Raises TypeError or ValueError unless the fields of `Relabelled` are a seed or None, and a
    share."""
    if spec.label_seed is not None:
        check_seed("label_seed", spec.label_seed)
    if not is_number(spec.label_noise):
        raise TypeError(f"expected label_noise as a number, got {spec.label_noise!r}")
    if not 0 < spec.label_noise <= 1:
        raise ValueError(f"expected label_noise above 0 and at most 1, got {spec.label_noise!r}")
    if spec.label_seed is None and spec.label_noise != 1:
        raise ValueError(
            f"expected a label_seed with label_noise, got {spec.label_noise!r} without: label_seed=0, say"
        )


def check_max_examples(max_examples: object) -> None:
    """Raises ValueError unless `max_examples` is None or a whole number of at least 1."""
    if max_examples is not None and not (
        isinstance(max_examples, int) and not isinstance(max_examples, bool) and max_examples >= 1
    ):
        raise ValueError(
            f"expected max_examples as a whole number of at least 1 or none, got {max_examples!r}"
        )


def shortened(split: Split, max_examples: int | None) -> Split:
    """The split with at most the first `max_examples` examples of either part; None leaves it."""
    if max_examples is None:
        return split
    train, test = (
        Dataset(part.x[:max_examples].copy(), part.y[:max_examples].copy())
        for part in (split.train, split.test)
    )
    return split._replace(train=train, test=test)


def relabelled(split: Split, spec: Relabelled) -> Split:
    """The split with its training labels in a random order, by `default_rng(label_seed)`; None
    leaves them.

    Class sizes stay, and with them H(Y) of the training set; what an input says of its label is
    gone. The test set keeps its labels. With a `label_noise` below 1, that share of the training
    examples, drawn at random, deal their labels among themselves: some get their own back.
    """
    if spec.label_seed is None:
        return split
    y = split.train.y.copy()
    order = np.random.default_rng(spec.label_seed).permutation(len(y))[
        : round(spec.label_noise * len(y))
    ]
    y[np.sort(order)] = split.train.y[order]
    return split._replace(train=split.train._replace(y=y))


def check_value_range(value_range: object) -> None:
    """Raises TypeError or ValueError unless `value_range` is a tuple (low, high) of two numbers that
    differ in float32."""
    # a list would compare equal once loaded but could not be hashed with the spec
    if not (
        isinstance(value_range, tuple)
        and len(value_range) == 2
        and all(map(is_number, value_range))
    ):
        raise TypeError(f"expected value_range as a tuple of two numbers, got {value_range!r}")
    low, high = value_range
    if not -FLOAT32_MAX <= low <= FLOAT32_MAX or not -FLOAT32_MAX <= high <= FLOAT32_MAX:
        raise ValueError(f"expected a value_range that float32 can hold, got {value_range!r}")
    if not np.float32(low) < np.float32(high):
        raise ValueError(f"expected a value_range (low, high) with low < high, got {value_range!r}")


def is_number(value: object) -> TypeGuard[float]:
    """True for an int or a float that JSON can hold, False for True, False, numpy scalars but
    float64, and the rest."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def divide(data: Dataset, spec: Shared, seed: int | None, population: bool) -> Split:
    """The data split by the spec's three fields, stratified by label: each part keeps the data's
    order.

    The random numbers come from `default_rng([split_seed])`, or `[split_seed, seed]` when the spec
    is per seed (to numpy the two are one for seed 0, whose own split is thus the shared one);
    otherwise `seed` is not looked at. Raises ValueError when a per-seed spec gets no seed.
    """
    key = [spec.split_seed]
    if spec.split_per_seed:
        if seed is None:
            raise ValueError("expected a seed, for the spec has split_per_seed set, got None")
        check_seed("seed", seed)
        key.append(seed)
    train, test = stratified(data.y, spec.train_fraction, np.random.default_rng(key))
    n_classes = int(data.y.max()) + 1
    return Split(
        Dataset(data.x[train], data.y[train]),
        Dataset(data.x[test], data.y[test]),
        n_classes,
        population,
    )


def stratified(
    y: np.ndarray, train_fraction: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(train_index, test_index) of the labels y [N]: both sorted, disjoint, together 0 .. N-1,
    int64.

    Train gets floor(train_fraction * N) examples, each class as many as `quotas` says. One uniform number is
    drawn for each example, and a class gives those with the smallest. Raises ValueError when a side
    would be empty.
    """
    check_train_fraction(train_fraction)
    if y.ndim != 1:
        raise ValueError(f"expected labels of shape [N], got {list(y.shape)}")
    draw = rng.random(len(y))
    classes, sizes = np.unique(y, return_counts=True)
    chosen = np.zeros(len(y), bool)
    for label, quota in zip(classes, quotas(sizes.tolist(), train_fraction), strict=True):
        members = np.flatnonzero(y == label)
        chosen[members[np.argsort(draw[members], kind="stable")[:quota]]] = True
    if not chosen.any():  # the test side has one at least, as train_fraction < 1
        raise ValueError(
            f"expected train_fraction to leave an example on each side of {len(y)}, got {train_fraction!r}"
        )
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def quotas(sizes: Sequence[int], train_fraction: float) -> list[int]:
    """How many examples each class of `sizes` [C] gives to train: the method of largest remainders.

    Each class gives floor(train_fraction * N_c); those with the largest remainders give one more until
    floor(train_fraction * N) are found, the smaller label first where remainders are equal. Reckoned
    exactly, with `train_fraction` as the decimal it is written as: 0.29 of 100 is 29, where floats would
    make it 28.
    """
    exact = [Fraction(repr(float(train_fraction))) * size for size in sizes]
    given = [floor(quota) for quota in exact]
    spare = floor(sum(exact)) - sum(given)
    by_remainder = sorted(range(len(sizes)), key=lambda c: given[c] - exact[c])
    for c in by_remainder[:spare]:
        given[c] += 1
    return given


def checksum(split: Split) -> str:
    """sha256, in hex, over the dtype, the shape and the bytes of train x, train y, test x and test
    y, in this order."""
    digest = hashlib.sha256()
    for array in (*split.train, *split.test):
        digest.update(f"{array.dtype.str}{list(array.shape)}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
