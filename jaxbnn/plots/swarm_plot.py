"""One dot a run, in columns: how a number is spread over the runs of a group."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from numpy.typing import ArrayLike, NDArray

from jaxbnn.analysis.appearance import DOUBTFUL_COLOUR
from jaxbnn.plots.axes import colour_bar, doubtful_handle, label_axes, value_colours

N_ROWS = 40  # heights of a column within which dots are moved apart
WIDTH = 0.8  # of a column
MAX_DISTANCE = 0.09  # of two dots beside each other


class Column(NamedTuple):
    """The runs of a group."""

    values: ArrayLike  # [R]
    colour: ArrayLike  # [R] what the colour shows
    trusted: ArrayLike  # bool [R]
    level: float = np.nan  # the group's control, a dashed line; NaN for none


class _Dots(NamedTuple):
    """The finite runs of a column."""

    y: NDArray  # [R]
    colour: NDArray  # [R]
    trusted: NDArray  # bool [R]
    n_lost: int  # runs that are not finite


def swarm(ax: Axes, columns: Mapping[str, Column], ylabel: str, colour_label: str) -> None:
    """Draws each column's runs as dots, beside each other where they would meet.

    Dots that cannot be trusted are hollow and grey. Runs whose value or colour is not finite are
    left out, and counted below the column's name.

    Args:
        ax: what is drawn on.
        columns: name -> its runs, from left to right.
        ylabel: the quantity with its unit.
        colour_label: what the colour shows.

    Raises:
        ValueError: for no column, or arrays of other shapes.
    """
    if not columns:
        raise ValueError("expected one column of runs or more, got none")
    dots = {name: _finite_dots(name, column) for name, column in columns.items()}
    colours = value_colours(np.concatenate([column.colour for column in dots.values()]))
    row_height = _row_height(np.concatenate([column.y for column in dots.values()]))
    for position, (name, column) in enumerate(dots.items()):
        x = position + _shifts(column.y, row_height)
        _draw_dots(ax, x, column, colours)
        _draw_level(ax, position, columns[name].level)
    names = [_tick(name, column.n_lost) for name, column in dots.items()]
    ax.set_xticks(range(len(names)), names, rotation=20)
    ax.set_xlim(-0.6, len(names) - 0.4)
    label_axes(ax, "", ylabel)
    colour_bar(ax, colours, colour_label)
    if not all(column.trusted.all() for column in dots.values()):
        # above the Axes: below them the names of columns stand slanted
        above = {"loc": "lower right", "bbox_to_anchor": (1, 1)}
        ax.legend(handles=[doubtful_handle()], frameon=False, **above)


def _finite_dots(name: str, column: Column) -> _Dots:
    y = np.asarray(column.values, np.float64)
    colour = np.asarray(column.colour, np.float64)
    trusted = np.asarray(column.trusted)
    if y.ndim != 1 or not y.shape == colour.shape == trusted.shape or trusted.dtype != np.bool_:
        raise ValueError(
            f"expected values, colour and bool trusted [R] of {name}, got {y.shape}, "
            f"{colour.shape}, {trusted.dtype} {trusted.shape}"
        )
    finite = np.isfinite(y) & np.isfinite(colour)
    return _Dots(y[finite], colour[finite], trusted[finite], int((~finite).sum()))


def _draw_dots(ax: Axes, x: NDArray, column: _Dots, colours: ScalarMappable) -> None:
    trusted = column.trusted
    filled: dict[str, Any] = {"c": colours.to_rgba(column.colour[trusted]), "edgecolors": "black"}
    ax.scatter(x[trusted], column.y[trusted], s=34, linewidths=0.4, zorder=3, **filled)
    hollow: dict[str, Any] = {"facecolors": "none", "edgecolors": DOUBTFUL_COLOUR}
    ax.scatter(x[~trusted], column.y[~trusted], s=30, linewidths=1.1, zorder=2.5, **hollow)


def _draw_level(ax: Axes, position: float, level: float) -> None:
    if np.isfinite(level):
        ends = position - WIDTH / 2, position + WIDTH / 2
        ax.hlines(level, *ends, color="0.3", linestyle=(0, (4, 2)), lw=1.3)


def _tick(name: str, n_lost: int) -> str:
    return f"{name}\n({n_lost} left out)" if n_lost else name


def _row_height(heights: NDArray) -> float:
    """Dots whose heights differ by less would meet."""
    if not heights.size:
        return 1.0
    return max(float(np.ptp(heights)) / N_ROWS, 1e-12)


def _shifts(y: NDArray, row_height: float) -> NDArray:
    """How far from the middle of its column each dot stands: those of one height beside each
    other."""
    rows = np.round(y / row_height)
    shifts = np.zeros(len(y))
    row_values, row_sizes = np.unique(rows, return_counts=True)
    distance = min(MAX_DISTANCE, WIDTH / max(row_sizes, default=1))
    for row in row_values:
        members = np.flatnonzero(rows == row)
        middle = (len(members) - 1) / 2
        shifts[members] = distance * (np.arange(len(members)) - middle)
    return shifts
