"""The hidden layers of the grid's runs: where they end, how far they fell, how accurate their
network is."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxbnn.analysis import compression
from jaxbnn.analysis.compression import MIN_FALL, End
from jaxbnn.analysis.trust import TRUSTED
from jaxbnn.config.experiment import Experiment
from jaxbnn.studies.nothnagel_2026.experiments import BEYOND, GRID
from jaxbnn.studies.study import Run, Runs

LAST = -1  # the depth of the last hidden layer
# Groups of which the authors show the last two hidden layers.
TWO_LAYERS = ("szt", "mnist-small", "fashion-small")


class Layer(NamedTuple):
    """A hidden layer of a setting, leaves [S]."""

    group: str
    setting: str  # the experiment's name
    name: str  # "hidden_5"
    depth: int  # -1 the last hidden layer, -2 the one before
    decay: float
    epochs: int
    changed: str  # what sets the run apart from the study's, "" where nothing does
    seeds: tuple[int, ...]
    i_xt: End  # bits
    accuracy: End  # on the test set
    factor: NDArray
    fall: NDArray  # bits
    trusted: NDArray  # bool: at each of the last epochs I(X;T) is of the population or reliable
    traits: Mapping[str, NDArray]


def groups(runs: Runs) -> Iterator[tuple[str, list[Layer]]]:
    """Each group of the paper that has a run, with its hidden layers."""
    for group in GRID:
        layers = group_layers(runs, group)
        if layers:
            yield group, layers


def group_layers(runs: Runs, group: str) -> list[Layer]:
    """The hidden layers of each setting of a group that has a run.

    Args:
        runs: the finished runs by experiment.
        group: a name in GRID or BEYOND.
    """
    layers = []
    for experiment in (GRID | BEYOND)[group]:
        if experiment.name in runs:
            layers += hidden_layers(runs[experiment.name], group, experiment)
    return layers


def hidden_layers(run: Run, group: str, experiment: Experiment) -> list[Layer]:
    """A run's hidden layers, the input side first.

    Args:
        run: a finished run.
        group: of its setting.
        experiment: its setting.
    """
    result = run.results[""]
    n_hidden = len(result.layer) - 1
    return [
        _layer(run, i, depth=i - n_hidden, group=group, setting=experiment.name)
        for i in range(n_hidden)
    ]


def _layer(run: Run, i: int, depth: int, group: str, setting: str) -> Layer:
    """Hidden layer number i of a run."""
    result = run.results[""]
    epoch = result.epoch.values
    i_xt = result.i_xt.values[..., i].astype(np.float64)
    i_ty = result.i_ty.values[..., i].astype(np.float64)
    return Layer(
        group=group,
        setting=setting,
        name=str(result.layer.values[i]),
        depth=depth,
        decay=run.experiment.train.decay,
        epochs=int(epoch[-1]),
        changed=run.label,
        seeds=tuple(int(seed) for seed in result.seed.values),
        i_xt=compression.end(epoch, i_xt),
        accuracy=compression.end(epoch, result.test_accuracy.values),
        factor=compression.compression_factor(epoch, i_xt),
        fall=compression.falls_from_peak(epoch, i_xt),
        trusted=_trusted_at_end(result, i),
        traits=compression.path_traits(epoch, i_xt, i_ty),
    )


def _trusted_at_end(result: Any, i: int) -> NDArray:
    """Whether I(X;T) of layer number i can be trusted at each of the last epochs, bool [S]."""
    at_end = compression.last_epochs(result.epoch.values)
    verdicts = result.verdict_xt.values[:, at_end, i]
    return np.asarray(np.isin(verdicts, TRUSTED).all(axis=1))


def control_layers(runs: Runs, group: str, kind: str) -> list[Layer]:
    """The hidden layers of a group's control; none where it has no run.

    Args:
        runs: the finished runs by experiment.
        group: a name in GRID.
        kind: "untrained" or "shuffled".
    """
    name = f"{GRID[group][0].name}-{kind}"
    if name not in runs:
        return []
    for experiments in BEYOND.values():
        for experiment in experiments:
            if experiment.name == name:
                return hidden_layers(runs[name], group, experiment)
    return []


def noise_fall(runs: Runs, group: str, depth: int) -> float:
    """The largest fall of a group's untrained networks in the layer at this depth.

    Where the group has a run of the study's length, its control must be one too.

    Args:
        runs: the finished runs by experiment.
        group: a name in GRID.
        depth: -1 for the last hidden layer.

    Returns:
        Bits; NaN without a run.
    """
    layers = at_depth(control_layers(runs, group, "untrained"), depth)
    if unchanged(group_layers(runs, group)):
        layers = unchanged(layers)
    falls = [layer.fall for layer in layers]
    if not np.isfinite(falls).any():
        return np.nan
    return float(np.nanmax(falls))


def above_noise(runs: Runs, layers: Iterable[Layer]) -> NDArray:
    """Whether each run's fall is above the smallest that counts, and above all of its group's
    untrained networks'.

    Args:
        runs: the finished runs by experiment.
        layers: of the runs that are judged.

    Returns:
        [R] 1 or 0; NaN for a run without a number, and where the group's untrained networks have no
        run.
    """
    answers = [np.zeros(0)]
    for layer in layers:
        noise = noise_fall(runs, layer.group, layer.depth)
        threshold = np.maximum(MIN_FALL, noise)
        is_known = np.isfinite(layer.fall + noise)
        answers.append(np.where(is_known, layer.fall > threshold, np.nan))
    return np.concatenate(answers)


def shown(layers: Iterable[Layer]) -> list[Layer]:
    """The layers that the authors show the compression of: the last hidden one, of some groups the
    last two."""
    chosen = []
    for layer in layers:
        n_shown = 2 if layer.group in TWO_LAYERS else 1
        if layer.depth >= -n_shown:
            chosen.append(layer)
    return chosen


def at_depth(layers: Iterable[Layer], depth: int) -> list[Layer]:
    """The layers at one depth."""
    return [layer for layer in layers if layer.depth == depth]


def by_depth(layers: Iterable[Layer]) -> dict[int, list[Layer]]:
    """Layers by their depth, the last hidden one (-1) first."""
    depths: dict[int, list[Layer]] = {}
    for layer in layers:
        depths.setdefault(layer.depth, []).append(layer)
    return dict(sorted(depths.items(), reverse=True))


def unchanged(layers: Iterable[Layer]) -> list[Layer]:
    """Those whose run is the study's own, nothing changed or shortened."""
    return [layer for layer in layers if not layer.changed]
