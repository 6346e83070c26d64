"""The figures of a finished run: arrays of its result handed to `plots`."""

import textwrap
from typing import Any

from matplotlib.figure import Figure

from jaxbnn import plots
from jaxbnn.analysis.trust import trusted_points, uncounted_layers
from jaxbnn.plots.plane_plot import PlanePaths

SERIES = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
LABEL_WIDTH = 70  # characters


def plot_run(result: Any, label: str = "") -> dict[str, Figure]:
    """The information plane of a run, and its curves over the epochs.

    A point of the plane is trusted where both its verdicts allow it, a point of a curve by its own.

    Args:
        result: an xarray.Dataset of the main probe of a finished run.
        label: a line above the figures, "" for none.

    Returns:
        "plane" and "curves".
    """
    paths = plane_paths(result)
    plane = Figure((6.4, 4.8), layout="constrained")
    plots.plane(plane.subplots(), paths)
    curves = Figure((9.0, 6.5), layout="constrained")
    plots.overview(curves, paths, {name: result[name].values for name in SERIES})
    figures = {"plane": plane, "curves": curves}
    if label:
        for figure in figures.values():
            figure.suptitle("\n".join(textwrap.wrap(label, LABEL_WIDTH)), fontsize=9)
    return figures


def plane_paths(result: Any) -> PlanePaths:
    """The arrays of a result that its plane and its curves are drawn of.

    Args:
        result: an xarray.Dataset of a finished run.

    Returns:
        Its values, with what of them can be trusted; a layer without a count says so in its name.
    """
    layers = []
    for name, uncounted in zip(result.layer.values, uncounted_layers(result), strict=True):
        layers.append(f"{name} (not counted)" if uncounted else str(name))
    return PlanePaths(
        result.epoch.values,
        layers,
        result.i_xt.values,
        result.i_ty.values,
        trusted_points(result, "xt"),
        trusted_points(result, "ty"),
        h_x=float(result.h_x.mean()),
        h_y=float(result.h_y.mean()),
    )
