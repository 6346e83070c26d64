"""One block of seeds: the compiled program that trains, measures and records it. The only vmap over seeds.

A block is `lanes` seeds advanced together on one device. The program's shape never depends on which seeds run, so
neither do a seed's bits. Every step but the first trains one epoch; steps whose epoch is scheduled then measure and
record.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen

from jaxbnn import health, lanes
from jaxbnn.data import Split
from jaxbnn.health import Health
from jaxbnn.info import plane
from jaxbnn.info.plane import NO_POINT, InfoPlane, Point
from jaxbnn.observe import PARTS, Probe, Spectra, encoder, recorder, viewer
from jaxbnn.train import GradientNorm, Hyper, TrainSpec, TrainState, score_of, trainer


class Series(NamedTuple):
    """One seed's curves, leaves [E] float32; NaN where nothing is recorded and from divergence on."""

    train_loss: jax.Array
    test_loss: jax.Array
    train_accuracy: jax.Array
    test_accuracy: jax.Array
    gradient_norm_mean: jax.Array
    gradient_norm_variance: jax.Array


class Record(NamedTuple):
    """What one seed reports."""

    planes: tuple[InfoPlane, ...]  # one a probe
    series: Series
    health: Health | None  # leaves [E, L]; None where the network has none


class Row(NamedTuple):
    """What one seed reports of one epoch: an entry of each leaf of its Record."""

    points: tuple[Point, ...]  # one a probe, leaves [L]
    series: Series  # leaves []
    health: Health | None  # leaves [L]


class Block(NamedTuple):
    """What a block carries; leaves of state and record have the axis of lanes in front."""

    step: jax.Array  # [] int32, steps done
    state: TrainState
    record: Record


class Inputs(NamedTuple):
    """What the compiled program is given and never changes."""

    split: Split
    reference: Any
    hyper: Hyper  # leaves [lanes]
    row: jax.Array  # [T + 1] int32, the row that records epoch e, -1 where none does


@dataclass(frozen=True)
class Plan:
    """The static half of a program: equal plans and shapes share one compilation."""

    model: linen.Module
    train: TrainSpec
    probes: tuple[Probe, ...]
    classes: int  # all labels are below it
    split_per_lane: bool
    map_lanes: bool  # measure lane after lane (CPU), not all at once
    lanes_last: bool = False  # train and look at all lanes with their axis last: small networks on a CPU
    room: int = 32  # measured rows whose spectra one call of `advance` holds

    @property
    def passing(self) -> Probe | None:
        """What is seen for the network's health alone."""
        return health.probe_of(self.model, self.probes[0])

    def trainer(self, split: Split):
        """The trainer of one lane."""
        return trainer(self.model, self.train, split.train.x[:1])

    def over_lanes(self, f: Callable, one_by_one: bool = False) -> Callable:
        """f(split, reference, *lane) for every lane; split and reference are shared unless each lane has its own."""
        axis = 0 if self.split_per_lane else None
        if not one_by_one:
            return lambda shared, *lanes: jax.vmap(f, (axis,) + (0,) * len(lanes))(shared, *lanes)
        if self.split_per_lane:
            return lambda shared, *lanes: jax.lax.map(lambda each: f(*each), (shared, *lanes))
        return lambda shared, *lanes: jax.lax.map(lambda each: f(shared, *each), lanes)


@partial(jax.jit, static_argnames=("plan",))
def prepare(plan: Plan, split: Split):
    """The probes' reference for the split, or for each lane's split."""
    reference = recorder(plan.probes, plan.classes)[0]
    return jax.lax.map(reference, split) if plan.split_per_lane else reference(split)


@partial(jax.jit, static_argnames=("plan", "n_rows", "n_layers"))
def start(plan: Plan, keys: jax.Array, split: Split, n_rows: int, n_layers: tuple[int, ...]) -> Block:
    """A block before its first step; keys [lanes]."""
    with jax.threefry_partitionable(True):
        state = plan.over_lanes(lambda split, key: plan.trainer(split).init(key))(split, keys)
    unset = jnp.full(n_rows, jnp.nan, jnp.float32)
    planes = tuple(plane.empty(n_rows, n) for n in n_layers)
    fitness = _repeated(health.none(n_layers[0]), n_rows) if plan.passing else None
    record = Record(planes, Series(*[unset] * len(Series._fields)), fitness)
    return Block(jnp.int32(0), state, _repeated(record, keys.shape[0]))


