"""Several numbers of each of a few things, beside each other."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from jaxbnn.analysis.appearance import COLOURS, MARKERS
from jaxbnn.plots.axes import label_axes, legend


def strip(ax: Axes, names: Sequence[str], values: Mapping[str, ArrayLike], ylabel: str) -> None:
    """Draws the values of each set as dots above the names.

    Args:
        ax: what is drawn on.
        names: K, from left to right.
        values: name of a set -> [K, R], R numbers a name; what is not finite is left out; at most 7
            sets.
        ylabel: the quantity with its unit.

    Raises:
        ValueError: for no set or too many, or arrays of other shapes.
    """
    if not 0 < len(values) <= len(COLOURS):
        raise ValueError(f"expected 1 to {len(COLOURS)} sets of values, got {len(values)}")
    shifts = offsets(len(values), 0.22)
    handles = []
    for i, (label, value) in enumerate(values.items()):
        array = np.asarray(value, float)
        if array.ndim != 2 or len(array) != len(names):
            raise ValueError(f"expected {label} [{len(names)}, R], got shape {array.shape}")
        x = np.repeat(np.arange(len(names)) + shifts[i], array.shape[1])
        style = {"ls": "none", "marker": MARKERS[i], "color": COLOURS[i], "alpha": 0.75}
        handles += ax.plot(x, array.ravel(), ms=5, label=label, **style)
    ax.set_xticks(range(len(names)), names, rotation=25, ha="right")
    ax.set_xlim(-0.6, len(names) - 0.4)
    label_axes(ax, "", ylabel)
    legend(ax, handles, "")


def offsets(n_sets: int, furthest: float) -> NDArray:
    """How far from the middle of its name each set stands, [n_sets]."""
    if n_sets == 1:
        return np.zeros(1)
    return np.linspace(-furthest, furthest, n_sets)
