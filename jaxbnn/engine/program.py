"""One block of seeds: the compiled program that trains, measures and records it. The only vmap over
seeds.

A block is `lanes` seeds advanced together on one device. The program's shape never depends on which
seeds run, so neither do a seed's bits. Every step but the first trains one epoch; steps whose epoch
is scheduled then measure and record.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen

from jaxbnn.data import Split
from jaxbnn.engine import seeds_last
from jaxbnn.info.plane import NO_POINT, Point
from jaxbnn.info.spectrum import Spectrum
from jaxbnn.observe import diagnostics, words
from jaxbnn.observe.diagnostics import Diagnostics
from jaxbnn.observe.forward import viewer
from jaxbnn.observe.probe import PARTS, Probe, layers_of
from jaxbnn.observe.record import Spectra, encoder, recorder
from jaxbnn.train.spec import Hyper, TrainSpec
from jaxbnn.train.trainer import GradientNorm, TrainState, score_of, trainer


class Series(NamedTuple):
    """One seed's scores at an epoch, leaves [] float32; NaN where nothing is recorded and from
    divergence on."""

    train_loss: jax.Array
    test_loss: jax.Array
    train_accuracy: jax.Array
    test_accuracy: jax.Array
    gradient_norm_mean: jax.Array
    gradient_norm_variance: jax.Array


class Record(NamedTuple):
    """What one seed reports of one epoch; of several, or of many seeds, its leaves have their axes
    in front."""

    points: tuple[Point, ...]  # one a probe, leaves [L]
    series: Series  # leaves []
    health: Diagnostics | None  # leaves [L]; None where the network has none


class Block(NamedTuple):
    """What a block carries; leaves of state have the axis of lanes in front."""

    step: jax.Array  # [] int32, steps done
    state: TrainState
    rows: jax.Array  # [lanes, E, F] uint32: each epoch's Record as words


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
    lanes_last: bool = (
        False  # train and look at all lanes with their axis last: small networks on a CPU
    )
    room: int = 32  # measured rows whose spectra one call of `advance` holds

    @property
    def passing(self) -> Probe | None:
        """What is seen for the network's health alone."""
        return diagnostics.probe_of(self.model, self.probes[0])

    @property
    def unset(self) -> Record:
        """What a seed reports where it has nothing to report."""
        n_layers = [len(layers_of(self.model, probe)) for probe in self.probes]
        points = tuple(
            jax.tree.map(lambda unset, n=n: np.full(n, unset), NO_POINT) for n in n_layers
        )
        fitness = diagnostics.none(n_layers[0]) if self.passing else None
        return Record(points, Series(*[np.float32("nan")] * len(Series._fields)), fitness)

    def trainer(self, split: Split):
        """The trainer of one lane."""
        return trainer(self.model, self.train, split.train.x[:1])

    def over_lanes(self, f: Callable, one_by_one: bool = False) -> Callable:
        """f(split, reference, *lane) for every lane; split and reference are shared unless each
        lane has its own."""
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


@partial(jax.jit, static_argnames=("plan", "n_rows"))
def start(plan: Plan, keys: jax.Array, split: Split, n_rows: int) -> Block:
    """A block before its first step, with room for so many rows; keys [lanes]."""
    with jax.threefry_partitionable(True):
        state = plan.over_lanes(lambda split, key: plan.trainer(split).init(key))(split, keys)
    empty = words.pack(plan.unset)
    return Block(
        jnp.int32(0), state, jnp.broadcast_to(empty, (keys.shape[0], n_rows, *empty.shape))
    )


def spectra_of(numbers: np.ndarray) -> Spectra:
    """A probe's spectra as `advance` returns them: [..., 4, L, M] -> leaves [..., L, M]."""
    t, n_t, ty, n_ty = (numbers[..., i, :, :] for i in range(4))
    return Spectra(Spectrum(t, n_t), Spectrum(ty, n_ty))


def record_of(plan: Plan, rows: jax.Array) -> Record:
    """What a block has recorded, on the host: rows [..., F] -> leaves [..., L] or [...]; unset
    where it has not yet."""
    return words.unpack(np.asarray(rows), plan.unset)


