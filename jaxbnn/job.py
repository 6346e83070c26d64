"""What all blocks of a run share, and how a block's inputs and its beginning are made."""

import bisect
import dataclasses
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn import data, lanes, snapshot
from jaxbnn.block import Block, Inputs, Plan, advance, prepare, start
from jaxbnn.config import Experiment
from jaxbnn.data import Split
from jaxbnn.observe import layers_of
from jaxbnn.train import Hyper


@dataclasses.dataclass(frozen=True)
class Job:
    """What all blocks of a run share."""

    experiment: Experiment
    folder: Path
    data_root: str | Path | None
    split: Split  # every seed's, or seed 0's where each has its own
    checksum: str  # of that split: it names the data
    plan: Plan

    @property
    def steps(self) -> int:
        """Steps of a block: one for the untrained network, then one an epoch."""
        return self.experiment.train.epochs + 1

    def rows(self, step: int) -> int:
        """How many rows are recorded in the first `step` steps."""
        return bisect.bisect_left(self.experiment.epochs, step)

    def until(self, step: int, size: int) -> int:
        """Where a chunk of at most `size` steps from `step` on ends: its rows' spectra fit, named epochs end it."""
        later = self.experiment.epochs[self.rows(step) + self.plan.room :]
        stored = [epoch + 1 for epoch in snapshot.epochs(self.experiment) if epoch >= step]
        return min(self.steps, step + size, *later[:1], *stored[:1])

    def lanes(self, seeds: Sequence[int]) -> list[int]:
        """The seeds, the last one repeated until the block is full."""
        return [*seeds, *[seeds[-1]] * (self.experiment.lanes - len(seeds))]


def make_job(experiment: Experiment, folder: Path, data_root: str | Path | None, platform: str) -> Job:
    """The job of an experiment as `config.normal` gives it, for devices of a platform: "cpu", "gpu", "tpu"."""
    split = _load(experiment, data_root, 0)
    numbers = {"epochs": 1, "learning_rate": 1.0, "decay": 0.0}  # traced or the host's: no part of the program
    n_inputs = math.prod(split.train.x.shape[1:])
    plan = Plan(
        experiment.model,
        dataclasses.replace(experiment.train, **numbers),
        tuple(_in_program(probe) for probe in experiment.probes),
        classes=split.n_classes,
        split_per_lane=data.is_per_seed(experiment.data),
        map_lanes=platform == "cpu",
        lanes_last=lanes.pays(experiment.model, n_inputs, experiment.train.batch_size, experiment.lanes, platform),
    )
    return Job(experiment, folder, data_root, split, data.checksum(split), plan)


def _in_program(probe):
    """The probe without what is the host's alone: runs that differ in no more share one program."""
    return dataclasses.replace(probe, population=None, tolerance=0.1, units=(), keep=())


def _load(experiment, data_root, seed):
    """The split of a seed; ValueError where data and experiment do not go together."""
    split = data.load(experiment.data, data_root, seed if data.is_per_seed(experiment.data) else None)
    n, size = len(split.train.y), experiment.train.batch_size
    if size is not None and size > n:
        raise ValueError(f"expected train.batch_size of at most {n} (the training examples), got {size}")
    if experiment.model.n_classes < split.n_classes:
        raise ValueError(
            f"expected model.n_classes >= {split.n_classes} (the data's), got {experiment.model.n_classes}"
        )
    for probe in experiment.probes:
        if probe.is_population(split) and getattr(probe.estimator, "correction", "none") != "none":
            raise ValueError(f"expected no correction in probe {probe.name!r}: its sample is the population")
    return split


def try_program(job: Job, device: jax.Device) -> None:
    """Traces the program on shapes alone: what a probe cannot name or an estimator cannot take raises here.

    JAX keeps the trace, so that the run on this device does not make it again.
    """
    with jax.default_device(device):
        split, row, hyper = _unplaced(job, [0])
        block = jax.eval_shape(starter(job), keys_of(job, [0]), split)
        reference = jax.eval_shape(partial(prepare, job.plan), split)
        jax.eval_shape(partial(advance, job.plan), block, np.int32(1), Inputs(split, reference, hyper, row))


def blocks_of(seeds: Sequence[int], lanes: int, begun: Sequence[tuple[int, ...]] = ()) -> list[tuple[int, ...]]:
    """The seeds in blocks of `lanes`: first those that were begun before, so that nothing is trained twice."""
    left, blocks = list(seeds), []
    for block in begun:
        if len(block) <= lanes and set(block) <= set(left):
            blocks.append(block)
            left = [seed for seed in left if seed not in block]
    return sorted(blocks + [tuple(left[i : i + lanes]) for i in range(0, len(left), lanes)])


def inputs_of(job: Job, seeds: Sequence[int], device: jax.Device) -> Inputs:
    """The program's inputs on a device, for a block of these seeds where each has its own split."""
    split, row, hyper = jax.device_put(_unplaced(job, seeds), device)
    return Inputs(split, prepare(job.plan, split), hyper, row)


def _unplaced(job, seeds):
    """(split, row, hyper) on the host."""
    split = job.split
    if job.plan.split_per_lane:
        splits = {seed: _load(job.experiment, job.data_root, seed) for seed in seeds}
        split = jax.tree.map(lambda *leaves: np.stack(leaves), *(splits[seed] for seed in job.lanes(seeds)))
    row = np.full(job.steps, -1, np.int32)
    row[list(job.experiment.epochs)] = np.arange(len(job.experiment.epochs))
    lanes, spec = job.experiment.lanes, job.experiment.train
    return split, row, Hyper(np.full(lanes, spec.learning_rate, np.float32), np.full(lanes, spec.decay, np.float32))


def beginning(job: Job, seeds: Sequence[int], inputs: Inputs, device: jax.Device) -> Block:
    """A block of these seeds before its first step."""
    return starter(job)(jax.device_put(keys_of(job, seeds), device), inputs.split)


def starter(job: Job) -> Callable[[jax.Array, Split], Block]:
    """The function from the lanes' keys and the split to the block before its first step."""
    n_layers = tuple(len(layers_of(job.experiment.model, probe)) for probe in job.experiment.probes)
    return partial(start, job.plan, n_rows=len(job.experiment.epochs), n_layers=n_layers)


def keys_of(job: Job, seeds: Sequence[int]) -> jax.Array:
    """The lanes' typed keys: fold_in(key(root_seed), seed)."""
    root = jax.random.key(job.experiment.root_seed, impl="threefry2x32")
    return jnp.stack([jax.random.fold_in(root, seed) for seed in job.lanes(seeds)])
