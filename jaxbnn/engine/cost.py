"""What a run takes on this machine, from its compiled program and a few timed seconds."""

import dataclasses
import math
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn.config import codec
from jaxbnn.config.experiment import Experiment
from jaxbnn.engine.devices import Device, workers
from jaxbnn.engine.program import Block, Inputs, advance
from jaxbnn.engine.run_plan import (
    BlockSeeds,
    RunPlan,
    blocks_of,
    initial_block,
    make_run_plan,
)
from jaxbnn.engine.shared_inputs import SharedInputs
from jaxbnn.files.limits import memory
from jaxbnn.storage import run_folder

TIMED_SECONDS = 2.0
MAX_SEEDS = 128  # a program, where the number is chosen here
MAX_TRIED = 4  # numbers that fit and are timed, the largest first


class Cost(NamedTuple):
    """What a run takes on this machine."""

    compile_seconds: float
    seconds: float  # without compilation
    bytes: int  # of the compiled programs that run at the same time


def estimate(
    *experiments: Experiment,
    data_root: str | Path | None = None,
    seconds: float = TIMED_SECONDS,
    devices: Sequence[Device] | None = None,
) -> Cost:
    """What experiments of one program take here: it is compiled, and a block on each device timed.

    Args:
        experiments: that differ in name, seeds, learning rate and decay alone.
        data_root: where data files are.
        seconds: to time a block for; with 0 nothing is run, and the time is NaN.
        devices: to run on, as `run` takes them.

    Returns:
        Seconds and bytes.

    Raises:
        MemoryError: before anything is run, where the programs do not fit into the devices' memory
            (see `largest_seeds_per_program`).
    """
    chosen = devices or workers()
    plan, blocks = _planned(experiments, data_root, chosen)
    busy = chosen[: len(blocks)]
    space = room(busy) // len(busy)
    with ThreadPoolExecutor(max_workers=len(busy)) as pool:
        shared = SharedInputs(plan)
        tried = list(pool.map(partial(_try_block, shared, seconds, space), blocks, busy))
    held = max(one.held for one in tried)
    if held > space:
        sizes = f"at most {space / 2**20:.0f} MiB (what a device has), got {held / 2**20:.0f} MiB"
        raise MemoryError(f"expected a program of {sizes}: fewer seeds a program take less")
    experiment = plan.experiment
    rounds = -(-len(blocks) // len(busy))
    training = experiment.train.epochs * max(one.epoch for one in tried)
    measuring = len(experiment.epochs) * max(one.measurement for one in tried)
    compiling = max(one.compiling for one in tried)
    return Cost(compiling, rounds * (training + measuring), len(busy) * held)


class Tried(NamedTuple):
    """What one block takes."""

    compiling: float  # seconds
    epoch: float  # seconds; NaN where it was not run
    measurement: float  # seconds
    held: int  # bytes


def _planned(
    experiments: Sequence[Experiment],
    data_root: str | Path | None,
    devices: Sequence[Device],
) -> tuple[RunPlan, list[BlockSeeds]]:
    """The plan of a run that writes nothing, and its blocks."""
    normal = [codec.normal(experiment) for experiment in experiments]
    plan = make_run_plan(normal, [], data_root, devices)
    seeds = [experiment.seeds for experiment in normal]
    return plan, blocks_of(seeds, plan.experiment.seeds_per_program)


def room(devices: Sequence[Device]) -> int:
    """Bytes that programs can have on these devices: a GPU's own memory, on CPUs what the machine
    has left."""
    stats = [device.memory_stats() for device in dict.fromkeys(devices)]
    limits = [own["bytes_limit"] for own in stats if own and "bytes_limit" in own]
    if limits:
        return sum(limits)
    info = Path("/proc/meminfo")
    left = re.search(r"MemAvailable: +(\d+) kB", info.read_text()) if info.exists() else None
    return 1024 * int(left[1]) if left else memory()


def _try_block(
    shared: SharedInputs, seconds: float, space: int, block: BlockSeeds, device: Device
) -> Tried:
    """What this block takes; it is run where it fits and `seconds` is not 0."""
    plan = shared.plan
    began = time.perf_counter()
    with jax.default_device(device), jax.default_matmul_precision(plan.precision):
        inputs = shared.of(block, device)
        begin = partial(initial_block, plan, block, inputs, device)
        compiled = advance.lower(plan.program, begin(), np.int32(1), inputs).compile()
        compiling = time.perf_counter() - began
        held = _held(compiled.memory_analysis())
        if not seconds or held > space:
            return Tried(compiling, math.nan, math.nan, held)
        return Tried(compiling, *_timed(seconds, compiled, begin, inputs), held)


def largest_seeds_per_program(
    *experiments: Experiment,
    data_root: str | Path | None = None,
    devices: Sequence[Device] | None = None,
) -> int:
    """The largest number of seeds a program, below the experiments', that fits into a device; 0
    where none does.

    Memory grows by about as much with each seed, so that few numbers have to be compiled.
    """
    first = experiments[0].seeds_per_program
    n_seeds = sum(len(experiment.seeds) for experiment in experiments)
    busy = (devices or workers())[: -(-n_seeds // first)]
    space = room(busy) // len(busy)

    def held_by(seeds_per_program: int) -> int:
        changed = [
            dataclasses.replace(experiment, seeds_per_program=seeds_per_program)
            for experiment in experiments
        ]
        plan, blocks = _planned(changed, data_root, busy)
        return _try_block(SharedInputs(plan), 0, space, blocks[0], busy[0]).held

    fits, held_by_fits = 0, 0
    too_many, held_by_too_many = first, held_by(first)
    while too_many - fits > 1:
        share = (space - held_by_fits) / (held_by_too_many - held_by_fits)
        guess = fits + int(share * (too_many - fits))
        guess = min(max(guess, fits + 1), too_many - 1)
        held = held_by(guess)
        if held <= space:
            fits, held_by_fits = guess, held
        else:
            too_many, held_by_too_many = guess, held
    return fits


def _held(memory: Any) -> int:
    """Bytes that one program holds: arguments, results that are no arguments, and what it needs in
    between."""
    returned = memory.output_size_in_bytes - memory.alias_size_in_bytes
    return memory.argument_size_in_bytes + returned + memory.temp_size_in_bytes


def _timed(
    seconds: float, compiled: Any, begin: Callable[[], Block], inputs: Inputs
) -> tuple[float, float]:
    """Seconds of an epoch and of a measurement, warm where they are short.

    Step 0 only measures; the epochs after it are silent.
    """
    silent = inputs._replace(scheduled=jnp.zeros_like(inputs.scheduled))

    def timed(block: Block, until: int, inputs: Inputs) -> tuple[Block, float]:
        began = time.perf_counter()
        block, _ = jax.block_until_ready(compiled(block, np.int32(until), inputs))
        return block, time.perf_counter() - began

    block, measurement = timed(begin(), 1, inputs)
    block, first = timed(block, 2, silent)
    if first > seconds:
        return first, measurement
    n = 1 + int(seconds / max(first, 1e-4))
    _, epochs = timed(block, 2 + n, silent)
    _, measurement = timed(begin(), 1, inputs)
    return epochs / n, measurement


def choose_seeds_per_program(
    experiment: Experiment,
    out: str | Path,
    data_root: str | Path | None = None,
    say: Callable[[str], None] = print,
    devices: Sequence[Device] | None = None,
) -> int:
    """How many seeds one program should train together, here.

    That of a run in OUT that differs in nothing else, else the power of two that is fastest here
    and fits: each is compiled and timed for seconds. A seed's bits depend on the number, so it is
    looked for first: the run's folder is found again, on any machine.

    Args:
        experiment: what is to be run.
        out: where run folders are.
        data_root: where data files are.
        say: gets a line for each number that is tried.
        devices: to run on, as `run` takes them.

    Raises:
        MemoryError: where not even one seed fits.
    """
    known = _seeds_per_program_of_a_run(experiment, Path(out) / experiment.name, say)
    if known is not None:
        return known
    chosen = devices or workers()
    needed = -(-len(experiment.seeds) // (jax.process_count() * len(chosen)))
    seconds: dict[int, float] = {}
    for n_seeds in candidates(needed):
        try:
            one = dataclasses.replace(experiment, seeds_per_program=n_seeds)
            seconds[n_seeds] = estimate(one, data_root=data_root, devices=chosen).seconds
        except MemoryError:
            say(f"{n_seeds} seeds a program: too large for the memory")
            if n_seeds == 1:
                raise
            continue
        say(f"{n_seeds} seeds a program: about {seconds[n_seeds]:.0f} s")
        if len(seconds) == MAX_TRIED:
            break
    return min(seconds, key=lambda n_seeds: seconds[n_seeds])


def _seeds_per_program_of_a_run(
    experiment: Experiment, folder: Path, say: Callable[[str], None]
) -> int | None:
    """That of a run in the folder which differs in nothing else; None without one."""
    for path in sorted(folder.glob("*/config.json")):
        before = run_folder.read_config(path.parent)
        same = dataclasses.replace(before, seeds_per_program=experiment.seeds_per_program)
        if not codec.changes(same, experiment):
            say(f"{before.seeds_per_program} seeds a program, as in {path.parent}")
            return before.seeds_per_program
    return None


def candidates(needed: int) -> list[int]:
    """Powers of two, from the first that holds the seeds of a device down to 1."""
    return [2**k for k in range(7, -1, -1) if 2**k < 2 * needed and 2**k <= MAX_SEEDS]
