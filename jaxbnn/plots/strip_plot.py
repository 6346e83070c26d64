"""Several numbers of each of a few things, beside each other."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from jaxbnn.plots.axes import COLOURS, MARKERS, label_axes, legend


def dots(ax: Axes, names: Sequence[str], values: Mapping[str, ArrayLike], ylabel: str) -> None:
    """Draws the values [K, R] of each set as dots above the K names, R a name; what is not finite
    is left out."""
    if not 0 < len(values) <= len(COLOURS):
        raise ValueError(f"expected 1 to {len(COLOURS)} sets of values, got {len(values)}")
    apart = np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else np.zeros(1)
    handles = []
    for i, (label, value) in enumerate(values.items()):
        array = np.asarray(value, float)
        if array.ndim != 2 or len(array) != len(names):
            raise ValueError(f"expected {label} [{len(names)}, R], got shape {array.shape}")
        x = np.repeat(np.arange(len(names))[:, None] + apart[i], array.shape[1], axis=1)
        style = {"ls": "none", "marker": MARKERS[i], "color": COLOURS[i], "alpha": 0.75}
        handles += ax.plot(x.ravel(), array.ravel(), ms=5, label=label, **style)
    ax.set_xticks(range(len(names)), names, rotation=25, ha="right")
    ax.set_xlim(-0.6, len(names) - 0.4)
    label_axes(ax, "", ylabel)
    legend(ax, handles, "")