@partial(jax.jit, static_argnames=("plan",), donate_argnames=("block",))
def advance(
    plan: Plan, block: Block, until: jax.Array, inputs: Inputs
) -> tuple[Block, tuple[jax.Array, ...]]:
    """The block after step `until` - 1: epochs trained, rows recorded. `until` is traced: any chunk
    is this program.

    With it come the spectra of the rows recorded on the way, for each probe [lanes, room, 4, L, M]
    for `spectra_of`: the first row first. There may be at most `plan.room` of them: later ones
    would overwrite the last.
    """
    train, observe = _trainer(plan), _observer(plan, inputs)
    unset = jnp.full(inputs.hyper.decay.shape, jnp.nan, jnp.float32)
    first = jnp.sum(
        (inputs.row >= 0) & (jnp.arange(inputs.row.shape[0]) < block.step)
    )  # rows recorded before
    norm, params = GradientNorm(unset, unset), block.state.variables["params"]
    *_, spectra = jax.eval_shape(
        observe, block.state, norm, jnp.zeros(unset.shape, jnp.int32), params
    )
    spectra = jax.tree.map(
        lambda s: jnp.zeros((s.shape[0], plan.room, *s.shape[1:]), s.dtype), spectra
    )

    def step(i, carry):
        state, rows, spectra = carry
        before = state.variables["params"]
        # Step 0 trains no epoch: it records the untrained network.
        state, norm = jax.lax.fori_loop(
            0,
            jnp.minimum(i, 1),
            lambda _, c: train(inputs.split, c[0], inputs.hyper),
            (state, GradientNorm(unset, unset)),
        )

        def measured(rows, spectra):
            finite, row, new = observe(state, norm, jnp.full(unset.shape, i), before)
            held = jax.tree.map(
                lambda held, now: _written(held, now, inputs.row[i] - first), spectra, new
            )
            return finite, _written(rows, row, inputs.row[i]), held

        finite, rows, spectra = jax.lax.cond(
            inputs.row[i] >= 0,
            measured,
            lambda rows, spectra: (state.finite, rows, spectra),
            rows,
            spectra,
        )
        return state._replace(finite=finite), rows, spectra

    state, rows, spectra = jax.lax.fori_loop(
        block.step, until, step, (block.state, block.rows, spectra)
    )
    return Block(until, state, rows), spectra


@partial(jax.jit, static_argnames=("plan", "probes"))
def snapshot(plan: Plan, probes: tuple[Probe, ...], block: Block, split: Split):
    """Probe -> its layers' packed activations now, Rows with leaves [lanes, N, ...]; invalid where
    a seed diverged."""

    def of_lane(split, state):
        rows = encoder(plan.model, probes)(split, state.variables)
        return jax.tree.map(
            lambda leaf: leaf & state.finite if leaf.dtype == jnp.bool_ else leaf, rows
        )

    return plan.over_lanes(of_lane, plan.map_lanes)(split, block.state)


def _trainer(plan):
    """All lanes after one epoch: (split, state, hyper) -> (state, norm)."""

    def one(split, state, hyper):
        return plan.trainer(split).epoch(state, split.train, hyper)

    def all_last(split, state, hyper):
        return seeds_last.epoch(plan.model, plan.train, split.train, state, hyper)

    def train(split, state, hyper):
        with jax.threefry_partitionable(
            True
        ):  # whatever the user's setting: it is part of a seed's bits
            return (all_last if plan.lanes_last else plan.over_lanes(one))(split, state, hyper)

    return train


def _observer(plan, inputs):
    """All lanes' (finite, words, spectra) of an epoch: (state, norm, epoch, params before it) ->
    these."""
    shared = inputs.split, inputs.reference
    probes = (*plan.probes, *filter(None, [plan.passing]))
    report = plan.over_lanes(partial(_report, plan), plan.map_lanes)
    if plan.lanes_last:
        look = seeds_last.viewer(plan.model, probes, PARTS)

        def observe_all(state, *rest):
            view = look(inputs.split, state.variables)
            return report(
                shared,
                view.codes,
                _scores(seeds_last.score_of, view, inputs.split, state),
                state,
                *rest,
            )

        return observe_all

    def observe(shared, state, *rest):
        view = viewer(plan.model, probes, PARTS)(shared[0], state.variables)
        return _report(
            plan, shared, view.codes, _scores(score_of, view, shared[0], state), state, *rest
        )

    return partial(plan.over_lanes(observe, plan.map_lanes), shared)


def _scores(score, view, split, state):
    """The scores of both parts."""
    return tuple(score(view.logits[part], getattr(split, part).y, state.finite) for part in PARTS)


def _report(plan, shared, codes, scores, state, norm, epoch, before):
    """Whether the seed is still finite, its Record of this epoch as words, and that row's spectra.

    All of it is unset once the seed has diverged.
    """
    _, reference = shared
    train, test = scores
    finite = state.finite & jnp.isfinite(train.loss) & jnp.isfinite(test.loss)
    points, spectra = recorder(plan.probes, plan.classes)[1](reference, codes)
    points = jax.tree.map(
        lambda p, unset: jnp.where(finite, p, unset), points, (NO_POINT,) * len(points)
    )
    spectra = tuple(jnp.where(finite, jnp.stack(jax.tree.leaves(each)), 0) for each in spectra)
    series = Series(train.loss, test.loss, train.accuracy, test.accuracy, norm.mean, norm.variance)
    series = jax.tree.map(lambda value: jnp.where(finite, value, jnp.nan), series)
    record = Record(points, series, _fitness(plan, codes, state, finite, epoch, before))
    return finite, words.pack(record), spectra


def _fitness(plan, codes, state, finite, epoch, before):
    """The network's health at this epoch."""
    if plan.passing is None:
        return None
    hidden, passing = codes[plan.probes[0].name][:-1], codes[plan.passing.name]
    now = diagnostics.measure(
        plan.model, hidden, passing, before, state.variables["params"], plan.train.latent_clip
    )
    now = now._replace(flips=jnp.where(epoch > 0, now.flips, jnp.nan))
    return jax.tree.map(
        lambda value, none: jnp.where(finite, value, none), now, diagnostics.none(len(hidden) + 1)
    )


def _written(rows, row, place):
    """Rows [lanes, E, ...] with this one, [lanes, ...], at a place."""
    return jax.lax.dynamic_update_index_in_dim(rows, row, place, axis=1)
