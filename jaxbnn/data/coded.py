"""Inputs as bytes, where they are at most 256 equally spaced numbers: the pixels of images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jaxbnn.data.split import Split

MAX_CODE = 255
ROWS = 4096  # examples that are coded together
SAMPLE = 100_000  # numbers among which the smallest distance is looked for
UNEVEN = 1e-6  # how far from its place a number may stand, as a share of the largest


class CodedInputs(NamedTuple):
    """The inputs of a split: values[codes] in float32, bit for bit."""

    train: np.ndarray  # uint8 [N, ...]
    test: np.ndarray  # uint8 [N, ...]
    values: tuple[float, ...]  # rising, evenly spaced but for their rounding


def coded_inputs(split: Split) -> CodedInputs | None:
    """The inputs as bytes.

    Args:
        split: its inputs are float32.

    Returns:
        The codes and what they stand for; None where there is no such code.
    """
    ends = _ends(split)
    sample = np.unique(split.train.x.reshape(-1)[:SAMPLE])
    if not np.isfinite(ends).all() or len(sample) < 2 or len(sample) > MAX_CODE + 1:
        return None
    span = ends[1] - ends[0]
    n = round(span / float(np.diff(sample.astype(np.float64)).min()))
    if n > MAX_CODE:
        return None
    line = (ends[0] + span * np.arange(n + 1) / n).astype(np.float32)
    codes = [_codes(x, ends[0], n / span) for x in (split.train.x, split.test.x)]
    values = line.copy()
    for code, x in _pairs(split, codes):
        values[code] = x
    is_even = np.abs(values - line).max() <= UNEVEN * max(map(abs, ends))
    # Bytes, not numbers: -0 is not 0.
    if not is_even or any(values[c].tobytes() != x.tobytes() for c, x in _pairs(split, codes)):
        return None
    return CodedInputs(codes[0], codes[1], tuple(values.tolist()))


def _ends(split: Split) -> tuple[float, float]:
    """The smallest and the largest input."""
    parts = (split.train.x, split.test.x)
    return float(min(x.min() for x in parts)), float(max(x.max() for x in parts))


def _codes(x: np.ndarray, low: float, per_unit: float) -> np.ndarray:
    """The place of each number of x on the line, uint8."""
    codes = np.empty(x.shape, np.uint8)
    for first in range(0, len(x), ROWS):
        places = (x[first : first + ROWS] - np.float32(low)) * np.float32(per_unit)
        codes[first : first + ROWS] = np.rint(places)
    return codes


def _pairs(split: Split, codes: list[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(codes, inputs) of both parts, some rows at a time."""
    for code, x in zip(codes, (split.train.x, split.test.x), strict=True):
        for first in range(0, len(x), ROWS):
            yield code[first : first + ROWS], x[first : first + ROWS]
