"""The axis of epochs: a log-like scale that has room for epoch 0, its ticks, its colours, and which
epochs to mark."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, SymLogNorm
from numpy.typing import ArrayLike, NDArray

from jaxbnn.plots.axes import LABEL_SIZE, SMALL_SIZE

LINEAR = 0.6  # decades that the step from epoch 0 to 1 takes on the log-like scale
POWERS_OF_TEN = tuple(10**k for k in range(12))
MIN_TICK_DISTANCE = 0.13  # of the axis, between an end's label and another


def log_like(epoch: ArrayLike) -> NDArray:
    """Returns the position of the epoch on the log-like scale, in decades."""
    epochs = np.asarray(epoch, dtype=np.float64)
    return np.where(epochs < 1, LINEAR * epochs, LINEAR + np.log10(np.maximum(epochs, 1)))


def epoch_ticks(epochs: NDArray) -> list[int]:
    """Returns 0 and the powers of ten shown, and the first and last epoch where they leave room for
    their labels."""
    first = int(epochs[0])
    last = int(epochs[-1])
    shown = [tick for tick in (0, *POWERS_OF_TEN) if first <= tick <= last]
    ticks = shown[:: 1 + len(shown) // 7]
    room = MIN_TICK_DISTANCE * (log_like(last) - log_like(first))
    for end in (first, last):
        if all(abs(log_like(end) - log_like(tick)) > room for tick in ticks):
            ticks.append(end)
    return sorted(ticks)


def marked_epochs(epochs: NDArray, trusted: NDArray, n_marks: int, shift: float) -> list[int]:
    """Returns the indices of the epochs to mark on a path.

    About `n_marks`, evenly apart on the log-like scale, moved by shift in [0, 1); and each trusted
    point that no line shows because neither neighbour is trusted.

    Args:
        epochs: [E] rising.
        trusted: bool [E], which points of the path can be trusted.
        n_marks: how many, about.
        shift: in [0, 1), of the distance of two marks.
    """
    positions = log_like(epochs)
    steps = (np.arange(n_marks) + shift) / n_marks
    wanted = positions[0] + steps * (positions[-1] - positions[0])
    even = {int(np.argmin(np.abs(positions - position))) for position in wanted}
    padded = np.concatenate([[False], trusted, [False]])
    alone = trusted & ~padded[:-2] & ~padded[2:]
    return sorted(even.union(np.flatnonzero(alone).tolist()))


def epoch_colours(epochs: NDArray) -> ScalarMappable:
    """Returns epoch -> colour: viridis, whose lightness rises steadily, without the light end that
    is lost on white."""
    first = float(epochs[0])
    last = float(max(epochs[-1], epochs[0] + 1))
    trimmed = ListedColormap(colormaps["viridis"](np.linspace(0.0, 0.9, 256)))
    norm = SymLogNorm(linthresh=1, linscale=LINEAR, vmin=first, vmax=last, base=10)
    return ScalarMappable(norm, trimmed)


def epoch_bar(ax: Axes, epochs: NDArray, colours: ScalarMappable) -> None:
    """Puts the colour bar of the epochs right of the Axes."""
    bar = ax.figure.colorbar(colours, ax=ax, pad=0.02, aspect=28)
    ticks = epoch_ticks(epochs)
    bar.set_ticks(ticks, labels=[str(tick) for tick in ticks], fontsize=SMALL_SIZE)
    bar.minorticks_off()
    bar.set_label("epoch", fontsize=LABEL_SIZE)


def epoch_axis(ax: Axes, epochs: NDArray) -> None:
    """Makes the x axis that of the epochs."""
    ticks = epoch_ticks(epochs)
    ax.set_xscale("symlog", linthresh=1, linscale=LINEAR)
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.minorticks_off()
