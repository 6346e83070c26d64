"""Training ONE seed: a Trainer of pure functions. Whoever wants many seeds vmaps it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen

from jaxbnn.data import Dataset
from jaxbnn.train.batches import in_batches
from jaxbnn.train.shuffle import permutation
from jaxbnn.train.spec import Hyper, TrainSpec, rule_of


class TrainState(NamedTuple):
    """Everything one seed carries from epoch to epoch."""

    variables: Any  # {"params": ..., "batch_stats": ...}
    optimiser: Any  # optax's state
    key: jax.Array  # [] typed threefry key, for the shuffles still to come
    finite: (
        jax.Array
    )  # [] bool, every loss and gradient so far was finite; once False, always False


class Score(NamedTuple):
    """A data set seen with running statistics."""

    loss: jax.Array  # [] mean cross-entropy, nats (as optimised)
    accuracy: jax.Array  # [] share of examples whose largest logit is the label's


class GradientNorm(NamedTuple):
    """The Euclidean norm of the whole gradient over the steps of one epoch. NaN before the first
    epoch."""

    mean: jax.Array  # []
    variance: jax.Array  # [] population variance


class Trainer(NamedTuple):
    """Pure functions for one seed."""

    init: Callable[[jax.Array], TrainState]
    epoch: Callable[[TrainState, Dataset, Hyper], tuple[TrainState, GradientNorm]]
    score: Callable[[TrainState, Dataset], Score]


def trainer(model: linen.Module, spec: TrainSpec, example: jax.Array) -> Trainer:
    """The trainer of a model that maps (x, train) to (logits, hidden). example [1, ...]: an input,
    for its shape."""

    def init(key):
        weights, shuffles = jax.random.split(key)
        variables = dict(model.init(weights, example, train=False))
        variables.setdefault("batch_stats", {})
        return TrainState(
            variables,
            spec.optimiser.transform().init(variables["params"]),
            shuffles,
            jnp.bool_(True),
        )

    def epoch(state, data, hyper):
        data = jax.tree.map(jnp.asarray, data)
        key, shuffle = jax.random.split(state.key)
        rule = rule_of(spec, hyper)

        def step(carry, index):
            variables, optimiser, finite = carry
            variables, optimiser, norm = _step(
                model, rule, variables, optimiser, data.x[index], data.y[index]
            )
            return (variables, optimiser, finite & jnp.isfinite(norm)), norm

        batches = batches_of(shuffle, data.y.shape[0], spec.batch_size)
        carry, norms = jax.lax.scan(step, (state.variables, state.optimiser, state.finite), batches)
        return TrainState(carry[0], carry[1], key, carry[2]), GradientNorm(
            jnp.mean(norms), jnp.var(norms)
        )

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
    """An epoch's batches of n examples in a random order, int32 [steps, size]; the last is filled
    from the first."""
    size = n if size is None else size
    if size > n:
        raise ValueError(
            f"expected a batch size of at most {n} (the training examples), got {size}"
        )
    steps = -(-n // size)
    order = permutation(key, n)
    return order[jnp.arange(steps * size) % n].reshape(steps, size)


def _step(model, rule, variables, optimiser, x, y):
    def loss(params):
        (logits, _), state = model.apply(
            variables | {"params": params}, x, train=True, mutable=["batch_stats"]
        )
        return jnp.mean(_cross_entropy(logits, y)), dict(state).get("batch_stats", {})

    (value, statistics), gradient = jax.value_and_grad(loss, has_aux=True)(variables["params"])
    direction, optimiser = rule.update(gradient, optimiser, variables["params"])
    params = optax.apply_updates(variables["params"], direction)
    norm = optax.tree.norm(gradient)
    # 0 * loss: a loss that is not finite makes the norm NaN too, so that one number tells.
    return {"params": params, "batch_stats": statistics}, optimiser, norm + 0 * value


def _cross_entropy(logits, y):
    return optax.softmax_cross_entropy_with_integer_labels(logits, y)
