"""One block on one device: from its last checkpoints, or from its first step, to its finished
stores.

What a block stores is cut into its seed ranges, each in the folder of its experiment: they can go
on in other blocks.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn.config import codec
from jaxbnn.engine import block_store
from jaxbnn.engine.devices import Device
from jaxbnn.engine.program import Block, Inputs, advance
from jaxbnn.engine.progress import ProgressTracker
from jaxbnn.engine.run_plan import (
    BlockSeeds,
    RunPlan,
    SeedRange,
    count_networks,
    initial_block,
    shapes_of,
)
from jaxbnn.observe.record import Series
from jaxbnn.storage import array_store, checkpoints, results, run_folder, schema

CHUNK_SECONDS = 2.0  # aimed at between two turns of the host
CHECKPOINT_SECONDS = 10.0  # between two checkpoints, or longer:
CHECKPOINT_SHARE = 0.02  # of the time between them, one takes no more
MAX_PENDING = 2**26  # bytes of rows that wait for a checkpoint
STATE = ("params", "batch_stats")  # of the variables: their leaves stand at the root


class Part(NamedTuple):
    """A seed range of a block: its places there, and its folder."""

    seed_range: SeedRange
    places: slice
    folder: Path


def checkpointed(plan: RunPlan, missing: Sequence[Sequence[int]]) -> list[tuple[SeedRange, int]]:
    """The seed ranges of each experiment's missing seeds that have a checkpoint, and its step."""
    ranges = []
    for number, (folder, wanted) in enumerate(zip(plan.folders, missing, strict=True)):
        for block in run_folder.block_folders(folder):
            if array_store.is_finished(block) or not checkpoints.folders(block):
                continue
            seeds = run_folder.seeds_of(block)
            if set(seeds) <= set(wanted):
                ranges.append((SeedRange(number, seeds), checkpoints.newest(block)))
    return ranges


def run_block(
    plan: RunPlan,
    seeds: BlockSeeds,
    inputs: Inputs,
    device: Device,
    tracker: ProgressTracker,
) -> bool:
    """Takes a block to its end; False where the run was stopped before, with a checkpoint."""
    shapes = shapes_of(plan, inputs)
    parts = _parts(plan, seeds)
    for part in parts:
        run_folder.make_block_folder(plan.folders[part.seed_range.number], part.seed_range.seeds)
    if all(_is_finished(plan, part) for part in parts):
        return True
    block = _restored(plan, parts, shapes, inputs, device)
    if block is None:
        block = jax.block_until_ready(initial_block(plan, seeds, inputs, device))
        for part in parts:
            _create_store(plan, part, inputs, shapes)
    else:
        tracker.resume(seeds, count_networks(seeds), int(block.step) - 1, name_of(plan, seeds))
    block = _advance_to_the_end(plan, parts, block, shapes, inputs, tracker)
    if int(block.step) < plan.steps:
        return False
    for part in parts:
        block_store.finish(plan, part.folder, part.seed_range, part.places, inputs)
    return True


def name_of(plan: RunPlan, seeds: BlockSeeds) -> str:
    """A block in words: "seeds 0 to 7"."""
    names = []
    for seed_range in seeds:
        first = seed_range.seeds[0]
        last = seed_range.seeds[-1]
        experiment = plan.experiments[seed_range.number].name
        prefix = f"{experiment} " if len(plan.experiments) > 1 else ""
        names.append(f"{prefix}seeds {first} to {last}")
    return ", ".join(names)


def identity_of(plan: RunPlan, number: int, shapes: Any) -> dict[str, str]:
    """What a checkpoint must share with the run that goes on from it."""
    layout = str(jax.tree_util.tree_flatten_with_path(shapes))
    return {
        "version": str(results.VERSION),
        "config": codec.digest(plan.experiments[number]),
        "data": plan.checksum,
        "jax": jax.__version__,
        **plan.settings,
        "layout": hashlib.sha256(layout.encode()).hexdigest(),
    }


