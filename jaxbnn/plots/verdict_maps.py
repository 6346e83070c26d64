"""Maps over the number of examples N and the depth D: which verdict was given, and whether it was
right.

Each cell is split by the shares of its repetitions, bottom to top: a tenth that is wrong is seen,
which a mixed colour or that of the majority would hide.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike, NDArray

from jaxbnn.analysis.appearance import RIGHTNESS_COLOURS, VERDICT_COLOURS
from jaxbnn.plots.axes import label_axes, legend
from jaxbnn.plots.depth_axes import DEPTH_LABEL, checked_depths, checked_values, depth_axis

TITLE = "cells are split by share of repetitions"
ROUNDING = 1e-6  # by which the shares of a cell may miss 1
POINTS_PER_ROW = 50  # of the drawn bound


class _Map(NamedTuple):
    """A checked map."""

    depths: NDArray  # [D]
    edges: NDArray  # [N + 1] of the cells, in examples
    shares: NDArray  # [D, N, parts], NaN for a cell that was not run


def verdicts(ax: Axes, d: ArrayLike, n: ArrayLike, share: ArrayLike, bound: bool = True) -> None:
    """Draws which verdict was given over N and D.

    Args:
        ax: what is drawn on.
        d: [D] whole and rising, a row each.
        n: [N] rising.
        share: [D, N, 4], of the repetitions called saturated, biased, conditional, reliable; NaN
            for a cell that was not run, which stays white.
        bound: whether to draw Nothnagel and Geiger's line N = (k / log2 k)^2, k = 2^D.

    Raises:
        ValueError: for arrays of other shapes, or shares that do not sum to 1.
    """
    checked = _checked_map(d, n, "share", share, len(VERDICT_COLOURS))
    _draw_cells(ax, checked, VERDICT_COLOURS)
    handles = _handles(VERDICT_COLOURS, checked.shares)
    if bound:
        handles += _draw_bound(ax, checked)
    legend(ax, handles, TITLE, 1.4)


def rightness(ax: Axes, d: ArrayLike, n: ArrayLike, right: ArrayLike) -> None:
    """Draws over N and D how often the verdict was right about the error of the estimate.

    Args:
        ax: what is drawn on.
        d: [D] whole and rising, a row each.
        n: [N] rising.
        right: [D, N, 6], shares of the repetitions that were reliable and within 0.1 bit, reliable
            and further off (wrong), and so on for biased or
            conditional and for saturated; NaN for a cell that was
            not run, which stays white.

    Raises:
        ValueError: for arrays of other shapes, or shares that do not sum to 1.
    """
    checked = _checked_map(d, n, "right", right, len(RIGHTNESS_COLOURS))
    _draw_cells(ax, checked, RIGHTNESS_COLOURS)
    legend(ax, _handles(RIGHTNESS_COLOURS, checked.shares), TITLE, 1.0)


def _checked_map(d: ArrayLike, n: ArrayLike, name: str, share: ArrayLike, n_parts: int) -> _Map:
    depths = checked_depths(d)
    sizes = np.asarray(n, dtype=np.float64)
    if sizes.ndim != 1 or sizes.size == 0 or not sizes[0] > 0 or not np.all(np.diff(sizes) > 0):
        raise ValueError(
            f"expected n [N] rising from above 0, got shape {sizes.shape}: {sizes.ravel()[:4]}"
        )
    shares = checked_values(name, share, len(depths), len(sizes), n_parts)
    totals = shares.sum(axis=-1)
    wrong = totals[np.abs(totals - 1) > ROUNDING]
    if wrong.size:
        raise ValueError(f"expected {name} to sum to 1 in each cell, got {wrong[0]:.3g}")
    return _Map(depths, _edges(sizes), shares)


def _edges(sizes: NDArray) -> NDArray:
    """Returns the N + 1 edges of the cells, midway between the sizes on the log axis."""
    logs = np.log10(sizes)
    if len(logs) == 1:
        return 10 ** np.array([logs[0] - 0.5, logs[0] + 0.5])
    middles = (logs[1:] + logs[:-1]) / 2
    first = 2 * logs[0] - middles[0]
    last = 2 * logs[-1] - middles[-1]
    return 10 ** np.concatenate([[first], middles, [last]])


def _draw_cells(ax: Axes, checked: _Map, colours: Mapping[str, str]) -> None:
    """Draws the split cells and a white grid between them, and sets the axes."""
    rows = np.arange(len(checked.depths))
    tops = rows[:, None, None] - 0.5 + np.cumsum(checked.shares, axis=-1)
    for i, colour in enumerate(colours.values()):
        share = checked.shares[..., i]
        corners = _corners(checked.edges, tops[..., i] - share, tops[..., i])
        polygons = list(corners[share > 0])
        ax.add_collection(PolyCollection(polygons, facecolors=colour, linewidths=0), autolim=False)
    left = checked.edges[0]
    right = checked.edges[-1]
    ax.hlines(rows[1:] - 0.5, left, right, colors="white", linewidths=1.2)
    ax.vlines(checked.edges[1:-1], -0.5, len(rows) - 0.5, colors="white", linewidths=0.6)
    ax.set_xscale("log")
    ax.set_xlim(left, right)
    depth_axis(ax, "y", checked.depths)
    label_axes(ax, "examples N", DEPTH_LABEL)


def _corners(edges: NDArray, low: NDArray, high: NDArray) -> NDArray:
    """The four corners of each cell from low to high [D, N]: [D, N, 4, 2]."""
    left = np.broadcast_to(edges[:-1], low.shape)
    right = np.broadcast_to(edges[1:], low.shape)
    corners = np.stack([left, low, right, low, right, high, left, high], axis=-1)
    return corners.reshape(*low.shape, 4, 2)


def _draw_bound(ax: Axes, checked: _Map) -> list[Line2D]:
    """Draws N = (k / log2 k)^2 from row to row as far as it is within the edges; returns it if any
    of it is."""
    rows = np.arange(len(checked.depths))
    last = len(rows) - 1
    between = np.linspace(0, last, POINTS_PER_ROW * last + 1)
    # log10 of (k / log2 k)^2, where log2 k = D
    log_sizes = 2 * (checked.depths * np.log10(2) - np.log10(checked.depths))
    line_logs = np.interp(between, rows, log_sizes)
    low, high = np.log10(checked.edges[[0, -1]])
    within = (low <= line_logs) & (line_logs <= high)
    if within.sum() < 2:
        return []
    handles = ax.plot(
        10 ** line_logs[within],
        between[within],
        color="black",
        linewidth=2.0,
        zorder=3,
        label=r"$N = (k\,/\log_2 k)^2,\ k = 2^D$",
    )
    handles[0].set_path_effects([withStroke(linewidth=4.5, foreground="white")])
    return handles


def _handles(colours: Mapping[str, str], shares: NDArray) -> list[Line2D]:
    """Returns a square of each part's colour and, if there is such a cell, of one that was not
    run."""
    squares = [_square(name, colour, colour) for name, colour in colours.items()]
    if np.isnan(shares).any():
        squares.append(_square("not run", "white", "0.5"))
    return squares


def _square(name: str, colour: str, edge_colour: str) -> Line2D:
    return Line2D([], [], ls="none", marker="s", ms=9, color=colour, mec=edge_colour, label=name)
