"""The figures of Raj et al. 2020 drawn from finished runs, those the paper has and those it has
not."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from jaxbnn import plots
from jaxbnn.analysis.trust import trusted_points
from jaxbnn.nn import STE, ApproxSign, HardTanh, SwishSign, SwishSignActivation, Tanh
from jaxbnn.plots.curve_plots import Curves
from jaxbnn.studies.panels import draw_plane
from jaxbnn.studies.raj_2020 import information
from jaxbnn.studies.raj_2020.gradients import NAMES as GRADIENTS
from jaxbnn.studies.raj_2020.runs import BNN, change_line, decades
from jaxbnn.studies.study import Run, Runs

# Diagnostic -> what the vertical axis says.
DIAGNOSTICS = {
    "flips": "share of weights that flipped",
    "saturated": "share of weights at the limit",
    "dead": "dead units",
    "constant": "constant units",
    "duplicate": "duplicate units",
    "complementary": "complementary units",
}
SERIES = {"loss": "loss [nat]", "accuracy": "accuracy"}
QUANTITIES = {"xt": "I(X;T) [bit]", "ty": "I(T;Y) [bit]"}
SURROGATES = {"STE": STE(), "approx-sign": ApproxSign(), "swish-sign": SwishSign(5.0)}
ACTIVATIONS = {"tanh": Tanh(), "hard-tanh": HardTanh(), "sign-swish": SwishSignActivation(5.0)}


class _Column(NamedTuple):
    """One network's panels."""

    panels: NDArray  # [rows] of Axes, from the top down
    label: str
    run: Run


def surrogates(runs: Runs) -> Figure:
    """Figure 1: what stands in for the sign going back, and its derivative."""
    x = np.linspace(-2, 2, 801, dtype=np.float32)
    values = {
        "STE": np.clip(x, -1, 1),
        "approx-sign": np.sign(x) * (1 - np.maximum(1 - abs(x), 0) ** 2),
        "swish-sign": np.asarray(SwishSignActivation(5.0)(jnp.asarray(x))),
        "sign": np.where(x > 0, 1.0, -1.0),
    }
    derivatives = {name: np.asarray(f(x)) for name, f in SURROGATES.items()}
    figure, left, right = _two_panels()
    plots.lines(left, x, values, "x", "g(x)")
    plots.lines(right, x, derivatives, "x", "slope used for dg/dx")
    return figure


def activations(runs: Runs) -> Figure:
    """Figure 4: the real networks' activations and their derivatives."""
    x = np.linspace(-2, 2, 801).astype(np.float32)
    values = {name: np.asarray(f(x)) for name, f in ACTIVATIONS.items()}
    derivatives = {name: np.asarray(jax.vmap(jax.grad(f))(x)) for name, f in ACTIVATIONS.items()}
    figure, left, right = _two_panels()
    plots.lines(left, x, values, "x", "f(x)")
    plots.lines(right, x, derivatives, "x", "f'(x)")
    return figure


