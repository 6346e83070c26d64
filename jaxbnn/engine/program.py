"""The compiled program that trains, measures and records a block of seeds: the only vmap over
seeds.

A block is `seeds_per_program` seeds advanced together on one device. The program's shape never
depends on which seeds run, so neither do a seed's bits. Every step but the first trains one epoch;
steps whose epoch is scheduled then measure and record.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxbnn.data import Split
from jaxbnn.engine import seeds_last
from jaxbnn.info import plane
from jaxbnn.info.arrays import AnyArray
from jaxbnn.info.estimators.protocol import TableRows, WeightedRows
from jaxbnn.info.plane import InfoPlane
from jaxbnn.nn import InputMoments
from jaxbnn.observe import diagnostics
from jaxbnn.observe.diagnostics import Diagnostics
from jaxbnn.observe.normalisation import input_moments
from jaxbnn.observe.passing import Passing
from jaxbnn.observe.probe import PARTS, Probe, layers_of, sample_size
from jaxbnn.observe.record import Recorded, Series, encoder, recorder
from jaxbnn.observe.view import viewer
from jaxbnn.observe.wanted import View
from jaxbnn.train.spec import Hyper, TrainSpec
from jaxbnn.train.trainer import (
    GradientNorm,
    Score,
    Trainer,
    TrainState,
    score_of,
    trainer,
    weighted_score,
)

MAX_ROWS = 2**22  # seeds x examples whose spectra are made together: 100 MB for six layers


class Block(NamedTuple):
    """What a block carries from chunk to chunk; leaves of state have the seeds' axis in front."""

    step: jax.Array  # [] int32, steps done
    state: TrainState


class Rows(NamedTuple):
    """What a chunk has recorded: R rows, the first `planes[0].rows` of them filled."""

    planes: tuple[InfoPlane, ...]  # one a probe, values [S, R, L, F]
    spectra: tuple[jax.Array, ...]  # one a probe, [S, R, L, 4, M] int32
    series: jax.Array  # [S, R, 6] float32, the columns are Series' fields
    diagnostics: jax.Array | None  # [S, R, L, 6] float32, the columns are Diagnostics' fields


class Measured(NamedTuple):
    """What one seed reports of one epoch."""

    probes: tuple[Recorded, ...]
    series: jax.Array  # [6] float32
    diagnostics: jax.Array | None  # [L, 6] float32


class LastEpoch(NamedTuple):
    """What a seed's epoch, which is measured, has been."""

    norm: GradientNorm  # leaves []
    epoch: jax.Array  # [] int32
    before: Any  # the parameters before it


class Inputs(NamedTuple):
    """What the compiled program is given and never changes."""

    split: Split
    reference: Any  # the probes'
    moments: InputMoments | None  # of the training set's inputs
    hyper: Hyper  # leaves [S]
    scheduled: AnyArray  # [T + 1] bool, the epochs that are measured


@dataclass(frozen=True)
class ProgramSpec:
    """The static half of a program: equal specs and shapes share one compilation."""

    model: Any  # a Linen module that is a MeasuredModel; an MLP where the seeds are last
    train: TrainSpec
    probes: tuple[Probe, ...]
    classes: int  # all labels are below it
    split_per_seed: bool
    one_by_one: bool  # measure seed after seed (CPU), not all at once
    seeds_last: bool = False  # small networks on a CPU: the seeds' axis is the last
    rows_per_chunk: int = 32  # measured rows that one call of `advance` holds

    @property
    def passing(self) -> Passing | None:
        """What is seen for the network's diagnostics alone; None: it has none."""
        return diagnostics.passing_of(self.model, self.probes[0])

    def trainer(self, split: Split) -> Trainer:
        """The trainer of one seed."""
        return trainer(self.model, self.train, split.train.x[:1])

    def over_seeds(self, one: Callable, one_by_one: bool = False) -> Callable:
        """one(shared, *own) of every seed: `shared` is all seeds', or each has its own split."""
        axis = 0 if self.split_per_seed else None
        if not one_by_one:
            return lambda shared, *own: jax.vmap(one, (axis,) + (0,) * len(own))(shared, *own)
        if self.split_per_seed:
            return lambda shared, *own: jax.lax.map(lambda seed: one(*seed), (shared, *own))
        return lambda shared, *own: jax.lax.map(lambda seed: one(shared, *seed), own)


# What runs once a block is not worth the time that XLA's last optimisations take.
_ONCE = {"xla_backend_optimization_level": 1}


@partial(jax.jit, static_argnames=("program",), compiler_options=_ONCE)
def prepare(program: ProgramSpec, split: Split) -> tuple[Any, InputMoments | None]:
    """The probes' reference for the split, or for each seed's split, and the inputs' moments."""

    def one(split: Split) -> tuple[Any, InputMoments | None]:
        reference = recorder(program.probes, program.classes)[0]
        return reference(split), input_moments(program.model, split)

    return jax.lax.map(one, split) if program.split_per_seed else one(split)


