"""MANY seeds on many devices: which blocks run where, the host's turns between chunks, the run's folder."""

import bisect
import dataclasses
import hashlib
import queue
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn import config, data, provenance, result, snapshot, store
from jaxbnn.block import Inputs, Plan, advance, prepare, start
from jaxbnn.block import snapshot as take_snapshot
from jaxbnn.config import Experiment
from jaxbnn.cores import is_pinned
from jaxbnn.data import Split
from jaxbnn.info import ragged
from jaxbnn.observe import layers_of, observer
from jaxbnn.progress import Board, Progress
from jaxbnn.result import Finished, Sample
from jaxbnn.train import Hyper

CHUNK_SECONDS = 2.0  # aimed at between two turns of the host
CHECKPOINT_SECONDS = 10.0


class Cost(NamedTuple):
    """What a run takes on this machine."""

    compile_seconds: float
    seconds: float  # without compilation
    bytes: int  # of the compiled programs that run at the same time


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
    job = _job(experiment, store.folder_of(out, experiment), data_root, devices[0].platform)
    if set(experiment.seeds) <= set(store.finished_seeds(job.folder, job.checksum)):
        report(Progress(0, 0, np.nan, 0.0, np.nan, "finished already: nothing to do"))
        return job.folder
    if not is_pinned(devices[0]):
        warnings.warn("these bits hold for this machine only: call jaxbnn.use_cores() before JAX starts", stacklevel=2)
    result.check_names(experiment)
    _try_probes(job)
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
    blocks, began = _blocks(missing, job.experiment.lanes, store.begun_blocks(job.folder)), time.time()
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


