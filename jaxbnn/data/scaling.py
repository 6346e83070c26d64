"""Inputs in float32: as they are, mapped onto a range, or standardised; computed in float64."""

from __future__ import annotations

import numpy as np

from jaxbnn.data.fields import FLOAT32_MAX
from jaxbnn.data.split import Split

SMALLEST_NORMAL = float(np.finfo(np.float32).smallest_normal)  # 1.2e-38


def plain_inputs(split: Split) -> Split:
    """The split with its inputs as float32, rounded and otherwise unchanged."""
    return with_inputs(split, split.train.x, split.test.x)


def mapped(split: Split, value_range: tuple[float, float]) -> Split:
    """The split with the extremes of its training inputs mapped onto the range.

    low' + (x - min) / (max - min) * (high' - low'), with one min and one max for all inputs. Test
    inputs follow the same line, so they may fall outside.

    Raises:
        ValueError: the training inputs are constant, or float32 cannot hold a result.
    """
    ends = (float(split.train.x.min()), float(split.train.x.max()))
    if ends[0] == ends[1]:
        raise ValueError(
            f"expected train inputs that vary, to be mapped onto {value_range}, "
            f"got {ends[0]} throughout"
        )
    train = rescaled(split.train.x, ends, value_range)
    test = rescaled(split.test.x, ends, value_range)
    return with_inputs(split, train, test)


def rescaled(
    x: np.ndarray, ends: tuple[float, float], value_range: tuple[float, float]
) -> np.ndarray:
    """The line that takes `ends` to `value_range`, at x, in float64."""
    y = x.astype(np.float64)
    with np.errstate(over="ignore"):
        y -= ends[0]
        y /= ends[1] - ends[0]
        y *= value_range[1] - value_range[0]
        y += value_range[0]
    return y


def standardised(split: Split) -> Split:
    """The split with mean 0 and standard deviation 1 of each input over the training examples.

    z = (x - mean) / sd, with sd^2 = sum (x - mean)^2 / N. Test inputs follow with the same mean and
    sd. An input that is constant in training becomes 0 in both parts.

    Raises:
        ValueError: float32 cannot hold a test input's result.
    """
    x = split.train.x.astype(np.float64)
    varies = x.min(0) < x.max(0)
    # A power of two brings each input near 1, exactly: squares of tiny numbers would be 0.
    exponent = -np.frexp(np.abs(x).max(0))[1]
    x = np.ldexp(x, exponent)
    mean = x.mean(0)
    deviation = np.where(varies, np.sqrt(np.mean((x - mean) ** 2, axis=0)), 1.0)
    with np.errstate(over="ignore"):
        test = np.ldexp(split.test.x.astype(np.float64), exponent)
    return with_inputs(
        split,
        np.where(varies, (x - mean) / deviation, 0.0),
        np.where(varies, (test - mean) / deviation, 0.0),
    )


def with_inputs(split: Split, train: np.ndarray, test: np.ndarray) -> Split:
    """The split with these inputs, as float32.

    Raises:
        ValueError: float32 cannot hold one, or an input whose training values would all become 0.
    """
    train32 = as_float32(train, "train")
    check_no_input_lost(train, train32)
    return split._replace(
        train=split.train._replace(x=train32),
        test=split.test._replace(x=as_float32(test, "test")),
    )


def as_float32(x: np.ndarray, part: str) -> np.ndarray:
    """x [N, ...] rounded to float32; what is nearer to 0 than 1.2e-38 becomes 0.

    Compiled programs take such numbers as 0 on some devices and not on others.

    Raises:
        ValueError: float32 cannot hold a value.
    """
    ends = (float(x.min()), float(x.max()))
    if not -FLOAT32_MAX <= ends[0] <= ends[1] <= FLOAT32_MAX:
        raise ValueError(
            f"expected {part} inputs that float32 can hold once scaled, got {ends[0]} to {ends[1]}"
        )
    y = x.astype(np.float32)
    if x.dtype.kind == "f":
        y[np.abs(y) < SMALLEST_NORMAL] = 0.0
    return y


def check_no_input_lost(x: np.ndarray, x32: np.ndarray) -> None:
    """ValueError where an input varies in x and all its values are 0 in float32."""
    if x.dtype.kind != "f":
        return
    is_lost = (x != 0).any(0) & ~(x32 != 0).any(0)
    if is_lost.any():
        number = int(np.argmax(is_lost.ravel()))
        largest = float(np.abs(x).reshape(len(x), -1)[:, number].max())
        raise ValueError(
            f"expected train inputs of at least {SMALLEST_NORMAL:.1e} or 0, got input {number} "
            f"of at most {largest:.1e}, which is 0 in float32: scale it, or set standardise"
        )
