"""Trains and measures all seeds of a block of small networks at once, the seeds on the last axis.

The same networks, batches and rule as `train.trainer` vmapped over the seeds, up to the order of
float sums (see `nn.seeds_last`).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from jaxbnn.data import Dataset, Split
from jaxbnn.info.arrays import AnyArray
from jaxbnn.info.estimators.protocol import WeightedRows
from jaxbnn.info.tables import all_patterns
from jaxbnn.nn import MLP, InputMoments, Step, real_inputs, seeds_last
from jaxbnn.nn.steps import mlp_steps
from jaxbnn.observe.forward import Layers, layers_of_values, through
from jaxbnn.observe.layout import Layout
from jaxbnn.observe.normalisation import by_layer
from jaxbnn.observe.passing import Passing
from jaxbnn.observe.probe import Part, Probe
from jaxbnn.observe.view import view_of
from jaxbnn.observe.wanted import View, Wanted, Ways
from jaxbnn.train.spec import Hyper, TrainSpec, rule_of
from jaxbnn.train.trainer import (
    GradientNorm,
    Score,
    TrainState,
    batches_of,
    weighted_score,
)

MAX_ROWS = 8192  # rows x seeds evaluated together: their layers stay in the cache
PATTERN_ROWS = 32  # times as many where their patterns alone are wanted: layers are not kept
MAX_BATCH = 128  # a gradient is written out as a sum over the batch
MIN_SEEDS = 16  # below them the vectors of a CPU are not filled


def pays(model: Any, train: TrainSpec, n_inputs: int, n_seeds: int, platform: str) -> bool:
    """Whether to put the seeds last.

    Measured on CPUs alone: 1.2 times faster with 16 seeds, 2 to 2.5 with 32 or 64. An optimiser of
    the user's own may join the numbers of a leaf, so that it is left to the other way.

    Args:
        model: of the experiment.
        train: how it is trained.
        n_inputs: of the network.
        n_seeds: trained together.
        platform: of the device: "cpu", "gpu" or "tpu".
    """
    if platform != "cpu" or n_seeds < MIN_SEEDS:
        return False
    if train.batch_size is None or train.batch_size > MAX_BATCH:
        return False
    return seeds_last.is_small(model, n_inputs) and seeds_last.is_elementwise(train.optimiser)


def epoch(
    model: MLP, spec: TrainSpec, data: Dataset, state: TrainState, hyper: Hyper
) -> tuple[TrainState, GradientNorm]:
    """All seeds after one epoch.

    Args:
        model: that `nn.seeds_last` takes.
        spec: how it is trained.
        data: all seeds' ([N, ...]) or each seed's own ([S, N, ...]).
        state: leaves [S, ...].
        hyper: leaves [S].

    Returns:
        The state, leaves [S, ...], and the gradient's norm over the steps, leaves [S].
    """
    keys, shuffles = jnp.moveaxis(jax.vmap(jax.random.split)(state.key), 1, 0)
    order = _order(data, shuffles, spec.batch_size)
    x = jnp.asarray(real_inputs(data.x))
    columns = x.reshape(data.y.size, -1).T.astype(jnp.float32)
    labels = jnp.asarray(data.y).reshape(-1)
    rule = rule_of(spec, hyper)

    def step(carry: tuple, index: jax.Array) -> tuple[tuple, jax.Array]:
        variables, optimiser, finite = carry
        taken = [_rows_at(column, index) for column in columns]
        x = jnp.stack(taken, axis=1)
        y = _rows_at(labels, index)
        variables, optimiser, norm = _step(model, rule, variables, optimiser, finite, (x, y))
        return (variables, optimiser, finite & jnp.isfinite(norm)), norm

    carry = (*_last((state.variables, state.optimiser)), state.finite)
    (variables, optimiser, finite), norms = jax.lax.scan(step, carry, order)
    variables, optimiser = _first((variables, optimiser))
    norm = GradientNorm(jnp.mean(norms, axis=0), jnp.var(norms, axis=0))
    return TrainState(variables, optimiser, keys, finite), norm


def _order(data: Dataset, shuffles: jax.Array, batch_size: int | None) -> jax.Array:
    """Which rows each step takes, [steps, B, S]."""
    n = data.y.shape[-1]
    n_seeds = shuffles.shape[0]
    order = jax.vmap(partial(batches_of, n=n, size=batch_size), out_axes=-1)(shuffles)
    if data.y.ndim == 1:
        return order
    # Each seed's own examples stand behind those of the seed before.
    return order + n * jnp.arange(n_seeds, dtype=order.dtype).reshape(1, 1, n_seeds)


def _rows_at(values: jax.Array, index: jax.Array) -> jax.Array:
    return values.at[index].get(mode="promise_in_bounds")


def viewer(
    model: MLP,
    probes: Sequence[Probe],
    logits: Sequence[Part] = (),
    passing: Passing | None = None,
    classes: int | None = None,
) -> Callable[..., View]:
    """As `observe.viewer`, of all seeds: variables with leaves [S, ...] -> leaves [S, ...], but
    logits of examples [N, C, S]."""
    wanted = Wanted(model, tuple(probes), tuple(logits), passing)

    def steps(variables: Any) -> tuple[Step, ...]:
        return mlp_steps(model, variables, seeds_last.dense)

    def forward(variables: Any, x: jax.Array, n_layers: int | None) -> Layers:
        return _layers(model, n_layers, variables, x)

    def view(split: Split, variables: Any, inputs: InputMoments | None = None) -> View:
        n_seeds = jax.tree.leaves(variables)[0].shape[0]
        limit = max(1, MAX_ROWS // n_seeds)
        layout = SEEDS_LAST._replace(limit=limit, pattern_limit=PATTERN_ROWS * limit)
        shared = split.train.y.ndim == 1
        train = split.train._replace(x=_inputs(split.train.x, shared))
        test = split.test._replace(x=_inputs(split.test.x, shared))
        normalise = partial(by_layer, model, steps, layout)
        tabled = steps if model.steps is not None else None
        look = view_of(wanted, Ways(forward, normalise, tabled, layout, classes))
        if inputs is not None:
            inputs = _first_moments(inputs, shared)
        return look(split._replace(train=train, test=test), _last(variables), inputs)

    return view


def _first_moments(inputs: InputMoments, shared: bool) -> InputMoments:
    """Of inputs [D], or each seed's [S, D], as of [D, 1] or [D, S]."""
    return jax.tree.map(lambda leaf: leaf[..., None], inputs) if shared else _last(inputs)


