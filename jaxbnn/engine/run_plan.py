"""What all blocks of a run share, and which seeds make a block.

A run is of experiments that one program trains: they differ in name, seeds, learning rate and decay
alone. A block may hold seeds of several of them.
"""

import bisect
import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn import data
from jaxbnn.config import codec
from jaxbnn.config.experiment import Experiment
from jaxbnn.data import Split
from jaxbnn.engine import provenance, seeds_last
from jaxbnn.engine.devices import Device
from jaxbnn.engine.program import Block, Inputs, ProgramSpec, advance, prepare, start
from jaxbnn.engine.run_data import checksum_of, load_split, split_for_devices
from jaxbnn.engine.settings import check_settings, current_settings, matmul_precision
from jaxbnn.observe import kept
from jaxbnn.observe.probe import Probe
from jaxbnn.train.spec import Hyper


class SeedRange(NamedTuple):
    """Neighbouring seeds of a block that belong to one experiment."""

    number: int  # of the experiment, among the plan's
    seeds: tuple[int, ...]


BlockSeeds = tuple[SeedRange, ...]  # all seeds of a block


@dataclasses.dataclass(frozen=True)
class RunPlan:
    """What all blocks of a run share."""

    experiments: tuple[Experiment, ...]
    folders: tuple[Path, ...]
    data_root: str | Path | None
    split: Split  # every seed's, or seed 0's where each has its own
    checksum: str  # of that split: it names the data
    program: ProgramSpec
    settings: Mapping[str, str]  # of JAX and XLA, where the run was called
    precision: str | None  # of products there: it holds in one thread
    provenance: Mapping[str, Any]  # the facts of this run

    @property
    def experiment(self) -> Experiment:
        """The first: what all of them share, but for name, seeds, root seed, learning rate and
        decay."""
        return self.experiments[0]

    @property
    def steps(self) -> int:
        """Steps of a block: one for the untrained network, then one an epoch."""
        return self.experiment.train.epochs + 1

    @property
    def kept_epochs(self) -> tuple[int, ...]:
        """The epochs at which a probe keeps activations or counts of units."""
        return kept.epochs(self.experiment.probes, self.experiment.train.epochs)

    def rows(self, step: int) -> int:
        """How many rows are recorded in the first `step` steps."""
        return bisect.bisect_left(self.experiment.epochs, step)

    def chunk_end(self, step: int, size: int) -> int:
        """Where a chunk of at most `size` steps from `step` on ends.

        Its rows fit into the program, and an epoch whose activations are kept ends it.
        """
        later = self.experiment.epochs[self.rows(step) + self.program.rows_per_chunk :]
        kept_at = [epoch + 1 for epoch in self.kept_epochs if epoch >= step]
        return min(self.steps, step + size, *later[:1], *kept_at[:1])

    def padded(self, block: BlockSeeds) -> list[tuple[Experiment, int]]:
        """The experiment and seed of each place of a block, the last repeated until it is full."""
        pairs = []
        for seed_range in block:
            experiment = self.experiments[seed_range.number]
            pairs += [(experiment, seed) for seed in seed_range.seeds]
        return pairs + [pairs[-1]] * (self.experiment.seeds_per_program - len(pairs))


def make_run_plan(
    experiments: Sequence[Experiment],
    folders: Sequence[Path],
    data_root: str | Path | None,
    devices: Sequence[Device],
) -> RunPlan:
    """The plan of a run.

    Args:
        experiments: as `config.normal` gives them.
        folders: of each experiment, where its results go.
        data_root: where data files are.
        devices: to run on, of one kind.

    Raises:
        ValueError: where data and experiment do not go together, or JAX has settings under which
            no run is comparable with others.
    """
    check_settings()
    platform = devices[0].platform
    experiment = experiments[0]
    split = load_split(experiment, data_root, 0)
    model = experiment.model
    n_inputs = math.prod(split.train.x.shape[1:])
    n_seeds = experiment.seeds_per_program
    # These numbers are traced or the host's: no part of the program.
    train = dataclasses.replace(experiment.train, epochs=1, learning_rate=1.0, decay=0.0)
    program = ProgramSpec(
        model,
        train,
        tuple(_in_program(probe) for probe in experiment.probes),
        classes=split.n_classes,
        split_per_seed=data.is_per_seed(experiment.data),
        one_by_one=platform == "cpu",
        seeds_last=seeds_last.pays(model, experiment.train, n_inputs, n_seeds, platform),
    )
    checksum = checksum_of(experiment, data_root, split)
    if not program.split_per_seed and not program.seeds_last:
        split = split_for_devices(experiment, data_root, split)
    return RunPlan(
        tuple(experiments),
        tuple(folders),
        data_root,
        split,
        checksum,
        program,
        current_settings(),
        matmul_precision(),
        provenance.facts(devices),
    )


def by_program(experiments: Sequence[Experiment]) -> list[tuple[Experiment, ...]]:
    """The experiments in groups that differ in name, seeds, root seed, learning rate and decay
    alone: one program trains each."""
    groups: dict[str, list[Experiment]] = {}
    for experiment in experiments:
        spec = dataclasses.replace(experiment.train, learning_rate=1.0, decay=0.0)
        shared = codec.digest(dataclasses.replace(experiment, train=spec, root_seed=0))
        groups.setdefault(shared, []).append(experiment)
    return [tuple(group) for group in groups.values()]


def _in_program(probe: Probe) -> Probe:
    """The probe without what is the host's alone: runs that differ in no more share a program."""
    return dataclasses.replace(
        probe, population=None, tolerance=0.1, unit_counts_at=(), activations_at=()
    )


