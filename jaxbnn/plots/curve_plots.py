"""Values against the epoch: one mean line per label, and the four panels of a whole run."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from jaxbnn.plots.axes import (
    COLOURS,
    DASHES,
    DOUBT,
    MARKERS,
    STYLES,
    doubtful_handle,
    label_axes,
    legend,
)
from jaxbnn.plots.epoch_axes import epoch_axis, marked
from jaxbnn.plots.limits import Limit, draw_limit, entropy, set_height, shown_range
from jaxbnn.plots.seed_statistics import (
    checked,
    doubtful_stretches,
    half_width,
    mean_over_seeds,
    seed_count,
    trust,
)


def curves(
    ax: Axes,
    epoch: ArrayLike,
    values: ArrayLike,
    labels: Sequence[str],
    ylabel: str,
    level: float = 0.95,
    limit: Limit | None = None,
    *,
    trusted: ArrayLike,
) -> None:
    """Draws one mean line per label against the epoch, with the t interval of the mean over the
    finite seeds as a band.

    values [S, E, L] in the unit that `ylabel` names; epoch [E] rising; labels: L names; level: of
    the interval; limit: (value, text) of a dashed line, or of an arrow when it is far above. Fewer
    than two finite seeds: no band. trusted: bool [S, E, L], or one bool for all. A mean can be
    trusted when every finite seed can; the stretches to and from a mean that cannot are grey and
    dashed, its marker is hollow, their band grey.
    """
    legend(ax, *_draw(ax, epoch, values, labels, ylabel, level, limit, trusted))


def overview(
    figure: Figure,
    epoch: ArrayLike,
    i_xt: ArrayLike,
    i_ty: ArrayLike,
    series: Mapping[str, ArrayLike],
    layers: Sequence[str],
    h_x: float | None = None,
    h_y: float | None = None,
    *,
    trusted_xt: ArrayLike,
    trusted_ty: ArrayLike,
) -> None:
    """Fills the Figure with I(X;T), I(T;Y), loss and accuracy against the epoch, each as in
    `curves`.

    i_xt, i_ty [S, E, L] in bits; epoch [E] rising; layers: L names; h_x, h_y: H(X), H(Y) in bits;
    series: train_loss, test_loss, train_accuracy, test_accuracy, each [S, E]; trusted_xt,
    trusted_ty: bool [S, E, L], where I(X;T) and I(T;Y) can be trusted, or one bool for all. Sets
    the layout to "constrained".
    """
    _, (xt, ty) = checked(epoch, layers, i_xt=i_xt, i_ty=i_ty)
    sure = [
        trust("trusted_xt", trusted_xt, np.isfinite(xt)),
        trust("trusted_ty", trusted_ty, np.isfinite(ty)),
    ]
    limits = entropy("H(X)", h_x), entropy("H(Y)", h_y)
    loss, accuracy = (
        _train_and_test(series, name, np.size(epoch)) for name in ("loss", "accuracy")
    )
    figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.08)
    upper, lower = figure.subplots(2, 2)
    handles, title = _draw(upper[0], epoch, xt, layers, "I(X;T) [bit]", 0.95, limits[0], sure[0])
    others, _ = _draw(upper[1], epoch, ty, layers, "I(T;Y) [bit]", 0.95, limits[1], sure[1])
    # One legend for the two upper panels, which show the same layers, leaves more room for the
    # data. The longer of the two has the sign of what cannot be trusted.
    legend(figure, max(handles, others, key=len), title)
    for ax, values, name in zip(lower, (loss, accuracy), ("loss [nat]", "accuracy"), strict=True):
        legend(ax, *_draw(ax, epoch, values, ("train", "test"), name, 0.95, None, True))


def _train_and_test(series: Mapping[str, ArrayLike], name: str, n_epochs: int) -> NDArray:
    """Returns the series [S, E] of the training and of the test set side by side, [S, E, 2]."""
    pair = []
    for key in (f"train_{name}", f"test_{name}"):
        if key not in series:
            raise ValueError(f"expected series with {key}, got {', '.join(series) or 'none'}")
        pair.append(np.asarray(series[key], dtype=np.float64))
        if pair[-1].ndim != 2 or pair[-1].shape != (len(pair[0]), n_epochs):
            raise ValueError(
                f"expected {key} [S, {n_epochs}] with one S for both, got shape {pair[-1].shape}"
            )
    return np.stack(pair, axis=-1)


def _draw(
    ax: Axes,
    epoch: ArrayLike,
    values: ArrayLike,
    labels: Sequence[str],
    ylabel: str,
    level: float,
    limit: Limit | None,
    trusted: ArrayLike,
) -> tuple[list[Line2D], str]:
    """Draws `curves` without its legend; returns the legend's handles and title."""
    epochs, (seeds,) = checked(epoch, labels, values=values)
    sure = trust("trusted", trusted, np.isfinite(seeds))
    if not 0 < level < 1:
        raise ValueError(f"expected level between 0 and 1, got {level}")
    mean, half = mean_over_seeds(seeds), half_width(seeds, level)
    firm = np.asarray(sure.all(axis=0))
    handles = [
        _curve(ax, epochs, mean[:, i], half[:, i], firm[:, i], i, labels)
        for i in range(len(labels))
    ]
    if not sure.all():
        handles.append(doubtful_handle())
    epoch_axis(ax, epochs)
    label_axes(ax, "epoch", ylabel)
    if limit is not None:
        low, high, far = shown_range(np.stack([mean, mean - half, mean + half]), limit)
        set_height(ax, low, high, limit)
        draw_limit(ax, "y", limit, far, 1.0, "right")
    count = seed_count(seeds)
    return handles, f"bands: {100 * level:g} % interval of the mean, {count}" if np.isfinite(
        half
    ).any() else count