@partial(jax.jit, static_argnames=("program",), compiler_options=_ONCE)
def start(program: ProgramSpec, keys: jax.Array, split: Split) -> Block:
    """A block before its first step; keys [S]."""
    with jax.threefry_partitionable(True):
        init = program.over_seeds(lambda split, key: program.trainer(split).init(key))
        return Block(jnp.int32(0), init(split, keys))


@partial(jax.jit, static_argnames=("program",), donate_argnames=("block",))
def advance(
    program: ProgramSpec, block: Block, until: jax.Array, inputs: Inputs
) -> tuple[Block, Rows]:
    """The block after step `until` - 1, and the rows recorded on the way.

    `until` is traced, so that any chunk is this program. At most `rows_per_chunk` epochs of a chunk
    may be scheduled: later rows would be dropped.
    """
    train = _trainer(program)
    observe = _observer(program, inputs)
    unset = jnp.full(inputs.hyper.decay.shape, jnp.nan, jnp.float32)
    no_norm = GradientNorm(unset, unset)
    params = block.state.variables["params"]
    none = LastEpoch(no_norm, jnp.zeros_like(unset, jnp.int32), params)
    _, shapes = jax.eval_shape(observe, block.state, none)

    def step(epoch: jax.Array, carry: tuple[TrainState, Rows]) -> tuple[TrainState, Rows]:
        state, rows = carry
        before = state.variables["params"]
        # Step 0 trains no epoch: it records the untrained network.
        state, norm = jax.lax.fori_loop(
            0,
            jnp.minimum(epoch, 1),
            lambda _, trained: train(inputs.split, trained[0], inputs.hyper),
            (state, no_norm),
        )

        def measure(rows: Rows) -> tuple[jax.Array, Rows]:
            last = LastEpoch(norm, jnp.full(unset.shape, epoch), before)
            finite, measured = observe(state, last)
            return finite, _with_row(rows, epoch, measured)

        finite, rows = jax.lax.cond(
            inputs.scheduled[epoch], measure, lambda rows: (state.finite, rows), rows
        )
        return state._replace(finite=finite), rows

    carry = (block.state, _no_rows(program, shapes))
    state, rows = jax.lax.fori_loop(block.step, until, step, carry)
    return Block(until, state), rows


@partial(jax.jit, static_argnames=("program", "probes"))
def activations(
    program: ProgramSpec, probes: tuple[Probe, ...], block: Block, inputs: Inputs
) -> dict[str, tuple]:
    """Probe -> its layers' packed activations now, Rows with leaves [S, N, ...]; invalid where a
    seed has diverged."""

    def of_seed(data: tuple, state: TrainState) -> dict[str, tuple]:
        rows = encoder(program.model, probes)(data[0], state.variables, data[1])
        return jax.tree.map(
            lambda leaf: leaf & state.finite if leaf.dtype == jnp.bool_ else leaf, rows
        )

    of_seeds = program.over_seeds(of_seed, program.one_by_one)
    return of_seeds((inputs.split, inputs.moments), block.state)


def _no_rows(program: ProgramSpec, shapes: Measured) -> Rows:
    """Rows of which none is filled; shapes: of what all seeds report of one epoch."""
    room = program.rows_per_chunk
    n_seeds = shapes.series.shape[0]
    planes = []
    for probe in program.probes:
        one = plane.empty(room, len(layers_of(program.model, probe)))
        values = jnp.broadcast_to(one.values, (n_seeds, *one.values.shape))
        planes.append(one._replace(values=values))

    def unfilled(shape: jax.Array | jax.ShapeDtypeStruct) -> jax.Array:
        return jnp.zeros((n_seeds, room, *shape.shape[1:]), shape.dtype)

    spectra = tuple(unfilled(recorded.spectra) for recorded in shapes.probes)
    return Rows(
        tuple(planes), spectra, unfilled(shapes.series), jax.tree.map(unfilled, shapes.diagnostics)
    )


def _with_row(rows: Rows, epoch: jax.Array, measured: Measured) -> Rows:
    """The rows with one more, of all seeds."""
    place = rows.planes[0].rows
    append = jax.vmap(plane.append, (_SEEDS, None, 0), _SEEDS)
    set_row = jax.vmap(plane.set_row, (0, None, 0))
    values = [recorded.values for recorded in measured.probes]
    new = (
        tuple(recorded.spectra for recorded in measured.probes),
        measured.series,
        measured.diagnostics,
    )
    kept = jax.tree.map(lambda old, row: set_row(old, place, row), rows[1:], new)
    planes = tuple(append(one, epoch, row) for one, row in zip(rows.planes, values, strict=True))
    return Rows(planes, *kept)


_SEEDS = InfoPlane._make((None, 0, None))  # no arrays: which axis of each field is the seeds'


