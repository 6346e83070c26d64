"""What all blocks of a run share, and how a block's inputs and its beginning are made.

A run is of experiments that one program trains: they differ in name, seeds, learning rate and decay
alone.
"""

import bisect
import dataclasses
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn import data
from jaxbnn.config.experiment import Experiment
from jaxbnn.data import Split
from jaxbnn.engine import kept, seeds_last
from jaxbnn.engine.program import Block, Inputs, Plan, advance, prepare, start
from jaxbnn.train.spec import Hyper


class Piece(NamedTuple):
    """Neighbouring lanes of a block that belong to one experiment."""

    number: int  # of the experiment, among the job's
    seeds: tuple[int, ...]


Pieces = tuple[Piece, ...]  # a block's


@dataclasses.dataclass(frozen=True)
class Job:
    """What all blocks of a run share."""

    experiments: tuple[Experiment, ...]
    folders: tuple[Path, ...]
    data_root: str | Path | None
    split: Split  # every seed's, or seed 0's where each has its own
    checksum: str  # of that split: it names the data
    plan: Plan

    @property
    def experiment(self) -> Experiment:
        """The first: what all of them share, but for name, seeds, learning rate and decay."""
        return self.experiments[0]

    @property
    def steps(self) -> int:
        """Steps of a block: one for the untrained network, then one an epoch."""
        return self.experiment.train.epochs + 1

    def rows(self, step: int) -> int:
        """How many rows are recorded in the first `step` steps."""
        return bisect.bisect_left(self.experiment.epochs, step)

    def until(self, step: int, size: int) -> int:
        """Where a chunk of at most `size` steps from `step` on ends: its rows' spectra fit, named
        epochs end it."""
        later = self.experiment.epochs[self.rows(step) + self.plan.room :]
        stored = [epoch + 1 for epoch in kept.epochs(self.experiment) if epoch >= step]
        return min(self.steps, step + size, *later[:1], *stored[:1])

    def lanes(self, block: Pieces) -> list[tuple[Experiment, int]]:
        """The experiment and seed of each lane, the last repeated until the block is full."""
        pairs = [(self.experiments[piece.number], seed) for piece in block for seed in piece.seeds]
        return [*pairs, *[pairs[-1]] * (self.experiment.seeds_per_program - len(pairs))]


def make_job(
    experiments: Sequence[Experiment],
    folders: Sequence[Path],
    data_root: str | Path | None,
    platform: str,
) -> Job:
    """The job of experiments as `config.normal` gives them, for devices of a platform: "cpu",
    "gpu", "tpu"."""
    experiment = experiments[0]
    split = _load(experiment, data_root, 0)
    numbers = {
        "epochs": 1,
        "learning_rate": 1.0,
        "decay": 0.0,
    }  # traced or the host's: no part of the program
    n_inputs = math.prod(split.train.x.shape[1:])
    plan = Plan(
        experiment.model,
        dataclasses.replace(experiment.train, **numbers),
        tuple(_in_program(probe) for probe in experiment.probes),
        classes=split.n_classes,
        split_per_lane=data.is_per_seed(experiment.data),
        map_lanes=platform == "cpu",
        lanes_last=seeds_last.pays(
            experiment.model,
            experiment.train,
            n_inputs,
            experiment.seeds_per_program,
            platform,
        ),
    )
    return Job(tuple(experiments), tuple(folders), data_root, split, data.checksum(split), plan)


def _in_program(probe):
    """The probe without what is the host's alone: runs that differ in no more share one program."""
    return dataclasses.replace(
        probe, population=None, tolerance=0.1, unit_counts_at=(), activations_at=()
    )


def _load(experiment, data_root, seed):
    """The split of a seed; ValueError where data and experiment do not go together."""
    split = data.load(
        experiment.data, data_root, seed if data.is_per_seed(experiment.data) else None
    )
    n, size = len(split.train.y), experiment.train.batch_size
    if size is not None and size > n:
        raise ValueError(
            f"expected train.batch_size of at most {n} (the training examples), got {size}"
        )
    if experiment.model.n_classes < split.n_classes:
        raise ValueError(
            f"expected model.n_classes >= {split.n_classes} (the data's), got {experiment.model.n_classes}"
        )
    for probe in experiment.probes:
        if probe.is_population(split) and getattr(probe.estimator, "correction", "none") != "none":
            raise ValueError(
                f"expected no correction in probe {probe.name!r}: its sample is the population"
            )
    return split


