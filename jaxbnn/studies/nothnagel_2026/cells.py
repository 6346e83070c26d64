"""Cells of the tables of Nothnagel & Geiger 2026: layers, numbers and p-values in words."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jaxbnn.analysis.correlation import RankCorrelation
from jaxbnn.studies.nothnagel_2026.layers import Layer, unchanged

UNDEFINED = "undefined"
NONE = "-"


def layer_cell(layers: Sequence[Layer]) -> str:
    """The name of a layer that several settings have at one depth: "hidden_5 (-1)"."""
    names = {layer.name for layer in layers}
    name = names.pop() if len(names) == 1 else "hidden"
    return f"{name} ({layers[0].depth})"


def changed_cell(layers: Sequence[Layer]) -> str:
    """How many settings have a run that is not the study's own: "0 of 11"."""
    return f"{len(layers) - len(unchanged(layers))} of {len(layers)}"


def epochs_cell(layers: Sequence[Layer]) -> str:
    """How long the runs are."""
    lengths = {layer.epochs for layer in layers}
    return ", ".join(str(epochs) for epochs in sorted(lengths))


def count_cell(chosen: NDArray) -> str:
    """How many of [R] are true: "33 of 33"; NaN counts in neither."""
    return f"{int(np.nansum(chosen))} of {int(np.isfinite(chosen).sum())}"


def interval_cell(value: float, low: float, high: float) -> str:
    """A number with its interval, if it has one: "0.30 [0.20, 0.40]"."""
    number = f"{value:.2f}"
    return number if np.isnan(low) else f"{number} [{low:.2f}, {high:.2f}]"


def correlation_cell(correlation: RankCorrelation) -> str:
    """A correlation with its interval."""
    if np.isnan(correlation.rho):
        return UNDEFINED
    return interval_cell(correlation.rho, correlation.low, correlation.high)


def number_cell(value: float) -> str:
    """A number that may be undefined."""
    return UNDEFINED if np.isnan(value) else f"{value:.2f}"


def p_cell(p: float) -> str:
    """A p-value: "0.012", "3e-05"; "-" where nothing was tested."""
    if np.isnan(p):
        return NONE
    return f"{p:.3f}" if p >= 0.001 else f"{p:.0e}"
