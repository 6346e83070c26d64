"""MANY seeds on many devices: which blocks run where, and the runs' folders."""

import dataclasses
import queue
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path

import jax
import numpy as np

from jaxbnn import config
from jaxbnn.config import grid
from jaxbnn.config.experiment import Experiment
from jaxbnn.engine import processes, provenance, verdicts
from jaxbnn.engine.block_runner import begun, work
from jaxbnn.engine.devices import is_ready
from jaxbnn.engine.progress import Board, Progress
from jaxbnn.engine.run_plan import blocks_of, hyper_of, inputs_of, make_job, try_program
from jaxbnn.storage import run_folder

TURN = 0.2  # seconds between two looks of the main thread at the devices' threads


def run(
    experiment: Experiment,
    out: str | Path = "runs",
    data_root: str | Path | None = None,
    devices: Sequence[jax.Device] | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Trains and measures the experiment's seeds; returns the run's folder, OUT/<name>/<digest>.

    Seeds already in the folder's result are not run again; unfinished blocks go on from their last
    checkpoint. `report` gets a Progress after every chunk. When `stop` says True, every block is
    checkpointed and the folder is left without the missing seeds' results: the same call goes on.
    ValueError for what cannot be run, before anything is written. Processes (see `use_processes`)
    share the blocks: all make this call, OUT is a folder that all see, and process 0 writes the
    result. Where one of them ends early the folder is left as if the run had been stopped.
    """
    return run_together([experiment], out, data_root, devices, report, stop)[0]


def run_together(
    experiments: Sequence[Experiment],
    out: str | Path = "runs",
    data_root: str | Path | None = None,
    devices: Sequence[jax.Device] | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[Path, ...]:
    """As `run`, experiments that differ in name, seeds, learning rate and decay alone: their seeds
    share blocks.

    Each has its own folder and gets the bits that it gets alone. ValueError where they differ in
    more.
    """
    every, devices = (
        [config.normal(each) for each in experiments],
        tuple(devices or jax.local_devices()),
    )
    folders = tuple(run_folder.folder_of(out, each) for each in every)
    if len(grid.by_program(every)) != 1 or len(set(folders)) != len(folders):
        raise ValueError(
            "expected experiments that differ in name, learning rate and decay alone, each once"
        )
    job = make_job(every, folders, data_root, devices[0].platform)
    missing = _missing(job)
    if not any(missing):
        report(Progress(0, 0, np.nan, 0.0, np.nan, "finished already: nothing to do"))
        return folders
    if not is_ready(devices[0]):
        warnings.warn(
            "these bits are not those of other runs: call jaxbnn.use_cores() before JAX starts",
            stacklevel=3,
        )
    verdicts.check_names(job.experiment)
    try_program(job, devices[0])
    run_folder.check_libraries()
    with ExitStack() as held:
        taken = [folder for folder, seeds in zip(folders, missing, strict=True) if seeds]
        for folder in taken:
            run_folder.make_folder(folder)
            run_folder.check_free(folder)
        processes.meet()
        for folder in taken if processes.index() == 0 else ():
            held.enter_context(run_folder.locked(folder))
        processes.meet()
        _run_missing(job, devices, report, stop)
    return folders


def _missing(job):
    """The seeds of each experiment that its folder's result lacks."""
    finished = (set(run_folder.finished_seeds(folder, job.checksum)) for folder in job.folders)
    return [sorted(set(e.seeds) - done) for e, done in zip(job.experiments, finished, strict=True)]


def _run_missing(job, devices, report, stop):
    """Runs the missing seeds, and writes the result of each folder whose seeds are all finished."""
    missing = _missing(job)
    if not any(missing):
        return  # another run has just finished them
    began, facts = time.monotonic(), provenance.facts(devices, job.checksum)
    blocks = blocks_of(missing, job.experiment.seeds_per_program, begun(job, missing))
    processes.meet()  # all have seen the same blocks before one of them goes on
    for number in (
        number for number, seeds in enumerate(missing) if seeds and processes.index() == 0
    ):
        _write_config(job, number, missing[number])
    mine = blocks[processes.index() :: processes.count()]
    n_networks = sum(len(piece.seeds) for block in mine for piece in block)
    board = Board(n_networks, job.experiment.train.epochs, report, stop)
    parts = _run_blocks(job, mine, devices, board)
    if processes.count() == 1:
        _write_results(job, missing, parts, facts, began)
    elif not stop() and not _lost(board):
        if processes.index() == 0:
            places = (
                (each, run_folder.part_of(job.folders[each.number], each.seeds))
                for block in blocks
                for each in block
            )
            _write_results(
                job,
                missing,
                {piece: part for piece, part in places if part.is_file()},
                facts,
                began,
            )
        processes.meet()


def _lost(board):
    """Whether another process has ended before its blocks were finished."""
    gone = processes.meet()
    if gone:
        which = ", ".join(map(str, gone))
        board.say(
            f"of {processes.count()} processes number {which} ended early: the same command goes on"
        )
    return bool(gone)


def _write_results(job, missing, parts, facts, began):
    """The result of each folder whose missing seeds are all finished; parts: by piece."""
    for number, seeds in enumerate(missing):
        of = {piece: part for piece, part in parts.items() if piece.number == number}
        if seeds and sum(len(piece.seeds) for piece in of) == len(seeds):
            took = {
                "wall_seconds": round(time.monotonic() - began, 3),
                "networks": sum(map(len, missing)),
            }
            run_folder.write_provenance(job.folders[number], facts | {"seeds": seeds} | took)
            # The result comes last: it alone makes a run finished.
            run_folder.write_result(job.folders[number], [of[piece] for piece in sorted(of)])


def _write_config(job, number, missing):
    """An experiment's config with all seeds that its folder has or is to have."""
    folder = job.folders[number]
    run_folder.read_provenance(folder)  # a damaged one is refused before the work, not after
    started = {seed for block in run_folder.begun_blocks(folder) for seed in block}
    every = tuple(sorted({*run_folder.finished_seeds(folder), *started, *missing}))
    run_folder.write_config(folder, dataclasses.replace(job.experiments[number], seeds=every))


def _run_blocks(job, blocks, devices, board):
    """Piece -> its part of the result, of the blocks that are finished; any free device takes the
    next block."""
    waiting = queue.SimpleQueue()
    for block in blocks:
        waiting.put(block)
    with ThreadPoolExecutor(max_workers=len(devices)) as pool:
        workers = [
            pool.submit(_work, job, waiting, device, board) for device in devices[: len(blocks)]
        ]
        try:
            # A signal may reach another thread: the main one sees it only when it turns.
            while wait(workers, timeout=TURN).not_done:
                pass
            return {piece: part for worker in workers for piece, part in worker.result().items()}
        finally:
            board.halt()


def _work(job, waiting, device, board):
    """One device's thread: blocks from the queue until there is none, the run is stopped, or
    another thread failed."""
    finished, inputs = {}, None
    with jax.default_device(device):
        try:
            while not board.halted() and (block := _next(waiting)) is not None:
                if inputs is None or job.plan.split_per_lane:
                    inputs = inputs_of(job, block, device)
                inputs = inputs._replace(hyper=jax.device_put(hyper_of(job, block), device))
                finished |= work(job, block, inputs, device, board) or {}
        except BaseException:
            board.halt()
            raise
    return finished


def _next(waiting):
    try:
        return waiting.get_nowait()
    except queue.Empty:
        return None
