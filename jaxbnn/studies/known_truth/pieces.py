"""What a study of samples is made of."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Arrays = dict[str, np.ndarray]
Variables = dict[str, tuple[tuple[str, ...], np.ndarray, Mapping[str, Any]]]


class Piece(NamedTuple):
    """Samples that are drawn and kept together."""

    name: str
    path: Path  # of the arrays, once they are made
    make: Callable[[], Arrays]


def stacked(pieces: Sequence[Arrays]) -> Arrays:
    """Arrays by name, those of one name behind each other along a new first axis."""
    arrays = {}
    for name in pieces[0]:
        arrays[name] = np.stack([piece[name] for piece in pieces])
    return arrays
