"""What is to be seen of networks, and how they are looked at."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

import jax

from jaxbnn.observe.forward import Forward
from jaxbnn.observe.layout import Layout
from jaxbnn.observe.normalisation import Normalise
from jaxbnn.observe.passing import Passing
from jaxbnn.observe.probe import PARTS, Normalisation, Part, Probe, Sample

Codes = dict[str, tuple]  # probe -> the codes of its layers


class View(NamedTuple):
    """What a network makes of a split."""

    codes: Codes  # over the probe's sample: leaves [N, ...], or TableRows, WeightedRows
    logits: dict[str, Any]  # "train", "test", as far as asked for, with the running statistics:
    # [N, C], or WeightedRows
    n_passing: tuple[jax.Array, ...]  # int32 [] for each hidden layer, units whose gradient passes


@dataclass(frozen=True)
class Wanted:
    """What a view is of; static."""

    model: Any
    probes: tuple[Probe, ...]
    logits: tuple[Part, ...] = ()  # the parts whose logits are wanted
    passing: Passing | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts of the data that are looked at."""
        samples = {probe.sample for probe in self.probes} | set(self.logits)
        if self.passing is not None:
            samples.add(self.passing.sample)
        return tuple(part for part in PARTS if part in samples or "all" in samples)

    def by_normalisation(self, has_batch_norm: bool) -> "dict[Normalisation, Wanted]":
        """What is wanted with each kind of moments; all with one where there is no BatchNorm."""
        if not has_batch_norm:
            return {"running": self}
        split: dict[Normalisation, Wanted] = {}
        for kind in get_args(Normalisation):
            probes = tuple(probe for probe in self.probes if probe.normalisation == kind)
            passing = self.passing
            if passing is not None and passing.normalisation != kind:
                passing = None
            wanted = Wanted(self.model, probes, self.logits if kind == "running" else (), passing)
            if wanted.parts:
                split[kind] = wanted
        return split


class Ways(NamedTuple):
    """How networks are looked at."""

    forward: Forward
    normalise: Normalise
    steps: Callable[[Any], tuple] | None  # as the model's
    layout: Layout
    classes: int | None  # as of `viewer`


def sampled(sample: Sample) -> tuple[Part, ...]:
    """The parts of the data in a sample, in the order of `choose`."""
    return PARTS if sample == "all" else (sample,)
