"""The information plane."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from jaxbnn.analysis.appearance import DOUBTFUL_COLOUR, DOUBTFUL_DASHES, MARKERS
from jaxbnn.plots.axes import doubtful_handle, label_axes, legend
from jaxbnn.plots.epoch_axes import epoch_bar, epoch_colours, marked_epochs
from jaxbnn.plots.limits import Limit, draw_limit, entropy_limit, set_height, shown_range
from jaxbnn.plots.seed_statistics import (
    checked,
    checked_trust,
    doubtful_stretches,
    mean_over_seeds,
    seed_count,
)

N_MARKS = 9  # of a path, about
SEED_COLOUR = "0.55"
# Thousands of lines would make a PDF of many megabytes: past that they are stored as one image.
MAX_VECTOR_NUMBERS = 400_000
MIN_LABEL_WIDTH = 0.35  # of the Axes: a label takes about a third of the width


class PlanePaths(NamedTuple):
    """I(X;T) and I(T;Y) of several seeds and layers over the epochs."""

    epoch: ArrayLike  # [E] rising
    layers: Sequence[str]  # L names
    i_xt: ArrayLike  # [S, E, L] bits, not finite where there is none
    i_ty: ArrayLike  # [S, E, L] bits
    trusted_xt: ArrayLike  # bool [S, E, L], or one bool for all
    trusted_ty: ArrayLike
    h_x: float | None = None  # H(X) in bits
    h_y: float | None = None  # H(Y) in bits


class _MeanPath(NamedTuple):
    """The finite points of one layer's mean path."""

    points: NDArray  # [E, 2]
    trusted: NDArray  # bool [E]
    colours: NDArray  # [E, 4], of the epochs
    marks: list[int]  # the points with a marker
    marker: str
    end_size: float  # of the first and the last marker


def plane(ax: Axes, paths: PlanePaths) -> None:
    """Draws the information plane: each layer's mean path over the seeds, coloured by epoch, over
    the single seeds.

    A seed counts at a point where both its values are finite; a mean point can be trusted when both
    values of every seed that counts in it can: the others are hollow and grey, on a dashed grey
    path. The open marker is a path's first epoch, the one with a dark edge its last. H(X) or H(Y)
    far beyond the data is named by an arrow: the data are not squeezed into a corner.

    Args:
        ax: what is drawn on.
        paths: the values, and what of them can be trusted.

    Raises:
        ValueError: for arrays of other shapes.
    """
    epochs, (i_xt, i_ty) = checked(paths.epoch, paths.layers, i_xt=paths.i_xt, i_ty=paths.i_ty)
    limit_x = entropy_limit("H(X)", paths.h_x)
    limit_y = entropy_limit("H(Y)", paths.h_y)
    finite = np.isfinite(i_xt) & np.isfinite(i_ty)
    trusted = checked_trust("trusted_xt", paths.trusted_xt, finite)
    trusted = trusted & checked_trust("trusted_ty", paths.trusted_ty, finite)
    points = np.where(finite[..., None], np.stack([i_xt, i_ty], axis=-1), np.nan)

    _draw_seeds(ax, points, trusted)
    for path in _mean_paths(points, trusted, epochs):
        _draw_steps(ax, path)
        _draw_marks(ax, path)
        _draw_ends(ax, path)
    label_axes(ax, "I(X;T) [bit]", "I(T;Y) [bit]")
    _draw_limits(ax, points, limit_x, limit_y)
    _draw_legend(ax, paths.layers, seed_count(points[..., 0]), bool(trusted.all()))
    epoch_bar(ax, epochs, epoch_colours(epochs))


def _draw_seeds(ax: Axes, points: NDArray, trusted: NDArray) -> None:
    """Draws every seed of every layer as a thin grey line, fainter the more there are; dotted where
    it is doubtful.

    points [S, E, L, 2], trusted [S, E, L].
    """
    n_seeds, n_epochs = points.shape[:2]
    paths = np.moveaxis(points, 2, 1).reshape(-1, n_epochs, 2)
    path_trust = np.moveaxis(trusted, 2, 1).reshape(-1, n_epochs)
    solid = [path for path in np.where(path_trust[:, :, None], paths, np.nan) if _any_finite(path)]
    dotted = []
    for path, trust in zip(paths, path_trust, strict=True):
        dotted += [path[stretch] for stretch in doubtful_stretches(trust)]
    alpha = float(np.clip(4 / n_seeds, 0.08, 0.5))
    style: dict[str, Any] = {
        "colors": SEED_COLOUR,
        "linewidths": 0.5,
        "rasterized": paths.size > MAX_VECTOR_NUMBERS,
    }
    _add_lines(ax, solid, alpha=alpha, zorder=1, **style)
    if dotted:
        _add_lines(ax, dotted, alpha=0.7 * alpha, zorder=0.9, linestyles=[(0, (1, 2.5))], **style)


def _any_finite(path: NDArray) -> bool:
    return bool(np.isfinite(path).any())


def _add_lines(ax: Axes, lines: Iterable[NDArray], **style: Any) -> None:
    ax.add_collection(LineCollection(list(lines), **style), autolim=False)


