"""Pictures of measured arrays, drawn on the Axes (or Figure) the caller passes; nothing is returned, no file is named.

S seeds, E measured epochs, L layers; information in bits; NaN stands for a diverged seed or a layer without a value.
Legends stand below the Axes, off the data: make the Figure with layout="constrained" (`overview` sets that itself).
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, SymLogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "p", "h")
# Okabe and Ito (2008) without the yellow, which is lost on white; neighbours differ in lightness too, for grey print.
COLOURS = ("#000000", "#E69F00", "#0072B2", "#56B4E9", "#D55E00", "#CC79A7", "#009E73")
STYLES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.5, 1.2, 1.5)))
LABEL, SMALL = 12, 10.5  # points: a figure 6.4 inches wide set in a 3.4 inch column still prints above 5 points
LINEAR = 0.6  # decades that the step from epoch 0 to 1 takes on the log-like scale
FAR = 0.6  # a limit this many data ranges beyond the data is told, not drawn: drawing it would squeeze the data

Limit = tuple[float, str]  # a value and the words that name it


def plane(
    ax: Axes,
    i_xt: ArrayLike,
    i_ty: ArrayLike,
    epoch: ArrayLike,
    layers: Sequence[str],
    h_x: float | None = None,
    h_y: float | None = None,
) -> None:
    """Draws the information plane: each layer's mean path over the seeds, coloured by epoch, over the single seeds.

    i_xt, i_ty: I(X;T) and I(T;Y) [S, E, L] in bits; epoch [E] rising; layers: L names; h_x, h_y: H(X), H(Y) in bits.
    A seed counts at a point where both its values are finite. The open marker is a path's first epoch, the one with a
    dark edge its last. H(X) or H(Y) far beyond the data is told by an arrow: the data are not squeezed into a corner.
    """
    epochs, (xt, ty) = _checked(epoch, layers, i_xt=i_xt, i_ty=i_ty)
    limit_x, limit_y = _entropy("H(X)", h_x), _entropy("H(Y)", h_y)
    both = np.isfinite(xt) & np.isfinite(ty)
    xt, ty = np.where(both, xt, np.nan), np.where(both, ty, np.nan)
    colours = _epoch_colours(epochs)
    _seed_paths(ax, xt, ty)
    path = np.stack([_mean(xt), _mean(ty)], axis=-1)
    for layer in range(len(layers)):
        _mean_path(ax, path[:, layer], epochs, colours, layer, len(layers))
    ax.set_xlabel("I(X;T) [bit]", fontsize=LABEL)
    ax.set_ylabel("I(T;Y) [bit]", fontsize=LABEL)
    ax.tick_params(labelsize=SMALL)
    _limits(ax, xt, ty, limit_x, limit_y)
    _legend(ax, _plane_handles(layers), f"grey lines: {_seed_count(xt)}", 0.8)
    _epoch_bar(ax, epochs, colours)


def curves(
    ax: Axes,
    epoch: ArrayLike,
    values: ArrayLike,
    labels: Sequence[str],
    ylabel: str,
    level: float = 0.95,
    limit: Limit | None = None,
) -> None:
    """Draws one mean line per label against the epoch, with the t interval of the mean over the finite seeds as a band.

    values [S, E, L] in the unit that `ylabel` names; epoch [E] rising; labels: L names; level: of the interval;
    limit: (value, text) of a dashed line, or of an arrow when it is far above. Fewer than two finite seeds: no band.
    """
    _legend(ax, *_draw_curves(ax, epoch, values, labels, ylabel, level, limit))


def overview(
    figure: Figure,
    epoch: ArrayLike,
    i_xt: ArrayLike,
    i_ty: ArrayLike,
    series: Mapping[str, ArrayLike],
    layers: Sequence[str],
    h_x: float | None = None,
    h_y: float | None = None,
) -> None:
    """Fills the Figure with I(X;T), I(T;Y), loss and accuracy against the epoch, each as in `curves`.

    i_xt, i_ty [S, E, L] in bits; epoch [E] rising; layers: L names; h_x, h_y: H(X), H(Y) in bits;
    series: train_loss, test_loss, train_accuracy, test_accuracy, each [S, E]. Sets the layout to "constrained".
    """
    _checked(epoch, layers, i_xt=i_xt, i_ty=i_ty)
    limit_x, limit_y = _entropy("H(X)", h_x), _entropy("H(Y)", h_y)
    loss, accuracy = (_train_and_test(series, name, np.size(epoch)) for name in ("loss", "accuracy"))
    figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.08)
    upper, lower = figure.subplots(2, 2)
    handles, title = _draw_curves(upper[0], epoch, i_xt, layers, "I(X;T) [bit]", 0.95, limit_x)
    _draw_curves(upper[1], epoch, i_ty, layers, "I(T;Y) [bit]", 0.95, limit_y)
    # One legend for the two upper panels, which show the same layers, leaves more room for the data.
    _legend(figure, handles, title)
    for ax, values, name in zip(lower, (loss, accuracy), ("loss [nat]", "accuracy"), strict=True):
        pair, title = _draw_curves(ax, epoch, values, ("train", "test"), name, 0.95, None)
        _legend(ax, pair, title)


def _checked(epoch: ArrayLike, names: Sequence[str], **arrays: ArrayLike) -> tuple[NDArray, list[NDArray]]:
    """Returns epoch [E] and each array [S, E, L] in float64, with NaN for every value that is not finite."""
    epochs = np.asarray(epoch)
    if epochs.ndim != 1 or epochs.size == 0 or epochs[0] < 0 or np.any(np.diff(epochs) <= 0):
        raise ValueError(f"expected epoch [E] rising from 0 or later, got shape {epochs.shape}: {epochs.ravel()[:4]}")
    if not 0 < len(names) <= len(MARKERS):
        raise ValueError(f"expected 1 to {len(MARKERS)} names, one marker each, got {len(names)}")
    values = [np.asarray(array, dtype=np.float64) for array in arrays.values()]
    for name, value in zip(arrays, values, strict=True):
        if value.size == 0 or value.shape[1:] != (epochs.size, len(names)):
            raise ValueError(f"expected {name} [S, {epochs.size}, {len(names)}], got shape {value.shape}")
        if len(value) != len(values[0]):
            raise ValueError(f"expected {name} of {len(values[0])} seeds like the others, got {len(value)}")
    return epochs, [np.where(np.isfinite(value), value, np.nan) for value in values]


def _train_and_test(series: Mapping[str, ArrayLike], name: str, n_epochs: int) -> NDArray:
    """Returns the series [S, E] of the training and of the test set side by side, [S, E, 2]."""
    pair = []
    for key in (f"train_{name}", f"test_{name}"):
        if key not in series:
            raise ValueError(f"expected series with {key}, got {', '.join(series) or 'none'}")
        pair.append(np.asarray(series[key], dtype=np.float64))
        if pair[-1].ndim != 2 or pair[-1].shape != (len(pair[0]), n_epochs):
            raise ValueError(f"expected {key} [S, {n_epochs}] with one S for both, got shape {pair[-1].shape}")
    return np.stack(pair, axis=-1)


def _mean(values: NDArray) -> NDArray:
    """Returns the mean over the finite seeds, [S, ...] -> [...]; NaN where there is none."""
    finite = np.isfinite(values)
    count = finite.sum(axis=0)
    total = np.where(finite, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _half_width(values: NDArray, level: float) -> NDArray:
    """Returns t * s / sqrt(n) over the n finite seeds, [S, ...] -> [...]; NaN where n < 2."""
    count = np.isfinite(values).sum(axis=0)
    freedom = np.maximum(count - 1, 1)
    # s^2 / n = (mean square) / (n - 1), the mean square being over n
    reach = stdtrit(freedom, (1 + level) / 2) * np.sqrt(_mean((values - _mean(values)) ** 2) / freedom)
    return np.where(count > 1, reach, np.nan)


def _seed_count(values: NDArray) -> str:
    """Returns how many seeds have every value that any seed has: "10 seeds", or "8 of 10 seeds finite"."""
    finite = np.isfinite(values)
    whole = int(((finite | ~finite.any(axis=0)).all(axis=(1, 2)) & finite.any()).sum())
    noun = "seed" if len(values) == 1 else "seeds"
    return f"{whole} {noun}" if whole == len(values) else f"{whole} of {len(values)} {noun} finite"


def _log_like(epoch: ArrayLike) -> NDArray:
    """Returns where the log-like scale puts the epoch, in decades."""
    epoch = np.asarray(epoch, dtype=np.float64)
    return np.where(epoch < 1, LINEAR * epoch, LINEAR + np.log10(np.maximum(epoch, 1)))


def _epoch_ticks(epochs: NDArray) -> list[int]:
    """Returns 0 and the powers of ten shown, and the first and last epoch where they leave room for their labels."""
    first, last = int(epochs[0]), int(epochs[-1])
    within = [tick for tick in (0, *(10**k for k in range(12))) if first <= tick <= last]
    ticks = within[:: 1 + len(within) // 7]
    room = 0.13 * (_log_like(last) - _log_like(first))
    for end in (first, last):
        if all(abs(_log_like(end) - _log_like(tick)) > room for tick in ticks):
            ticks.append(end)
    return sorted(ticks)


def _sparse(epochs: NDArray, number: int, shift: float) -> list[int]:
    """Returns indices of about `number` epochs, evenly apart on the log-like scale; shift in [0, 1) moves them all."""
    place = _log_like(epochs)
    wanted = place[0] + (np.arange(number) + shift) / number * (place[-1] - place[0])
    return sorted({int(np.argmin(np.abs(place - want))) for want in wanted})


def _epoch_colours(epochs: NDArray) -> ScalarMappable:
    """Returns epoch -> colour: viridis, whose lightness rises steadily, without the light end that is lost on white."""
    first, last = float(epochs[0]), float(max(epochs[-1], epochs[0] + 1))
    trimmed = ListedColormap(colormaps["viridis"](np.linspace(0.0, 0.9, 256)))
    return ScalarMappable(SymLogNorm(linthresh=1, linscale=LINEAR, vmin=first, vmax=last, base=10), trimmed)


def _epoch_bar(ax: Axes, epochs: NDArray, colours: ScalarMappable) -> None:
    """Puts the colour bar of the epochs right of the Axes."""
    bar = ax.figure.colorbar(colours, ax=ax, pad=0.02, aspect=28)
    ticks = _epoch_ticks(epochs)
    bar.set_ticks(ticks, labels=[str(tick) for tick in ticks], fontsize=SMALL)
    bar.minorticks_off()
    bar.set_label("epoch", fontsize=LABEL)


def _seed_paths(ax: Axes, xt: NDArray, ty: NDArray) -> None:
    """Draws every seed of every layer as a thin grey line, fainter the more there are."""
    paths = np.moveaxis(np.stack([xt, ty], axis=-1), 2, 1).reshape(-1, xt.shape[1], 2)
    drawn = [path for path in paths if np.isfinite(path).any()]
    alpha = float(np.clip(4 / len(xt), 0.08, 0.5))
    # Thousands of lines would make a PDF of many megabytes: past that they are stored in it as one image.
    lines = LineCollection(drawn, colors="0.55", linewidths=0.5, alpha=alpha, zorder=1)
    lines.set_rasterized(paths.size > 400_000)
    ax.add_collection(lines, autolim=False)


def _mean_path(ax: Axes, path: NDArray, epochs: NDArray, colours: ScalarMappable, layer: int, n_layers: int) -> None:
    """Draws one layer's mean path [E, 2] with a few of its markers, and its first and last finite point."""
    finite = np.isfinite(path).all(axis=-1)
    if not finite.any():
        return
    points, shade, marker = path[finite], colours.to_rgba(epochs[finite]), MARKERS[layer]
    steps = list(np.stack([points[:-1], points[1:]], axis=1))
    ax.add_collection(LineCollection(steps, colors=shade[1:], linewidths=1.8, zorder=3), autolim=False)
    some = _sparse(epochs[finite], 9, (layer + 0.5) / n_layers)
    ax.scatter(*points[some].T, c=shade[some], s=30, marker=marker, edgecolors="white", linewidths=0.4, zorder=4)
    # Deeper layers get smaller end markers, so that layers at one point can be told apart.
    size = 150 - 100 * layer / max(n_layers - 1, 1)
    ax.scatter(*points[0], s=size, marker=marker, facecolors="none", edgecolors=[shade[0]], linewidths=1.5, zorder=5)
    ax.scatter(*points[-1], s=size, marker=marker, facecolors=[shade[-1]], edgecolors="black", linewidths=1.1, zorder=6)