def _curve(
    ax: Axes,
    epochs: NDArray,
    mean: NDArray,
    half: NDArray,
    sure: NDArray,
    i: int,
    labels: Sequence[str],
) -> Line2D:
    """Draws one mean [E], sure [E] or not, with its band; returns the line of what is sure."""
    some = marked(epochs, sure & np.isfinite(mean), 6, (i + 0.5) / len(labels))
    _doubtful(ax, epochs, mean, half, sure, MARKERS[i], some)
    colour = COLOURS[i % len(COLOURS)]
    style = {
        "color": colour,
        "linestyle": STYLES[i % len(STYLES)],
        "linewidth": 1.6,
        "label": labels[i],
    }
    (line,) = ax.plot(epochs, np.where(sure, mean, np.nan), **style)
    line.set(marker=MARKERS[i], markersize=5.5, markevery=some)
    band = np.where(sure, half, np.nan)
    if np.isfinite(band).any():
        ax.fill_between(epochs, mean - band, mean + band, color=colour, alpha=0.2, linewidth=0)
    return line


def _doubtful(
    ax: Axes,
    epochs: NDArray,
    mean: NDArray,
    half: NDArray,
    sure: NDArray,
    marker: str,
    some: list[int],
) -> None:
    """Draws the stretches of one mean [E] that cannot be trusted: grey, dashed, some points marked,
    a grey band."""
    for stretch in doubtful_stretches(sure):
        at, middle, reach = epochs[stretch], mean[stretch], half[stretch]
        ax.plot(at, middle, color=DOUBT, linestyle=DASHES, linewidth=1.1, zorder=1.8)
        if np.isfinite(reach).any():
            ax.fill_between(
                at, middle - reach, middle + reach, color=DOUBT, alpha=0.15, linewidth=0
            )
    hollow = [i for i in some if not sure[i]]
    if hollow:
        style = {
            "markeredgecolor": DOUBT,
            "markerfacecolor": "white",
            "markersize": 5.5,
            "linestyle": "none",
        }
        ax.plot(
            epochs[hollow], mean[hollow], marker=marker, markeredgewidth=1.1, zorder=1.9, **style
        )
