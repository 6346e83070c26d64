"""The figures of Nothnagel & Geiger 2026 drawn from finished runs: theirs, and the same over all
seeds and settings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from jaxbnn import plots
from jaxbnn.analysis import correlation
from jaxbnn.analysis.appearance import COLOURS, DOUBTFUL_CAPTION, DOUBTFUL_COLOUR, TRUSTED_CAPTION
from jaxbnn.analysis.correlation import RankCorrelation
from jaxbnn.analysis.trust import TRUSTED
from jaxbnn.config.experiment import Experiment
from jaxbnn.info.expectation import expected_plugin
from jaxbnn.observe.probe import units_of
from jaxbnn.plots.scatter_plot import RunPoints
from jaxbnn.plots.swarm_plot import Column
from jaxbnn.studies.intervals import mean_interval
from jaxbnn.studies.nothnagel_2026.cause_tables import paired_differences
from jaxbnn.studies.nothnagel_2026.experiments import GRID
from jaxbnn.studies.nothnagel_2026.layers import (
    LAST,
    Layer,
    at_depth,
    by_depth,
    control_layers,
    groups,
    shown,
)
from jaxbnn.studies.nothnagel_2026.run_values import (
    accuracy_correlation,
    decay,
    end_i_xt,
    factor,
    of_runs,
    trusted_runs,
)
from jaxbnn.studies.panels import draw_plane, panel_grid
from jaxbnn.studies.study import Run, Runs

DRAWN_DECAYS = (0.0, 0.2, 0.5, 0.7, 1.0, 2.0)  # whose planes the authors draw
MAX_PLANES = 6
SIZES = {1000: "-", 4096: "--", 60000: ":"}  # examples -> line
MAX_DEPTH = 32
DEPTH_TICKS = tuple(2**k for k in range(11))


class _LayerEnd(NamedTuple):
    """A hidden layer of one seed at the last epoch."""

    units: int
    i_xt: float  # bits
    trusted: bool


def regime(runs: Runs) -> Figure:
    """What the plug-in entropy of D independent fair units is expected to be, and what the runs'
    layers have."""
    figure = Figure((8.6, 6.0), layout="constrained")
    ax = figure.subplots()
    _draw_expected(ax)
    _draw_layer_ends(ax, _layer_ends(runs))
    ax.set_xscale("log", base=2)
    ax.set_xticks(DEPTH_TICKS, [str(depth) for depth in DEPTH_TICKS])
    ax.set_xlabel("units D", fontsize=12)
    ax.set_ylabel("I(X;T) [bit]", fontsize=12)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=10.5)
    return figure


def _draw_expected(ax: Axes) -> None:
    """Draws the expected plug-in entropy of D fair units for some N, and their entropy."""
    depths = np.arange(1, MAX_DEPTH + 1)
    for n, line in SIZES.items():
        expected = [expected_plugin([2.0**-d], n, [2.0**d]) for d in depths]
        label = f"expected of N = {n} of D fair units"
        ax.plot(depths, expected, line, color="black", lw=1.6, label=label)
    few = depths[:17]
    ax.plot(few, few, color="0.6", lw=1.0, label="their entropy, D bits")


def _draw_layer_ends(ax: Axes, ends: Sequence[_LayerEnd]) -> None:
    """Draws the layers of the runs, those that cannot be trusted hollow."""
    filled: dict[str, Any] = {"c": COLOURS[2], "label": f"layers of the runs, {TRUSTED_CAPTION}"}
    hollow: dict[str, Any] = {
        "facecolors": "none",
        "edgecolors": DOUBTFUL_COLOUR,
        "label": f"layers of the runs, {DOUBTFUL_CAPTION}",
    }
    for trusted, style in ((True, filled), (False, hollow)):
        chosen = [end for end in ends if end.trusted == trusted]
        units = [end.units for end in chosen]
        i_xt = [end.i_xt for end in chosen]
        ax.scatter(units, i_xt, s=16, linewidths=0.8, zorder=3, **style)


def _layer_ends(runs: Runs) -> list[_LayerEnd]:
    ends: list[_LayerEnd] = []
    for run in runs.values():
        ends += _run_layer_ends(run)
    return ends


def _run_layer_ends(run: Run) -> Iterator[_LayerEnd]:
    """The hidden layers of a run, seed by seed."""
    result = run.results[""].isel(epoch=-1)
    shape = tuple(int(n) for n in result.attrs["example_shape"].split())
    units = units_of(run.experiment.model, shape)
    for i, name in enumerate(result.layer.values[:-1]):
        values = result.i_xt.values[:, i]
        trusted = np.isin(result.verdict_xt.values[:, i], TRUSTED)
        for bits, is_trusted in zip(values, trusted, strict=True):
            yield _LayerEnd(units[str(name)], float(bits), bool(is_trusted))


def planes(group: str, seeds: slice, runs: Runs) -> Figure:
    """Up to six planes of a group, by decay or by width, then loss and accuracy: nine panels.

    Args:
        group: a name in GRID.
        seeds: the numbers of the seeds that are drawn.
        runs: the finished runs, one of the group's at least.
    """
    chosen = _planes_settings(group, runs)
    results = {_title(e): runs[e.name].results[""].isel(seed=seeds) for e in chosen}
    figure = Figure((19.0, 19.5), layout="constrained")
    panels = figure.subplots(3, 3).ravel()
    for ax, (title, result) in zip(panels, results.items(), strict=False):
        draw_plane(ax, result)
        ax.set_title(title)
    _draw_training(panels[6], results, "test_loss", "test loss [nat]")
    _draw_training(panels[7], results, "test_accuracy", "test accuracy")
    for ax in (*panels[len(chosen) : MAX_PLANES], panels[8]):
        ax.set_axis_off()
    return figure


def _planes_settings(group: str, runs: Runs) -> list[Experiment]:
    """The settings of a group whose planes are drawn: six at most."""
    settings = [setting for setting in GRID[group] if setting.name in runs]
    if len(settings) <= MAX_PLANES:
        return settings
    return [setting for setting in settings if setting.train.decay in DRAWN_DECAYS]


def _draw_training(ax: Axes, results: Mapping[str, Any], variable: str, ylabel: str) -> None:
    """Draws the mean over seeds of each setting, of those measured as often as the shortest."""
    shortest = min((result.epoch.values for result in results.values()), key=len)
    means = {}
    seeds = "first seeds"
    for title, result in results.items():
        if np.array_equal(result.epoch.values, shortest):
            means[title] = result[variable].values.mean(axis=0)
            if result.sizes["seed"] > 1:
                seeds = "means over seeds"
    plots.lines(ax, shortest, means, "epoch", f"{ylabel}, {seeds}")
    ax.set_xscale("symlog")
    ax.set_xlim(0, shortest[-1])


def _title(setting: Experiment) -> str:
    name = setting.name.rpartition("/")[2]
    return f"decay {setting.train.decay:g}" if "-wd-" in name else name


def swarm(as_drawn: bool, runs: Runs) -> Figure:
    """The compression factor, a dot a run, a column a layer of a group; the untrained control is a
    dashed line.

    Args:
        as_drawn: only the settings that the authors' figure has.
        runs: the finished runs by experiment.
    """
    columns = {}
    for group, group_layers in groups(runs):
        for depth, layers in by_depth(shown(group_layers)).items():
            chosen = [layer for layer in layers if not as_drawn or in_authors_swarm(layer)]
            if chosen:
                columns[f"{group} ({depth})"] = Column(
                    of_runs(chosen, factor),
                    of_runs(chosen, decay),
                    trusted_runs(chosen),
                    level=_untrained_factor(runs, group, depth),
                )
    figure = Figure((13.0, 6.4), layout="constrained")
    plots.swarm(figure.subplots(), columns, "compression factor", "weight decay")
    return figure


def in_authors_swarm(layer: Layer) -> bool:
    """Whether the authors' figure has the setting: those with "-wd-" in their name, which fell out
    without decay."""
    left_out = (0.0, 0.1, 1.0) if layer.group == "szt" else (0.0,)
    return "-wd-" in layer.setting and layer.decay not in left_out


def _untrained_factor(runs: Runs, group: str, depth: int) -> float:
    """The median factor of the untrained networks, NaN without them."""
    factors = of_runs(at_depth(control_layers(runs, group, "untrained"), depth), factor)
    return float(np.nanmedian(factors)) if factors.size else np.nan


def accuracies(runs: Runs) -> Figure:
    """I(X;T) of the last hidden layer against test accuracy, a panel a group, bars from the least
    to the largest."""
    last_layers = {group: by_depth(layers)[LAST] for group, layers in groups(runs)}
    figure, panels = panel_grid(len(last_layers), 6.0, 5.2)
    for ax, (group, layers) in zip(panels, last_layers.items(), strict=False):
        points = RunPoints(
            _range(layers, "i_xt"),
            _range(layers, "accuracy"),
            of_runs(layers, decay),
            trusted_runs(layers),
        )
        xlabel = "I(X;T) of the last hidden layer [bit]"
        plots.scatter(ax, points, xlabel, "test accuracy", "weight decay")
        ax.set_title(f"{group}: {_correlation_title(layers)}")
    return figure


def _correlation_title(layers: Sequence[Layer]) -> str:
    link = accuracy_correlation(layers, end_i_xt, correlation.pooled)
    rho = "undefined" if np.isnan(link.rho) else f"{link.rho:.2f}"
    return f"rank correlation {rho} of {link.n} runs"


def _range(layers: Iterable[Layer], quantity: str) -> NDArray:
    """Mean, least and largest of a quantity over the last epochs, [3, R]."""
    ends = [getattr(layer, quantity) for layer in layers]
    return np.concatenate([np.stack([end.mean, end.low, end.high]) for end in ends], axis=1)


def correlations(runs: Runs) -> Figure:
    """Rank correlations of I(X;T) and of the factor with accuracy, last hidden layers, with their
    intervals."""
    rows: dict[str, list[tuple[float, float, float]]] = {}
    names = []
    for group, group_layers in groups(runs):
        names.append(group)
        for label, link in _last_correlations(by_depth(group_layers)[LAST]).items():
            rows.setdefault(label, []).append((link.rho, link.low, link.high))
    figure = Figure((9.0, 1.8 + 0.6 * len(names)), layout="constrained")
    plots.forest(figure.subplots(), names, rows, "rank correlation with test accuracy")
    return figure


def _last_correlations(layers: Sequence[Layer]) -> dict[str, RankCorrelation]:
    """The correlations of one group's last hidden layers with accuracy."""
    trusted = trusted_runs(layers)
    pooled = correlation.pooled
    return {
        "I(X;T), pooled": accuracy_correlation(layers, end_i_xt, pooled),
        "of trusted runs": accuracy_correlation(layers, end_i_xt, pooled, trusted),
        "within settings": accuracy_correlation(layers, end_i_xt, correlation.within),
        "factor, pooled": accuracy_correlation(layers, factor, pooled),
    }


def causes(runs: Runs) -> Figure:
    """Each cause alone: what it does to the fall of I(X;T), and to accuracy, seed by seed."""
    differences = paired_differences(runs)
    names = list(differences)
    falls = [mean_interval(difference.fall) for difference in differences.values()]
    accuracy = [mean_interval(difference.accuracy) for difference in differences.values()]
    figure = Figure((11.0, 1.8 + 0.55 * max(len(names), 1)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    plots.forest(left, names, {"fall": falls}, "change of the fall of I(X;T) [bit]")
    plots.forest(right, names, {"accuracy": accuracy}, "of test accuracy")
    return figure
