"""MANY seeds on many devices: which blocks run where, and the runs' folders."""

import dataclasses
import queue
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from jaxbnn.config import codec
from jaxbnn.config.experiment import Experiment
from jaxbnn.engine import processes
from jaxbnn.engine.block_runner import checkpointed, run_block
from jaxbnn.engine.devices import Device, is_ready, workers
from jaxbnn.engine.progress import Progress, ProgressTracker
from jaxbnn.engine.run_plan import (
    BlockSeeds,
    RunPlan,
    blocks_of,
    by_program,
    count_networks,
    make_run_plan,
    try_program,
)
from jaxbnn.engine.shared_inputs import SharedInputs
from jaxbnn.storage import results, run_folder, schema

TURN = 0.2  # seconds between two looks of the main thread at the workers' threads


class Options(NamedTuple):
    """How a run is run."""

    out: str | Path
    data_root: str | Path | None
    devices: tuple[Device, ...]
    report: Callable[[Progress], None]
    stop: Callable[[], bool]


def run(
    experiment: Experiment,
    out: str | Path = "runs",
    data_root: str | Path | None = None,
    devices: Sequence[Device] | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Trains and measures the experiment's seeds.

    Seeds whose results are complete are not run again; unfinished blocks go on from their last
    checkpoints. Processes (see `use_processes`) share the blocks: all make this call, and OUT is a
    folder that all see.

    Args:
        experiment: what is run.
        out: where run folders are.
        data_root: where data files are; without it $JAXBNN_DATA, the cache and the mirrors.
        devices: to run on, one as often as it trains blocks at the same time; by default all of
            this process, and a CPU once for each core (`engine.devices.workers`).
        report: gets a Progress after every chunk.
        stop: where it says True, every block is checkpointed and the run left unfinished: the same
            call goes on.

    Returns:
        The run's folder, OUT/<name>/<digest>.

    Raises:
        ValueError: for what cannot be run, before anything is written.
    """
    return run_together([experiment], out, data_root, devices, report, stop)[0]


def run_together(
    experiments: Sequence[Experiment],
    out: str | Path = "runs",
    data_root: str | Path | None = None,
    devices: Sequence[Device] | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[Path, ...]:
    """As `run`, experiments that differ in name, seeds, learning rate and decay alone: their seeds
    share blocks.

    Each has its own folder and gets the bits that it gets alone.

    Returns:
        Each experiment's folder.

    Raises:
        ValueError: where they differ in more.
    """
    chosen = tuple(devices or workers())
    options = Options(out, data_root, chosen, report, stop)
    plan = _plan(experiments, options)
    missing = _missing(plan)
    if not any(missing):
        report(Progress(0, 0, np.nan, 0.0, np.nan, "finished already: nothing to do"))
        return plan.folders
    _check(plan, chosen[0])
    with ExitStack() as held:
        _take_folders(plan, missing, held)
        _run_missing(plan, options)
    return plan.folders


def _plan(experiments: Sequence[Experiment], options: Options) -> RunPlan:
    normal = [codec.normal(experiment) for experiment in experiments]
    folders = tuple(run_folder.folder_of(options.out, experiment) for experiment in normal)
    if len(by_program(normal)) != 1 or len(set(folders)) != len(folders):
        raise ValueError(
            "expected experiments that differ in name, learning rate and decay alone, each once"
        )
    return make_run_plan(normal, folders, options.data_root, options.devices)


def _check(plan: RunPlan, device: Device) -> None:
    """Refuses what cannot be run, before anything is written."""
    if not is_ready(device):
        warnings.warn(
            "these bits are not those of other runs: call jaxbnn.use_cores() before JAX starts",
            stacklevel=4,
        )
    schema.check_probe_names([probe.name for probe in plan.experiment.probes])
    try_program(plan, device)
    run_folder.check_libraries()


def _missing(plan: RunPlan) -> list[list[int]]:
    """The seeds of each experiment whose results are not complete."""
    missing = []
    for experiment, folder in zip(plan.experiments, plan.folders, strict=True):
        finished = results.finished_seeds(folder, plan.checksum, plan.settings)
        missing.append(sorted(set(experiment.seeds) - set(finished)))
    return missing


def _take_folders(plan: RunPlan, missing: Sequence[Sequence[int]], held: ExitStack) -> None:
    """Makes the folders and holds them.

    Of several processes the first takes them from other runs, then the others join: they are free
    when the last of these processes has ended.
    """
    folders = [folder for folder, seeds in zip(plan.folders, missing, strict=True) if seeds]
    _make_free_folders(folders)
    if processes.index() == 0:
        for folder in folders:
            lock = held.enter_context(run_folder.locked(folder))
            if processes.count() > 1:
                run_folder.open_to_group(lock, folder)
    processes.meet()
    if processes.index() > 0:
        for folder in folders:
            held.enter_context(run_folder.joined(folder))
    processes.meet()


def _make_free_folders(folders: Sequence[Path]) -> None:
    """Makes folders that no other run has: one process after another, as a look takes the lock."""
    for index in range(processes.count()):
        if index == processes.index():
            for folder in folders:
                run_folder.make_folder(folder)
                run_folder.check_free(folder)
        processes.meet()


def _run_missing(plan: RunPlan, options: Options) -> None:
    """Runs the missing seeds."""
    missing = _missing(plan)
    if not any(missing):
        return  # another run has just finished them
    blocks = blocks_of(missing, plan.experiment.seeds_per_program, checkpointed(plan, missing))
    processes.meet()  # all have seen the same blocks before one of them goes on
    if processes.index() == 0:
        for number, seeds in enumerate(missing):
            if seeds:
                _write_config(plan, number, seeds)
    mine = blocks[processes.index() :: processes.count()]
    n_networks = sum(map(count_networks, mine))
    epochs = plan.experiment.train.epochs
    tracker = ProgressTracker(n_networks, epochs, options.report, options.stop)
    _run_blocks(plan, mine, options.devices, tracker)
    if processes.count() > 1:
        _say_lost(tracker)
    processes.meet()


def _say_lost(tracker: ProgressTracker) -> None:
    """Waits for the other processes, and says which have ended before their blocks were."""
    gone = processes.meet()
    if gone:
        which = ", ".join(map(str, gone))
        tracker.say(
            f"of {processes.count()} processes number {which} ended early: the same command goes on"
        )


def _write_config(plan: RunPlan, number: int, missing: Sequence[int]) -> None:
    """An experiment's config with all seeds that its folder has or is to have."""
    folder = plan.folders[number]
    seeds = set(missing) | set(results.finished_seeds(folder))
    for block in run_folder.block_folders(folder):
        seeds |= set(run_folder.seeds_of(block))
    whole = dataclasses.replace(plan.experiments[number], seeds=tuple(sorted(seeds)))
    run_folder.write_config(folder, whole)


def _run_blocks(
    plan: RunPlan,
    blocks: Sequence[BlockSeeds],
    devices: Sequence[Device],
    tracker: ProgressTracker,
) -> None:
    """Runs blocks; any free worker takes the next one."""
    shared = SharedInputs(plan)
    waiting: queue.SimpleQueue[BlockSeeds] = queue.SimpleQueue()
    for block in blocks:
        waiting.put(block)
    with ThreadPoolExecutor(max_workers=len(devices)) as pool:
        busy = devices[: len(blocks)]
        threads = [pool.submit(_use_device, shared, waiting, device, tracker) for device in busy]
        try:
            # A signal may reach another thread: the main one sees it only when it turns.
            while wait(threads, timeout=TURN).not_done:
                pass
            for thread in threads:
                thread.result()
        finally:
            tracker.halt()


def _use_device(
    shared: SharedInputs,
    waiting: "queue.SimpleQueue[BlockSeeds]",
    device: Device,
    tracker: ProgressTracker,
) -> None:
    """A worker's thread: blocks from the queue until there is none, the run is stopped, or another
    thread has failed."""
    plan = shared.plan
    precision = jax.default_matmul_precision(plan.precision)  # of the thread that called `run`
    with jax.default_device(device), precision:
        try:
            while not tracker.halted() and (block := _next(waiting)) is not None:
                run_block(plan, block, shared.of(block, device), device, tracker)
        except BaseException:
            tracker.halt()
            raise


def _next(waiting: "queue.SimpleQueue[BlockSeeds]") -> BlockSeeds | None:
    try:
        return waiting.get_nowait()
    except queue.Empty:
        return None
