"""A block's checkpoints: Orbax checkpoints of named leaves, each with a manifest beside it.

BLOCK/<step>/state is an Orbax checkpoint that any user of Flax can restore: params/dense_1/latent
and so on, with the seeds' axis in front. BLOCK/<step>/manifest.json says whose it is and what its
files sum up to: Orbax alone restores a flipped byte without a word. The last two are kept.
"""

import hashlib
import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxbnn.files.limits import memory
from jaxbnn.storage import array_store
from jaxbnn.storage.leaves import flat, nested
from jaxbnn.storage.orbax_writer import quiet, save_tree

KEPT = 2  # the last ones
STATE = "state"
MANIFEST = "manifest.json"
MISSING = (FileNotFoundError, IsADirectoryError, NotADirectoryError)  # not: an error of access


def save(
    block: Path, step: int, leaves: Mapping[str, np.ndarray], identity: Mapping[str, str]
) -> None:
    """Writes BLOCK/<step>/ atomically, and removes all checkpoints but the last two.

    Args:
        block: the block's folder.
        step: steps done.
        leaves: "params/dense_1/latent" -> values [S, ...].
        identity: what a run that goes on from it must share.

    Raises:
        OSError: where it cannot be written; the checkpoints that were there remain.
    """
    beside = block / ".new"
    old = block / ".old"
    for leftover in (beside, old):
        shutil.rmtree(leftover, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        save_tree((beside / STATE).absolute(), nested(leaves))
        manifest = {"identity": dict(identity), "files": _checksums(beside)}
        (beside / MANIFEST).write_text(json.dumps(manifest, indent=2))
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    target = block / f"{step:08d}"
    if target.exists():
        shutil.rmtree(target)
    beside.rename(target)
    for oldest in folders(block)[:-KEPT]:
        oldest.rename(old)
        shutil.rmtree(old)


def folders(block: Path) -> list[Path]:
    """A block's checkpoints, oldest first."""
    steps = [path for path in block.glob("[0-9]*") if path.name.isdecimal() and path.is_dir()]
    return sorted(steps)


def newest(block: Path) -> int:
    """The step of a block's newest checkpoint."""
    return int(folders(block)[-1].name)


def load(block: Path, identity: Mapping[str, str] | None = None) -> dict[str, np.ndarray] | None:
    """The leaves of a block's newest checkpoint by name, None without one.

    Args:
        block: the block's folder.
        identity: what the checkpoint must share; None asks for nothing.

    Raises:
        ValueError: for one that is damaged (the message offers the one before), or belongs to
            another config, other data or another program.
    """
    if not folders(block):
        return None
    last = folders(block)[-1]
    _check_identity(last, identity or {})
    return flat(restore_tree((last / STATE).absolute()))


def restore_tree(path: Path) -> dict[str, Any]:
    """An Orbax checkpoint as nested dictionaries of numpy arrays, on any machine."""
    import orbax.checkpoint as ocp

    try:
        with quiet(), _reader() as checkpointer:
            metadata = checkpointer.metadata(path).item_metadata.tree
            _check_size(metadata, path)
            as_numpy = _map_leaves(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), metadata)
            return checkpointer.restore(path, ocp.args.PyTreeRestore(restore_args=as_numpy))
    except Exception as error:  # a broken checkpoint fails in a dozen ways
        words = " ".join(str(error).split())[:200]
        raise ValueError(f"expected an Orbax checkpoint in {path}, got: {words}") from error


def _reader() -> Any:
    """What reads in this process alone: of a process group each reads what is its own, while
    Orbax would have all wait for each other."""
    import jax
    import orbax.checkpoint as ocp

    own = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(
        primary_host=own, active_processes={own}, barrier_sync_key_prefix=f"process-{own}"
    )
    handler = ocp.PyTreeCheckpointHandler(multiprocessing_options=alone)
    return ocp.Checkpointer(handler, multiprocessing_options=alone)


def _check_size(metadata: Mapping[str, Any], path: Path) -> None:
    """ValueError where the leaves do not fit into memory."""
    size = sum(flat(_map_leaves(_n_bytes, metadata)).values())
    if size > memory():
        raise ValueError(f"arrays of {size / 2**30:.0f} GiB, which do not fit into memory")


def _n_bytes(leaf: Any) -> float:
    return float(math.prod(leaf.shape) * np.dtype(leaf.dtype).itemsize)


def _map_leaves(function: Any, tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {name: _map_leaves(function, value) for name, value in tree.items()}
    return function(tree)


def verify(checkpoint: Path) -> dict[str, str]:
    """The identity that a checkpoint was made with, once all its checksums hold.

    Raises:
        ValueError: for a damaged one; the message says how to go on without it.
        OSError: where it cannot be read, for want of a permission, say.
    """
    try:
        manifest = json.loads((checkpoint / MANIFEST).read_text())
        made_with = dict(manifest["identity"])
        whole = bool(manifest["files"]) and manifest["files"] == _checksums(checkpoint)
    except (*MISSING, ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise ValueError(
            f"{checkpoint} is damaged (its checksums do not hold): remove it{_offer(checkpoint)}"
        )
    return made_with


def _offer(checkpoint: Path) -> str:
    """What an unfinished block can do without its newest checkpoint; "" for another, which it does
    not need."""
    block = checkpoint.parent
    steps = folders(block)
    if array_store.is_finished(block) or steps[-1:] != [checkpoint]:
        return ""
    return f" to go on from {steps[-2]}" if len(steps) > 1 else " to start this block again"


def _check_identity(checkpoint: Path, identity: Mapping[str, str]) -> None:
    """ValueError for a checkpoint that is damaged or was made with another identity."""
    made_with = verify(checkpoint)
    for key, value in identity.items():
        if made_with.get(key) != value:
            raise ValueError(
                f"{checkpoint} belongs to another {key}: expected {value}, got "
                f"{made_with.get(key)}; give back what it was made with, or another --out"
            )


def _checksums(checkpoint: Path) -> dict[str, str]:
    sums = {}
    for path in sorted(checkpoint.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            name = path.relative_to(checkpoint).as_posix()
            sums[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return sums
