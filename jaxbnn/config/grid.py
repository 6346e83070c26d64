"""Many settings of an experiment: a product of overrides, and a grid made smaller."""

import dataclasses
from collections.abc import Iterable

from jaxbnn.config import codec
from jaxbnn.config.experiment import Experiment
from jaxbnn.config.overrides import combinations
from jaxbnn.data import Cifar10, DataSpec, Mnist

# Of the training sets that `scaled` shortens.
EXAMPLES: dict[type[Mnist] | type[Cifar10], int] = {Mnist: 60000, Cifar10: 50000}
MIN_EXAMPLES = 1000  # that are left of them


def product(experiment: Experiment, assignments: Iterable[str]) -> tuple[Experiment, ...]:
    """The experiment under every combination of values.

    Args:
        experiment: what is changed.
        assignments: "train.decay=0,0.1,1" stands for three values; a field that takes a list
            ("model.widths=50,10") gets it whole.

    Returns:
        The different experiments, the last assignment's values changing fastest.

    Raises:
        ValueError: as `override`.
    """
    changed = combinations(experiment, assignments)
    return tuple({codec.digest(one): one for one in changed}.values())


def independent(experiments: Iterable[Experiment]) -> tuple[Experiment, ...]:
    """The settings with seeds of their own: no two of them share a first weight or a batch.

    Settings that share seeds are matched instead: their differences are seen with less noise, and
    their runs are no independent ones.

    Args:
        experiments: the settings.
    """
    own = []
    for experiment in experiments:
        root_seed = codec.root_seed_of(experiment)
        own.append(dataclasses.replace(experiment, root_seed=root_seed))
    return tuple(own)


def scaled(experiment: Experiment, scale: float) -> Experiment:
    """The experiment made smaller.

    Args:
        experiment: what is made smaller.
        scale: above 0 and at most 1: of its epochs (1 is left at least) and, of an image set, of
            its training examples (1000 are left at least).

    Raises:
        ValueError: for another scale.
    """
    if not 0 < scale <= 1:
        raise ValueError(f"expected a scale above 0 and at most 1, got {scale}")
    epochs = max(1, round(scale * experiment.train.epochs))
    data = _shortened(experiment.data, scale) if scale < 1 else experiment.data
    train = dataclasses.replace(experiment.train, epochs=epochs)
    return dataclasses.replace(experiment, train=train, data=data)


def _shortened(data: DataSpec, scale: float) -> DataSpec:
    """An image set with fewer training examples; any other as it is."""
    for kind, whole in EXAMPLES.items():
        if isinstance(data, kind):
            n_examples = max(MIN_EXAMPLES, round(scale * whole))
            return dataclasses.replace(data, max_examples=n_examples)
    return data
