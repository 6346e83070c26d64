"""What the figures of several studies share: planes of a result, panels, and which points can be
trusted."""

import numpy as np
from matplotlib.figure import Figure

from jaxbnn import plots
from jaxbnn.studies.intervals import TRUSTED


def trusted_points(result, of: str):
    """Whether each I(X;T) ("xt") or I(T;Y) ("ty") of a result [S, E, L] can be trusted.

    Layers that are not counted have no verdict to doubt.
    """
    return (result[f"verdict_{of}"].isin(TRUSTED) | (result.n_patterns < 0)).values


def panels_for(n: int, width: float, height: float):
    """A figure, and at least n panels of this size in inches, three a row; those that are left over
    are not seen."""
    columns, rows = min(3, max(n, 1)), -(-max(n, 1) // 3)
    figure = Figure((width * columns, height * rows), layout="constrained")
    panels = np.ravel(figure.subplots(rows, columns, squeeze=False))
    for ax in panels[n:]:
        ax.set_axis_off()
    return figure, panels


def draw_plane(ax, result) -> None:
    """Draws a result's information plane on a matplotlib Axes."""
    h_x, h_y = float(result.h_x.mean()), float(result.h_y.mean())
    arrays = result.i_xt.values, result.i_ty.values, result.epoch.values
    sure = trusted_points(result, "xt") & trusted_points(result, "ty")
    plots.plane(ax, *arrays, [str(layer) for layer in result.layer.values], h_x, h_y, trusted=sure)