@partial(jax.jit, static_argnames=("plan",), donate_argnames=("block",))
def advance(plan: Plan, block: Block, until: jax.Array, inputs: Inputs) -> tuple[Block, tuple[Spectra, ...]]:
    """The block after step `until` - 1: epochs trained, rows recorded. `until` is traced: any chunk is this program.

    With it come the spectra of the rows recorded on the way, one Spectra a probe, leaves [lanes, room, L, M]: the first
    row first. There may be at most `plan.room` of them.
    """
    train, observe = _trainer(plan), _observer(plan, inputs)
    unset = jnp.full(inputs.hyper.decay.shape, jnp.nan, jnp.float32)
    first = block.record.planes[0].rows[0]
    norm, params = GradientNorm(unset, unset), block.state.variables["params"]
    *_, spectra = jax.eval_shape(observe, block.state, norm, jnp.zeros(unset.shape, jnp.int32), params)
    spectra = jax.tree.map(lambda s: jnp.zeros((s.shape[0], plan.room, *s.shape[1:]), s.dtype), spectra)

    def step(i, carry):
        state, record, spectra = carry
        before = state.variables["params"]
        # Step 0 trains no epoch: it records the untrained network.
        state, norm = jax.lax.fori_loop(
            0,
            jnp.minimum(i, 1),
            lambda _, c: train(inputs.split, c[0], inputs.hyper),
            (state, GradientNorm(unset, unset)),
        )

        def measured(record, spectra):
            epoch, place = jnp.full(unset.shape, i), inputs.row[i] - first
            finite, row, new = observe(state, norm, epoch, before)
            held = jax.tree.map(lambda held, now: held.at[:, place].set(now), spectra, new)
            return finite, jax.vmap(_write)(record, epoch, row), held

        finite, record, spectra = jax.lax.cond(
            inputs.row[i] >= 0, measured, lambda record, spectra: (state.finite, record, spectra), record, spectra
        )
        return state._replace(finite=finite), record, spectra

    state, record, spectra = jax.lax.fori_loop(block.step, until, step, (block.state, block.record, spectra))
    return Block(until, state, record), spectra


@partial(jax.jit, static_argnames=("plan", "probes"))
def snapshot(plan: Plan, probes: tuple[Probe, ...], block: Block, split: Split):
    """Probe -> its layers' packed activations now, Rows with leaves [lanes, N, ...]; invalid where a seed diverged."""

    def of_lane(split, state):
        rows = encoder(plan.model, probes)(split, state.variables)
        return jax.tree.map(lambda leaf: leaf & state.finite if leaf.dtype == jnp.bool_ else leaf, rows)

    return plan.over_lanes(of_lane, plan.map_lanes)(split, block.state)


def _trainer(plan):
    """All lanes after one epoch: (split, state, hyper) -> (state, norm)."""

    def one(split, state, hyper):
        return plan.trainer(split).epoch(state, split.train, hyper)

    def all_last(split, state, hyper):
        return lanes.epoch(plan.model, plan.train, split.train, state, hyper)

    def train(split, state, hyper):
        with jax.threefry_partitionable(True):  # whatever the user's setting: it is part of a seed's bits
            return (all_last if plan.lanes_last else plan.over_lanes(one))(split, state, hyper)

    return train


def _observer(plan, inputs):
    """All lanes' (finite, row, spectra) of an epoch: (state, norm, epoch, params before it) -> these."""
    shared = inputs.split, inputs.reference
    probes = (*plan.probes, *filter(None, [plan.passing]))
    report = plan.over_lanes(partial(_report, plan), plan.map_lanes)
    if plan.lanes_last:
        look = lanes.viewer(plan.model, probes, PARTS)

        def observe_all(state, *rest):
            view = look(inputs.split, state.variables)
            return report(shared, view.codes, _scores(lanes.score_of, view, inputs.split, state), state, *rest)

        return observe_all

    def observe(shared, state, *rest):
        view = viewer(plan.model, probes, PARTS)(shared[0], state.variables)
        return _report(plan, shared, view.codes, _scores(score_of, view, shared[0], state), state, *rest)

    return partial(plan.over_lanes(observe, plan.map_lanes), shared)


def _scores(score, view, split, state):
    """The scores of both parts."""
    return tuple(score(view.logits[part], getattr(split, part).y, state.finite) for part in PARTS)


def _report(plan, shared, codes, scores, state, norm, epoch, before):
    """Whether the seed is still finite, what it reports of this epoch, and that row's spectra.

    All of it is unset once the seed has diverged.
    """
    _, reference = shared
    train, test = scores
    finite = state.finite & jnp.isfinite(train.loss) & jnp.isfinite(test.loss)
    points, spectra = recorder(plan.probes, plan.classes)[1](reference, codes)
    points = jax.tree.map(lambda p, unset: jnp.where(finite, p, unset), points, (NO_POINT,) * len(points))
    spectra = jax.tree.map(lambda s: jnp.where(finite, s, 0), spectra)
    series = Series(train.loss, test.loss, train.accuracy, test.accuracy, norm.mean, norm.variance)
    series = jax.tree.map(lambda value: jnp.where(finite, value, jnp.nan), series)
    return finite, Row(points, series, _fitness(plan, codes, state, finite, epoch, before)), spectra


def _fitness(plan, codes, state, finite, epoch, before):
    """The network's health at this epoch."""
    if plan.passing is None:
        return None
    hidden, passing = codes[plan.probes[0].name][:-1], codes[plan.passing.name]
    now = health.measure(plan.model, hidden, passing, before, state.variables["params"], plan.train.latent_limit)
    now = now._replace(flips=jnp.where(epoch > 0, now.flips, jnp.nan))
    return jax.tree.map(lambda value, none: jnp.where(finite, value, none), now, health.none(len(hidden) + 1))


def _write(record, epoch, row):
    """One seed's record with one more row."""
    place = record.planes[0].rows
    planes = tuple(plane.record(each, epoch, point) for each, point in zip(record.planes, row.points, strict=True))
    curves = jax.tree.map(lambda leaf, value: leaf.at[place].set(value), (record.series, record.health), tuple(row[1:]))
    return Record(planes, *curves)


def _repeated(tree, times):
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (times, *leaf.shape)), tree)
