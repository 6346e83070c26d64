"""An Experiment: the specs composed."""

import operator
from dataclasses import dataclass
from typing import Any

from jaxbnn import data, nn, observe, train

MAX_SEEDS_PER_PROGRAM = 2**16


@dataclass(frozen=True)
class Experiment:
    """What a run is, whole: the same value is shown, hashed for the run's folder, written to JSON
    and run.

    `seeds` are the ids of the networks; `seeds_per_program` (part of the digest) is how many seeds one program
    trains together. Seed k's key is fold_in(key(root_seed), k).
    """

    name: str
    data: data.DataSpec
    model: nn.Model
    train: train.TrainSpec
    schedule: observe.Schedule = observe.Schedule()
    probes: tuple[observe.Probe, ...] = (observe.Probe(),)
    seeds: tuple[int, ...] = tuple(range(8))
    seeds_per_program: int = 8
    root_seed: int = 0

    def __post_init__(self):
        if not all(
            part and all(c.isalnum() or c in "-_" for c in part) for part in self.name.split("/")
        ):
            raise ValueError(
                f"expected a name of letters, digits, - and _, with / between parts, got {self.name!r}"
            )
        for name in ("seeds", "probes"):
            if isinstance(getattr(self, name), str) or not hasattr(getattr(self, name), "__iter__"):
                raise TypeError(f"expected {name} as a sequence, got {getattr(self, name)!r}")
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("seeds", "seeds_per_program", "root_seed"):
            object.__setattr__(self, name, _whole(name, getattr(self, name)))
        if (
            not self.seeds
            or min(self.seeds) < 0
            or max(self.seeds) >= 2**32
            or len(set(self.seeds)) < len(self.seeds)
        ):
            raise ValueError(
                f"expected one or more different seeds from 0 to 2**32 - 1, got {self.seeds}"
            )
        if not 1 <= self.seeds_per_program <= MAX_SEEDS_PER_PROGRAM:
            raise ValueError(
                f"expected seeds_per_program from 1 to {MAX_SEEDS_PER_PROGRAM}, got {self.seeds_per_program}"
            )
        if not 0 <= self.root_seed < 2**32:
            raise ValueError(f"expected root_seed from 0 to 2**32 - 1, got {self.root_seed}")
        if not self.probes or len({p.name for p in self.probes}) != len(self.probes):
            raise ValueError(
                f"expected one or more probes with different names, got {[p.name for p in self.probes]}"
            )
        for epoch in (
            epoch
            for probe in self.probes
            for epoch in (*probe.unit_counts_at, *probe.activations_at)
        ):
            if not -self.train.epochs - 1 <= epoch <= self.train.epochs:
                raise ValueError(
                    f"expected unit_counts_at and activations_at at epochs from 0 to {self.train.epochs}, got {epoch}"
                )

    @property
    def epochs(self) -> tuple[int, ...]:
        """The measured epochs, rising."""
        return self.schedule.epochs(self.train.epochs)


def _whole(name: str, value: Any) -> Any:
    """A whole number, NumPy's too, or a tuple of them, as int; TypeError for anything else."""
    try:
        if isinstance(value, tuple):
            return tuple(operator.index(item) for item in value)
        return operator.index(value)
    except TypeError:
        raise TypeError(f"expected {name} as whole numbers, got {value!r}") from None


@dataclass(frozen=True)
class Resampled:
    """Samples of `n` rows drawn from the activations that an experiment keeps: their entropy is
    known."""

    name: str
    experiment: Experiment
    n: tuple[int, ...]
    repetitions: int = 20
    root_seed: int = 0

    def __post_init__(self):
        if not self.n or min(self.n) < 1 or list(self.n) != sorted(set(self.n)):
            raise ValueError(f"expected n >= 1, rising, got {self.n}")
        if self.repetitions < 1 or not 0 <= self.root_seed < 2**32:
            raise ValueError(
                f"expected repetitions >= 1 and a root_seed >= 0, got {self.repetitions}, {self.root_seed}"
            )
        if not self.experiment.probes[0].activations_at:
            raise ValueError(
                "expected an experiment whose first probe keeps activations, got one that keeps none"
            )
