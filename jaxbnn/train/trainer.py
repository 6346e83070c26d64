"""Training ONE seed: TrainSpec and a Trainer of pure functions. Whoever wants many seeds vmaps it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen

from jaxbnn.data import Dataset
from jaxbnn.nn.layers import LATENT, clip_latent
from jaxbnn.nn.transforms import bop
from jaxbnn.train.batches import in_batches
from jaxbnn.train.shuffle import permutation

MOST_EPOCHS = 10**8


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
    """Adam with decoupled decay of the weights (kernels and latent weights). Source: Loshchilov & Hutter 2019."""


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
    """Binary weights flipped by their gradient's average, the others moved by Adam at the learning rate.

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
    """How one seed is trained: cross-entropy, shuffled batches, `epochs` times through the training set.

    `batch_size` None is the full batch. The last batch of an epoch is filled by wrapping round the shuffled order.
    `decay` (AdamW only) is the weight decay. `latent_limit` clips latent weights after each step; None lets them go.
    """

    epochs: int
    batch_size: int | None = 64
    optimiser: Optimiser = Adam()
    learning_rate: float = 1e-3
    decay: float = 0.0
    latent_limit: float | None = 1.0

    def __post_init__(self):
        for name, count in (("epochs", self.epochs), ("batch_size", self.batch_size)):
            if count is not None and not isinstance(count, int):
                raise TypeError(f"expected train.{name} as an integer, got {count!r}")
        if not 1 <= self.epochs <= MOST_EPOCHS:
            raise ValueError(f"expected train.epochs from 1 to {MOST_EPOCHS}, got {self.epochs}")
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"expected train.batch_size >= 1 or none (full batch), got {self.batch_size}")
        if not 1e-37 < self.learning_rate < 1e37:
            raise ValueError(f"expected train.learning_rate > 0 (in float32), got {self.learning_rate}")
        if not (self.decay == 0 or 1e-37 < self.decay < 1e37):
            raise ValueError(f"expected train.decay >= 0 (in float32), got {self.decay}")
        if self.decay and not isinstance(self.optimiser, AdamW):
            raise ValueError(f"expected train.optimiser AdamW where decay is {self.decay}, got {self.optimiser}")
        if self.latent_limit is not None and not self.latent_limit > 0:
            raise ValueError(f"expected train.latent_limit > 0 or none, got {self.latent_limit}")


class Hyper(NamedTuple):
    """The traced numbers of a run, one a seed: runs that differ only in these share one compiled program."""

    learning_rate: jax.Array  # [] float32
    decay: jax.Array  # [] float32


class TrainState(NamedTuple):
    """Everything one seed carries from epoch to epoch."""

    variables: Any  # {"params": ..., "batch_stats": ...}
    optimiser: Any  # optax's state
    key: jax.Array  # [] typed threefry key, for the shuffles still to come
    finite: jax.Array  # [] bool, every loss and gradient so far was finite; once False, always False


class Score(NamedTuple):
    """A data set seen with running statistics."""

    loss: jax.Array  # [] mean cross-entropy, nats (as optimised)
    accuracy: jax.Array  # [] share of examples whose largest logit is the label's


class GradientNorm(NamedTuple):
    """The Euclidean norm of the whole gradient over the steps of one epoch. NaN before the first epoch."""

    mean: jax.Array  # []
    variance: jax.Array  # [] population variance


class Trainer(NamedTuple):
    """Pure functions for one seed."""

    init: Callable[[jax.Array], TrainState]
    epoch: Callable[[TrainState, Dataset, Hyper], tuple[TrainState, GradientNorm]]
    score: Callable[[TrainState, Dataset], Score]


