"""Numbers with their intervals, one below the other."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from jaxbnn.plots.axes import COLOURS, MARKERS, SMALL, label_axes, legend


def intervals(
    ax: Axes,
    names: Sequence[str],
    values: Mapping[str, ArrayLike],
    xlabel: str,
    line: float | None = 0.0,
) -> None:
    """Draws a line a name, and in it a dot with its interval for each of the values [K, 3] (value,
    low, high).

    What is not finite is left out: a name without any value keeps its line, and says "undefined".
    `line`: a vertical line.
    """
    if not 0 < len(values) <= len(COLOURS):
        raise ValueError(f"expected 1 to {len(COLOURS)} sets of values, got {len(values)}")
    arrays = {label: np.asarray(value, float) for label, value in values.items()}
    for label, array in arrays.items():
        if array.shape != (len(names), 3):
            raise ValueError(f"expected {label} [{len(names)}, 3], got shape {array.shape}")
    apart = np.linspace(-0.28, 0.28, len(arrays)) if len(arrays) > 1 else np.zeros(1)
    handles = []
    for i, (label, array) in enumerate(arrays.items()):
        place = np.arange(len(names)) + apart[i]
        ax.hlines(place, array[:, 1], array[:, 2], color=COLOURS[i], lw=1.4)
        ax.plot(array[:, 0], place, ls="none", marker=MARKERS[i], color=COLOURS[i], ms=5.5)
        handles.append(
            Line2D([], [], marker=MARKERS[i], color=COLOURS[i], lw=1.4, ms=5.5, label=label)
        )
    if line is not None:
        ax.axvline(line, color="0.5", lw=1, zorder=1)
    for k in np.flatnonzero(
        np.isnan(np.stack([array[:, 0] for array in arrays.values()])).all(axis=0)
    ):
        ax.text(line or 0.0, k, " undefined", va="center", fontsize=SMALL, color="0.35")
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    label_axes(ax, xlabel, "")
    if len(arrays) > 1:
        legend(ax, handles, "")
