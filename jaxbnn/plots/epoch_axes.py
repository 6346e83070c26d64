"""The axis of epochs: a log-like scale that has room for epoch 0, its ticks, its colours, and which
epochs to mark."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, SymLogNorm
from numpy.typing import ArrayLike, NDArray

from jaxbnn.plots.axes import LABEL, SMALL

LINEAR = 0.6  # decades that the step from epoch 0 to 1 takes on the log-like scale


def log_like(epoch: ArrayLike) -> NDArray:
    """Returns where the log-like scale puts the epoch, in decades."""
    epoch = np.asarray(epoch, dtype=np.float64)
    return np.where(epoch < 1, LINEAR * epoch, LINEAR + np.log10(np.maximum(epoch, 1)))


def epoch_ticks(epochs: NDArray) -> list[int]:
    """Returns 0 and the powers of ten shown, and the first and last epoch where they leave room for
    their labels."""
    first, last = int(epochs[0]), int(epochs[-1])
    within = [tick for tick in (0, *(10**k for k in range(12))) if first <= tick <= last]
    ticks = within[:: 1 + len(within) // 7]
    room = 0.13 * (log_like(last) - log_like(first))
    for end in (first, last):
        if all(abs(log_like(end) - log_like(tick)) > room for tick in ticks):
            ticks.append(end)
    return sorted(ticks)


def marked(epochs: NDArray, sure: NDArray, number: int, shift: float) -> list[int]:
    """Returns the indices of the epochs to mark on a path whose points are `sure` [E] or not.

    About `number`, evenly apart on the log-like scale, moved by shift in [0, 1); and each sure
    point that no line shows because neither neighbour is sure.
    """
    place = log_like(epochs)
    wanted = place[0] + (np.arange(number) + shift) / number * (place[-1] - place[0])
    even = {int(np.argmin(np.abs(place - want))) for want in wanted}
    padded = np.concatenate([[False], sure, [False]])
    return sorted(even.union(np.flatnonzero(sure & ~padded[:-2] & ~padded[2:]).tolist()))


def epoch_colours(epochs: NDArray) -> ScalarMappable:
    """Returns epoch -> colour: viridis, whose lightness rises steadily, without the light end that
    is lost on white."""
    first, last = float(epochs[0]), float(max(epochs[-1], epochs[0] + 1))
    trimmed = ListedColormap(colormaps["viridis"](np.linspace(0.0, 0.9, 256)))
    return ScalarMappable(
        SymLogNorm(linthresh=1, linscale=LINEAR, vmin=first, vmax=last, base=10), trimmed
    )


def epoch_bar(ax: Axes, epochs: NDArray, colours: ScalarMappable) -> None:
    """Puts the colour bar of the epochs right of the Axes."""
    bar = ax.figure.colorbar(colours, ax=ax, pad=0.02, aspect=28)
    ticks = epoch_ticks(epochs)
    bar.set_ticks(ticks, labels=[str(tick) for tick in ticks], fontsize=SMALL)
    bar.minorticks_off()
    bar.set_label("epoch", fontsize=LABEL)


def epoch_axis(ax: Axes, epochs: NDArray) -> None:
    """Makes the x axis that of the epochs."""
    ticks = epoch_ticks(epochs)
    ax.set_xscale("symlog", linthresh=1, linscale=LINEAR)
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.minorticks_off()
