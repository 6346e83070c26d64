"""Values against the epoch: one mean line per name, and the four panels of a whole run."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from jaxbnn.analysis.appearance import (
    COLOURS,
    DOUBTFUL_COLOUR,
    DOUBTFUL_DASHES,
    LINE_STYLES,
    MARKERS,
)
from jaxbnn.plots.axes import doubtful_handle, label_axes, legend
from jaxbnn.plots.epoch_axes import epoch_axis, marked_epochs
from jaxbnn.plots.limits import Limit, draw_limit, entropy_limit, set_height, shown_range
from jaxbnn.plots.plane_plot import PlanePaths
from jaxbnn.plots.seed_statistics import (
    checked,
    checked_trust,
    doubtful_stretches,
    half_width,
    mean_over_seeds,
    seed_count,
)

N_MARKS = 6  # of a line, about
SERIES_PARTS = ("train", "test")


class Curves(NamedTuple):
    """Values of several seeds over the epochs."""

    epoch: ArrayLike  # [E] rising
    names: Sequence[str]  # L
    values: ArrayLike  # [S, E, L], not finite where there is none
    trusted: ArrayLike  # bool [S, E, L], or one bool for all


class _Legend(NamedTuple):
    handles: list[Line2D]
    title: str


class _MeanCurve(NamedTuple):
    """One name's mean over the seeds."""

    epochs: NDArray  # [E]
    mean: NDArray  # [E]
    half_width: NDArray  # [E] of its interval
    trusted: NDArray  # bool [E]
    marks: list[int]  # the epochs with a marker
    number: int  # which sets colour, line and marker
    name: str


def curves(
    ax: Axes, data: Curves, ylabel: str, level: float = 0.95, limit: Limit | None = None
) -> None:
    """Draws one mean line per name against the epoch, with the t interval of the mean as a band.

    Mean and interval are over the finite seeds; fewer than two of them: no band. A mean can be
    trusted when every finite seed can; the stretches to and from a mean that cannot are grey and
    dashed, its marker is hollow, their band grey.

    Args:
        ax: what is drawn on.
        data: epochs, names, values and what of them can be trusted.
        ylabel: the quantity with its unit.
        level: of the interval, between 0 and 1.
        limit: (value, text) of a dashed line, or of an arrow when it is far above.

    Raises:
        ValueError: for arrays of other shapes, or a level outside (0, 1).
    """
    entries = _draw(ax, data, ylabel, level, limit)
    legend(ax, entries.handles, entries.title)


def overview(figure: Figure, paths: PlanePaths, series: Mapping[str, ArrayLike]) -> None:
    """Fills the Figure with I(X;T), I(T;Y), loss and accuracy against the epoch, as `curves` does.

    Sets the layout to "constrained".

    Args:
        figure: an empty one.
        paths: I(X;T) and I(T;Y) of a run.
        series: train_loss, test_loss in nats, train_accuracy, test_accuracy, each [S, E].

    Raises:
        ValueError: for arrays of other shapes, or a missing series.
    """
    _, (i_xt, i_ty) = checked(paths.epoch, paths.layers, i_xt=paths.i_xt, i_ty=paths.i_ty)
    trusted_xt = checked_trust("trusted_xt", paths.trusted_xt, np.isfinite(i_xt))
    trusted_ty = checked_trust("trusted_ty", paths.trusted_ty, np.isfinite(i_ty))
    limit_x = entropy_limit("H(X)", paths.h_x)
    limit_y = entropy_limit("H(Y)", paths.h_y)
    loss = _series_curves(series, "loss", paths.epoch)
    accuracy = _series_curves(series, "accuracy", paths.epoch)

    figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.08)
    upper, lower = figure.subplots(2, 2)
    xt_curves = Curves(paths.epoch, paths.layers, i_xt, trusted_xt)
    ty_curves = Curves(paths.epoch, paths.layers, i_ty, trusted_ty)
    xt_entries = _draw(upper[0], xt_curves, "I(X;T) [bit]", limit=limit_x)
    ty_entries = _draw(upper[1], ty_curves, "I(T;Y) [bit]", limit=limit_y)
    # One legend for the two upper panels, which show the same layers, leaves more room for the
    # data. The longer of the two has the sign of what cannot be trusted.
    longer = max(xt_entries.handles, ty_entries.handles, key=len)
    legend(figure, longer, xt_entries.title)
    curves(lower[0], loss, "loss [nat]")
    curves(lower[1], accuracy, "accuracy")