def _draw_curves(
    ax: Axes, epoch: ArrayLike, values: ArrayLike, labels: Sequence[str], ylabel: str, level: float, limit: Limit | None
) -> tuple[list[Line2D], str]:
    """Draws `curves` without its legend; returns the legend's handles and title."""
    epochs, (checked,) = _checked(epoch, labels, values=values)
    if not 0 < level < 1:
        raise ValueError(f"expected level between 0 and 1, got {level}")
    mean, half = _mean(checked), _half_width(checked, level)
    lines = [_curve(ax, epochs, mean[:, i], half[:, i], i, labels) for i in range(len(labels))]
    ticks = _epoch_ticks(epochs)
    ax.set_xscale("symlog", linthresh=1, linscale=LINEAR)
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.minorticks_off()
    ax.set_xlabel("epoch", fontsize=LABEL)
    ax.set_ylabel(ylabel, fontsize=LABEL)
    ax.tick_params(labelsize=SMALL)
    if limit is not None:
        low, high, far = _range(np.stack([mean, mean - half, mean + half]), limit)
        _set_height(ax, low, high, limit)
        _draw_limit(ax, "y", limit, far, 1.0, "right")
    count = _seed_count(checked)
    return lines, f"bands: {100 * level:g} % interval of the mean, {count}" if np.isfinite(half).any() else count


