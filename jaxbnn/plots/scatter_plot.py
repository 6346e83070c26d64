"""One number of each run against another, with the range of each."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from numpy.typing import ArrayLike, NDArray

from jaxbnn.analysis.appearance import DOUBTFUL_COLOUR
from jaxbnn.plots.axes import colour_bar, doubtful_handle, label_axes, legend, value_colours


class RunPoints(NamedTuple):
    """Two quantities of each run, with their ranges."""

    x: ArrayLike  # [3, R] the value, the smallest, the largest
    y: ArrayLike  # [3, R]
    colour: ArrayLike  # [R] what the colour shows
    trusted: ArrayLike  # bool [R]


class _Points(NamedTuple):
    """`RunPoints` in float64, without what is not finite."""

    x: NDArray
    y: NDArray
    colour: NDArray
    trusted: NDArray


def scatter(ax: Axes, points: RunPoints, xlabel: str, ylabel: str, colour_label: str) -> None:
    """Draws runs as dots, with bars to the ends of their ranges, coloured by a third number.

    Runs that cannot be trusted are hollow and grey. Runs with a value that is not finite are left
    out.

    Args:
        ax: what is drawn on.
        points: the runs.
        xlabel: the first quantity with its unit.
        ylabel: the second.
        colour_label: what the colour shows.

    Raises:
        ValueError: for arrays of other shapes.
    """
    runs = _finite_points(points)
    colours = value_colours(runs.colour)
    for i in range(len(runs.colour)):
        _draw_run(ax, runs, i, colours)
    label_axes(ax, xlabel, ylabel)
    colour_bar(ax, colours, colour_label)
    if not runs.trusted.all():
        legend(ax, [doubtful_handle()], "")


def _finite_points(points: RunPoints) -> _Points:
    x = np.asarray(points.x, float)
    y = np.asarray(points.y, float)
    colour = np.asarray(points.colour, float)
    trusted = np.asarray(points.trusted)
    shape = (3, colour.size)
    if not (x.shape == y.shape == shape and colour.shape == trusted.shape == shape[1:]):
        raise ValueError(
            f"expected x, y [3, R], colour, trusted [R], got {x.shape}, {y.shape}, {colour.shape}, "
            f"{trusted.shape}"
        )
    finite = np.isfinite(x).all(axis=0) & np.isfinite(y).all(axis=0) & np.isfinite(colour)
    return _Points(x[:, finite], y[:, finite], colour[finite], trusted[finite])


def _draw_run(ax: Axes, runs: _Points, i: int, colours: ScalarMappable) -> None:
    """Draws run number i: its dot and its two bars."""
    colour: Any = DOUBTFUL_COLOUR
    dot: dict[str, Any] = {"mfc": "white", "mec": DOUBTFUL_COLOUR, "zorder": 2.5}
    if runs.trusted[i]:
        colour = colours.to_rgba(runs.colour[i])
        dot = {"mfc": colour, "mec": "black", "zorder": 3}
    bars: dict[str, Any] = {"xerr": _bar(runs.x, i), "yerr": _bar(runs.y, i), "elinewidth": 0.7}
    ax.errorbar(runs.x[0, i], runs.y[0, i], fmt="o", ms=5.5, mew=0.6, ecolor=colour, **bars, **dot)


def _bar(ranges: NDArray, i: int) -> NDArray:
    """How far run i's smallest and largest value lie from its value, [2, 1]."""
    return np.abs(ranges[1:, i : i + 1] - ranges[0, i])
