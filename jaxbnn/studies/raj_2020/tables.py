"""The tables of Raj et al. 2020 from finished runs: paths, plateaus, variations."""

from collections import Counter
from typing import Any

import numpy as np

from jaxbnn.analysis import trajectories
from jaxbnn.studies.intervals import interval_text
from jaxbnn.studies.raj_2020 import information
from jaxbnn.studies.raj_2020.learning import MARGIN, epochs_on_plateau, quartiles
from jaxbnn.studies.raj_2020.runs import BNN, BOARDS, DNN, MIN_FALL, change_line
from jaxbnn.studies.study import Run, Runs, Table

NETWORKS = {**BNN, **DNN, "tic-tac-toe": BOARDS}
BASES = {"STE": "ste", "swish-sign": "swish"}
# What is varied -> (the variation, its base).
VARIED = {
    "sign(0) = +1": ("zero", "ste"),
    "no latent clip": ("clip", "ste"),
    "first layer real": ("first", "ste"),
    "inputs -1 and +1": ("input", "ste"),
    "BatchNorm momentum 0.9": ("momentum", "ste"),
    "Bop": ("bop", "ste"),
    "beta 1": ("beta-1", "swish"),
    "beta 10": ("beta-10", "swish"),
}
N_PATHS = 4  # that are listed, the most frequent ones


def path_table(runs: Runs) -> Table:
    """How many seeds take which path of I(X;T)."""
    rows = [["network", "layer", "path of I(X;T): seeds"]]
    for label, name in NETWORKS.items():
        result = runs[name].results[""]
        for i, layer in enumerate(result.layer.values):
            paths = trajectories.phases(result.epoch, result.i_xt[..., i], MIN_FALL)
            rows.append([label, str(layer), _paths_text(paths)])
    return Table("paths", "The paths single seeds take", rows)


def _paths_text(paths: list[tuple[str, ...]]) -> str:
    """The most frequent paths with their numbers of seeds."""
    frequent = Counter(paths).most_common(N_PATHS)
    parts = [f"{trajectories.path_text(path)}: {number}" for path, number in frequent]
    n_others = len(paths) - sum(number for _, number in frequent)
    if n_others:
        parts.append(f"others: {n_others}")
    return "; ".join(parts)


def plateau_table(runs: Runs) -> Table:
    """When seeds leave the plateau, and where they end."""
    heading = [
        "network",
        "seeds",
        "never leave it",
        "median epoch (quartiles)",
        "final test accuracy, mean",
        "lowest to highest",
    ]
    rows = [heading]
    for label, name in NETWORKS.items():
        rows.append(_plateau_row(label, runs[name]))
    return Table(
        "plateau",
        f"Leaving the plateau (training loss {MARGIN} nat or more below H(Y))",
        rows,
    )


def _plateau_row(label: str, run: Run) -> list[str]:
    left = epochs_on_plateau(run)
    lower, upper = quartiles(left)
    final = run.results[""].test_accuracy.values[:, -1]
    return [
        label,
        str(len(left)),
        f"{100 * np.isinf(left).mean():.0f} %",
        f"{np.median(left):.0f} ({lower:.0f} to {upper:.0f})",
        _unsigned(final, 3),
        f"{final.min():.3f} to {final.max():.3f}",
    ]


def variation_table(runs: Runs) -> Table:
    """What each assumption, varied alone, changes."""
    heading = [
        "network",
        "never leave the plateau",
        "median epoch of leaving it",
        "final test accuracy",
        "I(X;T) of hidden_1 at the end, its fall",
        "I(T;Y) of hidden_5 at the end",
        "I(X;T): where it differs most surely [simultaneous band], p",
    ]
    rows = [heading]
    for label, name in BASES.items():
        run = _variation(runs, name)
        rows.append([f"{label}{change_line(run)}", *_ends(run), "-"])
    for label, (name, base) in VARIED.items():
        run = _variation(runs, name)
        title = f"{label} (against {base}){change_line(run)}"
        difference = information.difference(run, _variation(runs, base)).text
        rows.append([title, *_ends(run), difference])
    return Table(
        "variations", "Assumptions varied alone (2000 epochs, SZT, training set; bits)", rows
    )


def _variation(runs: Runs, name: str) -> Run:
    return runs[f"raj2020/vary-{name}"]


def _ends(run: Run) -> list[str]:
    """Plateau, accuracy and information of a run: five cells."""
    result = run.results[""]
    left = epochs_on_plateau(run)
    fall = trajectories.change_since_maximum(result.epoch, result.i_xt[..., 0])
    i_ty = trajectories.smooth(result.epoch, result.i_ty[..., -2])[:, -1]
    return [
        f"{100 * np.isinf(left).mean():.0f} %",
        f"{np.median(left):.0f}",
        _unsigned(result.test_accuracy.values[:, -1], 3),
        f"{np.mean(fall.extreme + fall.change):.2f}, {interval_text(fall.change)}",
        _unsigned(i_ty),
    ]


def _unsigned(values: Any, digits: int = 2) -> str:
    """A mean of positive values with its interval, without plus signs."""
    return interval_text(values, digits).replace("+", "")