def _series_curves(series: Mapping[str, ArrayLike], name: str, epoch: ArrayLike) -> Curves:
    """The series [S, E] of the training and of the test set side by side."""
    n_epochs = np.size(epoch)
    parts: list[NDArray] = []
    for part in SERIES_PARTS:
        key = f"{part}_{name}"
        if key not in series:
            raise ValueError(f"expected series with {key}, got {', '.join(series) or 'none'}")
        values = np.asarray(series[key], dtype=np.float64)
        parts.append(values)
        if values.ndim != 2 or values.shape != (len(parts[0]), n_epochs):
            raise ValueError(
                f"expected {key} [S, {n_epochs}] with one S for both, got shape {values.shape}"
            )
    return Curves(epoch, SERIES_PARTS, np.stack(parts, axis=-1), trusted=True)


def _draw(
    ax: Axes, data: Curves, ylabel: str, level: float = 0.95, limit: Limit | None = None
) -> _Legend:
    """Draws `curves` without its legend; returns the legend's entries."""
    epochs, (values,) = checked(data.epoch, data.names, values=data.values)
    trusted = checked_trust("trusted", data.trusted, np.isfinite(values))
    if not 0 < level < 1:
        raise ValueError(f"expected level between 0 and 1, got {level}")
    mean = mean_over_seeds(values)
    half = half_width(values, level)
    handles = []
    for curve in _mean_curves(epochs, data.names, mean, half, trusted):
        handles.append(_draw_curve(ax, curve))
    if not trusted.all():
        handles.append(doubtful_handle())
    epoch_axis(ax, epochs)
    label_axes(ax, "epoch", ylabel)
    if limit is not None:
        low, high, is_far = shown_range(np.stack([mean, mean - half, mean + half]), limit)
        set_height(ax, low, high, limit)
        draw_limit(ax, "y", limit, is_far, 1.0, "right")
    title = seed_count(values)
    if np.isfinite(half).any():
        title = f"bands: {100 * level:g} % interval of the mean, {title}"
    return _Legend(handles, title)


def _mean_curves(
    epochs: NDArray, names: Sequence[str], mean: NDArray, half: NDArray, trusted: NDArray
) -> list[_MeanCurve]:
    """Mean and half width [E, L], and the trust in each seed [S, E, L], name by name."""
    mean_curves = []
    for i, name in enumerate(names):
        can_be_trusted = np.asarray(trusted[:, :, i].all(axis=0))
        shown = can_be_trusted & np.isfinite(mean[:, i])
        marks = marked_epochs(epochs, shown, N_MARKS, (i + 0.5) / len(names))
        curve = _MeanCurve(epochs, mean[:, i], half[:, i], can_be_trusted, marks, i, name)
        mean_curves.append(curve)
    return mean_curves


def _draw_curve(ax: Axes, curve: _MeanCurve) -> Line2D:
    """Draws one mean with its band; returns the line of what can be trusted."""
    _draw_doubtful(ax, curve)
    colour = COLOURS[curve.number % len(COLOURS)]
    (line,) = ax.plot(
        curve.epochs,
        np.where(curve.trusted, curve.mean, np.nan),
        color=colour,
        linestyle=LINE_STYLES[curve.number % len(LINE_STYLES)],
        linewidth=1.6,
        marker=MARKERS[curve.number],
        markersize=5.5,
        markevery=curve.marks,
        label=curve.name,
    )
    band = np.where(curve.trusted, curve.half_width, np.nan)
    if np.isfinite(band).any():
        _draw_band(ax, curve.epochs, curve.mean, band, {"color": colour, "alpha": 0.2})
    return line


def _draw_doubtful(ax: Axes, curve: _MeanCurve) -> None:
    """Draws the stretches that cannot be trusted: grey, dashed, some points marked, a grey band."""
    for stretch in doubtful_stretches(curve.trusted):
        epochs = curve.epochs[stretch]
        mean = curve.mean[stretch]
        band = curve.half_width[stretch]
        dashed: dict[str, Any] = {"linestyle": DOUBTFUL_DASHES, "linewidth": 1.1, "zorder": 1.8}
        ax.plot(epochs, mean, color=DOUBTFUL_COLOUR, **dashed)
        if np.isfinite(band).any():
            _draw_band(ax, epochs, mean, band, {"color": DOUBTFUL_COLOUR, "alpha": 0.15})
    hollow = [i for i in curve.marks if not curve.trusted[i]]
    if hollow:
        ax.plot(
            curve.epochs[hollow],
            curve.mean[hollow],
            linestyle="none",
            marker=MARKERS[curve.number],
            markersize=5.5,
            markerfacecolor="white",
            markeredgecolor=DOUBTFUL_COLOUR,
            markeredgewidth=1.1,
            zorder=1.9,
        )


def _draw_band(
    ax: Axes, epochs: NDArray, mean: NDArray, half: NDArray, style: dict[str, Any]
) -> None:
    ax.fill_between(epochs, mean - half, mean + half, linewidth=0, **style)
