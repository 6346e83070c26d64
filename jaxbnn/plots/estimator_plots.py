"""Estimators against the depth D, for one p and one N: their errors, and the plug-in's variance,
true and estimated."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from jaxbnn.plots.axes import COLOURS, MARKERS, SMALL, STYLES, label_axes, legend
from jaxbnn.plots.depth_axes import DEPTH, checked_depths, depth_axis, shaped

NEAR = 0.1  # bits: an estimate this near the truth is good enough for an information plane


def errors(
    ax: Axes,
    d: ArrayLike,
    error: ArrayLike,
    names: Sequence[str],
    ylabel: str = "mean absolute error [bit]",
    floor: float = 1e-6,
) -> None:
    """Draws each estimator's mean absolute error against the depth, on a log axis, with a line at
    0.1 bit.

    d [D] whole and rising, evenly spaced in the picture; error [D, K] in bits, not finite where
    there is none; names: of the K estimators. What is below `floor` stands on it, on a line that
    says so.
    """
    depths = checked_depths(d)
    if not 0 < len(names) <= len(MARKERS):
        raise ValueError(f"expected 1 to {len(MARKERS)} names, one marker each, got {len(names)}")
    values = _floored("error", error, floor, len(depths), len(names))
    for i, name in enumerate(names):
        style = {
            "color": COLOURS[i % len(COLOURS)],
            "linestyle": STYLES[i % len(STYLES)],
            "linewidth": 1.4,
        }
        ax.plot(values[:, i], marker=MARKERS[i], markersize=5.5, label=name, **style)
    _level(ax, NEAR, f"{NEAR} bit")
    _finish(ax, depths, ylabel, floor if np.any(values == floor) else None)
    legend(ax, ax.get_lines()[: len(names)], "")


def variances(
    ax: Axes,
    d: ArrayLike,
    true: ArrayLike,
    estimated: ArrayLike,
    band: ArrayLike | None = None,
    floor: float = 1e-12,
    source: str = "true",
) -> None:
    """Draws the true variance of the plug-in and the mean of its estimates on a log axis.

    d [D] whole and rising (depths, or numbers of examples), evenly spaced in the picture; true,
    estimated [D] in bit^2, not finite where there is none; band: [D, 2], the estimates' 10 % and 90
    % points; source: what the legend calls `true`. What is below `floor` stands on it, on a line
    that says so.
    """
    depths = checked_depths(d)
    pair = [
        _floored(*named, floor, len(depths)) for named in (("true", true), ("estimated", estimated))
    ]
    edges = None if band is None else _floored("band", band, floor, len(depths), 2)
    name = "estimated, mean" if edges is None else "estimated, mean and 10 to 90 % band"
    ax.plot(pair[0], color="black", marker="o", markersize=6.5, linewidth=1.6, label=source)
    ax.plot(
        pair[1],
        color="#D55E00",
        marker="s",
        markersize=4.5,
        linestyle=STYLES[1],
        linewidth=1.6,
        label=name,
    )
    handles = ax.get_lines()[:2]
    if edges is not None:
        ax.fill_between(np.arange(len(depths)), *edges.T, color="#D55E00", alpha=0.25, linewidth=0)
    _finish(
        ax,
        depths,
        "variance of the plug-in [bit$^2$]",
        floor if np.any(np.stack(pair) == floor) else None,
    )
    legend(ax, handles, "")


def _floored(name: str, array: ArrayLike, floor: float, *shape: int) -> NDArray:
    """Returns the array with `floor` for all that is below: a log axis has no zero."""
    if not 0 < floor < np.inf:
        raise ValueError(f"expected floor above 0 and finite, got {floor}")
    return np.maximum(shaped(name, array, *shape), floor)


def _finish(ax: Axes, depths: NDArray, ylabel: str, floor: float | None) -> None:
    """Sets the axes and, where anything stands on it, names the floor."""
    ax.set_yscale("log")
    depth_axis(ax, "x", depths)
    label_axes(ax, DEPTH, ylabel)
    if floor is not None:
        _level(ax, floor, rf"$\leq 10^{{{np.log10(floor):.3g}}}$")


def _level(ax: Axes, value: float, text: str) -> None:
    """Draws a horizontal line, its name right of the Axes, where it covers no data."""
    ax.axhline(value, color="0.3", linestyle=(0, (5, 3)), linewidth=1.1, zorder=1.5)
    place = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points"}
    ax.annotate(
        text,
        (1, value),
        (4, 0),
        ha="left",
        va="center",
        fontsize=SMALL,
        annotation_clip=False,
        **place,
    )
