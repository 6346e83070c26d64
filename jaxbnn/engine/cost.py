"""What a run takes on this machine, from its compiled program and a few timed seconds."""

import dataclasses
import math
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn import config
from jaxbnn.config.experiment import Experiment
from jaxbnn.engine.program import advance
from jaxbnn.engine.run_plan import beginning, blocks_of, inputs_of, make_job
from jaxbnn.files.atomic import memory

TIMED_SECONDS = 2.0


class Cost(NamedTuple):
    """What a run takes on this machine."""

    compile_seconds: float
    seconds: float  # without compilation
    bytes: int  # of the compiled programs that run at the same time


def estimate(
    *experiments: Experiment,
    data_root: str | Path | None = None,
    seconds: float = TIMED_SECONDS,
    devices: Sequence[jax.Device] | None = None,
) -> Cost:
    """What experiments of one program take here: it is compiled, and a block on each device timed
    for about `seconds`.

    With 0 seconds nothing is run, and the time is NaN. MemoryError, before anything is run, where
    the programs do not fit into the devices' memory (see `largest_seeds_per_program`).
    """
    every, devices = [config.normal(each) for each in experiments], devices or jax.local_devices()
    job, experiment = make_job(every, [], data_root, devices[0].platform), every[0]
    blocks = blocks_of([each.seeds for each in every], experiment.seeds_per_program)
    busy = devices[: len(blocks)]
    space = room(busy) // len(busy)
    with ThreadPoolExecutor(max_workers=len(busy)) as pool:
        tried = list(pool.map(partial(_try_block, job, seconds, space), blocks, busy))
    held = max(held for *_, held in tried)
    if held > space:
        sizes = f"at most {space / 2**20:.0f} MiB (what a device has), got {held / 2**20:.0f} MiB"
        raise MemoryError(f"expected a program of {sizes}: fewer seeds a program take less")
    compiling, per_epoch, per_row, held = (max(each) for each in zip(*tried, strict=True))
    rounds = -(-len(blocks) // len(busy))
    total = rounds * (experiment.train.epochs * per_epoch + len(experiment.epochs) * per_row)
    return Cost(compiling, total, len(busy) * held)


def room(devices: Sequence[jax.Device]) -> int:
    """Bytes that programs can have on these devices: a GPU's own memory, on CPUs what the machine
    has left."""
    stats = [device.memory_stats() for device in devices]
    limits = [each["bytes_limit"] for each in stats if each and "bytes_limit" in each]
    if limits:
        return sum(limits)
    info = Path("/proc/meminfo")
    left = re.search(r"MemAvailable: +(\d+) kB", info.read_text()) if info.exists() else None
    return 1024 * int(left[1]) if left else memory()


def _try_block(job, seconds, space, pieces, device):
    """Seconds to compile, seconds of an epoch and of a measurement, and the bytes that this block
    holds."""
    began = time.perf_counter()
    with jax.default_device(device):
        inputs = inputs_of(job, pieces, device)
        begin = partial(beginning, job, pieces, inputs, device)
        compiled = advance.lower(job.plan, begin(), np.int32(1), inputs).compile()
        compiling = time.perf_counter() - began
        held = _held(compiled.memory_analysis())
        if not seconds or held > space:
            return compiling, math.nan, math.nan, held
        return compiling, *_timed(seconds, compiled, begin, inputs), held


def largest_seeds_per_program(
    *experiments: Experiment,
    data_root: str | Path | None = None,
    devices: Sequence[jax.Device] | None = None,
) -> int:
    """The largest number of seeds a program, below the experiments', of which a program fits into a device; 0
    where none does.

    Memory grows by about as much with each lane, so that few numbers have to be compiled.
    """
    every, devices = [config.normal(each) for each in experiments], devices or jax.local_devices()
    busy = devices[: -(-sum(len(each.seeds) for each in every) // every[0].seeds_per_program)]
    space = room(busy) // len(busy)

    def held_by(n_seeds):
        some = [dataclasses.replace(each, seeds_per_program=n_seeds) for each in every]
        job = make_job(some, [], data_root, busy[0].platform)
        return _try_block(
            job, 0, space, blocks_of([each.seeds for each in some], n_seeds)[0], busy[0]
        )[-1]

    few, many, least, most = 0, every[0].seeds_per_program, 0, held_by(every[0].seeds_per_program)
    while many - few > 1:
        guess = few + int((space - least) / (most - least) * (many - few))
        n_seeds = min(max(guess, few + 1), many - 1)
        now = held_by(n_seeds)
        few, least, many, most = (
            (n_seeds, now, many, most) if now <= space else (few, least, n_seeds, now)
        )
    return few


def _held(memory):
    """Bytes that one program holds: arguments, results that are no arguments, and what it needs in
    between."""
    results = memory.output_size_in_bytes - memory.alias_size_in_bytes
    return memory.argument_size_in_bytes + results + memory.temp_size_in_bytes


def _timed(seconds, compiled, begin, inputs):
    """Seconds of an epoch and of a measurement, warm where they are short: step 0 only measures,
    then silent epochs."""
    silent = inputs._replace(row=jnp.full_like(inputs.row, -1))

    def timed(block, until, inputs):
        began = time.perf_counter()
        block, _ = jax.block_until_ready(compiled(block, np.int32(until), inputs))
        return block, time.perf_counter() - began

    block, row = timed(begin(), 1, inputs)
    block, first = timed(block, 2, silent)
    if first > seconds:
        return first, row
    n = 1 + int(seconds / max(first, 1e-4))
    _, epochs = timed(block, 2 + n, silent)
    _, row = timed(begin(), 1, inputs)
    return epochs / n, row