def trainer(model: linen.Module, spec: TrainSpec, example: jax.Array) -> Trainer:
    """The trainer of a model that maps (x, train) to (logits, hidden). example [1, ...]: an input, for its shape."""

    def init(key):
        weights, shuffles = jax.random.split(key)
        variables = dict(model.init(weights, example, train=False))
        variables.setdefault("batch_stats", {})
        return TrainState(variables, spec.optimiser.transform().init(variables["params"]), shuffles, jnp.bool_(True))

    def epoch(state, data, hyper):
        data = jax.tree.map(jnp.asarray, data)
        key, shuffle = jax.random.split(state.key)
        rule = rule_of(spec, hyper)

        def step(carry, index):
            variables, optimiser, finite = carry
            variables, optimiser, norm = _step(model, rule, variables, optimiser, data.x[index], data.y[index])
            return (variables, optimiser, finite & jnp.isfinite(norm)), norm

        batches = batches_of(shuffle, data.y.shape[0], spec.batch_size)
        carry, norms = jax.lax.scan(step, (state.variables, state.optimiser, state.finite), batches)
        return TrainState(carry[0], carry[1], key, carry[2]), GradientNorm(jnp.mean(norms), jnp.var(norms))

    def score(state, data):
        logits = in_batches(lambda x: model.apply(state.variables, x, train=False)[0], data.x)
        return score_of(logits, data.y, state.finite)

    return Trainer(init, epoch, score)


def score_of(logits: jax.Array, y: jax.Array, finite: jax.Array) -> Score:
    """The score of logits [N, C] and labels [N]; NaN where the seed is not `finite`."""
    loss = jnp.mean(_cross_entropy(logits, y))
    accuracy = jnp.mean(jnp.argmax(logits, axis=1) == y, dtype=jnp.float32)
    return Score(*(jnp.where(finite, value, jnp.nan) for value in (loss, accuracy)))


def batches_of(key: jax.Array, n: int, size: int | None) -> jax.Array:
    """An epoch's batches of n examples in a random order, int32 [steps, size]; the last is filled from the first."""
    size = n if size is None else size
    if size > n:
        raise ValueError(f"expected a batch size of at most {n} (the training examples), got {size}")
    steps = -(-n // size)
    order = permutation(key, n)
    return order[jnp.arange(steps * size) % n].reshape(steps, size)


def _step(model, rule, variables, optimiser, x, y):
    def loss(params):
        (logits, _), state = model.apply(variables | {"params": params}, x, train=True, mutable=["batch_stats"])
        return jnp.mean(_cross_entropy(logits, y)), dict(state).get("batch_stats", {})

    (value, statistics), gradient = jax.value_and_grad(loss, has_aux=True)(variables["params"])
    direction, optimiser = rule.update(gradient, optimiser, variables["params"])
    params = optax.apply_updates(variables["params"], direction)
    norm = optax.tree.norm(gradient)
    # 0 * loss: a loss that is not finite makes the norm NaN too, so that one number tells.
    return {"params": params, "batch_stats": statistics}, optimiser, norm + 0 * value


def rule_of(spec: TrainSpec, hyper: Hyper) -> optax.GradientTransformation:
    """Direction, then decay, then learning rate, then the latent clip; the traced numbers carry no state."""
    directions = spec.optimiser.transform()

    def update(updates, state, params=None):
        updates, state = directions.update(updates, state, params)
        for transform in _stateless(spec, hyper):
            updates, _ = transform.update(updates, transform.init(params), params)
        return updates, state

    return optax.GradientTransformation(directions.init, update)


def _stateless(spec, hyper):
    decay = [optax.add_decayed_weights(hyper.decay, _is_weight)] if isinstance(spec.optimiser, AdamW) else []
    clip = [clip_latent(spec.latent_limit)] if spec.latent_limit is not None else []
    rate = optax.scale_by_learning_rate(hyper.learning_rate)
    if isinstance(spec.optimiser, Bop):
        rate = optax.masked(rate, lambda params: jax.tree.map(lambda kind: kind == "real", _kinds(params)))
    return [*decay, rate, *clip]


def _kinds(params):
    """ "binary" for latent weights, "real" for all others."""
    return jax.tree_util.tree_map_with_path(lambda path, _: "binary" if path[-1].key == LATENT else "real", params)


def _is_weight(params):
    return jax.tree_util.tree_map_with_path(lambda path, _: path[-1].key in (LATENT, "kernel"), params)


def _cross_entropy(logits, y):
    return optax.softmax_cross_entropy_with_integer_labels(logits, y)