def _two_panels() -> tuple[Figure, Axes, Axes]:
    figure = Figure((9.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    return figure, left, right


def planes(names: dict[str, str], runs: Runs) -> Figure:
    """A column a network, the training set above and the test set below.

    Args:
        names: label -> experiment.
        runs: the finished runs, these among them.
    """
    figure = Figure((6.0 * len(names), 10.4), layout="constrained")
    for column in _columns(figure, 2, names, runs):
        training, test = column.panels
        draw_plane(training, column.run.results[""])
        training.set_title(f"{column.label}, training set{change_line(column.run)}")
        draw_plane(test, column.run.results["test"])
        test.set_title(f"{column.label}, test set{change_line(column.run)}")
    return figure


def layer_wise(names: dict[str, str], runs: Runs) -> Figure:
    """I(X;T) and I(T;Y) of each layer against the epoch, the mean over seeds with its 95 %
    interval.

    Args:
        names: label -> experiment.
        runs: the finished runs, these among them.
    """
    figure = Figure((5.4 * len(names), 8.4), layout="constrained")
    for column in _columns(figure, len(QUANTITIES), names, runs):
        result = column.run.results[""]
        for ax, quantity in zip(column.panels, QUANTITIES, strict=True):
            data = Curves(
                result.epoch.values,
                [str(layer) for layer in result.layer.values],
                result[f"i_{quantity}"].values,
                trusted_points(result, quantity),
            )
            plots.curves(ax, data, QUANTITIES[quantity])
        _set_title(column)
    return figure


def training(names: dict[str, str], runs: Runs) -> Figure:
    """Loss, accuracy, and the gradient norm's mean and variance, a column a network.

    Args:
        names: label -> experiment.
        runs: the finished runs, these among them.
    """
    figure = Figure((5.0 * len(names), 14.0), layout="constrained")
    for column in _columns(figure, 4, names, runs):
        for ax, series in zip(column.panels[:2], SERIES, strict=True):
            plots.curves(ax, _series(column.run, series), SERIES[series])
        for ax, statistic in zip(column.panels[2:], GRADIENTS, strict=True):
            epoch, values = decades(column.run, GRADIENTS[statistic])
            data = Curves(epoch, [column.label], values[..., None], trusted=True)
            plots.curves(ax, data, f"log10 gradient norm, {statistic}")
        _set_title(column)
    return figure


def _series(run: Run, name: str) -> Curves:
    """Loss or accuracy on the training and on the test set."""
    result = run.results[""]
    both = np.stack([result[f"train_{name}"].values, result[f"test_{name}"].values], axis=-1)
    return Curves(result.epoch.values, ["training", "test"], both, trusted=True)


def diagnostics(names: dict[str, str], runs: Runs) -> Figure:
    """Flips, saturation and idle units of each layer against the epoch.

    Args:
        names: label -> experiment.
        runs: the finished runs, these among them.
    """
    figure = Figure((5.2 * len(names), 24.0), layout="constrained")
    for column in _columns(figure, len(DIAGNOSTICS), names, runs):
        for ax, diagnostic in zip(column.panels, DIAGNOSTICS, strict=True):
            data = _diagnostic_curves(column.run.results[""], diagnostic)
            plots.curves(ax, data, DIAGNOSTICS[diagnostic])
        _set_title(column)
    return figure


def _diagnostic_curves(result: Any, diagnostic: str) -> Curves:
    """A diagnostic from the first epoch on, of the layers that have it."""
    values = result[diagnostic].values.astype(np.float64)[:, 1:]
    values = np.where(values < 0, np.nan, values)
    has_values = np.isfinite(values).any(axis=(0, 1))
    layers = [str(layer) for layer in result.layer.values[has_values]]
    return Curves(result.epoch.values[1:], layers, values[..., has_values], trusted=True)


def around_the_norm(runs: Runs) -> Figure:
    """I(T;Y) of the first layer, seen in five ways."""
    run = runs[BNN["STE"]]
    epochs = run.results[""].epoch.values
    by_epoch = []
    for i in range(len(epochs)):
        seen = information.around_the_norm(run, i)
        by_epoch.append(np.stack(list(seen.values()), axis=-1))
    data = Curves(epochs, list(information.PROBES), np.stack(by_epoch, axis=1), trusted=True)
    figure = Figure((8.0, 5.6), layout="constrained")
    plots.curves(figure.subplots(), data, "I(T;Y) of the first layer [bit]")
    return figure


def _columns(figure: Figure, n_rows: int, names: dict[str, str], runs: Runs) -> Iterator[_Column]:
    """A column of panels for each network."""
    panels = figure.subplots(n_rows, len(names), squeeze=False)
    for i, (label, name) in enumerate(names.items()):
        yield _Column(panels[:, i], label, runs[name])


def _set_title(column: _Column) -> None:
    column.panels[0].set_title(f"{column.label}{change_line(column.run)}")