def _curve(ax: Axes, epochs: NDArray, mean: NDArray, half: NDArray, i: int, labels: Sequence[str]) -> Line2D:
    """Draws one mean [E] with its band and returns the line."""
    colour = COLOURS[i % len(COLOURS)]
    (line,) = ax.plot(epochs, mean, color=colour, linestyle=STYLES[i % len(STYLES)], linewidth=1.6, label=labels[i])
    line.set(marker=MARKERS[i], markersize=5.5, markevery=_sparse(epochs, 6, (i + 0.5) / len(labels)))
    if np.isfinite(half).any():
        ax.fill_between(epochs, mean - half, mean + half, color=colour, alpha=0.2, linewidth=0)
    return line


def _entropy(name: str, bits: float | None) -> Limit | None:
    """Returns the limit with its label, "H(X) = 12.0 bit"."""
    if bits is not None and not np.isfinite(bits):
        raise ValueError(f"expected {name} finite, or None where it is unknown, got {bits}")
    return None if bits is None else (float(bits), f"{name} = {bits:#.3g} bit")


def _range(values: NDArray, limit: Limit | None) -> tuple[float, float, bool]:
    """Returns low and high of an axis that shows the data, zero if it is near and the limit, and if that is too far."""
    shown = values[np.isfinite(values)]
    low, high = (float(shown.min()), float(shown.max())) if shown.size else (0.0, limit[0] if limit else 1.0)
    low = 0.0 if 0 < low < 0.4 * high else low
    # Differences below 1e-4 bit are float32 noise, not something to zoom into.
    span = high - low if high - low > 1e-4 else abs(high) or 1.0
    far = limit is not None and limit[0] - high > FAR * span
    if limit is not None and not far:
        low, high = min(low, limit[0]), max(high, limit[0])
    margin = 0.06 * (high - low) if high - low > 1e-4 else 0.5 * span
    return low - margin, high + margin, far


