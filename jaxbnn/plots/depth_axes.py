"""The axis of depths D, which may have gaps: one position for each entry, named by its tick."""

from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

DEPTH_LABEL = "binary units D"
MAX_TICKS = {"x": 11, "y": 30}  # names that fit beside each other, above each other


def checked_depths(d: ArrayLike) -> NDArray:
    """Returns d [D] once it is found to be whole numbers that rise from 1 or later."""
    depths = np.asarray(d)
    if depths.ndim != 1 or depths.size == 0 or depths[0] < 1 or np.any(np.diff(depths) <= 0):
        raise ValueError(
            f"expected d [D] rising from 1 or later, got shape {depths.shape}: {depths.ravel()[:4]}"
        )
    fractions = depths[depths != np.round(depths)]
    if fractions.size:
        raise ValueError(f"expected d whole, got {fractions[0]}")
    return depths


def checked_values(name: str, array: ArrayLike, *shape: int) -> NDArray:
    """Returns the array in float64, NaN where it is not finite, once it has the shape and nothing
    below 0."""
    values = np.asarray(array, dtype=np.float64)
    if values.shape != shape:
        raise ValueError(f"expected {name} {list(shape)}, got shape {values.shape}")
    if np.any(values < 0):
        raise ValueError(f"expected {name} of 0 or more, got {np.nanmin(values):.3g}")
    return np.where(np.isfinite(values), values, np.nan)


def depth_axis(ax: Axes, axis: Literal["x", "y"], depths: NDArray) -> None:
    """Names the positions 0 to D - 1 by their depths, not all where they would run into each
    other."""
    step = 1 + (len(depths) - 1) // MAX_TICKS[axis]
    positions = np.arange(len(depths))[::step]
    names = [f"{depth:g}" for depth in depths[positions]]
    limits = (-0.5, len(depths) - 0.5)
    if axis == "x":
        ax.set_xticks(positions, names)
        ax.set_xlim(limits)
    else:
        ax.set_yticks(positions, names)
        ax.set_ylim(limits)
