"""What the runs of the grid say layer by layer: where they end, how far they fell, how accurate
they are."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxbnn.analysis import compression, correlation
from jaxbnn.analysis.compression import MIN_FALL, End
from jaxbnn.analysis.correlation import Link
from jaxbnn.config.experiment import Experiment
from jaxbnn.studies.intervals import TRUSTED
from jaxbnn.studies.nothnagel_2026.experiments import BEYOND, GRID
from jaxbnn.studies.study import Run, Runs

TWO_LAYERS = (
    "szt",
    "mnist-small",
    "fashion-small",
)  # of which the authors show the last two hidden layers


class Layer(NamedTuple):
    """A hidden layer of a setting, leaves [S]."""

    group: str
    setting: str  # the experiment's name
    name: str  # "hidden_5"
    back: int  # -1 the last hidden layer
    decay: float
    epochs: int
    changed: str  # what sets the run apart from the study's, "" where nothing does
    seeds: tuple[int, ...]
    i_xt: End  # bits
    accuracy: End  # on the test set
    factor: NDArray
    fall: NDArray  # bits
    trusted: NDArray  # bool: at each of the last epochs I(X;T) is exact or reliable
    traits: Mapping[str, NDArray]


def of_group(runs: Runs, group: str) -> list[Layer]:
    """The hidden layers of each setting of a group that has a run."""
    settings = (GRID | BEYOND)[group]
    return [layer for e in settings if e.name in runs for layer in of_run(runs[e.name], group, e)]


def of_run(run: Run, group: str, experiment: Experiment) -> list[Layer]:
    """A run's hidden layers, the input side first."""
    result = run.results[""]
    epoch, at_end = result.epoch.values, compression.last(result.epoch.values)
    accuracy = compression.end(epoch, result.test_accuracy.values)
    names = [str(name) for name in result.layer.values[:-1]]
    found = []
    for i, name in enumerate(names):
        xt, ty = (result[key].values[..., i].astype(np.float64) for key in ("i_xt", "i_ty"))
        trusted = np.isin(result.verdict_xt.values[:, at_end, i], TRUSTED).all(axis=1)
        curve = (
            compression.end(epoch, xt),
            accuracy,
            compression.factor(epoch, xt),
            compression.fall(epoch, xt),
        )
        place = (
            experiment.name,
            name,
            i - len(names),
            run.experiment.train.decay,
            int(epoch[-1]),
            run.label,
        )
        seeds = tuple(int(seed) for seed in result.seed.values)
        found.append(
            Layer(group, *place, seeds, *curve, trusted, compression.traits(epoch, xt, ty))
        )
    return found


def control(runs: Runs, group: str, kind: str) -> list[Layer]:
    """The hidden layers of a group's control, "untrained" or "shuffled"; none where it has no
    run."""
    name = f"{GRID[group][0].name}-{kind}"
    base = next((e for settings in BEYOND.values() for e in settings if e.name == name), None)
    return of_run(runs[name], group, base) if base is not None and name in runs else []


def noise_fall(runs: Runs, group: str, back: int) -> float:
    """The largest fall of a group's untrained networks in the layer at this depth, bits; NaN
    without a run.

    Where the group has a run of the study's length, its control must be one too.
    """
    layers = [layer for layer in control(runs, group, "untrained") if layer.back == back]
    falls = joined(whole(layers) if whole(of_group(runs, group)) else layers, lambda e: e.fall)
    return float(np.nanmax(falls)) if np.isfinite(falls).any() else np.nan


def fallen(runs: Runs, layers: list[Layer]) -> NDArray:
    """1 where a run's fall is above the least, and above all of its group's untrained networks',
    else 0; [R].

    NaN for a run without a number, and where the group's untrained networks have no run.
    """
    least = [np.maximum(MIN_FALL, noise_fall(runs, layer.group, layer.back)) for layer in layers]
    parts = [
        np.where(np.isnan(e.fall + bits), np.nan, e.fall > bits)
        for e, bits in zip(layers, least, strict=True)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def shown(layers: Iterable[Layer]) -> list[Layer]:
    """The layers that the authors show the compression of: the last hidden one, of some groups the
    last two."""
    return [
        layer
        for layer in layers
        if layer.back == -1 or (layer.back == -2 and layer.group in TWO_LAYERS)
    ]


def by_depth(layers: Iterable[Layer]) -> dict[int, list[Layer]]:
    """Layers by their place, the last hidden one (-1) first."""
    depths: dict[int, list[Layer]] = {}
    for layer in layers:
        depths.setdefault(layer.back, []).append(layer)
    return dict(sorted(depths.items(), reverse=True))


def joined(layers: Iterable[Layer], value: Callable[[Layer], NDArray]) -> NDArray:
    """A number of each run of these layers, one behind the other: [R]."""
    parts = [np.asarray(value(layer), np.float64) for layer in layers]
    return np.concatenate(parts) if parts else np.zeros(0)


def settings_of(layers: Iterable[Layer]) -> NDArray:
    """The setting of each run, [R]."""
    parts = [np.repeat(layer.setting, len(layer.factor)) for layer in layers]
    return np.concatenate(parts) if parts else np.zeros(0, str)


def trusted_of(layers: Iterable[Layer]) -> NDArray:
    """Whether each run can be trusted, bool [R]."""
    return joined(layers, lambda layer: layer.trusted).astype(bool)


def linked(
    layers: list[Layer],
    value: Callable[[Layer], NDArray],
    correlate: Callable[..., Link],
    among: NDArray | None = None,
) -> Link:
    """A rank correlation of a number with the test accuracy over the runs, or over those `among`
    them (bool [R])."""
    x, y, setting = (
        joined(layers, value),
        joined(layers, lambda layer: layer.accuracy.mean),
        settings_of(layers),
    )
    keep = np.ones(len(x), bool) if among is None else among
    return correlate(x[keep], y[keep], setting[keep])


def i_xt(layer: Layer) -> NDArray:
    """I(X;T) at the end, bits."""
    return layer.i_xt.mean


def factor(layer: Layer) -> NDArray:
    """The compression factor."""
    return layer.factor


def whole(layers: list[Layer]) -> list[Layer]:
    """Those whose run is the study's own, nothing changed or shortened."""
    return [layer for layer in layers if not layer.changed]


def means(layers: list[Layer], value: Callable[[Layer], NDArray]) -> NDArray:
    """One number a setting, the mean over its seeds."""
    return np.array(
        [
            np.nanmean(value(layer)) if np.isfinite(value(layer)).any() else np.nan
            for layer in layers
        ]
    )


LINKS = {"pooled": correlation.pooled, "within": correlation.within}
