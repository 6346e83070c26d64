"""One number of each run, or of each setting, of several layers; and its rank correlation with the
test accuracy."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from jaxbnn.analysis import correlation
from jaxbnn.analysis.correlation import RankCorrelation
from jaxbnn.studies.nothnagel_2026.layers import Layer

Value = Callable[[Layer], NDArray]  # a number of each run of a layer, [S]
CORRELATIONS = {"pooled": correlation.pooled, "within": correlation.within}


def end_i_xt(layer: Layer) -> NDArray:
    """I(X;T) at the end, the mean of the last epochs, [S] bits."""
    return layer.i_xt.mean


def factor(layer: Layer) -> NDArray:
    """The compression factor, [S]."""
    return layer.factor


def fall(layer: Layer) -> NDArray:
    """The fall of I(X;T), [S] bits."""
    return layer.fall


def accuracy(layer: Layer) -> NDArray:
    """The test accuracy, the mean of the last epochs, [S]."""
    return layer.accuracy.mean


def decay(layer: Layer) -> NDArray:
    """The weight decay, [S]."""
    return np.full(len(layer.factor), layer.decay)


def trait(name: str) -> Value:
    """The trait of that name."""
    return lambda layer: layer.traits[name]


def of_runs(layers: Iterable[Layer], value: Value) -> NDArray:
    """A number of each run of these layers, one layer after the other: [R]."""
    parts = [np.zeros(0)]
    parts += [np.asarray(value(layer), np.float64) for layer in layers]
    return np.concatenate(parts)


def of_settings(layers: Iterable[Layer], value: Value) -> NDArray:
    """One number a setting: the mean over the seeds that have one, else NaN."""
    means = []
    for layer in layers:
        values = value(layer)
        means.append(np.nanmean(values) if np.isfinite(values).any() else np.nan)
    return np.array(means)


def trusted_runs(layers: Iterable[Layer]) -> NDArray:
    """Whether each run can be trusted, bool [R]."""
    return of_runs(layers, lambda layer: layer.trusted).astype(bool)


def setting_names(layers: Iterable[Layer]) -> NDArray:
    """The setting of each run, [R]."""
    parts = [np.zeros(0, str)]
    parts += [np.repeat(layer.setting, len(layer.factor)) for layer in layers]
    return np.concatenate(parts)


def accuracy_correlation(
    layers: Sequence[Layer],
    value: Value,
    correlate: Callable[..., RankCorrelation],
    among: NDArray | None = None,
) -> RankCorrelation:
    """A rank correlation of a number with the test accuracy over the runs.

    Args:
        layers: of the runs.
        value: the number.
        correlate: `correlation.pooled` or `correlation.within`.
        among: bool [R], the runs that are taken; all where it is None.
    """
    x = of_runs(layers, value)
    y = of_runs(layers, accuracy)
    names = setting_names(layers)
    chosen = np.ones(len(x), bool) if among is None else among
    return correlate(x[chosen], y[chosen], names[chosen])
