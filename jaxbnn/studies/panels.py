"""Panels that the figures of several studies share."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from jaxbnn import plots
from jaxbnn.plots.run_figures import plane_paths

MAX_COLUMNS = 3


def panel_grid(n: int, width: float, height: float) -> tuple[Figure, NDArray]:
    """A figure with n panels, three a row.

    Args:
        n: panels, 0 or more.
        width: of each, inches.
        height: of each, inches.

    Returns:
        The figure, and its Axes: at least n, those left over not seen.
    """
    n_columns = min(MAX_COLUMNS, max(n, 1))
    n_rows = -(-max(n, 1) // MAX_COLUMNS)
    figure = Figure((width * n_columns, height * n_rows), layout="constrained")
    panels = np.ravel(figure.subplots(n_rows, n_columns, squeeze=False))
    for ax in panels[n:]:
        ax.set_axis_off()
    return figure, panels


def draw_plane(ax: Axes, result: Any) -> None:
    """Draws the information plane of a result (an xarray.Dataset)."""
    plots.plane(ax, plane_paths(result))
