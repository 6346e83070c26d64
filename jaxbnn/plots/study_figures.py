"""The figures of a study of estimators where the truth is known: arrays of its result handed to
`plots`."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from jaxbnn import plots
from jaxbnn.info.reliability import TOLERANCE, VERDICTS
from jaxbnn.plots.estimator_plots import Variances

N_SHOWN = 4  # sizes of a sample for which errors are drawn
BAND = (0.1, 0.9)  # quantiles of the estimated variances
MAP_ORDER = ("saturated", "biased", "conditional", "reliable")
RIGHTNESS_ORDER = (("reliable",), ("biased", "conditional"), ("saturated",))


def plot_study(result: Any) -> dict[str, Figure]:
    """The errors of the estimators, the plug-in's variances, the verdicts, and were they right.

    Args:
        result: an xarray.Dataset of a study of estimators, as `calibrate` writes it.

    Returns:
        "errors", "variances", "verdicts" and "rightness".
    """
    return _unit_figures(result) if "p" in result.dims else _layer_figures(result)


def _unit_figures(result: Any) -> dict[str, Figure]:
    """The figures of independent units, over p, D and N."""
    return {
        "errors": _unit_panels(result, _draw_errors),
        "variances": _unit_panels(result, _draw_variances),
        "verdicts": _unit_map(result, plots.verdicts, _verdict_shares),
        "rightness": _unit_map(result, plots.rightness, _rightness_shares),
    }


def _unit_panels(result: Any, draw: Callable) -> Figure:
    """A row for each p, a column for each of a few N."""
    shown = np.unique(np.linspace(0, result.sizes["n"] - 1, N_SHOWN).astype(int))
    sizes = result.n.values[shown]
    n_rows = result.sizes["p"]
    figure = Figure((4.6 * len(sizes), 4.4 * n_rows), layout="constrained")
    panels = figure.subplots(n_rows, len(sizes), squeeze=False)
    for row, p in zip(panels, result.p.values, strict=True):
        for ax, n in zip(row, sizes, strict=True):
            draw(ax, result.sel(p=p, n=n))
            ax.set_title(f"p = {p:g}, N = {n}")
    return figure


def _unit_map(result: Any, draw: Callable, shares: Callable) -> Figure:
    """A map over D and N for each p."""
    n_panels = result.sizes["p"]
    figure = Figure((5.4 * n_panels, 6.6), layout="constrained")
    panels = figure.subplots(1, n_panels, squeeze=False)[0]
    for ax, p in zip(panels, result.p.values, strict=True):
        draw(ax, result.d.values, result.n.values, shares(result.sel(p=p)))
        ax.set_title(f"p = {p:g}")
    return figure


def _draw_errors(ax: Axes, part: Any) -> None:
    error = abs(part.estimate - part.truth).mean("repetition").transpose("d", "estimator")
    plots.errors(ax, part.d.values, error.values, _estimator_names(part))


def _draw_variances(ax: Axes, part: Any) -> None:
    estimated = part.standard_error.transpose("d", "repetition").values ** 2
    band = np.quantile(estimated, BAND, axis=1).T
    plots.variances(
        ax, part.d.values, Variances(part.variance.values, estimated.mean(axis=1), band)
    )


def _layer_figures(result: Any) -> dict[str, Figure]:
    """The figures of trained layers, those with the same number of units together."""
    verdicts = partial(plots.verdicts, bound=False)
    return {
        "errors": _layer_panels(result, _draw_layer_errors),
        "variances": _layer_panels(result, _draw_layer_variances),
        "verdicts": _layer_map(result, verdicts, _verdict_shares),
        "rightness": _layer_map(result, plots.rightness, _rightness_shares),
    }


def _layer_panels(result: Any, draw: Callable) -> Figure:
    """A panel for each number of units."""
    units = np.unique(result.bits.values)
    figure = Figure((5.6 * max(2, len(units)), 5.0), layout="constrained")
    panels = figure.subplots(1, len(units), squeeze=False)[0]
    for ax, d in zip(panels, units, strict=True):
        draw(ax, _layers_of_units(result, d))
        ax.set_xlabel("examples drawn N")
        ax.set_title(f"{d} units")
    return figure


def _layer_map(result: Any, draw: Callable, shares: Callable) -> Figure:
    """One map over the numbers of units and N."""
    units = np.unique(result.bits.values)
    rows = [shares(_layers_of_units(result, d), "layer") for d in units]
    figure = Figure((6.4, 5.4), layout="constrained")
    draw(figure.subplots(), units, result.n.values, np.stack(rows))
    return figure


def _layers_of_units(result: Any, d: int) -> Any:
    """The layers of d units."""
    return result.isel(layer=np.flatnonzero(result.bits.values == d))


def _draw_layer_errors(ax: Axes, layers: Any) -> None:
    error = abs(layers.estimate - layers.truth).mean(("layer", "repetition"))
    error = error.transpose("n", "estimator")
    plots.errors(ax, layers.n.values, error.values, _estimator_names(layers))


def _draw_layer_variances(ax: Axes, layers: Any) -> None:
    source = f"over {layers.sizes['repetition']} samples of each layer"
    estimated = layers.standard_error.transpose("n", "layer", "repetition").values ** 2
    data = Variances(
        _sample_variance(layers),
        estimated.mean(axis=(1, 2)),
        np.quantile(estimated, BAND, axis=(1, 2)).T,
        source,
    )
    plots.variances(ax, layers.n.values, data)


def _sample_variance(layers: Any) -> NDArray:
    """The plug-in's variance over a layer's samples, the mean over layers, [N]; NaN of one sample
    alone."""
    plugin = layers.estimate.sel(estimator="plugin").transpose("n", "layer", "repetition").values
    if plugin.shape[2] < 2:
        return np.full(len(plugin), np.nan)
    return plugin.var(axis=2, ddof=1).mean(axis=1)


def _estimator_names(part: Any) -> list[str]:
    return [str(name) for name in part.estimator.values]


def _verdict_shares(part: Any, *pooled: str) -> NDArray:
    """Shares of the repetitions, and of what is pooled, that were given each verdict: [D, N, 4] or
    [N, 4]."""
    return _shares([_given(part, (name,)) for name in MAP_ORDER], pooled)


def _rightness_shares(part: Any, *pooled: str) -> NDArray:
    """Shares of each verdict where the plug-in is near the truth and where it is not: [D, N, 6] or
    [N, 6]."""
    near = abs(part.estimate.sel(estimator="plugin") - part.truth) <= TOLERANCE
    cases = []
    for names in RIGHTNESS_ORDER:
        given = _given(part, names)
        cases += [given & near, given & ~near]
    return _shares(cases, pooled)


def _given(part: Any, names: tuple[str, ...]) -> Any:
    """Where a verdict of these names was given."""
    return part.verdict.isin([VERDICTS.index(name) for name in names])


def _shares(cases: Sequence[Any], pooled: tuple[str, ...]) -> NDArray:
    axes = [axis for axis in ("d", "n") if axis in cases[0].dims]
    means = [case.mean(("repetition", *pooled)).transpose(*axes).values for case in cases]
    return np.stack(means, axis=-1)