def _layers(model: MLP, n_layers: int | None, variables: Any, x: jax.Array) -> Layers:
    """The first layers at x [B, D, S], and the submodules by their names."""
    values = through(mlp_steps(model, variables, seeds_last.dense)[:n_layers], x)
    layers = layers_of_values(values, model.layer_names)
    named = {}
    for i, value in enumerate(values, 1):
        name = str(i) if i <= len(model.widths) else "output"
        named[f"dense_{name}"] = value.product
        if model.normalise:
            named[f"norm_{name}"] = value.preactivation
    return layers._replace(named=layers.named | named)


def _encode(estimator: Any, t: jax.Array) -> Any:
    """Codes [B, S, ...] of a layer [B, D, S]."""
    return jax.vmap(estimator.encode, in_axes=-1, out_axes=1)(t)


def _second_to_first(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 1, 0), tree)


def _per_seed(f: Callable, own: bool) -> Callable:
    """f(shared, *own) seed after seed: scatters of all seeds at once are slower."""
    if own:
        return lambda *arguments: jax.lax.map(lambda seed: f(*seed), arguments)
    return lambda shared, *arguments: jax.lax.map(lambda seed: f(shared, *seed), arguments)


def _computed_once(variables: Any, f: Callable, x: jax.Array) -> Any:
    finite = jnp.any(jnp.isfinite(jax.tree.leaves(variables["params"])[0]))
    return once(finite, f, x, unset=-1)


