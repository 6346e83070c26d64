"""How one seed is trained, as values: optimisers, TrainSpec, the update rule."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import jax
import optax
from jaxtyping import Float32

from jaxbnn.nn.layers import LATENT
from jaxbnn.nn.transforms import bop, clip_latent

MAX_EPOCHS = 10**8
SMALLEST, LARGEST = 1e-37, 1e37  # of the numbers that float32 holds well


@runtime_checkable
class Optimiser(Protocol):
    """A frozen dataclass that gives the direction of a step.

    Optional member:
        decays: a class variable, True where `TrainSpec.decay` applies to the weights.
    """

    def transform(self) -> optax.GradientTransformation:
        """The direction of a step, before decay, learning rate and latent clip.

        Returns:
            An optax transform for ONE seed's params; the learning rate is no part of it.
        """
        ...


@dataclass(frozen=True)
class Adam:
    """Adam: the average gradient over the root of the average squared gradient.

    Args:
        b1: decay of the average gradient.
        b2: decay of the average squared gradient.
        eps: added to the root.

    Raises:
        ValueError: unless 0 <= b1, b2 < 1 and eps > 0.

    Source: Kingma & Ba 2015.
    """

    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        if not (0 <= self.b1 < 1 and 0 <= self.b2 < 1 and self.eps > 0):
            raise ValueError(f"expected 0 <= b1, b2 < 1 and eps > 0, got {self}")

    def transform(self) -> optax.GradientTransformation:
        """The direction of a step, before decay and learning rate."""
        return optax.scale_by_adam(self.b1, self.b2, self.eps)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled decay of the weights: p <- p - rate (direction + decay p).

    Kernels and latent weights decay, biases do not; the decay is `TrainSpec.decay`. The arguments
    are those of `Adam`.

    Source: Loshchilov & Hutter 2019.
    """

    decays: ClassVar[bool] = True


@dataclass(frozen=True)
class Sgd:
    """Stochastic gradient descent with momentum: m <- momentum m + g, p <- p - rate m.

    Args:
        momentum: how much of m is kept.

    Raises:
        ValueError: unless 0 <= momentum < 1.
    """

    momentum: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.momentum < 1:
            raise ValueError(f"expected 0 <= Sgd.momentum < 1, got {self.momentum}")

    def transform(self) -> optax.GradientTransformation:
        """The direction of a step, before the learning rate."""
        return optax.trace(self.momentum) if self.momentum else optax.identity()


@dataclass(frozen=True)
class Bop(Adam):
    """Binary weights flipped by `jaxbnn.nn.bop`; the others are moved by Adam.

    Args:
        b1, b2, eps: of Adam.
        threshold: the size of the average gradient above which a weight flips.
        gamma: the rate of that average.

    Raises:
        ValueError: unless 0 < gamma <= 1 and threshold >= 0, and as `Adam`.

    Source: Helwegen et al. 2019.
    """

    threshold: float = 1e-8
    gamma: float = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 < self.gamma <= 1 and self.threshold >= 0):
            raise ValueError(f"expected 0 < Bop.gamma <= 1 and Bop.threshold >= 0, got {self}")

    def transform(self) -> optax.GradientTransformation:
        """The flips, and the direction of the others' step before the learning rate."""
        by_kind: dict[Any, Any] = {
            "binary": bop(self.threshold, self.gamma),
            "real": super().transform(),
        }
        return optax.partition(by_kind, _kinds)


@dataclass(frozen=True)
class TrainSpec:
    """How one seed is trained: cross-entropy over shuffled batches.

    The last batch of an epoch is filled with the first examples of the shuffled order.

    Args:
        epochs: passes through the training set.
        batch_size: examples of a batch; None is the full training set.
        optimiser: the direction of a step.
        learning_rate: the size of a step.
        decay: weight decay, of an optimiser that decays (AdamW).
        latent_clip: the largest size of a latent weight, kept after each step; None keeps none.

    Raises:
        TypeError: for epochs or a batch_size that is no whole number, or something that is no
            optimiser.
        ValueError: for numbers out of range.
    """

    epochs: int
    batch_size: int | None = 64
    optimiser: Optimiser = Adam()
    learning_rate: float = 1e-3
    decay: float = 0.0
    latent_clip: float | None = 1.0

    def __post_init__(self) -> None:
        _check_counts(self)
        _check_rates(self)
        if self.latent_clip is not None and not self.latent_clip > 0:
            raise ValueError(f"expected train.latent_clip > 0 or none, got {self.latent_clip}")