def named_leaves(block: Block) -> dict[str, np.ndarray]:
    """A block's leaves on the host by name: params/dense_1/latent, ...; keys as their data."""
    leaves = {}
    for name, leaf in _leaves_by_name(block).items():
        values = jax.random.key_data(leaf) if _is_key(leaf) else leaf
        leaves[name] = np.asarray(jax.device_get(values))
    return leaves


class _Pending:
    """Rows and kept arrays of a block since its last checkpoint."""

    def __init__(self, first_row: int):
        self.first_row = first_row
        self.rows: list[dict[str, np.ndarray]] = []
        self.kept: list[tuple[int, dict[str, np.ndarray]]] = []

    @property
    def bytes(self) -> int:
        chunks = self.rows + [arrays for _, arrays in self.kept]
        return sum(map(_bytes_of, chunks))

    def joined(self) -> dict[str, np.ndarray]:
        """All rows, one chunk behind the other."""
        joined = {}
        for name in self.rows[0] if self.rows else ():
            joined[name] = np.concatenate([rows[name] for rows in self.rows], axis=1)
        return joined


def _bytes_of(arrays: Mapping[str, np.ndarray]) -> int:
    return sum(values.nbytes for values in arrays.values())


def _advance_to_the_end(
    plan: RunPlan,
    parts: Sequence[Part],
    block: Block,
    shapes: Block,
    inputs: Inputs,
    tracker: ProgressTracker,
) -> Block:
    """The block after its last step, or where the run was stopped; checkpointed on the way."""
    seeds = tuple(part.seed_range for part in parts)
    n_networks = count_networks(seeds)
    step = saved = int(block.step)
    size = 1
    pending = _Pending(plan.rows(step))
    due = time.monotonic() + CHECKPOINT_SECONDS
    while step < plan.steps and not tracker.halted():
        began = time.monotonic()
        until = plan.chunk_end(step, size)
        block, rows = jax.block_until_ready(advance(plan.program, block, np.int32(until), inputs))
        n_rows = plan.rows(until) - plan.rows(step)
        if n_rows:
            pending.rows.append(block_store.arrays_of(plan, jax.device_get(rows), n_rows))
        if until - 1 in plan.kept_epochs:
            pending.kept += block_store.kept_arrays(plan, until - 1, block, inputs)
        now = time.monotonic()
        seconds = max(now - began, 1e-6) / (until - step)
        size = max(1, min(4 * size, int(CHUNK_SECONDS / seconds)))
        step = until
        accuracy = _accuracy(plan, pending)[:n_networks]
        tracker.advance(seeds, n_networks, step - 1, accuracy, seconds * size)
        if now > due or pending.bytes > MAX_PENDING:
            _save(plan, parts, block, shapes, pending)
            saved = step
            pending = _Pending(plan.rows(step))
            took = time.monotonic() - now
            due = now + max(CHECKPOINT_SECONDS, took / CHECKPOINT_SHARE)
    if step > saved:
        _save(plan, parts, block, shapes, pending)
    return block


def _save(
    plan: RunPlan, parts: Sequence[Part], block: Block, shapes: Block, pending: _Pending
) -> None:
    """Writes each seed range's rows, then its checkpoint: rows behind one are written again."""
    rows = pending.joined()
    leaves = named_leaves(block)
    for part in parts:
        if rows:
            array_store.write_rows(part.folder, pending.first_row, _cut(rows, part.places))
        for row, arrays in pending.kept:
            array_store.write_rows(part.folder, row, _cut(arrays, part.places))
        state = {name: leaf[part.places] if leaf.ndim else leaf for name, leaf in leaves.items()}
        identity = identity_of(plan, part.seed_range.number, shapes)
        checkpoints.save(part.folder, int(block.step), state, identity)


def _cut(arrays: Mapping[str, np.ndarray], places: slice) -> dict[str, np.ndarray]:
    """The seeds at these places."""
    return {name: values[places] for name, values in arrays.items()}