def _trainer(program: ProgramSpec) -> Callable:
    """All seeds after one epoch: (split, state, hyper) -> (state, norm)."""

    def one(split: Split, state: TrainState, hyper: Hyper) -> tuple[TrainState, GradientNorm]:
        return program.trainer(split).epoch(state, split.train, hyper)

    def all_last(split: Split, state: TrainState, hyper: Hyper) -> tuple[TrainState, GradientNorm]:
        return seeds_last.epoch(program.model, program.train, split.train, state, hyper)

    def train(split: Split, state: TrainState, hyper: Hyper) -> tuple[TrainState, GradientNorm]:
        with jax.threefry_partitionable(True):  # whatever the user's setting: it changes the bits
            way = all_last if program.seeds_last else program.over_seeds(one)
            return way(split, state, hyper)

    return train


def _observer(program: ProgramSpec, inputs: Inputs) -> Callable:
    """All seeds' (finite, Measured): (state, LastEpoch) -> these."""
    shared = inputs.split, inputs.reference, inputs.moments
    wanted = (program.model, program.probes, PARTS, program.passing, program.classes)
    report = partial(_report, program)
    if program.seeds_last:
        look = seeds_last.viewer(*wanted)

        def observe_all(state: TrainState, last: LastEpoch) -> tuple[jax.Array, Measured]:
            view = look(inputs.split, state.variables, inputs.moments)
            scores = _scores(seeds_last.score_of, view, inputs.split, state)
            n_rows = state.finite.size * sample_size(inputs.split, "all")
            slow_together = n_rows > MAX_ROWS or _are_examples_counted(view)
            one_by_one = program.one_by_one and slow_together
            of_seeds = program.over_seeds(report, one_by_one)
            return of_seeds(shared, view._replace(logits={}), scores, state, last)

        return observe_all

    def observe(shared: tuple, state: TrainState, last: LastEpoch) -> tuple[jax.Array, Measured]:
        split, _, moments = shared
        view = viewer(*wanted)(split, state.variables, moments)
        return report(shared, view, _scores(_score_of, view, split, state), state, last)

    return partial(program.over_seeds(observe, program.one_by_one), shared)


def _scores(score: Callable, view: View, split: Split, state: TrainState) -> tuple[Score, ...]:
    """The scores of both parts."""
    return tuple(score(view.logits[part], getattr(split, part).y, state.finite) for part in PARTS)


def _score_of(logits: jax.Array | WeightedRows, y: jax.Array, finite: jax.Array) -> Score:
    """One seed's score, of the examples' logits or of the different ones."""
    if isinstance(logits, WeightedRows):
        return weighted_score(logits.values, logits.count, logits.certified, finite)
    return score_of(logits, y, finite)


def _are_examples_counted(view: View) -> bool:
    """Whether a layer is counted by its examples, which is slow for all seeds at once on a CPU."""
    codes = [code for of_probe in view.codes.values() for code in of_probe]
    return not all(isinstance(code, (TableRows, WeightedRows)) for code in codes)


def _report(
    program: ProgramSpec,
    shared: tuple,
    view: View,
    scores: tuple[Score, ...],
    state: TrainState,
    last: LastEpoch,
) -> tuple[jax.Array, Measured]:
    """Whether the seed is still finite, and what it reports: nothing once it has diverged."""
    _, reference, _ = shared
    train, test = scores
    finite = state.finite & jnp.isfinite(train.loss) & jnp.isfinite(test.loss)
    recorded = recorder(program.probes, program.classes)[1](reference, view.codes)
    probes = tuple(_unless_diverged(finite, probe) for probe in recorded)
    series = Series(train.loss, test.loss, train.accuracy, test.accuracy, *last.norm)
    series = jnp.where(finite, jnp.stack(series), jnp.nan)
    return finite, Measured(probes, series, _diagnostics(program, view, state, finite, last))


def _unless_diverged(finite: jax.Array, recorded: Recorded) -> Recorded:
    unset = plane.to_columns(plane.NO_POINT)
    values = jnp.where(finite, recorded.values, unset[None])
    return Recorded(values, jnp.where(finite, recorded.spectra, 0))


def _diagnostics(
    program: ProgramSpec,
    view: View,
    state: TrainState,
    finite: jax.Array,
    last: LastEpoch,
) -> jax.Array | None:
    """The network's diagnostics at this epoch, [L, 6]."""
    if program.passing is None:
        return None
    hidden = view.codes[program.probes[0].name][:-1]
    params = state.variables["params"]
    now = diagnostics.measure(
        program.model, hidden, view.n_passing, last.before, params, program.train.latent_clip
    )
    now = now._replace(flips=jnp.where(last.epoch > 0, now.flips, jnp.nan))
    unset = _columns(diagnostics.none(len(hidden) + 1))
    return jnp.where(finite, _columns(now), unset)


def _columns(values: Diagnostics) -> jax.Array:
    """Diagnostics with leaves [L] as float32 [L, 6]."""
    return jnp.stack([jnp.asarray(leaf, jnp.float32) for leaf in values], axis=-1)
