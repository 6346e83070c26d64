"""Numbers with their intervals, one below the other."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from jaxbnn.analysis.appearance import COLOURS, MARKERS
from jaxbnn.plots.axes import SMALL_SIZE, label_axes, legend
from jaxbnn.plots.strip_plot import offsets


def forest(
    ax: Axes,
    names: Sequence[str],
    values: Mapping[str, ArrayLike],
    xlabel: str,
    line: float | None = 0.0,
) -> None:
    """Draws a row for each name, and in it a dot with its interval for each set of values.

    What is not finite is left out: a name without any value keeps its row, which says "undefined".

    Args:
        ax: what is drawn on.
        names: K, from the top down.
        values: name of a set -> [K, 3] (value, low, high); at most 7 sets.
        xlabel: the quantity with its unit.
        line: the value of a vertical line, None for none.

    Raises:
        ValueError: for no set or too many, or arrays of other shapes.
    """
    arrays = _checked_sets(values, len(names))
    handles = []
    for i, (label, array) in enumerate(arrays.items()):
        rows = np.arange(len(names)) + offsets(len(arrays), 0.28)[i]
        style = {"marker": MARKERS[i], "color": COLOURS[i], "ms": 5.5}
        ax.hlines(rows, array[:, 1], array[:, 2], color=COLOURS[i], lw=1.4)
        ax.plot(array[:, 0], rows, ls="none", **style)
        handles.append(Line2D([], [], lw=1.4, label=label, **style))
    if line is not None:
        ax.axvline(line, color="0.5", lw=1, zorder=1)
    defined = np.isfinite(np.stack([array[:, 0] for array in arrays.values()]))
    for row in np.flatnonzero(~defined.any(axis=0)).tolist():
        ax.text(line or 0.0, row, " undefined", va="center", fontsize=SMALL_SIZE, color="0.35")
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    label_axes(ax, xlabel, "")
    if len(arrays) > 1:
        legend(ax, handles, "")


def _checked_sets(values: Mapping[str, ArrayLike], n_names: int) -> dict[str, NDArray]:
    """Each set of values [K, 3] in float64."""
    if not 0 < len(values) <= len(COLOURS):
        raise ValueError(f"expected 1 to {len(COLOURS)} sets of values, got {len(values)}")
    arrays = {}
    for label, array in values.items():
        arrays[label] = np.asarray(array, float)
        if arrays[label].shape != (n_names, 3):
            raise ValueError(f"expected {label} [{n_names}, 3], got shape {arrays[label].shape}")
    return arrays
