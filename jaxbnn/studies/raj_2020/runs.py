"""What the claims of Raj et al. 2020 rest on: their runs, and what of them changes over epochs."""

import numpy as np

from jaxbnn.analysis import trajectories
from jaxbnn.studies.intervals import TRUSTED, WEAK, words
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
BOARDS, MNIST = "raj2020/tictactoe", "raj2020/mnist-ste"
RANDOM_BNN, RANDOM_DNN = "raj2020/random-ste", "raj2020/random-tanh"
FALL = 0.1  # bits: a mean that falls by less has not fallen
HIDDEN = slice(0, -1)  # of a plane's layers: all but the output


def trusted(run: Run, quantity: str = "xt", layers=HIDDEN, group: str = "") -> bool:
    """Whether the verdicts allow every seed's value of these layers at the last epoch and at every
    tenth before it."""
    verdict = run.results[group][f"verdict_{quantity}"][:, ::-10, layers]
    return bool(verdict.isin(TRUSTED).all())


def if_trusted(run, verdict, number, quantities, layers=HIDDEN, group="") -> Finding:
    """The finding, too weak to say where a value it rests on cannot be trusted."""
    if all(trusted(run, quantity, layers, group) for quantity in quantities):
        return Finding(verdict, number)
    return Finding(WEAK, f"{number} — not all values can be trusted (saturated or biased)")


def falls(run: Run, quantity: str = "i_xt", group: str = "") -> list[trajectories.Change]:
    """Of each layer."""
    result = run.results[group]
    return [
        trajectories.fall(result.epoch, result[quantity][..., i])
        for i in range(result.sizes["layer"])
    ]


def per_layer(changes, names) -> str:
    """Each layer's change, in words."""
    return ", ".join(
        f"{name} {words(c.change)} (from epoch {c.epoch})"
        for name, c in zip(names, changes, strict=True)
    )


def curve(run: Run, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Measured epochs [E], and values [S, E]."""
    result = run.results[""]
    return result.epoch.values, result[name].values


def decades(run: Run, name: str) -> tuple[np.ndarray, np.ndarray]:
    """log10 of a curve that starts with the first epoch."""
    epoch, values = curve(run, name)
    return epoch[1:], np.log10(np.maximum(values[:, 1:], 1e-30))
