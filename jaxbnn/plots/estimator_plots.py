"""Estimators against the depth D, for one p and one N: their errors, and the plug-in's variance,
true and estimated."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from jaxbnn.analysis.appearance import COLOURS, LINE_STYLES, MARKERS
from jaxbnn.info.reliability import TOLERANCE
from jaxbnn.plots.axes import SMALL_SIZE, label_axes, legend
from jaxbnn.plots.depth_axes import DEPTH_LABEL, checked_depths, checked_values, depth_axis

TRUE_COLOUR = COLOURS[0]
ESTIMATED_COLOUR = COLOURS[4]


class Variances(NamedTuple):
    """The variance of the plug-in, true and estimated, in bit^2."""

    true: ArrayLike  # [D], not finite where there is none
    estimated: ArrayLike  # [D], the mean of the estimates
    band: ArrayLike | None = None  # [D, 2], the estimates' 10 % and 90 % points
    source: str = "true"  # what the legend calls `true`


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

    Args:
        ax: what is drawn on.
        d: [D] whole and rising, evenly spaced in the picture.
        error: [D, K] bits, not finite where there is none.
        names: of the K estimators, 12 at most.
        ylabel: the quantity with its unit.
        floor: what is below stands on it, on a line that says so; above 0.

    Raises:
        ValueError: for arrays of other shapes, negative errors, or a floor of 0.
    """
    depths = checked_depths(d)
    if not 0 < len(names) <= len(MARKERS):
        raise ValueError(f"expected 1 to {len(MARKERS)} names, one marker each, got {len(names)}")
    values = _floored("error", error, floor, len(depths), len(names))
    for i, name in enumerate(names):
        style: dict[str, Any] = {
            "color": COLOURS[i % len(COLOURS)],
            "linestyle": LINE_STYLES[i % len(LINE_STYLES)],
        }
        ax.plot(values[:, i], marker=MARKERS[i], markersize=5.5, linewidth=1.4, label=name, **style)
    _draw_level(ax, TOLERANCE, f"{TOLERANCE} bit")
    _finish(ax, depths, ylabel)
    _name_floor(ax, values, floor)
    legend(ax, ax.get_lines()[: len(names)], "")


def variances(ax: Axes, d: ArrayLike, data: Variances, floor: float = 1e-12) -> None:
    """Draws the true variance of the plug-in and the mean of its estimates on a log axis.

    Args:
        ax: what is drawn on.
        d: [D] whole and rising (depths, or numbers of examples), evenly spaced in the picture.
        data: the variances.
        floor: what is below stands on it, on a line that says so; bit^2, above 0.

    Raises:
        ValueError: for arrays of other shapes, negative variances, or a floor of 0.
    """
    depths = checked_depths(d)
    true = _floored("true", data.true, floor, len(depths))
    estimated = _floored("estimated", data.estimated, floor, len(depths))
    band = None
    if data.band is not None:
        band = _floored("band", data.band, floor, len(depths), 2)
    name = "estimated, mean" if band is None else "estimated, mean and 10 to 90 % band"
    circles: dict[str, Any] = {"color": TRUE_COLOUR, "marker": "o", "markersize": 6.5}
    squares: dict[str, Any] = {"color": ESTIMATED_COLOUR, "marker": "s", "markersize": 4.5}
    handles = ax.plot(true, linewidth=1.6, label=data.source, **circles)
    handles += ax.plot(estimated, linewidth=1.6, linestyle=LINE_STYLES[1], label=name, **squares)
    if band is not None:
        positions = np.arange(len(depths))
        ax.fill_between(positions, *band.T, color=ESTIMATED_COLOUR, alpha=0.25, linewidth=0)
    _finish(ax, depths, "variance of the plug-in [bit$^2$]")
    _name_floor(ax, np.stack([true, estimated]), floor)
    legend(ax, handles, "")


def _floored(name: str, array: ArrayLike, floor: float, *shape: int) -> NDArray:
    """Returns the array with `floor` for all that is below: a log axis has no zero."""
    if not 0 < floor < np.inf:
        raise ValueError(f"expected floor above 0 and finite, got {floor}")
    return np.maximum(checked_values(name, array, *shape), floor)


def _finish(ax: Axes, depths: NDArray, ylabel: str) -> None:
    ax.set_yscale("log")
    depth_axis(ax, "x", depths)
    label_axes(ax, DEPTH_LABEL, ylabel)


def _name_floor(ax: Axes, values: NDArray, floor: float) -> None:
    """Draws the floor where anything stands on it."""
    if np.any(values == floor):
        _draw_level(ax, floor, rf"$\leq 10^{{{np.log10(floor):.3g}}}$")


def _draw_level(ax: Axes, value: float, text: str) -> None:
    """Draws a horizontal line, its name right of the Axes, where it covers no data."""
    ax.axhline(value, color="0.3", linestyle=(0, (5, 3)), linewidth=1.1, zorder=1.5)
    ax.annotate(
        text,
        (1, value),
        (4, 0),
        xycoords=ax.get_yaxis_transform(),
        textcoords="offset points",
        ha="left",
        va="center",
        fontsize=SMALL_SIZE,
        annotation_clip=False,
    )