def _limits(ax: Axes, xt: NDArray, ty: NDArray, h_x: Limit | None, h_y: Limit | None) -> None:
    """Sets the shown ranges and draws H(X) and H(Y), their labels in one line above the data."""
    left, right, x_far = _range(xt, h_x)
    low, high, y_far = _range(ty, h_y)
    ax.set_xlim(left, right)
    _set_height(ax, low, high, h_x or h_y)
    place = 1.0 if h_x is None or x_far else (h_x[0] - left) / (right - left)
    # A label takes about a third of the width: two thirds left of the line hold both, otherwise H(Y) goes right.
    if h_x is not None:
        _draw_limit(ax, "x", h_x, x_far, place, "right" if place > 0.35 else "left")
    if h_y is not None:
        _draw_limit(ax, "y", h_y, y_far, *((0.0, "left") if place > 0.68 else (1.0, "right")))


def _set_height(ax: Axes, low: float, high: float, label: Limit | None) -> None:
    """Shows low to high and, if there is a label, a strip above as high as a line of text, where it covers no data."""
    inches = ax.get_window_extent().height / ax.figure.dpi
    strip = 1.5 * SMALL / 72 / inches if label else 0.0
    ax.set_ylim(low, high + strip * (high - low))


def _draw_limit(
    ax: Axes, axis: Literal["x", "y"], limit: Limit, far: bool, place: float, side: Literal["left", "right"]
) -> None:
    """Draws the limit of an axis, or an arrow when it is far; `side` of its label stands at `place` in the width."""
    value, text = limit
    if far:
        text += " \u2192" if axis == "x" else " \u2191"
    else:
        line = ax.axvline if axis == "x" else ax.axhline
        line(value, color="0.3", linestyle=(0, (5, 3)), linewidth=1.1, zorder=1.5)
    inwards = (4 if side == "left" else -4, -3)
    ax.annotate(text, (place, 1), inwards, "axes fraction", "offset points", ha=side, va="top", fontsize=SMALL)


