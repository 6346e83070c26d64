"""Maps over the number of examples N and the depth D: which verdict was given, and whether it was
right.

Each cell is split by the shares of its repetitions, bottom to top: a tenth that is wrong is seen,
which a mixed colour or that of the majority would hide.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike, NDArray

from jaxbnn.plots.axes import label_axes, legend
from jaxbnn.plots.depth_axes import DEPTH, checked_depths, depth_axis, shaped

Parts = dict[str, str]  # name -> colour; they differ in lightness too, for grey print
VERDICTS: Parts = {"saturated": "#404040", "biased": "#E69F00", "reliable": "#A6D8F5"}
RIGHTNESS: Parts = {
    "reliable, within 0.1 bit: right": "#4090C8",
    "reliable, further off: wrong": "#B00020",
    "biased, within 0.1 bit: overcautious": "#E3BE55",
    "biased, further off: right": "#F6EAC8",
    "saturated, within 0.1 bit: overcautious": "#555555",
    "saturated, further off: right": "#A0A0A0",
}
TITLE = "cells are split by share of repetitions"


def verdicts(ax: Axes, d: ArrayLike, n: ArrayLike, share: ArrayLike, regime: bool = True) -> None:
    """Draws which verdict was given over N and D; `regime`: with the line N = (k / log2 k)^2, k =
    2^D.

    d [D] whole and rising, a row each; n [N] rising; share [D, N, 3]: of the repetitions called
    saturated, biased, reliable, NaN for a cell that was not run, which stays white. The line is
    Nothnagel and Geiger's.
    """
    depths, sizes, shares = _checked(d, n, "share", share, len(VERDICTS))
    _cells(ax, depths, sizes, shares, list(VERDICTS.values()))
    line = _regime_line(ax, depths, _edges(sizes)) if regime else []
    legend(ax, [*_handles(VERDICTS, shares), *line], TITLE, 1.4)


def rightness(ax: Axes, d: ArrayLike, n: ArrayLike, right: ArrayLike) -> None:
    """Draws over N and D how often the verdict was right about the error of the estimate.

    d [D] whole and rising, a row each; n [N] rising; right [D, N, 6]: shares of the repetitions
    that were reliable and within 0.1 bit, reliable and further off (wrong), and so on for biased
    and for saturated; NaN for a cell that was not run, which stays white.
    """
    depths, sizes, shares = _checked(d, n, "right", right, len(RIGHTNESS))
    _cells(ax, depths, sizes, shares, list(RIGHTNESS.values()))
    legend(ax, _handles(RIGHTNESS, shares), TITLE, 1.0)


def _checked(
    d: ArrayLike, n: ArrayLike, name: str, share: ArrayLike, parts: int
) -> tuple[NDArray, NDArray, NDArray]:
    """Returns d [D], n [N] in float64 and the shares [D, N, parts]."""
    depths, sizes = checked_depths(d), np.asarray(n, dtype=np.float64)
    if sizes.ndim != 1 or sizes.size == 0 or not sizes[0] > 0 or not np.all(np.diff(sizes) > 0):
        raise ValueError(
            f"expected n [N] rising from above 0, got shape {sizes.shape}: {sizes.ravel()[:4]}"
        )
    shares = shaped(name, share, len(depths), len(sizes), parts)
    off = np.abs(shares.sum(axis=-1) - 1)
    if np.any(off > 1e-6):
        raise ValueError(
            f"expected {name} to sum to 1 in each cell, got {shares.sum(axis=-1)[off > 1e-6][0]:.3g}"
        )
    return depths, sizes, shares


def _edges(sizes: NDArray) -> NDArray:
    """Returns the N + 1 edges of the cells, midway between the sizes on the log axis."""
    place = np.log10(sizes)
    middle = (place[1:] + place[:-1]) / 2
    first, last = (middle[0], middle[-1]) if len(middle) else (place[0] - 0.5, place[0] + 0.5)
    ends = (2 * place[0] - first, 2 * place[-1] - last) if len(middle) else (first, last)
    return 10 ** np.concatenate([ends[:1], middle, ends[1:]])


def _cells(
    ax: Axes, depths: NDArray, sizes: NDArray, shares: NDArray, colours: Sequence[str]
) -> None:
    """Draws the split cells and a white grid between them, and sets the axes."""
    edges, rows = _edges(sizes), np.arange(len(depths))
    top = rows[:, None, None] - 0.5 + np.cumsum(shares, axis=-1)
    left, right = (np.broadcast_to(edge, shares.shape[:2]) for edge in (edges[:-1], edges[1:]))
    for i, colour in enumerate(colours):
        low, high = top[..., i] - shares[..., i], top[..., i]
        corners = np.stack([left, low, right, low, right, high, left, high], axis=-1).reshape(
            *low.shape, 4, 2
        )
        polygons = list(corners[shares[..., i] > 0])
        ax.add_collection(PolyCollection(polygons, facecolors=colour, linewidths=0), autolim=False)
    ax.hlines(rows[1:] - 0.5, edges[0], edges[-1], colors="white", linewidths=1.2)
    ax.vlines(edges[1:-1], -0.5, len(depths) - 0.5, colors="white", linewidths=0.6)
    ax.set_xscale("log")
    ax.set_xlim(edges[0], edges[-1])
    depth_axis(ax, "y", depths)
    label_axes(ax, "examples N", DEPTH)


def _regime_line(ax: Axes, depths: NDArray, edges: NDArray) -> list[Line2D]:
    """Draws N = (k / log2 k)^2 from row to row as far as it is within the edges; returns it if any
    of it is."""
    rows = np.arange(len(depths))
    between = np.linspace(0, len(depths) - 1, 50 * (len(depths) - 1) + 1)
    # log10 of (k / log2 k)^2, where log2 k = D
    place = np.interp(between, rows, 2 * (depths * np.log10(2) - np.log10(depths)))
    within = (np.log10(edges[0]) <= place) & (place <= np.log10(edges[-1]))
    if within.sum() < 2:
        return []
    style = {"color": "black", "linewidth": 2.0, "label": r"$N = (k\,/\log_2 k)^2,\ k = 2^D$"}
    line = ax.plot(10 ** place[within], between[within], zorder=3, **style)
    line[0].set_path_effects([withStroke(linewidth=4.5, foreground="white")])
    return line


def _handles(parts: Parts, shares: NDArray) -> list[Line2D]:
    """Returns a square of each part's colour and, if there is such a cell, of one that was not
    run."""
    every = parts | ({"not run": "white"} if np.isnan(shares).any() else {})
    squares = [
        Line2D([], [], ls="none", marker="s", ms=9, color=colour, label=name)
        for name, colour in every.items()
    ]
    for square in squares[len(parts) :]:
        square.set_markeredgecolor("0.5")
    return squares
