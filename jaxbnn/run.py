"""MANY seeds on many devices: which blocks run where, and the run's folder."""

import dataclasses
import queue
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import numpy as np

from jaxbnn import config, provenance, result, store
from jaxbnn.config import Experiment
from jaxbnn.cores import is_pinned
from jaxbnn.job import blocks_of, inputs_of, make_job, try_program
from jaxbnn.progress import Board, Progress
from jaxbnn.worker import work


def run(
    experiment: Experiment,
    out: str | Path = "runs",
    data_root: str | Path | None = None,
    devices: Sequence[jax.Device] | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Trains and measures the experiment's seeds; returns the run's folder, OUT/<name>/<digest>.

    Seeds already in the folder's result are not run again; unfinished blocks go on from their last checkpoint. `report`
    gets a Progress after every chunk. When `stop` says True, every block is checkpointed and the folder is left without
    the missing seeds' results: the same call goes on. ValueError for what cannot be run, before anything is written.
    """
    experiment, devices = config.normal(experiment), tuple(devices or jax.devices())
    job = make_job(experiment, store.folder_of(out, experiment), data_root, devices[0].platform)
    if set(experiment.seeds) <= set(store.finished_seeds(job.folder, job.checksum)):
        report(Progress(0, 0, np.nan, 0.0, np.nan, "finished already: nothing to do"))
        return job.folder
    if not is_pinned(devices[0]):
        warnings.warn("these bits hold for this machine only: call jaxbnn.use_cores() before JAX starts", stacklevel=2)
    result.check_names(experiment)
    try_program(job, devices[0])
    store.check_libraries()
    store.make_folder(job.folder)
    with store.locked(job.folder):
        _run_missing(job, devices, report, stop)
    return job.folder


def _run_missing(job, devices, report, stop):
    """Runs the seeds that the folder's result lacks, and writes the result with them unless the run was stopped."""
    wanted, done = job.experiment.seeds, store.finished_seeds(job.folder, job.checksum)
    missing = tuple(seed for seed in sorted(wanted) if seed not in done)
    if not missing:
        return  # another run has just finished them
    blocks, began = blocks_of(missing, job.experiment.lanes, store.begun_blocks(job.folder)), time.time()
    facts = provenance.facts(devices, job.checksum, missing)
    store.read_provenance(job.folder)  # a damaged one is refused before the work, not after
    begun = {seed for block in store.begun_blocks(job.folder) for seed in block}
    store.write_config(job.folder, dataclasses.replace(job.experiment, seeds=tuple(sorted({*done, *begun, *missing}))))
    board = Board(len(missing), job.experiment.train.epochs, report, stop)
    finished = _run_blocks(job, blocks, devices, board)
    if finished is not None:
        store.write_provenance(job.folder, facts | {"wall_seconds": round(time.time() - began, 3)})
        # The result comes last: it alone makes a run finished.
        store.write_result(job.folder, finished)


def _run_blocks(job, blocks, devices, board):
    """Every block's part of the result, in order, None if stopped; any free device takes the next block."""
    waiting = queue.SimpleQueue()
    for block in blocks:
        waiting.put(block)
    with ThreadPoolExecutor(max_workers=len(devices)) as pool:
        workers = [pool.submit(_work, job, waiting, device, board) for device in devices[: len(blocks)]]
        try:
            finished = {block: left for worker in workers for block, left in worker.result().items()}
        finally:
            board.halt()
    return [finished[block] for block in blocks] if len(finished) == len(blocks) else None


def _work(job, waiting, device, board):
    """One device's thread: blocks from the queue until there is none, the run is stopped, or another thread failed."""
    finished, inputs = {}, None
    with jax.default_device(device):
        try:
            while not board.halted() and (seeds := _next(waiting)) is not None:
                if inputs is None or job.plan.split_per_lane:
                    inputs = inputs_of(job, seeds, device)
                if (left := work(job, seeds, inputs, device, board)) is not None:
                    finished[seeds] = left
        except BaseException:
            board.halt()
            raise
    return finished


def _next(waiting):
    try:
        return waiting.get_nowait()
    except queue.Empty:
        return None
