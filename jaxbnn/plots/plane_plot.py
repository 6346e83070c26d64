"""The information plane."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from jaxbnn.plots.axes import DASHES, DOUBT, MARKERS, doubtful_handle, label_axes, legend
from jaxbnn.plots.epoch_axes import epoch_bar, epoch_colours, marked
from jaxbnn.plots.limits import Limit, draw_limit, entropy, set_height, shown_range
from jaxbnn.plots.seed_statistics import checked, doubtful_stretches, mean_over_seeds, seed_count, trust


def plane(
    ax: Axes,
    i_xt: ArrayLike,
    i_ty: ArrayLike,
    epoch: ArrayLike,
    layers: Sequence[str],
    h_x: float | None = None,
    h_y: float | None = None,
    *,
    trusted: ArrayLike,
) -> None:
    """Draws the information plane: each layer's mean path over the seeds, coloured by epoch, over
    the single seeds.

    i_xt, i_ty: I(X;T) and I(T;Y) [S, E, L] in bits; epoch [E] rising; layers: L names; h_x, h_y:
    H(X), H(Y) in bits; trusted: bool [S, E, L], or one bool for all. A seed counts at a point where
    both its values are finite; a mean point can be trusted when every seed that counts in it can:
    the others are hollow and grey, on a dashed grey path. The open marker is a path's first epoch,
    the one with a dark edge its last. H(X) or H(Y) far beyond the data is told by an arrow: the
    data are not squeezed into a corner.
    """
    epochs, (xt, ty) = checked(epoch, layers, i_xt=i_xt, i_ty=i_ty)
    limit_x, limit_y = entropy("H(X)", h_x), entropy("H(Y)", h_y)
    both = np.isfinite(xt) & np.isfinite(ty)
    sure = trust("trusted", trusted, both)
    xt, ty = np.where(both, xt, np.nan), np.where(both, ty, np.nan)
    colours = epoch_colours(epochs)
    _seed_paths(ax, np.stack([xt, ty], axis=-1), sure)
    path = np.stack([mean_over_seeds(xt), mean_over_seeds(ty)], axis=-1)
    for layer in range(len(layers)):
        _mean_path(
            ax, path[:, layer], sure[:, :, layer].all(axis=0), epochs, colours, layer, len(layers)
        )
    label_axes(ax, "I(X;T) [bit]", "I(T;Y) [bit]")
    _limits(ax, xt, ty, limit_x, limit_y)
    lines = "grey lines" if sure.all() else "thin grey lines, dotted where they cannot be trusted"
    legend(
        ax,
        _handles(layers, bool(sure.all())),
        f"{lines}: {seed_count(xt)}",
        0.8 if sure.all() else 2.2,
    )
    epoch_bar(ax, epochs, colours)


def _seed_paths(ax: Axes, points: NDArray, sure: NDArray) -> None:
    """Draws every seed of every layer as a thin grey line, fainter the more there are; dotted where
    it is doubtful.

    points [S, E, L, 2], sure [S, E, L].
    """
    paths = np.moveaxis(points, 2, 1).reshape(-1, points.shape[1], 2)
    firm = np.moveaxis(sure, 2, 1).reshape(-1, points.shape[1])
    drawn = [path for path in np.where(firm[:, :, None], paths, np.nan) if np.isfinite(path).any()]
    alpha = float(np.clip(4 / len(points), 0.08, 0.5))
    lines = [LineCollection(drawn, colors="0.55", linewidths=0.5, alpha=alpha, zorder=1)]
    dotted = [
        path[s] for path, flags in zip(paths, firm, strict=True) for s in doubtful_stretches(flags)
    ]
    if dotted:
        style = {"colors": "0.55", "linewidths": 0.5, "linestyles": [(0, (1, 2.5))]}
        lines.append(LineCollection(dotted, alpha=0.7 * alpha, zorder=0.9, **style))
    for collection in lines:
        # Thousands of lines would make a PDF of many megabytes: past that they are stored in it as
        # one image.
        collection.set_rasterized(paths.size > 400_000)
        ax.add_collection(collection, autolim=False)


def _mean_path(
    ax: Axes,
    path: NDArray,
    sure: NDArray,
    epochs: NDArray,
    colours: ScalarMappable,
    layer: int,
    n_layers: int,
) -> None:
    """Draws one layer's mean path [E, 2], sure [E] or not, some of its markers, and its first and
    last finite point."""
    finite = np.isfinite(path).all(axis=-1)
    if not finite.any():
        return
    points, sure, shade = path[finite], sure[finite], colours.to_rgba(epochs[finite])
    _lines(ax, points, sure, shade)
    _markers(
        ax,
        points,
        sure,
        shade,
        MARKERS[layer],
        marked(epochs[finite], sure, 9, (layer + 0.5) / n_layers),
    )
    # Deeper layers get smaller end markers, so that layers at one point can be told apart.
    size = 150 - 100 * layer / max(n_layers - 1, 1)
    _ends(ax, points, sure, shade, MARKERS[layer], size)


def _lines(ax: Axes, points: NDArray, sure: NDArray, shade: NDArray) -> None:
    """Draws the steps between sure points in the colour of their epoch, all others grey and
    dashed."""
    steps, firm = np.stack([points[:-1], points[1:]], axis=1), sure[:-1] & sure[1:]
    coloured = LineCollection(list(steps[firm]), colors=shade[1:][firm], linewidths=1.8, zorder=3)
    ax.add_collection(coloured, autolim=False)
    # One line for each stretch, not each step: dashes that start anew at every epoch would close
    # the line.
    doubtful = [points[stretch] for stretch in doubtful_stretches(sure)]
    if doubtful:
        dashed = LineCollection(
            doubtful, colors=DOUBT, linewidths=1.0, linestyles=[DASHES], zorder=2
        )
        ax.add_collection(dashed, autolim=False)


def _markers(
    ax: Axes, points: NDArray, sure: NDArray, shade: NDArray, marker: str, some: list[int]
) -> None:
    """Marks some of the points, the doubtful ones hollow and grey."""
    firm, doubtful = [i for i in some if sure[i]], [i for i in some if not sure[i]]
    if firm:
        ax.scatter(
            *points[firm].T,
            c=shade[firm],
            s=30,
            marker=marker,
            edgecolors="white",
            linewidths=0.4,
            zorder=4,
        )
    if doubtful:
        hollow = {"facecolors": "none", "edgecolors": DOUBT, "linewidths": 0.9}
        ax.scatter(*points[doubtful].T, s=26, marker=marker, zorder=2.5, **hollow)


def _ends(
    ax: Axes, points: NDArray, sure: NDArray, shade: NDArray, marker: str, size: float
) -> None:
    """Marks the first point, hollow, and the last, with a dark edge and filled where it can be
    trusted."""
    first = (
        {"edgecolors": [shade[0]], "zorder": 5} if sure[0] else {"edgecolors": DOUBT, "zorder": 2.6}
    )
    last = {"facecolors": [shade[-1]], "edgecolors": "black", "zorder": 6}
    if not sure[-1]:
        last = {"facecolors": "none", "edgecolors": "0.35", "zorder": 2.7}
    ax.scatter(*points[0], s=size, marker=marker, facecolors="none", linewidths=1.5, **first)
    ax.scatter(*points[-1], s=size, marker=marker, linewidths=1.1, **last)


def _limits(ax: Axes, xt: NDArray, ty: NDArray, h_x: Limit | None, h_y: Limit | None) -> None:
    """Sets the shown ranges and draws H(X) and H(Y), their labels in one line above the data."""
    left, right, x_far = shown_range(xt, h_x)
    low, high, y_far = shown_range(ty, h_y)
    ax.set_xlim(left, right)
    set_height(ax, low, high, h_x or h_y)
    place = 1.0 if h_x is None or x_far else (h_x[0] - left) / (right - left)
    # A label takes about a third of the width: two thirds left of the line hold both, otherwise
    # H(Y) goes right.
    if h_x is not None:
        draw_limit(ax, "x", h_x, x_far, place, "right" if place > 0.35 else "left")
    if h_y is not None:
        draw_limit(ax, "y", h_y, y_far, *((0.0, "left") if place > 0.68 else (1.0, "right")))


def _handles(layers: Sequence[str], all_sure: bool) -> list[Line2D]:
    """Returns each layer's marker, the signs of the first and last epoch and, if there is any, of a
    doubtful point."""
    names = (*layers, "first epoch", "last epoch")
    handles = [
        Line2D([], [], ls="none", marker="o", mfc="0.35", mec="0.35", ms=7, label=name)
        for name in names
    ]
    for handle, marker in zip(handles[:-2], MARKERS, strict=False):
        handle.set_marker(marker)
    handles[-2].set(markerfacecolor="none", markeredgewidth=1.5)
    handles[-1].set(markerfacecolor="0.75", markeredgecolor="black")
    return handles if all_sure else [*handles, doubtful_handle()]
