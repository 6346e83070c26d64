"""What is measured, where and when: Schedule, Probe."""

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
from flax import linen

from jaxbnn.data import Dataset, Split
from jaxbnn.info.estimators.bins import FixedBins
from jaxbnn.info.estimators.exact import Exact
from jaxbnn.info.estimators.protocol import Estimator
from jaxbnn.info.estimators.soft_output import SoftOutput

Sample = Literal["train", "test", "all"]
PARTS = ("train", "test")  # of a split
OUTPUT = "output"
GROWTH = 1.05  # ratio of neighbouring epochs in the log-spaced part of the default schedule


@dataclass(frozen=True)
class Schedule:
    """The measured epochs. Always epoch 0 (untrained), each of the first and of the last few, and
    the very last.

    In between every `every` epochs; without `every`, spaced by 5 % of the epoch reached.
    """

    every: int | None = None
    first_epochs: int = 20
    last_epochs: int = 50

    def __post_init__(self):
        if self.every is not None and self.every < 1:
            raise ValueError(f"expected schedule.every >= 1 or none, got {self.every}")
        if self.first_epochs < 0 or self.last_epochs < 0:
            raise ValueError(
                f"expected first_epochs, last_epochs >= 0, got {self.first_epochs}, {self.last_epochs}"
            )

    def epochs(self, total: int) -> tuple[int, ...]:
        """The measured epochs of a run of `total` epochs, rising, from 0 to `total`."""
        if total < 1:
            raise ValueError(f"expected 1 or more epochs, got {total}")
        first = range(min(self.first_epochs, total) + 1)
        last = range(max(0, total - self.last_epochs + 1), total + 1)
        return tuple(sorted({*first, *self._between(total), *last, total}))

    def _between(self, total):
        if self.every is not None:
            return range(0, total, self.every)
        epochs = [max(1, self.first_epochs)]
        while epochs[-1] < total:
            epochs.append(math.ceil(epochs[-1] * GROWTH))
        return epochs[:-1]


@dataclass(frozen=True)
class Probe:
    """Which layers are measured, by which estimator, over which sample.

    Without `layers`: every hidden layer by `estimator`, then `output` by SoftOutput. Named layers
    are measured by `estimator`: hidden_1, ..., `output` (the softmax) or any submodule (dense_1,
    norm_1: pre-activations). `population` declares that the sample is all there is; None leaves it
    to the data: true for "all" of an enumerated set. A value is called reliable when its bias and
    twice its standard error are estimated below `tolerance` bits together.

    At the epochs of `unit_counts_at` each unit's count of +1 is stored, and each two units' count of +1
    together; at those of `activations_at` the packed activations themselves. -1 is the last epoch, -2 the one
    before. Both take layers of -1 and +1.
    """

    name: str = "main"
    layers: tuple[str, ...] = ()
    estimator: Estimator = Exact()
    sample: Sample = "train"
    population: bool | None = None
    tolerance: float = 0.1
    unit_counts_at: tuple[int, ...] = ()
    activations_at: tuple[int, ...] = ()

    def __post_init__(self):
        if not self.name.isidentifier():
            raise ValueError(f"expected a probe's name of letters, digits and _, got {self.name!r}")
        if not 0 < self.tolerance < math.inf:
            raise ValueError(f"expected a tolerance above 0 bits, got {self.tolerance}")
        if self.sample not in get_args(Sample):
            raise ValueError(
                f"expected sample to be one of {get_args(Sample)}, got {self.sample!r}"
            )
        if not isinstance(self.layers, tuple):
            raise TypeError(f"expected layers as a tuple of names, got {self.layers!r}")
        if (self.unit_counts_at or self.activations_at) and not isinstance(self.estimator, Exact):
            raise ValueError(
                f"expected unit_counts_at and activations_at of a probe with the estimator Exact, got {self.estimator}"
            )
        if len(set(self.layers)) != len(self.layers):
            raise ValueError(f"expected each layer once, got {self.layers}")

    def is_population(self, split: Split) -> bool:
        """Whether this probe's sample counts as the population, given the data it is measured
        on."""
        return (
            self.population
            if self.population is not None
            else self.sample == "all" and split.population
        )


def choose(split: Split, sample: Sample) -> Dataset:
    """The measured examples: the training set, the test set, or both, in that order."""
    if sample == "train":
        return split.train
    if sample == "test":
        return split.test
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), split.train, split.test)


def sample_size(split: Split, sample: Sample) -> int:
    """How many examples `choose` gives, of which none is copied."""
    n_train = split.train.y.shape[-1]
    n_test = split.test.y.shape[-1]
    return {"train": n_train, "test": n_test, "all": n_train + n_test}[sample]


def layers_of(model: linen.Module, probe: Probe) -> tuple[str, ...]:
    """The names of the layers a probe measures, in order. A model of one's own may say
    `layer_names`; MLP does."""
    return probe.layers or (*model.layer_names, OUTPUT)


def alphabets_of(model: Any, probe: Probe, shape: tuple[int, ...]) -> dict[str, int]:
    """How many patterns each hidden layer of a probe can show: 2**D of signs, bins**D of bins;
    shape: an example's."""
    each = {Exact: 2, FixedBins: getattr(probe.estimator, "bins", 0)}.get(type(probe.estimator))
    units = model.units(shape)
    return {name: each ** units[name] for name in layers_of(model, probe) if each and name in units}


def estimators_of(probe: Probe) -> tuple[Estimator, ...]:
    """The estimators a probe uses: its own, and the output's where it measures all layers."""
    return (probe.estimator,) if probe.layers else (probe.estimator, SoftOutput())


def estimator_of_each(probe: Probe, n_layers: int) -> list[int]:
    """Which of `estimators_of` measures each layer: without named layers the last is the output."""
    if probe.layers:
        return [0] * n_layers
    return [0] * (n_layers - 1) + [1]
