"""Functions of one variable."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from jaxbnn.analysis.appearance import COLOURS, LINE_STYLES
from jaxbnn.plots.axes import label_axes, legend


def lines(
    ax: Axes, x: ArrayLike, values: Mapping[str, ArrayLike], xlabel: str, ylabel: str
) -> None:
    """Draws functions of one variable, named in a legend.

    Args:
        ax: what is drawn on.
        x: [N].
        values: name -> [N]; at most 7 functions.
        xlabel: the variable with its unit.
        ylabel: the value with its unit.

    Raises:
        ValueError: for no function or too many, or arrays of other shapes.
    """
    if not 0 < len(values) <= len(COLOURS):
        raise ValueError(f"expected 1 to {len(COLOURS)} functions, got {len(values)}")
    handles: list[Line2D] = []
    for i, (name, y) in enumerate(values.items()):
        if np.shape(y) != np.shape(x):
            raise ValueError(f"expected {name} of shape {np.shape(x)}, got {np.shape(y)}")
        style = {"color": COLOURS[i], "linestyle": LINE_STYLES[i % len(LINE_STYLES)]}
        handles += ax.plot(x, np.asarray(y), lw=1.8, label=name, **style)
    label_axes(ax, xlabel, ylabel)
    legend(ax, handles, "")
