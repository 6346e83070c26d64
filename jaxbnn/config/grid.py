"""Many settings of experiments: a product of overrides, a grid made smaller, and what of it shares
a program."""

import dataclasses
from collections.abc import Iterable, Sequence

from jaxbnn.config import codec
from jaxbnn.config.experiment import Experiment
from jaxbnn.config.overrides import combinations
from jaxbnn.data import Cifar10, Mnist

EXAMPLES = {Mnist: 60000, Cifar10: 50000}  # of the training sets that `scaled` shortens
FEWEST = 1000  # examples that are left of them


def product(experiment: Experiment, assignments: Iterable[str]) -> tuple[Experiment, ...]:
    """The experiment under every combination of the assignments' values: "train.decay=0,0.1,1"
    stands for three.

    A field that takes a list ("model.widths=50,10") gets it whole. ValueError as `config.override`
    raises it.
    """
    made = combinations(experiment, assignments)
    return tuple({codec.digest(each): each for each in made}.values())


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
        data = dataclasses.replace(data, max_examples=max(FEWEST, round(scale * whole)))
    return dataclasses.replace(experiment, train=spec, data=data)


def by_program(experiments: Sequence[Experiment]) -> list[tuple[Experiment, ...]]:
    """The experiments in groups that differ in name, seeds, learning rate and decay alone: one
    program trains each."""
    groups: dict[str, list[Experiment]] = {}
    for experiment in experiments:
        spec = dataclasses.replace(experiment.train, learning_rate=1.0, decay=0.0)
        groups.setdefault(codec.digest(dataclasses.replace(experiment, train=spec)), []).append(
            experiment
        )
    return [tuple(group) for group in groups.values()]


def labels(
    experiments: Sequence[Experiment], changes: Sequence[Sequence[str]]
) -> tuple[list[str], str]:
    """(what sets each apart, what is changed in all): names without their study, and the changes
    not shared by all."""
    shared = [change for change in changes[0] if all(change in each for each in changes)]
    own = [[change for change in each if change not in shared] for each in changes]
    names = [experiment.name.rpartition("/")[2] for experiment in experiments]
    return [" ".join([name, *each]) for name, each in zip(names, own, strict=True)], ", ".join(
        shared
    )
