"""One block on one device: from its last checkpoint, or from its beginning, to its parts of the
results.

What a block stores is cut into its pieces, each in the folder of its experiment: they can go on in
other blocks.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn import config
from jaxbnn.engine import kept, verdicts
from jaxbnn.engine.devices import is_ready
from jaxbnn.engine.program import Block, advance, record_of, spectra_of
from jaxbnn.engine.program import snapshot as take_snapshot
from jaxbnn.engine.run_plan import Job, Piece, Pieces, alone, beginning, keys_of, starter
from jaxbnn.engine.verdicts import Finished, Sample
from jaxbnn.files import npz
from jaxbnn.info import ragged
from jaxbnn.storage import checkpoints, run_folder

CHUNK_SECONDS = 2.0  # aimed at between two turns of the host
CHECKPOINT_SECONDS = 10.0  # between two checkpoints, or longer:
CHECKPOINT_SHARE = 0.02  # of the time between them, one takes no more


def begun(job: Job, missing: Sequence[Sequence[int]]) -> list[tuple[Piece, int]]:
    """The pieces of each experiment's missing seeds that have a checkpoint, and the step they go on
    from.

    Spectra go when a result is written: where that was removed since, its blocks start again from
    0.
    """
    found = []
    for number, (folder, wanted) in enumerate(zip(job.folders, missing, strict=True)):
        for seeds in (
            seeds for seeds in run_folder.begun_blocks(folder) if set(seeds) <= set(wanted)
        ):
            place = run_folder.block_folder(folder, seeds)
            found.append(
                (
                    Piece(number, seeds),
                    checkpoints.newest(place) if run_folder.has_spectra(place) else 0,
                )
            )
    return found


def work(job, pieces, inputs, device, board):
    """A block from its last checkpoints, or from its beginning, to its end.

    Piece -> its part, or None if the run was stopped.
    """
    like = jax.eval_shape(starter(job), keys_of(job, alone([0])), inputs.split)
    block = _restored(job, pieces, like, device)
    if block is None:
        block = jax.block_until_ready(beginning(job, pieces, inputs, device))
    step = saved = int(block.step)
    n_networks = sum(len(piece.seeds) for piece in pieces)
    if step:
        board.resume(pieces, n_networks, step - 1, _name(job, pieces))
    size, due, spectra = 1, time.monotonic() + CHECKPOINT_SECONDS, []
    while step < job.steps and not board.halted():
        began, until = time.monotonic(), job.until(step, size)
        block, new = jax.block_until_ready(advance(job.plan, block, np.int32(until), inputs))
        n_rows, new = job.rows(until) - job.rows(step), tuple(map(spectra_of, jax.device_get(new)))
        spectra.append({lanes.start: _packed(new, lanes, n_rows) for _, lanes in _cut(pieces)})
        now = time.monotonic()
        each = max(now - began, 1e-6) / (until - step)
        size, step = max(1, min(4 * size, int(CHUNK_SECONDS / each))), until
        if step - 1 in kept.epochs(job.experiment):
            _store_epoch(job, pieces, step - 1, block, inputs)
        board.tell(
            pieces, n_networks, step - 1, _accuracy(job, step, block)[:n_networks], each * size
        )
        if now > due:
            _save(job, pieces, block, like, saved, spectra)
            took, saved, spectra = time.monotonic() - now, step, []
            due = now + max(CHECKPOINT_SECONDS, took / CHECKPOINT_SHARE)
    if step > saved:
        _save(job, pieces, block, like, saved, spectra)
    if step < job.steps:
        return None
    record = record_of(job.plan, block.rows)
    return {piece: _part(job, piece, lanes, record, inputs) for piece, lanes in _cut(pieces)}


def _save(job, pieces, block, like, saved, spectra):
    """Checkpoints each piece, with the spectra since step `saved`: of each chunk, the first lane of
    a piece -> its."""
    leaves = _to_host(block)
    for piece, lanes in _cut(pieces):
        place = _place(job, piece)
        run_folder.append_spectra(
            place, job.rows(saved), _joined(job, [each[lanes.start] for each in spectra])
        )
        state = {name: leaf[lanes] if leaf.ndim else leaf for name, leaf in leaves.items()}
        checkpoints.save(place, int(block.step), state, identity_of(job, piece.number, like))


def _place(job, piece):
    """Where a piece's checkpoints are."""
    return run_folder.block_folder(job.folders[piece.number], piece.seeds)


def _name(job, pieces):
    """A block in words."""
    shared = len(job.experiments) > 1
    of = (f"{job.experiments[piece.number].name} " if shared else "" for piece in pieces)
    spans = (f"seeds {piece.seeds[0]} to {piece.seeds[-1]}" for piece in pieces)
    return ", ".join(map("".join, zip(of, spans, strict=True)))


def _cut(pieces: Pieces) -> list[tuple[Piece, slice]]:
    """Each piece with its lanes."""
    ends = np.cumsum([len(piece.seeds) for piece in pieces]).tolist()
    return [
        (piece, slice(end - len(piece.seeds), end)) for piece, end in zip(pieces, ends, strict=True)
    ]


def _restored(job, pieces, like, device):
    """The block that the pieces' newest checkpoints make together; None where they have none to go
    on from."""
    found = []
    for piece in pieces:
        place = _place(job, piece)
        state = checkpoints.load(place, identity_of(job, piece.number, like))
        if state is not None and run_folder.has_spectra(place):
            found.append(state)
        elif state is not None:
            run_folder.forget(place)
    if found and len(found) < len(pieces):
        raise ValueError(
            f"expected a checkpoint of each of {_name(job, pieces)}, got {len(found)}: run them one by one"
        )
    return restore(found, like, device) if found else None


