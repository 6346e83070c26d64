"""How one seed is trained, as values: optimisers, TrainSpec, the update rule."""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import optax

from jaxbnn.nn.layers import LATENT, clip_latent
from jaxbnn.nn.transforms import bop

MAX_EPOCHS = 10**8


@dataclass(frozen=True)
class Adam:
    """Adam. Source: Kingma & Ba 2015."""

    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self):
        if not (0 <= self.b1 < 1 and 0 <= self.b2 < 1 and self.eps > 0):
            raise ValueError(f"expected 0 <= b1, b2 < 1 and eps > 0, got {self}")

    def transform(self) -> optax.GradientTransformation:
        """The direction of a step, before decay and learning rate."""
        return optax.scale_by_adam(self.b1, self.b2, self.eps)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled decay of the weights (kernels and latent weights). Source: Loshchilov &
    Hutter 2019."""


@dataclass(frozen=True)
class Sgd:
    """Stochastic gradient descent with momentum: m <- momentum m + g, p <- p - rate m."""

    momentum: float = 0.0

    def __post_init__(self):
        if not 0 <= self.momentum < 1:
            raise ValueError(f"expected 0 <= Sgd.momentum < 1, got {self.momentum}")

    def transform(self) -> optax.GradientTransformation:
        """The direction of a step, before the learning rate."""
        return optax.trace(self.momentum) if self.momentum else optax.identity()


@dataclass(frozen=True)
class Bop(Adam):
    """Binary weights flipped by their gradient's average, the others moved by Adam at the learning
    rate.

    Source: Helwegen et al. 2019.
    """

    threshold: float = 1e-8
    gamma: float = 1e-4

    def __post_init__(self):
        super().__post_init__()
        if not (0 < self.gamma <= 1 and self.threshold >= 0):
            raise ValueError(f"expected 0 < Bop.gamma <= 1 and Bop.threshold >= 0, got {self}")

    def transform(self) -> optax.GradientTransformation:
        """The flips, and the direction of the others' step before the learning rate."""
        by_kind = {"binary": bop(self.threshold, self.gamma), "real": super().transform()}
        return optax.partition(by_kind, _kinds)


Optimiser = Adam | AdamW | Sgd | Bop


@dataclass(frozen=True)
class TrainSpec:
    """How one seed is trained: cross-entropy, shuffled batches, `epochs` times through the training
    set.

    `batch_size` None is the full batch. The last batch of an epoch is filled by wrapping round the
    shuffled order. `decay` (AdamW only) is the weight decay. `latent_clip` clips latent weights
    after each step; None lets them go.
    """

    epochs: int
    batch_size: int | None = 64
    optimiser: Optimiser = Adam()
    learning_rate: float = 1e-3
    decay: float = 0.0
    latent_clip: float | None = 1.0

    def __post_init__(self):
        for name, count in (("epochs", self.epochs), ("batch_size", self.batch_size)):
            if count is not None and not isinstance(count, int):
                raise TypeError(f"expected train.{name} as an integer, got {count!r}")
        if not 1 <= self.epochs <= MAX_EPOCHS:
            raise ValueError(f"expected train.epochs from 1 to {MAX_EPOCHS}, got {self.epochs}")
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(
                f"expected train.batch_size >= 1 or none (full batch), got {self.batch_size}"
            )
        if not 1e-37 < self.learning_rate < 1e37:
            raise ValueError(
                f"expected train.learning_rate > 0 (in float32), got {self.learning_rate}"
            )
        if not (self.decay == 0 or 1e-37 < self.decay < 1e37):
            raise ValueError(f"expected train.decay >= 0 (in float32), got {self.decay}")
        if self.decay and not isinstance(self.optimiser, AdamW):
            raise ValueError(
                f"expected train.optimiser AdamW where decay is {self.decay}, got {self.optimiser}"
            )
        if self.latent_clip is not None and not self.latent_clip > 0:
            raise ValueError(f"expected train.latent_clip > 0 or none, got {self.latent_clip}")


class Hyper(NamedTuple):
    """The traced numbers of a run, one a seed: runs that differ only in these share one compiled
    program."""

    learning_rate: jax.Array  # [] float32
    decay: jax.Array  # [] float32


def rule_of(spec: TrainSpec, hyper: Hyper) -> optax.GradientTransformation:
    """Direction, then decay, then learning rate, then the latent clip; the traced numbers carry no
    state."""
    directions = spec.optimiser.transform()

    def update(updates, state, params=None):
        updates, state = directions.update(updates, state, params)
        for transform in _stateless(spec, hyper):
            updates, _ = transform.update(updates, transform.init(params), params)
        return updates, state

    return optax.GradientTransformation(directions.init, update)


def _stateless(spec, hyper):
    decay = (
        [optax.add_decayed_weights(hyper.decay, _is_weight)]
        if isinstance(spec.optimiser, AdamW)
        else []
    )
    clip = [clip_latent(spec.latent_clip)] if spec.latent_clip is not None else []
    rate = optax.scale_by_learning_rate(hyper.learning_rate)
    if isinstance(spec.optimiser, Bop):
        rate = optax.masked(
            rate, lambda params: jax.tree.map(lambda kind: kind == "real", _kinds(params))
        )
    return [*decay, rate, *clip]


def _kinds(params):
    """ "binary" for latent weights, "real" for all others."""
    return jax.tree_util.tree_map_with_path(
        lambda path, _: "binary" if path[-1].key == LATENT else "real", params
    )


def _is_weight(params):
    return jax.tree_util.tree_map_with_path(
        lambda path, _: path[-1].key in (LATENT, "kernel"), params
    )
