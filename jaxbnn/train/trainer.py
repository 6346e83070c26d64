"""Training ONE seed: a Trainer of pure functions. Whoever wants many seeds vmaps it."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxbnn.data import Dataset
from jaxbnn.nn import MeasuredModel, inputs_for
from jaxbnn.train.batches import in_batches
from jaxbnn.train.shuffle import permutation
from jaxbnn.train.spec import Hyper, TrainSpec, rule_of


class TrainState(NamedTuple):
    """Everything one seed carries from epoch to epoch."""

    variables: Any  # {"params": ..., "batch_stats": ...}
    optimiser: Any  # optax's state
    key: jax.Array  # [] typed threefry key, for the shuffles still to come
    finite: jax.Array  # [] bool, every loss and gradient so far was finite; never True again


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
    """Pure functions for ONE seed."""

    init: Callable[[jax.Array], TrainState]  # of a typed key
    epoch: Callable[[TrainState, Dataset, Hyper], tuple[TrainState, GradientNorm]]
    score: Callable[[TrainState, Dataset], Score]


def trainer(model: MeasuredModel, spec: TrainSpec, example: Any) -> Trainer:
    """The trainer of one seed.

    Args:
        model: a Linen module that maps (x, train) to (logits, hidden).
        spec: how it is trained.
        example: an input, [1, ...], for its shape; Pixels where the data are.

    Returns:
        Its pure functions.

    Raises:
        ValueError: in `init`, for a model with other collections than params and batch_stats; in
            `epoch`, for a batch size above the number of examples.
    """

    def init(key: jax.Array) -> TrainState:
        weights, shuffles = jax.random.split(key)
        variables = dict(model.init(weights, inputs_for(model, example), train=False))
        variables.setdefault("batch_stats", {})
        check_collections(model, variables)
        optimiser = spec.optimiser.transform().init(variables["params"])
        return TrainState(variables, optimiser, shuffles, jnp.bool_(True))

    def score(state: TrainState, data: Dataset) -> Score:
        x: Any = data.x
        y: Any = data.y

        def logits_of(rows: Any) -> jax.Array:
            return model.apply(state.variables, inputs_for(model, rows), train=False)[0]

        logits = in_batches(logits_of, x)
        return score_of(logits, y, state.finite)

    return Trainer(init, partial(_epoch, model, spec), score)


def check_collections(model: MeasuredModel, variables: dict[str, Any]) -> None:
    """ValueError where a model has other collections than params and batch_stats."""
    others = sorted(set(variables) - {"params", "batch_stats"})
    if others:
        expected = f"{type(model).__name__} with the collections params and batch_stats alone"
        raise ValueError(f"expected {expected}, got also {', '.join(others)}")


def score_of(logits: jax.Array, y: jax.Array, finite: jax.Array) -> Score:
    """The mean cross-entropy, and the share of examples whose largest logit is the label's.

    Args:
        logits: [N, C].
        y: labels [N].
        finite: [] bool, whether the seed has not diverged.

    Returns:
        Leaves [], nats and a share; NaN where the seed has diverged.
    """
    loss = jnp.mean(_cross_entropy(logits, y))
    accuracy = jnp.mean(jnp.argmax(logits, axis=1) == y, dtype=jnp.float32)
    return Score(jnp.where(finite, loss, jnp.nan), jnp.where(finite, accuracy, jnp.nan))


def weighted_score(logits: jax.Array, count: jax.Array, certified: Any, finite: jax.Array) -> Score:
    """As `score_of`, of the different rows of logits and how often each was seen.

    Args:
        logits: [P, C].
        count: of each row, by label, whole numbers [P, C'].
        certified: [] bool, whether every example has one of the rows and labels.
        finite: [] bool, whether the seed has not diverged.

    Returns:
        Leaves [], nats and a share; NaN where the seed has diverged or is not certified.
    """
    n_labels = min(count.shape[1], logits.shape[1])
    known = certified & finite & (jnp.sum(count[:, n_labels:]) == 0)
    n = jnp.sum(count).astype(jnp.float32)
    times = count[:, :n_labels].astype(jnp.float32)
    losses = jax.nn.logsumexp(logits, axis=1, keepdims=True) - logits[:, :n_labels]
    # A pattern that was not seen has no part in the loss, not even where its own is infinite.
    loss = jnp.sum(jnp.where(times > 0, times * losses, 0)) / n
    right = jnp.argmax(logits, axis=1)[:, None] == jnp.arange(n_labels)[None]
    accuracy = jnp.sum(jnp.where(right, count[:, :n_labels], 0)) / n
    return Score(jnp.where(known, loss, jnp.nan), jnp.where(known, accuracy, jnp.nan))


def batches_of(key: jax.Array, n: int, size: int | None) -> jax.Array:
    """The examples of each batch of an epoch, in a random order.

    Args:
        key: typed key.
        n: number of examples.
        size: examples of a batch; None is all.

    Returns:
        Indices, int32 [steps, size]; the last batch is filled with the first ones.

    Raises:
        ValueError: for a size above n.
    """
    size = n if size is None else size
    if size > n:
        raise ValueError(
            f"expected a batch size of at most {n} (the training examples), got {size}"
        )
    steps = -(-n // size)
    order = permutation(key, n)
    return order[jnp.arange(steps * size) % n].reshape(steps, size)


def _epoch(
    model: MeasuredModel, spec: TrainSpec, state: TrainState, data: Dataset, hyper: Hyper
) -> tuple[TrainState, GradientNorm]:
    """The state after one more epoch, and the gradient's norm over its steps."""
    data = jax.tree.map(jnp.asarray, data)
    key, shuffle = jax.random.split(state.key)
    rule = rule_of(spec, hyper)

    def step(carry: tuple, index: jax.Array) -> tuple[tuple, jax.Array]:
        variables, optimiser, finite = carry
        batch = Dataset(inputs_for(model, data.x[index]), data.y[index])
        variables, optimiser, norm = _step(model, rule, variables, optimiser, batch)
        return (variables, optimiser, finite & jnp.isfinite(norm)), norm

    batches = batches_of(shuffle, data.y.shape[0], spec.batch_size)
    carry = (state.variables, state.optimiser, state.finite)
    (variables, optimiser, finite), norms = jax.lax.scan(step, carry, batches)
    norm = GradientNorm(jnp.mean(norms), jnp.var(norms))
    return TrainState(variables, optimiser, key, finite), norm


def _step(
    model: MeasuredModel,
    rule: optax.GradientTransformation,
    variables: dict[str, Any],
    optimiser: Any,
    batch: Dataset,
) -> tuple[dict[str, Any], Any, jax.Array]:
    """(variables, optimiser's state, norm of the gradient) after one step."""

    def loss(params: Any) -> tuple[jax.Array, Any]:
        (logits, _), state = model.apply(
            variables | {"params": params}, batch.x, train=True, mutable=["batch_stats"]
        )
        return jnp.mean(_cross_entropy(logits, batch.y)), dict(state).get("batch_stats", {})

    (value, statistics), gradient = jax.value_and_grad(loss, has_aux=True)(variables["params"])
    direction, optimiser = rule.update(gradient, optimiser, variables["params"])
    params = optax.apply_updates(variables["params"], direction)
    norm = jnp.sqrt(sum(map(_squares, jax.tree.leaves(gradient))))
    # 0 * loss makes the norm NaN where the loss is not finite, so that one number says both.
    return {"params": params, "batch_stats": statistics}, optimiser, norm + 0 * value


def _squares(gradient: jax.Array) -> jax.Array:
    """The sum of squares: a product, which XLA:CPU computes in half the time of a sum."""
    rows = gradient.shape[0] if gradient.ndim else 1
    squares = (gradient * gradient).reshape(rows, -1)
    ones = jnp.ones((1, rows), squares.dtype)
    return jnp.sum(jnp.matmul(ones, squares, precision=jax.lax.Precision.HIGHEST))


def _cross_entropy(logits: jax.Array, y: Any) -> jax.Array:
    return optax.softmax_cross_entropy_with_integer_labels(logits, y)
