"""Training and seeing all lanes of a block of small networks at once, lanes on the last axis (see
`nn.lanes`).

The same networks, batches and rule as `train.trainer` vmapped over the lanes, up to the order of
float sums.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from jaxbnn.data import Dataset, Split
from jaxbnn.nn import MLP, seeds_last
from jaxbnn.observe.forward import View, look_through
from jaxbnn.observe.probe import OUTPUT, Probe
from jaxbnn.train.spec import Hyper, TrainSpec, rule_of
from jaxbnn.train.trainer import GradientNorm, Score, TrainState, batches_of

ROWS = 8192  # rows x lanes looked at together: their layers stay in the cache
MAX_BATCH = 128
FEWEST = 16  # lanes, from which this is faster than lanes in front: below them the vectors are not filled


def pays(model: Any, train: TrainSpec, n_inputs: int, n_seeds: int, platform: str) -> bool:
    """Whether to put the seeds last: measured on CPUs alone, 1.2 times faster with 16 seeds, 2 to
    2.5 with 32 or 64.

    A gradient is written out as a sum over the batch, so that large batches are left to the other
    way, and so is an optimiser of the user's own, which may join the numbers of a leaf.
    """
    if platform != "cpu" or n_seeds < FEWEST:
        return False
    if train.batch_size is None or train.batch_size > MAX_BATCH:
        return False
    return seeds_last.is_small(model, n_inputs) and seeds_last.is_elementwise(train.optimiser)


def epoch(
    model: MLP, spec: TrainSpec, data: Dataset, state: TrainState, hyper: Hyper
) -> tuple[TrainState, GradientNorm]:
    """All lanes after one epoch; leaves of state and hyper [S, ...], data shared ([N, ...]) or each
    lane's own."""
    n, n_lanes = data.y.shape[-1], hyper.decay.shape[0]
    keys, shuffles = jnp.moveaxis(jax.vmap(jax.random.split)(state.key), 1, 0)
    order = jax.vmap(partial(batches_of, n=n, size=spec.batch_size), out_axes=-1)(shuffles)
    columns = jnp.asarray(data.x).reshape(data.y.size, -1).T.astype(jnp.float32)
    if data.y.ndim == 2:  # each lane's own examples stand one lane behind the other
        order = order + n * jnp.arange(n_lanes, dtype=order.dtype).reshape(1, 1, n_lanes)
    labels, rule = jnp.asarray(data.y).reshape(-1), rule_of(spec, hyper)

    def step(carry, index):
        variables, optimiser, finite = carry
        x = jnp.stack(
            [column.at[index].get(mode="promise_in_bounds") for column in columns], axis=1
        )
        y = labels.at[index].get(mode="promise_in_bounds")
        variables, optimiser, norm = _step(model, rule, variables, optimiser, finite, x, y)
        return (variables, optimiser, finite & jnp.isfinite(norm)), norm

    carry = (*_last((state.variables, state.optimiser)), state.finite)
    (variables, optimiser, finite), norms = jax.lax.scan(step, carry, order)
    variables, optimiser = _first((variables, optimiser))
    return TrainState(variables, optimiser, keys, finite), GradientNorm(
        jnp.mean(norms, axis=0), jnp.var(norms, axis=0)
    )


def viewer(
    model: MLP, probes: Sequence[Probe], logits: Sequence[str] = ()
) -> Callable[[Split, Any], View]:
    """As `observe.viewer`, of all lanes: variables with leaves [S, ...] -> codes [S, ...], logits
    [N, C, S]."""

    def layers_of(variables, x):
        z, layers, _ = seeds_last.forward(model, variables, x, train=False)
        return (
            z,
            tuple(layers[name] for name in model.layer_names),
            layers | {OUTPUT: jax.nn.softmax(z, axis=1)},
        )

    def forward(variables, x):
        finite = jnp.any(jnp.isfinite(jax.tree.leaves(variables["params"])[0]))
        return once(finite, layers_of, variables, x)

    def encode(estimator, t):
        return jax.vmap(estimator.encode, in_axes=-1, out_axes=1)(t)

    def view(split: Split, variables: Any) -> View:
        n_lanes = jax.tree.leaves(variables)[0].shape[0]
        look = look_through(forward, probes, logits, encode, limit=max(1, ROWS // n_lanes))
        shared = split.train.y.ndim == 1
        train, test = (
            Dataset(_inputs(part.x, shared), part.y) for part in (split.train, split.test)
        )
        seen = look(split._replace(train=train, test=test), _last(variables))
        codes = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 1, 0), seen.codes)
        return View(codes, seen.logits)

    return view


def score_of(logits: jax.Array, y: jax.Array, finite: jax.Array) -> Score:
    """As `train.score_of`, of all lanes: logits [N, C, S], labels [N] or [S, N], finite [S] ->
    leaves [S]."""
    y = y[:, None] if y.ndim == 1 else y.T
    values = (
        seeds_last.mean(seeds_last.cross_entropy(logits, y)),
        seeds_last.mean((seeds_last.argmax(logits) == y).astype(jnp.float32)),
    )
    return Score(*(jnp.where(finite, value, jnp.nan) for value in values))


def once(alive: jax.Array, f: Callable, *arguments: Any) -> Any:
    """f(*arguments) where a lane is still alive, else NaN (0 for what has none).

    XLA:CPU computes a cheap array anew inside each of its readers, which costs more than reading it
    here; what goes into a branch, or comes out of one, is computed once.
    """
    shapes = jax.eval_shape(f, *arguments)
    missing = {True: jnp.nan, False: 0}
    nothing = jax.tree.map(
        lambda s: jnp.full(s.shape, missing[jnp.issubdtype(s.dtype, jnp.floating)], s.dtype), shapes
    )
    return jax.lax.cond(alive, f, lambda *_: nothing, *arguments)


def _step(model, rule, variables, optimiser, finite, x, y):
    def loss(params):
        logits, _, statistics = seeds_last.forward(
            model, variables | {"params": params}, x, train=True
        )
        each = seeds_last.mean(seeds_last.cross_entropy(logits, y))
        return jnp.sum(each), (each, statistics)  # a lane's weights move its own loss alone

    gradient, (losses, statistics) = jax.grad(loss, has_aux=True)(variables["params"])

    def update(gradient, params, optimiser):
        with jax.numpy_rank_promotion("allow"):  # the numbers of a lane [S] meet weights [..., S]
            change, optimiser = rule.update(gradient, optimiser, params)
        squares = [jnp.sum(g * g, axis=tuple(range(g.ndim - 1))) for g in jax.tree.leaves(gradient)]
        return jax.tree.map(jnp.add, params, change), optimiser, jnp.sqrt(sum(squares))

    params, optimiser, norm = once(
        jnp.any(finite), update, gradient, variables["params"], optimiser
    )
    return {"params": params, "batch_stats": statistics}, optimiser, norm + 0 * losses


def _inputs(x, shared):
    """x [N, ...] as [N, D, 1], or each lane's [S, N, ...] as [N, D, S]."""
    if shared:
        return x.reshape(x.shape[0], -1, 1).astype(jnp.float32)
    return jnp.moveaxis(x.reshape(*x.shape[:2], -1), 0, -1).astype(jnp.float32)


def _last(tree):
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1), tree)


def _first(tree):
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, -1, 0), tree)