def try_program(plan: RunPlan, device: Device) -> None:
    """Traces the program on shapes alone, so that what cannot be run raises here.

    JAX keeps the trace: the run on this device does not make it again.

    Raises:
        ValueError: for a layer that a probe cannot name, an estimator that cannot take it, or a
            sample that is too large.
    """
    with jax.default_device(device):
        split, hyper, scheduled = _on_host(plan, of_first([0]))
        # `start` and `prepare` have options of the compiler: JAX refuses them within another trace.
        block = start.eval_shape(plan.program, keys_of(plan, of_first([0])), split)
        reference, moments = prepare.eval_shape(plan.program, split)
        inputs = Inputs(split, reference, moments, hyper, scheduled)
        jax.eval_shape(partial(advance, plan.program), block, np.int32(1), inputs)


def count_networks(block: BlockSeeds) -> int:
    """How many networks a block trains."""
    return sum(len(seed_range.seeds) for seed_range in block)


def of_first(seeds: Iterable[int]) -> BlockSeeds:
    """A block of seeds of a plan's first experiment."""
    return (SeedRange(0, tuple(seeds)),)


def blocks_of(
    missing: Sequence[Sequence[int]],
    seeds_per_program: int,
    checkpointed: Iterable[tuple[SeedRange, int]] = (),
) -> list[BlockSeeds]:
    """The missing seeds in blocks.

    Args:
        missing: of each experiment, the seeds without a result.
        seeds_per_program: how many seeds a block holds.
        checkpointed: seed ranges that have a checkpoint, and its step. They go on with others of
            that step, so that nothing is trained twice.

    Returns:
        The blocks, in order.
    """
    left = [list(seeds) for seeds in missing]
    by_step: dict[int, list[SeedRange]] = {}
    for seed_range, step in checkpointed:
        mine = left[seed_range.number]
        if len(seed_range.seeds) <= seeds_per_program and set(seed_range.seeds) <= set(mine):
            by_step.setdefault(step, []).append(seed_range)
            left[seed_range.number] = [seed for seed in mine if seed not in seed_range.seeds]
    pairs = []
    for number, seeds in enumerate(left):
        pairs += [(number, seed) for seed in seeds]
    blocks = []
    for first in range(0, len(pairs), seeds_per_program):
        blocks.append(_ranges_of(pairs[first : first + seeds_per_program]))
    for seed_ranges in by_step.values():
        blocks += _packed(sorted(seed_ranges), seeds_per_program)
    return sorted(blocks)


def _ranges_of(pairs: Sequence[tuple[int, int]]) -> BlockSeeds:
    """(number, seed) pairs as a block."""
    ranges = []
    for number, group in itertools.groupby(pairs, key=lambda pair: pair[0]):
        ranges.append(SeedRange(number, tuple(seed for _, seed in group)))
    return tuple(ranges)


def _packed(seed_ranges: Sequence[SeedRange], seeds_per_program: int) -> list[BlockSeeds]:
    """Seed ranges in blocks, as many in each as there is room for."""
    blocks: list[BlockSeeds] = []
    room = 0
    for seed_range in seed_ranges:
        if len(seed_range.seeds) > room:
            blocks.append(())
            room = seeds_per_program
        blocks[-1] += (seed_range,)
        room -= len(seed_range.seeds)
    return blocks


def inputs_of(plan: RunPlan, block: BlockSeeds, device: Device) -> Inputs:
    """The program's inputs on a device, for this block."""
    split, hyper, scheduled = jax.device_put(_on_host(plan, block), device)
    reference, moments = prepare(plan.program, split)
    return Inputs(split, reference, moments, hyper, scheduled)


def hyper_of(plan: RunPlan, block: BlockSeeds) -> Hyper:
    """The seeds' learning rates and decays on the host: all that differs between blocks of one
    split."""
    specs = [experiment.train for experiment, _ in plan.padded(block)]
    rates = np.array([spec.learning_rate for spec in specs], np.float32)
    decays = np.array([spec.decay for spec in specs], np.float32)
    return Hyper(rates, decays)


def _on_host(plan: RunPlan, block: BlockSeeds) -> tuple[Split, Hyper, np.ndarray]:
    """(split, hyper, scheduled) on the host."""
    split = plan.split
    if plan.program.split_per_seed:
        seeds = [seed for _, seed in plan.padded(block)]
        splits = {seed: load_split(plan.experiment, plan.data_root, seed) for seed in set(seeds)}
        split = jax.tree.map(lambda *parts: np.stack(parts), *(splits[seed] for seed in seeds))
    scheduled = np.zeros(plan.steps, np.bool_)
    scheduled[list(plan.experiment.epochs)] = True
    return split, hyper_of(plan, block), scheduled


def initial_block(plan: RunPlan, block: BlockSeeds, inputs: Inputs, device: Device) -> Block:
    """A block before its first step."""
    return start(plan.program, jax.device_put(keys_of(plan, block), device), inputs.split)


def shapes_of(plan: RunPlan, inputs: Inputs) -> Block:
    """A block's tree of shapes and dtypes."""
    keys = keys_of(plan, of_first([0]))
    return start.eval_shape(plan.program, keys, inputs.split)


def keys_of(plan: RunPlan, block: BlockSeeds) -> jax.Array:
    """The seeds' typed keys: fold_in(key(root_seed), seed), each with its experiment's root."""
    keys = []
    for experiment, seed in plan.padded(block):
        root = jax.random.key(experiment.root_seed, impl="threefry2x32")
        keys.append(jax.random.fold_in(root, seed))
    return jnp.stack(keys)
