"""One dot a run, in columns: how a number is spread over the runs of a group."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.typing import ArrayLike, NDArray

from jaxbnn.plots.axes import DOUBT, colour_bar, doubtful_handle, label_axes

ROWS = 40  # heights of a column within which dots are moved apart
WIDTH = 0.8  # of a column


def swarm(
    ax: Axes,
    values: Mapping[str, ArrayLike],
    colour: Mapping[str, ArrayLike],
    trusted: Mapping[str, ArrayLike],
    ylabel: str,
    clabel: str,
    levels: Mapping[str, float] | None = None,
) -> None:
    """Draws each column's values [R] as dots beside each other where they would meet, coloured by
    colour [R].

    trusted: bool [R], dots that cannot be trusted are hollow and grey. levels: a column's control,
    a dashed line, where it has one. Values and colours that are not finite are left out, and
    counted below the column's name. The colour bar is named by `clabel`.
    """
    if not values or set(values) != set(colour) or set(values) != set(trusted):
        raise ValueError(
            f"expected values, colour and trusted of the same columns, got {list(values)}, {list(colour)}"
        )
    columns = {name: _column(name, values[name], colour[name], trusted[name]) for name in values}
    every = np.concatenate([c for _, c, _, _ in columns.values()])
    bar = ScalarMappable(
        Normalize(*((every.min(), every.max()) if every.size else (0, 1))), "viridis"
    )
    heights = np.concatenate([y for y, _, _, _ in columns.values()])
    step = max(float(np.ptp(heights)) / ROWS, 1e-12) if heights.size else 1.0
    for place, (name, (y, c, sure, _)) in enumerate(columns.items()):
        x = place + _beside(y, step)
        ax.scatter(
            x[sure],
            y[sure],
            s=34,
            c=bar.to_rgba(c[sure]),
            edgecolors="black",
            linewidths=0.4,
            zorder=3,
        )
        ax.scatter(
            x[~sure],
            y[~sure],
            s=30,
            facecolors="none",
            edgecolors=DOUBT,
            linewidths=1.1,
            zorder=2.5,
        )
        if levels and np.isfinite(levels.get(name, np.nan)):
            ax.hlines(
                levels[name],
                place - WIDTH / 2,
                place + WIDTH / 2,
                color="0.3",
                linestyle=(0, (4, 2)),
                lw=1.3,
            )
    ax.set_xticks(
        range(len(columns)),
        [_named(name, lost) for name, (*_, lost) in columns.items()],
        rotation=20,
    )
    ax.set_xlim(-0.6, len(columns) - 0.4)
    label_axes(ax, "", ylabel)
    colour_bar(ax, bar, clabel)
    if not all(sure.all() for _, _, sure, _ in columns.values()):
        # above the Axes: below them the names of columns stand slanted
        ax.legend(
            handles=[doubtful_handle()], loc="lower right", bbox_to_anchor=(1, 1), frameon=False
        )


def _column(name: str, values: ArrayLike, colour: ArrayLike, trusted: ArrayLike):
    """The finite values with their colours and trust, and how many are lost."""
    y, c, sure = np.asarray(values, np.float64), np.asarray(colour, np.float64), np.asarray(trusted)
    if y.ndim != 1 or y.shape != c.shape or y.shape != sure.shape or sure.dtype != np.bool_:
        raise ValueError(
            f"expected values, colour and bool trusted [R] of {name}, got {y.shape}, {c.shape}, {sure}"
        )
    there = np.isfinite(y) & np.isfinite(c)
    return y[there], c[there], sure[there], int((~there).sum())


def _named(name: str, lost: int) -> str:
    return f"{name}\n({lost} left out)" if lost else name


def _beside(y: NDArray, step: float) -> NDArray:
    """How far from the middle of its column each dot stands: those of one height beside each
    other."""
    rows, shift = np.round(y / step), np.zeros(len(y))
    widest = max(np.unique(rows, return_counts=True)[1], default=1)
    apart = min(0.09, WIDTH / max(widest, 1))
    for row in np.unique(rows):
        members = np.flatnonzero(rows == row)
        shift[members] = apart * (np.arange(len(members)) - (len(members) - 1) / 2)
    return shift
