"""The tables of Nothnagel & Geiger 2026 on where runs end, and how far I(X;T) fell; and which
settings have a run."""

from collections.abc import Sequence

import numpy as np

from jaxbnn.analysis import compression
from jaxbnn.analysis.compression import MIN_FALL, Compression, End
from jaxbnn.config.experiment import Experiment
from jaxbnn.studies.nothnagel_2026.cells import (
    NONE,
    count_cell,
    epochs_cell,
    interval_cell,
    layer_cell,
)
from jaxbnn.studies.nothnagel_2026.experiments import BEYOND, GRID
from jaxbnn.studies.nothnagel_2026.layers import (
    LAST,
    Layer,
    above_noise,
    at_depth,
    by_depth,
    control_layers,
    groups,
    noise_fall,
    shown,
)
from jaxbnn.studies.nothnagel_2026.run_values import (
    factor,
    fall,
    of_runs,
    of_settings,
    trusted_runs,
)
from jaxbnn.studies.study import Runs, Table

COMPRESSION_HEADING = [
    "group",
    "layer",
    "runs",
    "epochs",
    "factor, median",
    "of the untrained",
    "of shuffled labels",
    "mean fall [bit]",
    "compresses",
    "largest of the untrained",
    "runs above both",
    "I(X;T) trusted",
]
COMPRESSION_NOTE = (
    "Factor: (max - end) / max of I(X;T), end: the mean of the last 50 epochs, or of the last half "
    "of shorter runs. Fall: the largest running mean over as many measured epochs, minus the end. "
    "A group compresses where the 95 % bootstrap interval of its mean fall (one value a setting) "
    f"lies above {MIN_FALL} bit; fewer than {compression.MIN_RUNS} settings have none. A maximum "
    "is biased upwards: noise alone has a factor and a fall above 0, which the untrained networks "
    "show; runs above both: those whose fall is above that and above "
    f"{MIN_FALL} bit."
)
END_FIELDS = {"mean": "mean", "median": "median", "low": "least", "high": "largest"}


def compression_table(runs: Runs) -> Table:
    """Factor and fall of the layers the authors show, beside the control's."""
    rows = [COMPRESSION_HEADING]
    for group, group_layers in groups(runs):
        for layers in by_depth(shown(group_layers)).values():
            rows.append(_compression_row(runs, group, layers))
    return Table("compression", "Compression of the last hidden layers", rows, COMPRESSION_NOTE)


def _compression_row(runs: Runs, group: str, layers: Sequence[Layer]) -> list[str]:
    depth = layers[0].depth
    falls = compression.group_compression(of_settings(layers, fall))
    noise = noise_fall(runs, group, depth)
    return [
        group,
        layer_cell(layers),
        str(len(of_runs(layers, fall))),
        epochs_cell(layers),
        f"{np.nanmedian(of_runs(layers, factor)):.3f}",
        _median_factor(control_layers(runs, group, "untrained"), depth),
        _median_factor(control_layers(runs, group, "shuffled"), depth),
        interval_cell(falls.mean, falls.low, falls.high),
        _answer(falls),
        NONE if np.isnan(noise) else f"{noise:.2f}",
        NONE if np.isnan(noise) else count_cell(above_noise(runs, layers)),
        count_cell(trusted_runs(layers)),
    ]


def _answer(falls: Compression) -> str:
    """Whether a group compresses; "-" where there is no interval to say so."""
    if np.isnan(falls.low):
        return NONE
    return "yes" if falls.compresses else "no"


def _median_factor(layers: Sequence[Layer], depth: int) -> str:
    """The median factor of the layer at this depth; "-" without a run."""
    factors = of_runs(at_depth(layers, depth), factor)
    return f"{np.nanmedian(factors):.3f}" if factors.size else NONE


def end_table(runs: Runs) -> Table:
    """I(X;T) and accuracy over the last epochs, setting by setting: means over seeds."""
    heading = ["setting", "seeds", "epochs"]
    heading += [f"I(X;T), {name} [bit]" for name in END_FIELDS.values()]
    heading += [f"test accuracy, {name}" for name in END_FIELDS.values()]
    rows = [heading]
    for _, layers in groups(runs):
        for layer in by_depth(layers)[LAST]:
            setting = layer.setting.rpartition("/")[2]
            ends = _end_cells(layer.i_xt) + _end_cells(layer.accuracy)
            rows.append([setting, str(len(layer.seeds)), str(layer.epochs), *ends])
    return Table("ends", "The last hidden layer over the last epochs", rows, "Means over seeds.")


def _end_cells(end: End) -> list[str]:
    return [f"{np.mean(getattr(end, field)):.3f}" for field in END_FIELDS]


def missing_table(runs: Runs) -> Table:
    """The settings without a run, group by group."""
    rows = [["group", "settings with a run", "networks", "without", "changed"]]
    for group, settings in (GRID | BEYOND).items():
        rows.append(_settings_row(runs, group, settings))
    return Table(
        "settings",
        "Which settings have a run",
        rows,
        "Changed runs are hints, and settle no claim.",
    )


def _settings_row(runs: Runs, group: str, settings: Sequence[Experiment]) -> list[str]:
    finished = [runs[setting.name] for setting in settings if setting.name in runs]
    missing = [s.name.rpartition("/")[2] for s in settings if s.name not in runs]
    if not finished:
        missing = ["all"]
    n_networks = sum(run.results[""].sizes["seed"] for run in finished)
    n_planned = sum(len(setting.seeds) for setting in settings)
    labels = sorted({run.label for run in finished if run.label})
    return [
        group,
        f"{len(finished)} of {len(settings)}",
        f"{n_networks} of {n_planned}",
        ", ".join(missing) or "none",
        "; ".join(labels) or "no",
    ]