def estimate(experiment: Experiment, data_root: str | Path | None = None) -> Cost:
    """What the experiment takes here: from its compiled program, and from timing a block on each device for seconds."""
    experiment, devices = config.normal(experiment), jax.devices()
    job = _job(experiment, Path(), data_root, devices[0].platform)
    blocks = _blocks(experiment.seeds, experiment.lanes)
    busy = devices[: len(blocks)]
    with ThreadPoolExecutor(max_workers=len(busy)) as pool:
        tried = list(pool.map(partial(_try_block, job), blocks, busy))
    compiling, per_epoch, per_row, held = (max(each) for each in zip(*tried, strict=True))
    rounds = -(-len(blocks) // len(busy))
    seconds = rounds * (experiment.train.epochs * per_epoch + len(experiment.epochs) * per_row)
    return Cost(compiling, seconds, len(busy) * held)


def _try_block(job, seeds, device):
    """Seconds to compile, seconds of an epoch and of a measurement, and the bytes that a block of these seeds holds."""
    began = time.perf_counter()
    with jax.default_device(device):
        inputs = _place(job, seeds, device)
        begin = partial(_begin, job, seeds, inputs, device)
        compiled = advance.lower(job.plan, begin(), np.int32(1), inputs).compile()
        compiling = time.perf_counter() - began
        return compiling, *_timed(job, compiled, begin, inputs), _held(compiled.memory_analysis())


def _held(memory):
    """Bytes that one program holds: arguments, results that are no arguments, and what it needs in between."""
    results = memory.output_size_in_bytes - memory.alias_size_in_bytes
    return memory.argument_size_in_bytes + results + memory.temp_size_in_bytes


def _timed(job, compiled, begin, inputs):
    """Warm seconds of an epoch and of a measurement: epochs with no row to record, then step 0, which only measures."""
    silent = inputs._replace(row=jnp.full_like(inputs.row, -1))

    def timed(block, until, inputs):
        began = time.perf_counter()
        block, _ = jax.block_until_ready(compiled(block, np.int32(until), inputs))
        return block, time.perf_counter() - began

    block, _ = timed(begin(), 2, inputs)
    block, first = timed(block, 3, silent)
    n = 1 + int(CHUNK_SECONDS / max(first, 1e-4))
    _, epochs = timed(block, 3 + n, silent)
    _, row = timed(begin(), 1, inputs)
    return epochs / n, row


def _job(experiment, folder, data_root, on):
    split = _load(experiment, data_root, 0)
    numbers = {"epochs": 1, "learning_rate": 1.0, "decay": 0.0}  # traced or the host's: no part of the program
    plan = Plan(
        experiment.model,
        dataclasses.replace(experiment.train, **numbers),
        experiment.probes,
        classes=split.n_classes,
        split_per_lane=data.is_per_seed(experiment.data),
        map_lanes=on == "cpu",
    )
    return Job(experiment, folder, data_root, split, data.checksum(split), plan)


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


def _try_probes(job):
    """Measures in shapes alone: what a probe cannot name or an estimator cannot take raises here."""
    prepare_sample, measure = observer(job.experiment.model, job.experiment.probes)

    def untrained(split):
        variables = job.experiment.model.init(jax.random.key(0), split.train.x[:1], train=False)
        return measure(prepare_sample(split), split, variables)

    jax.eval_shape(untrained, job.split)


def _blocks(seeds, lanes, begun=()):
    """The seeds in blocks of `lanes`: first those that were begun before, so that nothing is trained twice."""
    left, blocks = list(seeds), []
    for block in begun:
        if len(block) <= lanes and set(block) <= set(left):
            blocks.append(block)
            left = [seed for seed in left if seed not in block]
    return sorted(blocks + [tuple(left[i : i + lanes]) for i in range(0, len(left), lanes)])


def _run_blocks(job, blocks, devices, board):
    """Every block's Finished, in order, None if stopped; any free device takes the next block."""
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
                    inputs = _place(job, seeds, device)
                if (left := _run_block(job, seeds, inputs, device, board)) is not None:
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


def _run_block(job, seeds, inputs, device, board):
    """A block from its last checkpoint, or from its beginning, to its end: its part, or None if the run was stopped."""
    place = store.block_folder(job.folder, seeds)
    like = jax.eval_shape(_start(job), _keys(job, [0]), inputs.split)
    identity = _identity(job, like)
    arrays = store.load_checkpoint(place, identity)
    if arrays is not None and not store.has_spectra(place):
        # They go when a result is written: where that was removed since, its blocks start again.
        store.forget(place)
        arrays = None
    block = _restore(arrays, like, device) or _begin(job, seeds, inputs, device)
    step = saved = int(block.step)
    if step:
        board.resume(seeds, step - 1)
    size, saved_at, spectra = 1, time.monotonic(), []

    def save():
        store.append_spectra(place, job.rows(saved), _joined(job, spectra))
        spectra.clear()
        store.save_checkpoint(place, step, _to_host(block), identity)

    while step < job.steps and not board.halted():
        began, until = time.monotonic(), job.until(step, size)
        block, new = jax.block_until_ready(advance(job.plan, block, np.int32(until), inputs))
        spectra.append(_packed(new, len(seeds), job.rows(until) - job.rows(step)))
        now = time.monotonic()
        size = max(1, min(4 * size, int(CHUNK_SECONDS * (until - step) / max(now - began, 1e-6))))
        step = until
        if step - 1 in snapshot.epochs(job.experiment):
            _store_epoch(job, seeds, place, step - 1, block, inputs)
        board.tell(seeds, step - 1, _accuracy(job, step, block)[: len(seeds)])
        if now - saved_at > CHECKPOINT_SECONDS:
            save()
            saved, saved_at = step, now
    if step > saved:
        save()
    return _part(job, seeds, place, block, inputs) if step == job.steps else None


def _store_epoch(job, seeds, place, epoch, block, inputs):
    """Stores what the probes want of this epoch."""
    probes = tuple(probe for probe in job.experiment.probes if probe.units or probe.keep)
    rows = take_snapshot(job.plan, probes, block, inputs.split)
    arrays = snapshot.arrays(job.experiment, epoch, rows, len(seeds))
    store.write_arrays(store.snapshot_path(place, epoch), arrays)


def _packed(spectra, n_seeds, n_rows):
    """A chunk's spectra without padding lanes and rows: for each probe those of T and of (T, Y), rows first."""
    spectra = jax.tree.map(lambda leaf: np.moveaxis(np.asarray(leaf)[:n_seeds, :n_rows], 0, 1), spectra)
    return [tuple(ragged.pack(each) for each in probe) for probe in spectra]


def _joined(job, chunks):
    """Probe -> (("t", ...), ("ty", ...)) of the chunks since the last checkpoint, one behind the other."""
    pairs = {
        probe.name: zip(*(chunk[i] for chunk in chunks), strict=True) for i, probe in enumerate(job.experiment.probes)
    }
    return {name: tuple(zip(("t", "ty"), map(ragged.join, pair), strict=True)) for name, pair in pairs.items()}


def _accuracy(job, step, block):
    """The lanes' latest test accuracy after so many steps."""
    row = sum(epoch < step for epoch in job.experiment.epochs) - 1
    return np.asarray(block.record.series.test_accuracy[:, row])


def _place(job, seeds, device):
    """The program's inputs on a device, for a block of these seeds where each has its own split."""
    split = job.split
    if job.plan.split_per_lane:
        splits = [_load(job.experiment, job.data_root, seed) for seed in job.lanes(seeds)]
        split = jax.tree.map(lambda *leaves: np.stack(leaves), *splits)
    row = np.full(job.steps, -1, np.int32)
    row[list(job.experiment.epochs)] = np.arange(len(job.experiment.epochs))
    lanes, spec = job.experiment.lanes, job.experiment.train
    hyper = Hyper(np.full(lanes, spec.learning_rate, np.float32), np.full(lanes, spec.decay, np.float32))
    split, hyper, row = jax.device_put((split, hyper, row), device)
    return Inputs(split, prepare(job.plan, split), hyper, row)


def _begin(job, seeds, inputs, device):
    return _start(job)(jax.device_put(_keys(job, seeds), device), inputs.split)


def _start(job):
    n_layers = tuple(len(layers_of(job.experiment.model, probe)) for probe in job.experiment.probes)
    return partial(start, job.plan, n_rows=len(job.experiment.epochs), n_layers=n_layers)


def _keys(job, seeds):
    root = jax.random.key(job.experiment.root_seed, impl="threefry2x32")
    return jnp.stack([jax.random.fold_in(root, seed) for seed in job.lanes(seeds)])


def _is_key(leaf):
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _to_host(block):
    leaves = [jax.random.key_data(leaf) if _is_key(leaf) else leaf for leaf in jax.tree.leaves(block)]
    return {f"leaf_{i:03d}": np.asarray(leaf) for i, leaf in enumerate(jax.device_get(leaves))}


def _identity(job, like):
    """What a checkpoint must share with the run that goes on from it; `like` is the block's tree of shapes."""
    layout = hashlib.sha256(str(jax.tree_util.tree_flatten_with_path(like)).encode()).hexdigest()
    return {"config": config.digest(job.experiment), "data": job.checksum, "jax": jax.__version__, "layout": layout}


def _restore(arrays, like, device):
    if arrays is None:
        return None
    leaves, structure = jax.tree.flatten(like)
    values = [arrays[f"leaf_{i:03d}"] for i in range(len(leaves))]
    typed = [
        jax.random.wrap_key_data(jnp.asarray(value), impl="threefry2x32") if _is_key(leaf) else value
        for leaf, value in zip(leaves, values, strict=True)
    ]
    return jax.device_put(jax.tree.unflatten(structure, typed), device)


def _part(job, seeds, place, block, inputs):
    """Writes the finished block's part of the result."""
    n = len(seeds)
    record = jax.tree.map(lambda leaf: np.asarray(leaf)[:n], jax.device_get(block.record))
    samples = [_samples(job, n, references[0]) for references in inputs.reference]
    spectra = store.read_spectra(place, len(job.experiment.epochs))
    groups = result.groups(job.experiment, job.split, job.checksum, seeds, Finished(record, samples, spectra))
    epochs = snapshot.epochs(job.experiment)
    stored = {epoch: store.read_arrays(store.snapshot_path(place, epoch)) for epoch in epochs}
    labels = [_labels(job, n, references[0]) for references in inputs.reference]
    return store.write_part(place, groups | snapshot.groups(job.experiment, seeds, stored, labels))


def _samples(job, n, reference):
    """What each of n seeds was measured on by a probe of this reference."""
    h_x, h_y = (_per_seed(job, n, each) for each in (reference.h_x, reference.h_y))
    sizes = [np.bincount(y, minlength=job.plan.classes) for y in _labels(job, n, reference)]
    return [Sample(*each) for each in zip(sizes, h_x, h_y, strict=True)]


def _labels(job, n, reference):
    """The labels each of n seeds was measured with, [n, N]."""
    return _per_seed(job, n, reference.y)


def _per_seed(job, n, leaf):
    leaf = np.asarray(leaf)
    return leaf[:n] if job.plan.split_per_lane else np.stack([leaf] * n)
