"""The runs that the claims of Raj et al. 2020 rest on, and what of them changes over epochs."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from jaxbnn.analysis import trajectories
from jaxbnn.analysis.trajectories import Change
from jaxbnn.analysis.trust import TRUSTED
from jaxbnn.studies.intervals import WEAK, interval_text
from jaxbnn.studies.study import Finding, Run

BNN = {
    "STE": "raj2020/szt-ste",
    "approx-sign": "raj2020/szt-approx",
    "swish-sign": "raj2020/szt-swish",
}
DNN = {
    "tanh": "raj2020/szt-tanh",
    "hard-tanh": "raj2020/szt-hard-tanh",
    "sign-swish": "raj2020/szt-sign-swish",
}
BOARDS = "raj2020/tictactoe"
MNIST = "raj2020/mnist-ste"
RANDOM_BNN = "raj2020/random-ste"
RANDOM_DNN = "raj2020/random-tanh"
MIN_FALL = 0.1  # bits: a mean that falls by less has not fallen
HIDDEN = slice(0, -1)  # of a plane's layers: all but the output
LAST_HIDDEN = slice(-2, -1)
MIN_GRADIENT = 1e-30  # below which a gradient norm has no logarithm


def all_trusted(run: Run, quantity: str = "xt", layers: slice = HIDDEN, group: str = "") -> bool:
    """Whether the verdicts allow every seed's value at the last epoch and at every tenth before.

    Args:
        run: a finished run.
        quantity: "xt" or "ty".
        layers: of the plane.
        group: the probe's, "" for the main one.
    """
    verdict = run.results[group][f"verdict_{quantity}"][:, ::-10, layers]
    return bool(verdict.isin(TRUSTED).all())


def if_trusted(
    finding: Finding,
    run: Run,
    quantities: Iterable[str],
    layers: slice = HIDDEN,
    group: str = "",
) -> Finding:
    """The finding, too weak to say where a value it rests on cannot be trusted.

    Args:
        finding: what the values say.
        run: whose values they are.
        quantities: "xt" and "ty", or one of them.
        layers: of the plane.
        group: the probe's, "" for the main one.
    """
    if all(all_trusted(run, quantity, layers, group) for quantity in quantities):
        return finding
    return Finding(
        WEAK, f"{finding.number} — not all values can be trusted (saturated, biased or conditional)"
    )


def layer_falls(run: Run, quantity: str = "i_xt", group: str = "") -> list[Change]:
    """How far a quantity of each layer fell since its maximum.

    Args:
        run: a finished run.
        quantity: the name of a variable [seed, epoch, layer].
        group: the probe's, "" for the main one.
    """
    result = run.results[group]
    falls = []
    for i in range(result.sizes["layer"]):
        curves = result[quantity][..., i]
        falls.append(trajectories.change_since_maximum(result.epoch, curves))
    return falls


def changes_text(changes: Sequence[Change], names: Sequence[str]) -> str:
    """Each layer's change with its interval and epoch, in words."""
    parts = []
    for name, change in zip(names, changes, strict=True):
        parts.append(f"{name} {interval_text(change.change)} (from epoch {change.epoch})")
    return ", ".join(parts)


def curve(run: Run, name: str) -> tuple[NDArray, NDArray]:
    """A curve of the training.

    Args:
        run: a finished run.
        name: of a variable [seed, epoch].

    Returns:
        Measured epochs [E] and values [S, E].
    """
    result = run.results[""]
    return result.epoch.values, result[name].values


def decades(run: Run, name: str) -> tuple[NDArray, NDArray]:
    """log10 of a curve that starts with the first epoch.

    Args:
        run: a finished run.
        name: of a variable [seed, epoch] that has no value at epoch 0.

    Returns:
        Measured epochs [E - 1] and values [S, E - 1].
    """
    epoch, values = curve(run, name)
    return epoch[1:], np.log10(np.maximum(values[:, 1:], MIN_GRADIENT))


def change_line(run: Run) -> str:
    """A second line of a title: what sets the run apart; "" where nothing does."""
    return f"\n({run.label})" if run.label else ""