def try_program(job: Job, device: jax.Device) -> None:
    """Traces the program on shapes alone: what a probe cannot name or an estimator cannot take
    raises here.

    JAX keeps the trace, so that the run on this device does not make it again.
    """
    with jax.default_device(device):
        split, row, hyper = _unplaced(job, alone([0]))
        block = jax.eval_shape(starter(job), keys_of(job, alone([0])), split)
        reference = jax.eval_shape(partial(prepare, job.plan), split)
        jax.eval_shape(
            partial(advance, job.plan), block, np.int32(1), Inputs(split, reference, hyper, row)
        )


def alone(seeds: Iterable[int]) -> Pieces:
    """A block of a job's first experiment."""
    return (Piece(0, tuple(seeds)),)


def blocks_of(
    missing: Sequence[Sequence[int]], lanes: int, begun: Iterable[tuple[Piece, int]] = ()
) -> list[Pieces]:
    """The missing seeds of each experiment in blocks of `lanes`.

    begun: pieces that have a checkpoint and its step: they go on with others of that step, so that
    nothing is trained twice. The rest follows in order.
    """
    left, by_step = [list(seeds) for seeds in missing], {}
    for piece, step in begun:
        if len(piece.seeds) <= lanes and set(piece.seeds) <= set(left[piece.number]):
            by_step.setdefault(step, []).append(piece)
            left[piece.number] = [seed for seed in left[piece.number] if seed not in piece.seeds]
    pairs = [(number, seed) for number, seeds in enumerate(left) for seed in seeds]
    fresh = [_pieces(pairs[i : i + lanes]) for i in range(0, len(pairs), lanes)]
    return sorted(
        [
            *fresh,
            *(block for pieces in by_step.values() for block in _together(sorted(pieces), lanes)),
        ]
    )


def _pieces(pairs):
    """(number, seed) pairs as a block."""
    by_number = itertools.groupby(pairs, key=lambda pair: pair[0])
    return tuple(Piece(number, tuple(seed for _, seed in of)) for number, of in by_number)


def _together(pieces, lanes):
    """Pieces in blocks, as many in each as there is room for."""
    blocks = []
    for piece in pieces:
        if not blocks or sum(len(each.seeds) for each in (*blocks[-1], piece)) > lanes:
            blocks.append(())
        blocks[-1] += (piece,)
    return blocks


def inputs_of(job: Job, block: Pieces, device: jax.Device) -> Inputs:
    """The program's inputs on a device, for this block."""
    split, row, hyper = jax.device_put(_unplaced(job, block), device)
    return Inputs(split, prepare(job.plan, split), hyper, row)


def hyper_of(job: Job, block: Pieces) -> Hyper:
    """The lanes' learning rates and decays, on the host: all that differs between blocks of one
    split."""
    specs = [experiment.train for experiment, _ in job.lanes(block)]
    values = zip(*((spec.learning_rate, spec.decay) for spec in specs), strict=True)
    return Hyper(*(np.array(each, np.float32) for each in values))


def _unplaced(job, block):
    """(split, row, hyper) on the host."""
    split = job.split
    if job.plan.split_per_lane:
        seeds = [seed for _, seed in job.lanes(block)]
        splits = {seed: _load(job.experiment, job.data_root, seed) for seed in set(seeds)}
        split = jax.tree.map(lambda *leaves: np.stack(leaves), *(splits[seed] for seed in seeds))
    row = np.full(job.steps, -1, np.int32)
    row[list(job.experiment.epochs)] = np.arange(len(job.experiment.epochs))
    return split, row, hyper_of(job, block)


def beginning(job: Job, block: Pieces, inputs: Inputs, device: jax.Device) -> Block:
    """A block before its first step."""
    return starter(job)(jax.device_put(keys_of(job, block), device), inputs.split)


def starter(job: Job) -> Callable[[jax.Array, Split], Block]:
    """The function from the lanes' keys and the split to the block before its first step."""
    return partial(start, job.plan, n_rows=len(job.experiment.epochs))


def keys_of(job: Job, block: Pieces) -> jax.Array:
    """The lanes' typed keys: fold_in(key(root_seed), seed)."""
    root = jax.random.key(job.experiment.root_seed, impl="threefry2x32")
    return jnp.stack([jax.random.fold_in(root, seed) for _, seed in job.lanes(block)])