def _check_counts(spec: TrainSpec) -> None:
    for name, count in (("epochs", spec.epochs), ("batch_size", spec.batch_size)):
        if count is not None and not isinstance(count, Integral):
            raise TypeError(f"expected train.{name} as an integer, got {count!r}")
    if not 1 <= spec.epochs <= MAX_EPOCHS:
        raise ValueError(f"expected train.epochs from 1 to {MAX_EPOCHS}, got {spec.epochs}")
    if spec.batch_size is not None and spec.batch_size < 1:
        expected = "train.batch_size >= 1 or none (full batch)"
        raise ValueError(f"expected {expected}, got {spec.batch_size}")


def _check_rates(spec: TrainSpec) -> None:
    if not SMALLEST < spec.learning_rate < LARGEST:
        raise ValueError(f"expected train.learning_rate > 0 (in float32), got {spec.learning_rate}")
    if not (spec.decay == 0 or SMALLEST < spec.decay < LARGEST):
        raise ValueError(f"expected train.decay >= 0 (in float32), got {spec.decay}")
    if not callable(getattr(spec.optimiser, "transform", None)):
        raise TypeError(f"expected train.optimiser with transform(), got {spec.optimiser!r}")
    if spec.decay and not decays(spec.optimiser):
        got = f"where decay is {spec.decay}, got {spec.optimiser}"
        raise ValueError(f"expected train.optimiser AdamW {got}")


def decays(optimiser: Optimiser) -> bool:
    """Whether `TrainSpec.decay` applies to the weights."""
    return bool(getattr(optimiser, "decays", False))


class Hyper(NamedTuple):
    """The traced numbers of a run, one a seed: runs that differ only in these share one compiled
    program. Arrays of NumPy on the host."""

    learning_rate: Float32[Any, ""]
    decay: Float32[Any, ""]


def rule_of(spec: TrainSpec, hyper: Hyper) -> optax.GradientTransformation:
    """The update rule: direction, then decay, then learning rate, then the latent clip.

    Args:
        spec: how the seed is trained.
        hyper: its learning rate and decay, traced.

    Returns:
        An optax transform whose state is that of the direction alone.
    """
    directions = spec.optimiser.transform()

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        updates, state = directions.update(updates, state, params)
        for transform in _stateless(spec, hyper):
            updates, _ = transform.update(updates, transform.init(params), params)
        return updates, state

    return optax.GradientTransformation(directions.init, update)


def _stateless(spec: TrainSpec, hyper: Hyper) -> list[Any]:
    """The transforms behind the direction, in their order."""
    transforms = []
    if decays(spec.optimiser):
        transforms.append(optax.add_decayed_weights(hyper.decay, _is_weight))
    rate = optax.scale_by_learning_rate(hyper.learning_rate)
    if isinstance(spec.optimiser, Bop):
        rate = optax.masked(rate, _is_real)
    transforms.append(rate)
    if spec.latent_clip is not None:
        transforms.append(clip_latent(spec.latent_clip))
    return transforms


def _kinds(params: Any) -> Any:
    """ "binary" for latent weights, "real" for all others."""
    return jax.tree_util.tree_map_with_path(
        lambda path, _: "binary" if path[-1].key == LATENT else "real", params
    )


def _is_real(params: Any) -> Any:
    return jax.tree.map(lambda kind: kind == "real", _kinds(params))


def _is_weight(params: Any) -> Any:
    return jax.tree_util.tree_map_with_path(
        lambda path, _: path[-1].key in (LATENT, "kernel"), params
    )
