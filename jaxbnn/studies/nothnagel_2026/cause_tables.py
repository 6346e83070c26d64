"""The table of Nothnagel & Geiger 2026 on causes: decay, width or label noise varied alone, seed by
seed."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxbnn.config.experiment import Experiment
from jaxbnn.studies.intervals import interval_text, mean_interval
from jaxbnn.studies.nothnagel_2026.experiments import BEYOND
from jaxbnn.studies.nothnagel_2026.layers import Layer, hidden_layers
from jaxbnn.studies.nothnagel_2026.run_values import Value, accuracy, end_i_xt, factor, fall
from jaxbnn.studies.study import Runs, Table

GROUP = "szt-causes"
HEADING = [
    "changed",
    "seeds",
    "test accuracy",
    "fall of I(X;T) [bit]",
    "factor",
    "I(X;T) at the end [bit]",
    "both go",
]
NOTE = (
    "Means over seeds with 95 % intervals of the paired differences. If compression made "
    "generalisation, what raises the fall would raise accuracy: the last column says whether fall "
    "and accuracy are surely changed, and to one side. A wider layer has more bits to lose and "
    "computes more: it moves both, as a common cause does."
)


class PairedDifference(NamedTuple):
    """The last hidden layer under one cause minus the base's, seed by seed, leaves [S]."""

    accuracy: NDArray
    fall: NDArray  # bits
    factor: NDArray
    i_xt: NDArray  # at the end, bits


def cause_table(runs: Runs) -> Table:
    """What decay, width and label noise, varied alone, do to compression and accuracy: seed by
    seed."""
    rows = [HEADING]
    for name, difference in paired_differences(runs).items():
        rows.append(_row(name, difference))
    return Table(
        "causes",
        "One cause at a time: the last hidden layer on SZT, minus the same seeds of the base",
        rows,
        NOTE,
    )


def _row(name: str, difference: PairedDifference) -> list[str]:
    return [
        name,
        str(len(difference.fall)),
        interval_text(difference.accuracy, 3),
        interval_text(difference.fall),
        interval_text(difference.factor, 3),
        interval_text(difference.i_xt),
        common_direction(difference.fall, difference.accuracy),
    ]


def paired_differences(runs: Runs) -> dict[str, PairedDifference]:
    """Each cause's last hidden layer minus the base's.

    Of the seeds that both have, and only where both are as long and as much changed.

    Args:
        runs: the finished runs by experiment.

    Returns:
        Cause -> differences, seed by seed.
    """
    base, *others = BEYOND[GROUP]
    if base.name not in runs:
        return {}
    before = _last_layer(runs, base)
    differences = {}
    for experiment in others:
        if experiment.name not in runs:
            continue
        after = _last_layer(runs, experiment)
        difference = _paired_difference(before, after)
        if before.changed == after.changed and len(difference.fall):
            differences[experiment.name.rpartition("szt-")[2]] = difference
    return differences


def _last_layer(runs: Runs, experiment: Experiment) -> Layer:
    return hidden_layers(runs[experiment.name], GROUP, experiment)[-1]


def _paired_difference(before: Layer, after: Layer) -> PairedDifference:
    """Of the seeds that both have."""
    shared = np.intersect1d(before.seeds, after.seeds, return_indices=True)
    _, in_before, in_after = shared

    def change(value: Value) -> NDArray:
        return value(after)[in_after] - value(before)[in_before]

    return PairedDifference(change(accuracy), change(fall), change(factor), change(end_i_xt))


def common_direction(fall: ArrayLike, accuracy: ArrayLike) -> str:
    """Whether two paired differences go the same way.

    Args:
        fall: [S].
        accuracy: [S].

    Returns:
        "together", "apart", or "unsure" where the interval of one holds 0.
    """
    directions = _direction(fall) * _direction(accuracy)
    return {1: "together", -1: "apart"}.get(directions, "unsure")


def _direction(values: ArrayLike) -> int:
    """The sign of a mean whose 95 % interval does not hold 0, else 0."""
    _, low, high = mean_interval(values)
    return int(np.sign(low)) if low * high > 0 else 0
