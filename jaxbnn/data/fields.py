"""The fields that several data specifications share, and what they may hold."""

from __future__ import annotations

from typing import Protocol, TypeGuard

import numpy as np

FLOAT32_MAX = float(np.finfo(np.float32).max)


class Shared(Protocol):
    """The fields by which a spec says how its examples are shared between train and test."""

    @property
    def train_fraction(self) -> float: ...  # of the examples, for training; between 0 and 1

    @property
    def split_seed(self) -> int: ...

    @property
    def split_per_seed(self) -> bool: ...  # True: the run's seed joins `split_seed`


class Relabelled(Protocol):
    """The fields by which a spec says which training labels are shuffled; see `relabelled`."""

    @property
    def label_seed(self) -> int | None: ...

    @property
    def label_noise(self) -> float: ...  # the share of them, above 0 and at most 1


def check_shared(spec: Shared) -> None:
    """Raises TypeError or ValueError unless the fields of `Shared` can split and be JSON."""
    check_train_fraction(spec.train_fraction)
    check_seed("split_seed", spec.split_seed)
    check_switch("split_per_seed", spec.split_per_seed)


def check_train_fraction(train_fraction: object) -> None:
    """Raises TypeError or ValueError unless it is a number strictly between 0 and 1."""
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


def check_switch(name: str, value: object) -> None:
    """Raises TypeError unless `value` is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"expected {name} to be True or False, got {value!r}")


def check_relabelled(spec: Relabelled) -> None:
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
            f"expected a label_seed with label_noise, got {spec.label_noise!r} without: "
            "label_seed=0, say"
        )


def check_max_examples(max_examples: object) -> None:
    """Raises ValueError unless `max_examples` is None or a whole number of at least 1."""
    if max_examples is None:
        return
    if isinstance(max_examples, int) and not isinstance(max_examples, bool) and max_examples >= 1:
        return
    raise ValueError(
        f"expected max_examples as a whole number of at least 1 or none, got {max_examples!r}"
    )


def check_value_range(value_range: object) -> None:
    """Raises TypeError or ValueError unless it is a tuple (low, high) that differs in float32."""
    # A list would compare equal once loaded but could not be hashed with the spec.
    if (
        not isinstance(value_range, tuple)
        or len(value_range) != 2
        or not all(map(is_number, value_range))
    ):
        raise TypeError(f"expected value_range as a tuple of two numbers, got {value_range!r}")
    low, high = value_range
    if not -FLOAT32_MAX <= low <= FLOAT32_MAX or not -FLOAT32_MAX <= high <= FLOAT32_MAX:
        raise ValueError(f"expected a value_range that float32 can hold, got {value_range!r}")
    if not np.float32(low) < np.float32(high):
        raise ValueError(f"expected a value_range (low, high) with low < high, got {value_range!r}")


def is_number(value: object) -> TypeGuard[float]:
    """True for an int or a float that JSON can hold, float64 of numpy included; not for a bool."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
