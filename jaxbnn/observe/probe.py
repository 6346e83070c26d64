"""What is measured, where and when: Schedule, Probe."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp

from jaxbnn.data import Dataset, Split
from jaxbnn.info.estimators.bins import FixedBins
from jaxbnn.info.estimators.exact import Exact
from jaxbnn.info.estimators.protocol import Estimator
from jaxbnn.info.estimators.soft_output import SoftOutput
from jaxbnn.nn import MeasuredModel, SignActivation
from jaxbnn.nn.models import OUTPUT as OUTPUT

Sample = Literal["train", "test", "all"]
Part = Literal["train", "test"]
Normalisation = Literal["training_set", "running"]
PARTS: tuple[Part, Part] = ("train", "test")  # of a split
GROWTH = 1.05  # ratio of neighbouring epochs in the log-spaced part of the default schedule


@dataclass(frozen=True)
class Schedule:
    """The measured epochs: 0 (untrained), the first few, the last few, and some in between.

    Args:
        every: in between, each so many epochs; None spaces them by 5 % of the epoch reached.
        first_epochs: how many of the first epochs are all measured.
        last_epochs: how many of the last epochs are all measured.

    Raises:
        ValueError: for every below 1, or a negative number of epochs.
    """

    every: int | None = None
    first_epochs: int = 20
    last_epochs: int = 50

    def __post_init__(self) -> None:
        if self.every is not None and self.every < 1:
            raise ValueError(f"expected schedule.every >= 1 or none, got {self.every}")
        if self.first_epochs < 0 or self.last_epochs < 0:
            got = f"{self.first_epochs}, {self.last_epochs}"
            raise ValueError(f"expected first_epochs, last_epochs >= 0, got {got}")

    def epochs(self, total: int) -> tuple[int, ...]:
        """The measured epochs of a run.

        Args:
            total: epochs of the run.

        Returns:
            Rising, from 0 to `total`.

        Raises:
            ValueError: unless total >= 1.
        """
        if total < 1:
            raise ValueError(f"expected 1 or more epochs, got {total}")
        first = range(min(self.first_epochs, total) + 1)
        last = range(max(0, total - self.last_epochs + 1), total + 1)
        return tuple(sorted({*first, *self._between(total), *last, total}))

    def _between(self, total: int) -> Iterable[int]:
        if self.every is not None:
            return range(0, total, self.every)
        epochs = [max(1, self.first_epochs)]
        while epochs[-1] < total:
            epochs.append(math.ceil(epochs[-1] * GROWTH))
        return epochs[:-1]


@dataclass(frozen=True)
class Probe:
    """Which layers are measured, by which estimator, over which sample.

    Args:
        name: letters, digits and _; names the result's group.
        layers: hidden layers, "output" (the softmax) or submodules (dense_1, norm_1:
            pre-activations), all measured by `estimator`. Without any: every hidden layer by
            `estimator`, then the output by `SoftOutput`.
        estimator: how they are measured.
        sample: "train", "test" or "all".
        population: True declares that the sample is all there is, which is said beside its numbers
            and changes no verdict; False, that it is a sample, whatever the data say. Verdicts are
            of a population where the data say so: "all" of an enumerated set.
        tolerance: bits. A value is called reliable where its bias and twice its standard error are
            estimated below it together.
        unit_counts_at: epochs at which each unit's count of +1 is stored, and each two units' count
            of +1 together; -1 is the last epoch, -2 the one before. It takes layers of -1 and +1.
        activations_at: epochs at which the packed activations are stored.
        normalisation: the moments that BatchNorm has: "training_set", those of the training set
            under the weights of the measured epoch; or "running", those which the network is
            deployed with, and which start from mean 0 and variance 1.

    Raises:
        TypeError: for layers that are no tuple.
        ValueError: for a bad name, sample, normalisation or tolerance, a layer named twice, or
            activations of another estimator than Exact.
    """

    name: str = "main"
    layers: tuple[str, ...] = ()
    estimator: Estimator = Exact()
    sample: Sample = "train"
    population: bool | None = None
    tolerance: float = 0.1
    unit_counts_at: tuple[int, ...] = ()
    activations_at: tuple[int, ...] = ()
    normalisation: Normalisation = "training_set"

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"expected a probe's name of letters, digits and _, got {self.name!r}")
        if not 0 < self.tolerance < math.inf:
            raise ValueError(f"expected a tolerance above 0 bits, got {self.tolerance}")
        samples = get_args(Sample)
        if self.sample not in samples:
            raise ValueError(f"expected sample to be one of {samples}, got {self.sample!r}")
        kinds = get_args(Normalisation)
        if self.normalisation not in kinds:
            got = repr(self.normalisation)
            raise ValueError(f"expected normalisation to be one of {kinds}, got {got}")
        if not isinstance(self.layers, tuple):
            raise TypeError(f"expected layers as a tuple of names, got {self.layers!r}")
        if len(set(self.layers)) != len(self.layers):
            raise ValueError(f"expected each layer once, got {self.layers}")
        if (self.unit_counts_at or self.activations_at) and not isinstance(self.estimator, Exact):
            expected = "unit_counts_at and activations_at of a probe with the estimator Exact"
            raise ValueError(f"expected {expected}, got {self.estimator}")

    def is_population(self, split: Split) -> bool:
        """Whether this probe's sample is the population, by what the data say."""
        return self.population is not False and self.sample == "all" and split.population

    def is_declared(self, split: Split) -> bool:
        """Whether the sample is called the population without being all there is."""
        return self.population is True and not self.is_population(split)


