"""An Experiment: the specifications composed."""

import operator
from dataclasses import dataclass
from typing import Any

from jaxbnn import data, nn, observe, train
from jaxbnn.config.unregistered import Unregistered
from jaxbnn.nn.models import check_model

MAX_SEEDS_PER_PROGRAM = 2**16
MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class Experiment:
    """What a run is, whole: the same value is shown, hashed, written as JSON and run.

    Seed k's key is fold_in(key(root_seed), k).

    Args:
        name: words of letters, digits, - and _ with / between them; the run's folder.
        data: what the networks learn: a specification of `jaxbnn.data`, or one of your own.
        model: the network: `MLP`, `ConvNet`, or a registered `MeasuredModel` of your own.
        train: how it is trained.
        schedule: which epochs are measured.
        probes: what is measured at them; the first is the main one.
        seeds: the ids of the networks, from 0 to 2**32 - 1.
        seeds_per_program: how many seeds one program trains together; part of the digest.
        root_seed: what all seeds' keys are made from.

    Raises:
        TypeError: for seeds or probes that are no sequence, or a model without a member of
            `MeasuredModel`.
        ValueError: for values out of range, repeated seeds, or two probes of one name.
    """

    name: str
    data: data.DataSpec
    model: nn.MeasuredModel
    train: train.TrainSpec
    schedule: observe.Schedule = observe.Schedule()
    probes: tuple[observe.Probe, ...] = (observe.Probe(),)
    seeds: tuple[int, ...] = tuple(range(8))
    seeds_per_program: int = 8
    root_seed: int = 0

    def __post_init__(self) -> None:
        _check_name(self.name)
        for name in ("seeds", "probes"):
            object.__setattr__(self, name, _as_tuple(name, getattr(self, name)))
        for name in ("seeds", "seeds_per_program", "root_seed"):
            object.__setattr__(self, name, _whole(name, getattr(self, name)))
        _check_seeds(self)
        _check_probes(self)
        if not isinstance(self.model, Unregistered):
            check_model(self.model)

    @property
    def epochs(self) -> tuple[int, ...]:
        """The measured epochs, rising."""
        return self.schedule.epochs(self.train.epochs)


def _check_name(name: str) -> None:
    if not all(map(_is_word, name.split("/"))):
        expected = "a name of letters, digits, - and _, with / between parts"
        raise ValueError(f"expected {expected}, got {name!r}")


def _is_word(word: str) -> bool:
    return word != "" and all(c.isalnum() or c in "-_" for c in word)


def _whole(name: str, value: Any) -> Any:
    """A whole number, NumPy's too, or a tuple of them, as int; TypeError for anything else."""
    try:
        if isinstance(value, tuple):
            return tuple(operator.index(item) for item in value)
        return operator.index(value)
    except TypeError:
        raise TypeError(f"expected {name} as whole numbers, got {value!r}") from None


def _as_tuple(name: str, values: Any) -> tuple:
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise TypeError(f"expected {name} as a sequence, got {values!r}")
    return tuple(values)


def _check_seeds(experiment: Experiment) -> None:
    seeds = experiment.seeds
    if not seeds or min(seeds) < 0 or max(seeds) > MAX_SEED or len(set(seeds)) < len(seeds):
        raise ValueError(f"expected one or more different seeds from 0 to 2**32 - 1, got {seeds}")
    n = experiment.seeds_per_program
    if not 1 <= n <= MAX_SEEDS_PER_PROGRAM:
        raise ValueError(f"expected seeds_per_program from 1 to {MAX_SEEDS_PER_PROGRAM}, got {n}")
    if not 0 <= experiment.root_seed <= MAX_SEED:
        raise ValueError(f"expected root_seed from 0 to 2**32 - 1, got {experiment.root_seed}")


def _check_probes(experiment: Experiment) -> None:
    names = [probe.name for probe in experiment.probes]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"expected one or more probes with different names, got {names}")
    last = experiment.train.epochs
    for probe in experiment.probes:
        for epoch in (*probe.unit_counts_at, *probe.activations_at):
            if not -last - 1 <= epoch <= last:
                expected = f"unit_counts_at and activations_at at epochs from 0 to {last}"
                raise ValueError(f"expected {expected}, got {epoch}")


@dataclass(frozen=True)
class Resampled:
    """Samples of `n` rows drawn from the activations that an experiment keeps.

    Their entropy is known: that of the kept rows.

    Args:
        name: of the study's folder.
        experiment: one whose first probe keeps activations.
        n: rows of a sample, rising.
        repetitions: samples of each size.
        root_seed: of the random numbers.

    Raises:
        ValueError: for numbers out of range, or an experiment that keeps no activations.
    """

    name: str
    experiment: Experiment
    n: tuple[int, ...]
    repetitions: int = 20
    root_seed: int = 0

    def __post_init__(self) -> None:
        if not self.n or min(self.n) < 1 or list(self.n) != sorted(set(self.n)):
            raise ValueError(f"expected n >= 1, rising, got {self.n}")
        if self.repetitions < 1 or not 0 <= self.root_seed <= MAX_SEED:
            got = f"{self.repetitions}, {self.root_seed}"
            raise ValueError(f"expected repetitions >= 1 and a root_seed >= 0, got {got}")
        if not self.experiment.probes[0].activations_at:
            expected = "an experiment whose first probe keeps activations"
            raise ValueError(f"expected {expected}, got one that keeps none")
