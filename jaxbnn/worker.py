"""One block on one device: from its last checkpoint, or from its beginning, to its part of the result."""

import hashlib
import time
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn import config, result, snapshot, store
from jaxbnn.block import Block, advance
from jaxbnn.block import snapshot as take_snapshot
from jaxbnn.info import ragged
from jaxbnn.job import Job, beginning, keys_of, starter
from jaxbnn.result import Finished, Sample

CHUNK_SECONDS = 2.0  # aimed at between two turns of the host
CHECKPOINT_SECONDS = 10.0


def work(job, seeds, inputs, device, board):
    """A block from its last checkpoint, or from its beginning, to its end: its part, or None if the run was stopped."""
    place = store.block_folder(job.folder, seeds)
    like = jax.eval_shape(starter(job), keys_of(job, [0]), inputs.split)
    identity = identity_of(job, like)
    arrays = store.load_checkpoint(place, identity)
    if arrays is not None and not store.has_spectra(place):
        # They go when a result is written: where that was removed since, its blocks start again.
        store.forget(place)
        arrays = None
    block = restore(arrays, like, device)
    if block is None:
        block = jax.block_until_ready(beginning(job, seeds, inputs, device))
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


def _is_key(leaf):
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _to_host(block):
    leaves = [jax.random.key_data(leaf) if _is_key(leaf) else leaf for leaf in jax.tree.leaves(block)]
    return {f"leaf_{i:03d}": np.asarray(leaf) for i, leaf in enumerate(jax.device_get(leaves))}


def identity_of(job: Job, like: Any) -> dict[str, str]:
    """What a checkpoint must share with the run that goes on from it; `like` is the block's tree of shapes."""
    layout = hashlib.sha256(str(jax.tree_util.tree_flatten_with_path(like)).encode()).hexdigest()
    return {"config": config.digest(job.experiment), "data": job.checksum, "jax": jax.__version__, "layout": layout}


def restore(arrays: Mapping[str, np.ndarray] | None, like: Any, device: jax.Device) -> Block | None:
    """The block a checkpoint holds, `like` its tree of shapes; None where there is none."""
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
