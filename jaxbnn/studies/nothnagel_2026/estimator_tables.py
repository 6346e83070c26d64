"""The table of Nothnagel & Geiger 2026 on estimators: I(X;T) at the end under each of them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxbnn.analysis import compression, correlation
from jaxbnn.analysis.correlation import RankCorrelation
from jaxbnn.analysis.reestimation import reestimate
from jaxbnn.info.corrected_entropy import ESTIMATORS
from jaxbnn.observe.probe import alphabets_of
from jaxbnn.studies.nothnagel_2026.cells import (
    NONE,
    changed_cell,
    layer_cell,
    number_cell,
    p_cell,
)
from jaxbnn.studies.nothnagel_2026.layers import Layer, by_depth, groups
from jaxbnn.studies.nothnagel_2026.run_values import accuracy_correlation
from jaxbnn.studies.study import Run, Runs, Table

PLUGIN = "plugin"
NAMES = (PLUGIN, *(name for name in ESTIMATORS if name != PLUGIN))
NOTE = (
    "I(X;T) at the end in bits, the mean over runs; its pooled rank correlation with test "
    "accuracy; p after Holm's correction over the table. Each estimator works on the counts of "
    "counts of the last epochs. Where the measured sample is the population (SZT), the plug-in "
    "value is that of the population and none is corrected. What is near log2 N under every "
    "estimator was not measured by any."
)


class Estimate(NamedTuple):
    """One estimator's I(X;T) of a layer at the end."""

    mean: float  # bits, over runs
    correlation: RankCorrelation  # with accuracy


class LayerEstimates(NamedTuple):
    """One layer under each estimator."""

    cells: list[str]  # group, layer, changed settings
    estimates: Mapping[str, Estimate | None]  # None where a run has none


def estimator_table(runs: Runs) -> Table:
    """I(X;T) at the end and its correlation with accuracy under each estimator, hidden layer by
    hidden layer."""
    estimated_layers: list[LayerEstimates] = []
    for group, group_layers in groups(runs):
        by_setting = {layer.setting: _end_estimates(runs[layer.setting]) for layer in group_layers}
        for layers in by_depth(group_layers).values():
            cells = [group, layer_cell(layers), changed_cell(layers)]
            estimates = {name: _estimate(layers, by_setting, name) for name in NAMES}
            estimated_layers.append(LayerEstimates(cells, estimates))
    rows = [["group", "layer", "changed", *NAMES], *_rows(estimated_layers)]
    return Table("estimators", "Each hidden layer under each estimator", rows, NOTE)


def _end_estimates(run: Run) -> dict[str, Any]:
    """Estimator -> I(X;T) of a run, the mean over the last epochs (seed, layer); of a population
    the plug-in alone."""
    result = run.results[""]
    last = np.flatnonzero(compression.last_epochs(result.epoch.values))
    at_end = result.isel(epoch=last)
    shape = tuple(int(n) for n in at_end.attrs["example_shape"].split())
    alphabets = alphabets_of(run.experiment.model, run.experiment.probes[0], shape)
    names = (PLUGIN,) if result.attrs["population"] else NAMES
    return {name: reestimate(at_end, name, alphabets).i_xt.mean("epoch") for name in names}


def _estimate(
    layers: Sequence[Layer], by_setting: Mapping[str, Mapping[str, Any]], name: str
) -> Estimate | None:
    """One estimator's mean over runs, and its correlation with accuracy."""
    values = {}
    for layer in layers:
        estimated = by_setting[layer.setting].get(name)
        if estimated is None:
            return None
        values[layer.setting] = estimated.sel(layer=layer.name).values
    mean = float(np.nanmean(np.concatenate(list(values.values()))))
    linked = accuracy_correlation(layers, lambda layer: values[layer.setting], correlation.pooled)
    return Estimate(mean, linked)


def _rows(estimated_layers: Sequence[LayerEstimates]) -> list[list[str]]:
    tested = []
    for layer in estimated_layers:
        tested += [np.nan if e is None else e.correlation.p for e in layer.estimates.values()]
    corrected = correlation.holm(tested).reshape(-1, len(NAMES))
    rows = []
    for layer, p in zip(estimated_layers, corrected, strict=True):
        cells = [_cell(*pair) for pair in zip(layer.estimates.values(), p, strict=True)]
        rows.append(layer.cells + cells)
    return rows


def _cell(estimate: Estimate | None, corrected: float) -> str:
    if estimate is None:
        return NONE
    return f"{estimate.mean:.2f}; {number_cell(estimate.correlation.rho)}; {p_cell(corrected)}"