def _store_epoch(job, pieces, epoch, block, inputs):
    """Stores what the probes want of this epoch."""
    probes = tuple(
        probe for probe in job.experiment.probes if probe.unit_counts_at or probe.activations_at
    )
    rows = take_snapshot(job.plan, probes, block, inputs.split)
    for piece, lanes in _cut(pieces):
        taken = kept.arrays(
            job.experiment, epoch, jax.tree.map(lambda leaf, at=lanes: leaf[at], rows)
        )
        npz.write(run_folder.snapshot_path(_place(job, piece), epoch), taken)


def _packed(spectra, lanes, n_rows):
    """A chunk's spectra of these lanes without padding rows: for each probe those of T and of (T,
    Y), rows first."""
    spectra = jax.tree.map(lambda leaf: np.moveaxis(leaf[lanes, :n_rows], 0, 1), spectra)
    return [tuple(ragged.pack(each) for each in probe) for probe in spectra]


def _joined(job, chunks):
    """Probe -> (("t", ...), ("ty", ...)) of the chunks since the last checkpoint, one behind the
    other."""
    pairs = {
        probe.name: zip(*(chunk[i] for chunk in chunks), strict=True)
        for i, probe in enumerate(job.experiment.probes)
    }
    return {
        name: tuple(zip(("t", "ty"), map(ragged.join, pair), strict=True))
        for name, pair in pairs.items()
    }


def _accuracy(job, step, block):
    """The lanes' latest test accuracy after so many steps."""
    row = sum(epoch < step for epoch in job.experiment.epochs) - 1
    return record_of(job.plan, block.rows[:, row]).series.test_accuracy


def _is_key(leaf):
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _to_host(block):
    leaves = [
        jax.random.key_data(leaf) if _is_key(leaf) else leaf for leaf in jax.tree.leaves(block)
    ]
    return {f"leaf_{i:03d}": np.asarray(leaf) for i, leaf in enumerate(jax.device_get(leaves))}


def identity_of(job: Job, number: int, like: Any) -> dict[str, str]:
    """What a checkpoint must share with the run that goes on from it; `like` is the block's tree of
    shapes."""
    record = jax.eval_shape(lambda: job.plan.unset)  # what the block's words are
    layout = hashlib.sha256(
        str(jax.tree_util.tree_flatten_with_path((like, record))).encode()
    ).hexdigest()
    digest = config.digest(job.experiments[number])
    return {
        "config": digest,
        "data": job.checksum,
        "jax": jax.__version__,
        "way to compute": "jaxbnn.use_cores()" if is_ready(jax.devices()[0]) else "XLA's own",
        "layout": layout,
    }


def restore(pieces: Sequence[Mapping[str, np.ndarray]], like: Any, device: jax.Device) -> Block:
    """The block that checkpoints of one step make together, its last lane repeated to fill it;
    `like` its shapes."""
    leaves, structure = jax.tree.flatten(like)
    values = [
        _filled([state[f"leaf_{i:03d}"] for state in pieces], leaf) for i, leaf in enumerate(leaves)
    ]
    typed = [
        jax.random.wrap_key_data(jnp.asarray(value), impl="threefry2x32")
        if _is_key(leaf)
        else value
        for leaf, value in zip(leaves, values, strict=True)
    ]
    return jax.device_put(jax.tree.unflatten(structure, typed), device)


def _filled(parts, like):
    """A leaf of the whole block, from its pieces'."""
    if not like.ndim:
        return parts[0]
    lanes = np.concatenate(parts)
    return np.concatenate([lanes, np.repeat(lanes[-1:], like.shape[0] - len(lanes), axis=0)])


def _part(job, piece, lanes, record, inputs) -> Path:
    """Writes a finished piece's part of the result; record: the block's, on the host."""
    experiment, place = job.experiments[piece.number], _place(job, piece)
    record = jax.tree.map(lambda leaf: leaf[lanes], record)
    samples = [_samples(job, lanes, references[0]) for references in inputs.reference]
    spectra = run_folder.read_spectra(place, len(experiment.epochs))
    groups = verdicts.groups(
        experiment, job.split, job.checksum, piece.seeds, Finished(record, samples, spectra)
    )
    epochs = kept.epochs(experiment)
    stored = {
        epoch: run_folder.read_arrays(run_folder.snapshot_path(place, epoch)) for epoch in epochs
    }
    labels = [_labels(job, lanes, references[0]) for references in inputs.reference]
    return run_folder.write_part(
        place, groups | kept.groups(experiment, piece.seeds, stored, labels)
    )


def _samples(job, lanes, reference):
    """What the seed of each of these lanes was measured on by a probe of this reference."""
    h_x, h_y = (_per_lane(job, lanes, each) for each in (reference.h_x, reference.h_y))
    sizes = [np.bincount(y, minlength=job.plan.classes) for y in _labels(job, lanes, reference)]
    return [Sample(*each) for each in zip(sizes, h_x, h_y, strict=True)]


def _labels(job, lanes, reference):
    """The labels the seed of each of n lanes was measured with, [n, N]."""
    return _per_lane(job, lanes, reference.y)


def _per_lane(job, lanes, leaf):
    leaf = np.asarray(leaf)
    return leaf[lanes] if job.plan.split_per_lane else np.stack([leaf] * (lanes.stop - lanes.start))
