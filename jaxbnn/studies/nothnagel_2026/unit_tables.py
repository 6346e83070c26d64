"""Subadditivity in the trained networks of Nothnagel & Geiger 2026: a layer, its units shuffled
apart, one by one."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import jax
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from jaxbnn import plots
from jaxbnn.info.total_correlation import Dependence, dependence
from jaxbnn.observe import with_training_moments
from jaxbnn.observe.probe import Probe, choose
from jaxbnn.studies.nothnagel_2026.cells import NONE
from jaxbnn.studies.nothnagel_2026.experiments import GRID
from jaxbnn.studies.panels import panel_grid
from jaxbnn.studies.study import Run, Runs, Table

BATCH = 2000  # examples seen at once
ROUNDING = 1e-6  # bits
HEADING = [
    "setting",
    "layer",
    "networks",
    "H(T) [bit]",
    "units shuffled",
    "sum of units",
    "total correlation",
    "H(T) <= shuffled <= sum",
]
NOTE = (
    "Of each group's first setting, after the last epoch, over the measured sample; means over "
    "networks. Shuffled: each unit's values are shuffled over the examples, on its own. "
    "H(T) <= sum of units always; where H(T) and the shuffled entropy are both near log2 N, the "
    "sample bounds both and their order says nothing."
)


def first_settings(runs: Runs) -> dict[str, str]:
    """Group -> the first of its settings that has a run: without decay, or the widest."""
    firsts = {}
    for group, settings in GRID.items():
        finished = [setting.name for setting in settings if setting.name in runs]
        if finished:
            firsts[group] = finished[0]
    return firsts


def dependences(run: Run) -> dict[str, list[Dependence]]:
    """How much the units of each hidden layer depend on each other, over the examples that the
    run's main probe measures.

    Args:
        run: a finished run with its checkpoints.

    Returns:
        Hidden layer -> of each trained network.

    Raises:
        ValueError: where its networks or its data cannot be read.
        OSError: where their files cannot be read.
    """
    probe = run.experiment.probes[0]
    return _dependences(run.experiment.model, probe, run.split, run.networks)


@cache
def _dependences(
    model: Any, probe: Probe, split: Callable[[], Any], networks: Callable[[], Mapping[int, Any]]
) -> dict[str, list[Dependence]]:
    data = split()
    x = np.asarray(choose(data, probe.sample).x)
    settled = jax.jit(partial(with_training_moments, model))
    apply = jax.jit(lambda variables, batch: model.apply(variables, batch, train=False)[1])
    by_layer: dict[str, list[Dependence]] = {name: [] for name in model.layer_names}
    for seed, variables in networks().items():
        if probe.normalisation == "training_set":
            variables = settled(data, variables)
        for name, activations in zip(
            model.layer_names, _activations(apply, variables, x), strict=True
        ):
            by_layer[name].append(dependence(activations, seed))
    return by_layer


def _activations(apply: Callable, variables: Any, x: NDArray) -> list[NDArray]:
    """The hidden layers [N, D] of one network over all examples, batch by batch."""
    batches = []
    for start in range(0, len(x), BATCH):
        batches.append(jax.device_get(apply(variables, x[start : start + BATCH])))
    layers = zip(*batches, strict=True)
    return [np.concatenate(parts).reshape(len(x), -1) for parts in layers]


def unit_figure(runs: Runs) -> Figure:
    """The three entropies of each layer, a panel a setting, on a log axis."""
    names = list(first_settings(runs).values())
    figure, panels = panel_grid(len(names), 5.4, 5.2)
    for ax, name in zip(panels, names, strict=False):
        ax.set_title(name.rpartition("/")[2])
        try:
            by_layer = dependences(runs[name])
        except (OSError, ValueError):  # the table says why
            ax.set_axis_off()
            continue
        _draw_entropies(ax, by_layer)
        _draw_h_x(ax, float(runs[name].results[""].h_x.mean()))
    return figure


def _draw_entropies(ax: Axes, by_layer: Mapping[str, list[Dependence]]) -> None:
    values = {
        "H(T)": _layer_values(by_layer, "h_t"),
        "units shuffled apart": _layer_values(by_layer, "h_shuffled"),
        "sum of single units": _layer_values(by_layer, "h_units"),
    }
    plots.strip(ax, list(by_layer), values, "entropy [bit], log axis")
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())


def _draw_h_x(ax: Axes, h_x: float) -> None:
    """Draws H(X), the most that a layer can have."""
    ax.axhline(h_x, color="0.3", lw=1.1, ls=(0, (5, 3)))
    position = {"xycoords": ax.get_yaxis_transform(), "va": "bottom", "ha": "right"}
    ax.annotate("H(X)", (1, h_x), fontsize=9, **position)


def _layer_values(by_layer: Mapping[str, list[Dependence]], field: str) -> NDArray:
    """One entropy of each layer and network, [K, R] bits."""
    return np.stack([_network_values(layer, field) for layer in by_layer.values()])


def _network_values(layer: list[Dependence], field: str) -> NDArray:
    """One entropy of each network, [R] bits."""
    return np.array([getattr(network, field) for network in layer])


def unit_table(runs: Runs) -> Table:
    """H(T), shuffled, and the sum of units, layer by layer."""
    rows = [HEADING]
    for name in first_settings(runs).values():
        setting = name.rpartition("/")[2]
        try:
            by_layer = dependences(runs[name])
        except (OSError, ValueError) as error:  # no checkpoints or no data: the others are listed
            rows.append([setting, f"not seen: {error}"] + [NONE] * (len(HEADING) - 2))
            continue
        for layer, networks in by_layer.items():
            rows.append([setting, layer, *_dependence_cells(networks)])
    heading = "Subadditivity and total correlation in trained networks"
    return Table("units", heading, rows, NOTE)


def _dependence_cells(networks: list[Dependence]) -> list[str]:
    """One layer's cells: how many networks, their mean entropies, and how many are in order."""
    h_t = _network_values(networks, "h_t")
    shuffled = _network_values(networks, "h_shuffled")
    units = _network_values(networks, "h_units")
    ordered = (h_t <= shuffled + ROUNDING) & (shuffled <= units + ROUNDING)
    means = [f"{values.mean():.3f}" for values in (h_t, shuffled, units, units - h_t)]
    return [str(len(networks)), *means, f"{int(ordered.sum())} of {len(networks)}"]
