"""Many settings of experiments: a product of overrides, a grid made smaller, and what of it shares
a program."""

import dataclasses
import itertools
from collections.abc import Iterable

from jaxbnn.config import codec
from jaxbnn.config.experiment import Experiment
from jaxbnn.config.overrides import override
from jaxbnn.data import Cifar10, Mnist

EXAMPLES = {Mnist: 60000, Cifar10: 50000}  # of the training sets that `scaled` shortens
MIN_EXAMPLES = 1000  # examples that are left of them


def product(experiment: Experiment, assignments: Iterable[str]) -> tuple[Experiment, ...]:
    """The experiment under every combination of the assignments' values: "train.decay=0,0.1,1"
    stands for three.

    A field that takes a list ("model.widths=50,10") gets it whole. ValueError as `config.override`
    raises it.
    """
    combined = [experiment]
    for assignment in assignments:
        changed = [_values(one, assignment) for one in combined]
        combined = list(itertools.chain.from_iterable(changed))
    return tuple({codec.digest(one): one for one in combined}.values())


def scaled(experiment: Experiment, scale: float) -> Experiment:
    """The experiment with `scale` times its epochs (1 or more) and, of an image set, its examples
    (1000 or more)."""
    if not 0 < scale <= 1:
        raise ValueError(f"expected a scale above 0 and at most 1, got {scale}")
    spec = dataclasses.replace(
        experiment.train, epochs=max(1, round(scale * experiment.train.epochs))
    )
    data = experiment.data
    whole = next((n for kind, n in EXAMPLES.items() if isinstance(data, kind)), None)
    if whole is not None and scale < 1:
        data = dataclasses.replace(data, max_examples=max(MIN_EXAMPLES, round(scale * whole)))
    return dataclasses.replace(experiment, train=spec, data=data)


def _values(experiment: Experiment, assignment: str) -> list[Experiment]:
    """The experiment under each value of one assignment: the whole text where the field takes it,
    else its parts."""
    key, _, text = assignment.partition("=")
    try:
        return [override(experiment, assignment)]
    except ValueError:
        if "," not in text or text.startswith(("{", "[")):
            raise
    return [override(experiment, f"{key}={value}") for value in text.split(",")]
