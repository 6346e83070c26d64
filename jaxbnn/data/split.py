"""What a data set is once loaded, and how one is split into train and test."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from math import floor
from typing import NamedTuple

import numpy as np

from jaxbnn.data.fields import Relabelled, Shared, check_seed, check_train_fraction


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


def shortened(split: Split, max_examples: int | None) -> Split:
    """The split with at most the first `max_examples` examples of either part; None leaves it."""
    if max_examples is None:
        return split
    train = Dataset(split.train.x[:max_examples].copy(), split.train.y[:max_examples].copy())
    test = Dataset(split.test.x[:max_examples].copy(), split.test.y[:max_examples].copy())
    return split._replace(train=train, test=test)


def relabelled(split: Split, spec: Relabelled) -> Split:
    """The split with shuffled training labels, by `default_rng(label_seed)`.

    Class sizes stay, and with them H(Y) of the training set; what an input says of its label is
    gone. The test set keeps its labels.

    Args:
        split: the data.
        spec: its `label_seed`, None for the labels as they are; its `label_noise`, the share of the
            training examples, drawn at random, whose labels are shuffled among themselves. Some get
            their own back.
    """
    if spec.label_seed is None:
        return split
    y = split.train.y.copy()
    drawn = np.random.default_rng(spec.label_seed).permutation(len(y))
    order = drawn[: round(spec.label_noise * len(y))]
    y[np.sort(order)] = split.train.y[order]
    return split._replace(train=split.train._replace(y=y))


def divide(data: Dataset, spec: Shared, seed: int | None, population: bool) -> Split:
    """The data split by the spec's three fields, stratified by label; both parts keep the order.

    The random numbers come from `default_rng([split_seed])`, or `[split_seed, seed]` where the spec
    is per seed. To numpy the two are one for seed 0, whose own split is thus the shared one.

    Args:
        data: x [N, ...], y [N].
        spec: train_fraction, split_seed, split_per_seed.
        seed: the run's; looked at only where the spec is per seed.
        population: whether the data are every input there is.

    Raises:
        ValueError: a spec per seed gets no seed, or a part would be empty.
    """
    key = [spec.split_seed]
    if spec.split_per_seed:
        if seed is None:
            raise ValueError("expected a seed, for the spec has split_per_seed set, got None")
        check_seed("seed", seed)
        key.append(seed)
    train, test = stratified(data.y, spec.train_fraction, np.random.default_rng(key))
    return Split(
        Dataset(data.x[train], data.y[train]),
        Dataset(data.x[test], data.y[test]),
        n_classes=int(data.y.max()) + 1,
        population=population,
    )


def stratified(
    y: np.ndarray, train_fraction: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Which examples train and which test, each class in proportion.

    Train gets floor(train_fraction * N) examples, each class as many as `quotas` says. One uniform
    number is drawn for each example, and a class gives those with the smallest.

    Args:
        y: labels [N].
        train_fraction: between 0 and 1.
        rng: the random numbers.

    Returns:
        (train_index, test_index): int64, sorted, disjoint, together 0 .. N-1.

    Raises:
        ValueError: a side would be empty, or y is not [N].
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
            f"expected train_fraction to leave an example on each side of {len(y)}, "
            f"got {train_fraction!r}"
        )
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def quotas(sizes: Sequence[int], train_fraction: float) -> list[int]:
    """How many examples each class gives to train: the method of largest remainders.

    Each class gives floor(train_fraction * N_c); those with the largest remainders give one more
    until floor(train_fraction * N) are chosen, the smaller label first where remainders are equal.
    Computed exactly, with `train_fraction` as the decimal it is written as: 0.29 of 100 is 29,
    where floats would make it 28.

    Args:
        sizes: examples of each class [C].
        train_fraction: between 0 and 1.
    """
    exact = [Fraction(repr(float(train_fraction))) * size for size in sizes]
    given = [floor(quota) for quota in exact]
    spare = floor(sum(exact)) - sum(given)
    by_remainder = sorted(range(len(sizes)), key=lambda c: given[c] - exact[c])
    for c in by_remainder[:spare]:
        given[c] += 1
    return given


def checksum(split: Split) -> str:
    """sha256, in hex, of the arrays train x, train y, test x and test y, in this order.

    Of each its dtype, its shape and its bytes in C order. No array is copied that is in C order.
    """
    digest = hashlib.sha256()
    for array in (*split.train, *split.test):
        digest.update(f"{array.dtype.str}{list(array.shape)}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
