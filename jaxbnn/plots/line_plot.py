"""Functions of one variable."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from jaxbnn.plots.axes import COLOURS, STYLES, label_axes, legend


def functions(
    ax: Axes, x: ArrayLike, values: Mapping[str, ArrayLike], xlabel: str, ylabel: str
) -> None:
    """Draws each function's values [N] over x [N], named in a legend. At most 7 functions."""
    if not 0 < len(values) <= len(COLOURS):
        raise ValueError(f"expected 1 to {len(COLOURS)} functions, got {len(values)}")
    handles: list[Line2D] = []
    for i, (name, y) in enumerate(values.items()):
        if np.shape(y) != np.shape(x):
            raise ValueError(f"expected {name} of shape {np.shape(x)}, got {np.shape(y)}")
        handles += ax.plot(
            x,
            np.asarray(y),
            color=COLOURS[i],
            linestyle=STYLES[i % len(STYLES)],
            lw=1.8,
            label=name,
        )
    label_axes(ax, xlabel, ylabel)
    legend(ax, handles, "")