def _parts(plan: RunPlan, seeds: BlockSeeds) -> list[Part]:
    """Each seed range of a block with its places and its folder."""
    parts = []
    first = 0
    for seed_range in seeds:
        places = slice(first, first + len(seed_range.seeds))
        folder = run_folder.block_folder(plan.folders[seed_range.number], seed_range.seeds)
        parts.append(Part(seed_range, places, folder))
        first = places.stop
    return parts


def _is_finished(plan: RunPlan, part: Part) -> bool:
    """Whether a store is finished already: its list of seeds was lost, and is back."""
    if not array_store.is_finished(part.folder):
        return False
    folder = plan.folders[part.seed_range.number]
    finished = results.finished_seeds(folder, plan.checksum, plan.settings)
    return set(part.seed_range.seeds) <= set(finished)


def _create_store(plan: RunPlan, part: Part, inputs: Inputs, shapes: Block) -> None:
    """An empty store for a seed range, in place of what was begun there."""
    experiment = plan.experiments[part.seed_range.number]
    specs = block_store.specs_of(plan, len(part.seed_range.seeds), inputs, shapes)
    array_store.create(part.folder, specs, block_store.attributes_of(plan, experiment))


def _restored(
    plan: RunPlan, parts: Sequence[Part], shapes: Block, inputs: Inputs, device: Device
) -> Block | None:
    """The block that the newest checkpoints make together; None where there are none."""
    states = []
    for part in parts:
        identity = identity_of(plan, part.seed_range.number, shapes)
        state = checkpoints.load(part.folder, identity)
        if state is not None:
            step = int(state["step"])
            n_kept = block_store.kept_rows_before(plan, step)
            names = block_store.specs_of(plan, len(part.seed_range.seeds), inputs, shapes)
            array_store.check_rows(part.folder, names, plan.rows(step), n_kept)
            states.append(state)
    if states and len(states) < len(parts):
        names = name_of(plan, tuple(part.seed_range for part in parts))
        raise ValueError(
            f"expected a checkpoint of each of {names}, got {len(states)}: run them one by one"
        )
    return restore(states, shapes, device) if states else None


def restore(states: Sequence[Mapping[str, np.ndarray]], shapes: Block, device: Device) -> Block:
    """The block that checkpoints of one step make together, its last seed repeated to fill it.

    Raises:
        ValueError: where a leaf is missing or has another shape than the program's.
    """
    leaves = []
    for name, like in _leaves_by_name(shapes).items():
        leaves.append(_filled(name, [state.get(name) for state in states], like))
    structure = jax.tree.structure(shapes)
    return jax.device_put(jax.tree.unflatten(structure, leaves), device)


def _filled(name: str, parts: Sequence[np.ndarray | None], like: Any) -> Any:
    """A leaf of the whole block, from its seed ranges'."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        raise ValueError(f"expected {name} in a checkpoint, got none: it is of another network")
    if not like.ndim:
        return known[0].astype(like.dtype)
    values = np.concatenate(known)
    missing = like.shape[0] - len(values)
    values = np.concatenate([values, np.repeat(values[-1:], missing, axis=0)])
    if _is_key(like):
        return jax.random.wrap_key_data(jnp.asarray(values), impl="threefry2x32")
    if values.shape != like.shape or values.dtype != like.dtype:
        raise ValueError(
            f"expected {name} of {like.dtype} {like.shape} in a checkpoint, got {values.dtype} "
            f"{values.shape}: it is of another network"
        )
    return values


def _leaves_by_name(block: Any) -> dict[str, Any]:
    """Leaves by path; those of the variables as Flax names them, without what is around them."""
    named = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(block)[0]:
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        named[name.removeprefix("state/").removeprefix("variables/")] = leaf
    return named


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _accuracy(plan: RunPlan, pending: _Pending) -> np.ndarray:
    """The seeds' latest test accuracy; NaN before the first."""
    if not pending.rows:
        return np.full(plan.experiment.seeds_per_program, np.nan)
    series = pending.rows[-1][f"{plan.experiment.probes[0].name}/{schema.SERIES}"]
    return series[:, -1, Series._fields.index("test_accuracy")]