def _patterns(n_units: int) -> jax.Array:
    """All patterns [P, D, 1]."""
    return all_patterns(n_units)[:, :, None]


def _last(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1), tree)


def _first(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, -1, 0), tree)


SEEDS_LAST = Layout(
    _encode, _second_to_first, _first, _per_seed, jax.vmap, _computed_once, _patterns
)


def score_of(logits: jax.Array | WeightedRows, y: jax.Array, finite: jax.Array) -> Score:
    """As `train.score_of`, of all seeds: logits [N, C, S] or with leaves [S, ...], labels [N] or
    [S, N], finite [S] -> leaves [S]."""
    if isinstance(logits, WeightedRows):
        return jax.vmap(weighted_score)(logits.values, logits.count, logits.certified, finite)
    y = y[:, None] if y.ndim == 1 else y.T
    loss = seeds_last.mean(seeds_last.cross_entropy(logits, y))
    accuracy = seeds_last.mean((seeds_last.argmax(logits) == y).astype(jnp.float32))
    return Score(jnp.where(finite, loss, jnp.nan), jnp.where(finite, accuracy, jnp.nan))


def once(alive: jax.Array, f: Callable, *arguments: Any, unset: int = 0) -> Any:
    """f(*arguments) where a seed is still alive, else NaN, `unset` of int32, and 0 of other types.

    XLA:CPU computes a cheap array again inside each of its readers, which costs more than reading
    it here; what goes into a branch, or comes out of one, is computed once.
    """
    shapes = jax.eval_shape(f, *arguments)

    def missing(shape: jax.ShapeDtypeStruct) -> jax.Array:
        value = jnp.nan if jnp.issubdtype(shape.dtype, jnp.floating) else 0
        if shape.dtype == jnp.int32:
            value = unset
        return jnp.full(shape.shape, value, shape.dtype)

    nothing = jax.tree.map(missing, shapes)
    return jax.lax.cond(alive, f, lambda *_: nothing, *arguments)


def _step(
    model: MLP,
    rule: Any,
    variables: Any,
    optimiser: Any,
    finite: jax.Array,
    batch: tuple[jax.Array, jax.Array],
) -> tuple[Any, Any, jax.Array]:
    """(variables, optimiser, the gradient's norms [S]) after one batch (x, y)."""
    x, y = batch

    def loss(params: Any) -> tuple[jax.Array, tuple]:
        with_params = variables | {"params": params}
        logits, _, statistics = seeds_last.forward(model, with_params, x, train=True)
        losses = seeds_last.mean(seeds_last.cross_entropy(logits, y))
        return jnp.sum(losses), (losses, statistics)  # a seed's weights move its own loss alone

    gradient, (losses, statistics) = jax.grad(loss, has_aux=True)(variables["params"])

    def update(gradient: Any, params: Any, optimiser: Any) -> tuple[Any, Any, jax.Array]:
        with jax.numpy_rank_promotion("allow"):  # the numbers of a seed [S] meet weights [..., S]
            change, optimiser = rule.update(gradient, optimiser, params)
        squares = [jnp.sum(g * g, axis=tuple(range(g.ndim - 1))) for g in jax.tree.leaves(gradient)]
        return jax.tree.map(jnp.add, params, change), optimiser, jnp.sqrt(sum(squares))

    alive = jnp.any(finite)
    params, optimiser, norm = once(alive, update, gradient, variables["params"], optimiser)
    return {"params": params, "batch_stats": statistics}, optimiser, norm + 0 * losses


def _inputs(x: Any, shared: bool) -> AnyArray:
    """x [N, ...] as [N, D, 1], or each seed's [S, N, ...] as [N, D, S]."""
    x = real_inputs(x)
    if shared:
        return x.reshape(x.shape[0], -1, 1).astype(jnp.float32)
    return jnp.moveaxis(x.reshape(*x.shape[:2], -1), 0, -1).astype(jnp.float32)