def _plane_handles(layers: Sequence[str]) -> list[Line2D]:
    """Returns each layer's marker and the signs of the first and last epoch."""
    names = (*layers, "first epoch", "last epoch")
    handles = [Line2D([], [], ls="none", marker="o", mfc="0.35", mec="0.35", ms=7, label=name) for name in names]
    for handle, marker in zip(handles[:-2], MARKERS, strict=False):
        handle.set_marker(marker)
    handles[-2].set(markerfacecolor="none", markeredgewidth=1.5)
    handles[-1].set(markerfacecolor="0.75", markeredgecolor="black")
    return handles


def _legend(host: Axes | Figure, handles: Sequence[Line2D], title: str, handle_length: float = 2.6) -> None:
    """Puts the legend below the Axes and its x label, or above all Axes of the Figure, where it covers no data."""
    # In font sizes; a constrained layout makes an Axes somewhat wider than it is now.
    width = 1.1 * host.get_window_extent().width / host.figure.dpi * 72 / SMALL
    longest = max(len(str(handle.get_label())) for handle in handles)
    columns = int(np.clip(width // (0.6 * longest + handle_length + 1.8), 1, len(handles)))
    columns = -(-len(handles) // -(-len(handles) // columns))
    # A legend fills column by column; in this order it reads row by row.
    ordered = [handle for column in range(columns) for handle in handles[column::columns]]
    style = {"title": title, "ncols": columns, "fontsize": SMALL, "title_fontsize": SMALL, "frameon": False}
    style |= {"handlelength": handle_length, "handletextpad": 0.5, "columnspacing": 1.3}
    if isinstance(host, Figure):
        host.legend(handles=ordered, loc="outside upper center", **style)
    else:
        # The pad counts in font sizes: tick labels and x label are as high in a small Axes as in a large one.
        host.legend(handles=ordered, loc="upper center", bbox_to_anchor=(0.5, 0), borderaxespad=3.8, **style)