def _mean_paths(points: NDArray, trusted: NDArray, epochs: NDArray) -> list[_MeanPath]:
    """The mean path of each layer that has a finite point; points [S, E, L, 2]."""
    colours = epoch_colours(epochs)
    n_layers = points.shape[2]
    mean_paths = []
    for layer in range(n_layers):
        mean = mean_over_seeds(points[:, :, layer])
        finite = np.asarray(np.isfinite(mean).all(axis=-1))
        if not finite.any():
            continue
        shown = epochs[finite]
        path_trust = np.asarray(trusted[:, :, layer].all(axis=0))[finite]
        path = _MeanPath(
            mean[finite],
            path_trust,
            np.asarray(colours.to_rgba(shown)),
            marked_epochs(shown, path_trust, N_MARKS, (layer + 0.5) / n_layers),
            MARKERS[layer],
            # Deeper layers get smaller end markers, so that layers at one point can be told apart.
            end_size=150 - 100 * layer / max(n_layers - 1, 1),
        )
        mean_paths.append(path)
    return mean_paths


def _draw_steps(ax: Axes, path: _MeanPath) -> None:
    """Draws the steps between trusted points in the colour of their epoch, all others grey and
    dashed."""
    steps = np.stack([path.points[:-1], path.points[1:]], axis=1)
    trusted = path.trusted[:-1] & path.trusted[1:]
    _add_lines(ax, steps[trusted], colors=path.colours[1:][trusted], linewidths=1.8, zorder=3)
    # One line for each stretch, not each step: dashes that start anew at every epoch would close
    # the line.
    doubtful = [path.points[stretch] for stretch in doubtful_stretches(path.trusted)]
    if doubtful:
        style: dict[str, Any] = {"colors": DOUBTFUL_COLOUR, "linestyles": [DOUBTFUL_DASHES]}
        _add_lines(ax, doubtful, linewidths=1.0, zorder=2, **style)


def _draw_marks(ax: Axes, path: _MeanPath) -> None:
    """Marks some of the points, the doubtful ones hollow and grey."""
    trusted = [i for i in path.marks if path.trusted[i]]
    doubtful = [i for i in path.marks if not path.trusted[i]]
    if trusted:
        filled: dict[str, Any] = {"c": path.colours[trusted], "edgecolors": "white"}
        ax.scatter(
            *path.points[trusted].T, s=30, marker=path.marker, linewidths=0.4, zorder=4, **filled
        )
    if doubtful:
        hollow: dict[str, Any] = {"facecolors": "none", "edgecolors": DOUBTFUL_COLOUR}
        ax.scatter(
            *path.points[doubtful].T, s=26, marker=path.marker, linewidths=0.9, zorder=2.5, **hollow
        )


def _draw_ends(ax: Axes, path: _MeanPath) -> None:
    """Marks the first point, hollow, and the last, with a dark edge and filled where it can be
    trusted."""
    first: dict[str, Any] = {"facecolors": "none", "edgecolors": DOUBTFUL_COLOUR, "zorder": 2.6}
    if path.trusted[0]:
        first |= {"edgecolors": [path.colours[0]], "zorder": 5}
    last: dict[str, Any] = {"facecolors": "none", "edgecolors": "0.35", "zorder": 2.7}
    if path.trusted[-1]:
        last = {"facecolors": [path.colours[-1]], "edgecolors": "black", "zorder": 6}
    ax.scatter(*path.points[0], s=path.end_size, marker=path.marker, linewidths=1.5, **first)
    ax.scatter(*path.points[-1], s=path.end_size, marker=path.marker, linewidths=1.1, **last)


def _draw_limits(ax: Axes, points: NDArray, h_x: Limit | None, h_y: Limit | None) -> None:
    """Sets the shown ranges and draws H(X) and H(Y), their labels in one line above the data."""
    x_range = shown_range(points[..., 0], h_x)
    y_range = shown_range(points[..., 1], h_y)
    ax.set_xlim(x_range.low, x_range.high)
    set_height(ax, y_range.low, y_range.high, h_x or h_y)
    position = 1.0
    if h_x is not None and not x_range.limit_is_far:
        position = (h_x[0] - x_range.low) / (x_range.high - x_range.low)
    if h_x is not None:
        side = "right" if position > MIN_LABEL_WIDTH else "left"
        draw_limit(ax, "x", h_x, x_range.limit_is_far, position, side)
    if h_y is None:
        return
    # Two thirds left of the line hold both labels, otherwise H(Y) goes right.
    if position > 0.68:
        draw_limit(ax, "y", h_y, y_range.limit_is_far, 0.0, "left")
    else:
        draw_limit(ax, "y", h_y, y_range.limit_is_far, 1.0, "right")


def _draw_legend(ax: Axes, layers: Sequence[str], count: str, all_trusted: bool) -> None:
    """Names each layer's marker, the first and the last epoch and, if there is any, a doubtful
    point."""
    handles = [_handle(layer, marker) for layer, marker in zip(layers, MARKERS, strict=False)]
    first = _handle("first epoch", "o")
    first.set(markerfacecolor="none", markeredgewidth=1.5)
    last = _handle("last epoch", "o")
    last.set(markerfacecolor="0.75", markeredgecolor="black")
    handles += [first, last]
    if all_trusted:
        legend(ax, handles, f"grey lines: {count}", 0.8)
        return
    handles.append(doubtful_handle())
    legend(ax, handles, f"thin grey lines, dotted where they cannot be trusted: {count}", 2.2)


def _handle(name: str, marker: str) -> Line2D:
    return Line2D([], [], ls="none", marker=marker, mfc="0.35", mec="0.35", ms=7, label=name)