def choose(split: Split, sample: Sample) -> Dataset:
    """The measured examples.

    Args:
        split: the data.
        sample: "train", "test", or "all": both, in that order.

    Returns:
        x [N, ...] and y [N].
    """
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


def layers_of(model: MeasuredModel, probe: Probe) -> tuple[str, ...]:
    """The names of the L layers a probe measures, in order."""
    return probe.layers or (*model.layer_names, OUTPUT)


def alphabets_of(model: MeasuredModel, probe: Probe, shape: tuple[int, ...]) -> dict[str, int]:
    """How many patterns each hidden layer of a probe can show: 2**D of signs, bins**D of bins.

    Args:
        model: the network.
        probe: what is measured.
        shape: of an example.

    Returns:
        Layer name -> patterns; without layers whose number is not known.
    """
    estimator = probe.estimator
    n_values = 0
    if type(estimator) is Exact:  # what a user's subclass encodes is not known
        n_values = 2
    elif type(estimator) is FixedBins:
        n_values = estimator.bins
    if not n_values:
        return {}
    units = units_of(model, shape)
    return {name: n_values ** units[name] for name in layers_of(model, probe) if name in units}


def log2_patterns_of(model: MeasuredModel, probe: Probe, split: Split) -> dict[str, float]:
    """How many patterns each hidden layer of a probe can show at most, as far as its network and
    its inputs tell.

    A layer of signs is a function of the one before and has no more patterns than it; no layer has
    more than there are inputs, where the data are all inputs there are.

    Args:
        model: the network.
        probe: what is measured.
        split: the data.

    Returns:
        Layer name -> log2 of the number; without layers whose number is not known.
    """
    shape = split.train.x.shape[1:]
    most = math.log2(sample_size(split, "all")) if split.population else math.inf
    narrowest = math.inf
    limits = {}
    if isinstance(getattr(model, "activation", None), SignActivation):
        units = units_of(model, shape)
        for name in model.layer_names:
            narrowest = min(narrowest, units[name])
            limits[name] = narrowest
    bounds = {}
    for name, n_patterns in alphabets_of(model, probe, shape).items():
        bounds[name] = min(math.log2(n_patterns), limits.get(name, math.inf), most)
    return bounds


def units_of(model: MeasuredModel, shape: tuple[int, ...]) -> dict[str, int]:
    """Each hidden layer's number of units.

    Args:
        model: the network; traced where it has no `units`.
        shape: of an example.

    Returns:
        Layer name -> D.

    Raises:
        ValueError: where the model gives another number of hidden layers than it names.
    """
    units: Any = getattr(model, "units", None)
    if units is not None:
        return units(shape)
    module: Any = model
    example = jax.ShapeDtypeStruct((1, *shape), jnp.float32)
    apply = partial(module.init_with_output, train=False)
    (_, hidden), _ = jax.eval_shape(apply, jax.random.key(0), example)
    names = check_layer_names(model, len(hidden))
    sizes = [math.prod(t.shape[1:]) for t in hidden]
    return dict(zip(names, sizes, strict=True))


def check_layer_names(model: Any, n_hidden: int) -> tuple[str, ...]:
    """The names of a model's hidden layers, hidden_1, ... for one that names none; ValueError where
    there are not as many as layers."""
    names = getattr(model, "layer_names", None)
    if names is None:
        return tuple(f"hidden_{i}" for i in range(1, n_hidden + 1))
    if len(names) != n_hidden:
        expected = f"{n_hidden} layer_names of {type(model).__name__}, as it gives so many layers"
        raise ValueError(f"expected {expected}, got {names}")
    return names


def estimators_of(probe: Probe) -> tuple[Estimator, ...]:
    """The estimators a probe uses: its own, and the output's where it measures all layers."""
    return (probe.estimator,) if probe.layers else (probe.estimator, SoftOutput())


def estimator_of_each(probe: Probe, n_layers: int) -> list[int]:
    """Which of `estimators_of` measures each layer: without named layers the last is the output."""
    if probe.layers:
        return [0] * n_layers
    return [0] * (n_layers - 1) + [1]
