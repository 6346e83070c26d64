"""A block's checkpoints: Orbax checkpoints of named leaves, each with a manifest beside it.

BLOCK/<step>/state is an Orbax checkpoint that any user of Flax can restore: params/dense_1/latent
and so on, with the seeds' axis in front. BLOCK/<step>/manifest.json says whose it is and what its
files sum up to: Orbax alone restores a flipped byte without a word. The last two are kept.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxbnn.storage.leaves import flat, nested
from jaxbnn.storage.orbax_writer import save_tree

KEPT = 2  # the last ones
STATE = "state"
MANIFEST = "manifest.json"


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
    _verify(last, identity or {})
    return flat(restore_tree((last / STATE).absolute()))


def restore_tree(path: Path) -> dict[str, Any]:
    """An Orbax checkpoint as nested dictionaries of numpy arrays, on any machine.

    A process of a group reads by itself: Orbax would wait for the others, which read nothing.
    """
    import jax
    import orbax.checkpoint as ocp

    own = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(
        primary_host=own, active_processes={own}, barrier_sync_key_prefix=f"process-{own}"
    )
    handler = ocp.PyTreeCheckpointHandler(multiprocessing_options=alone)
    try:
        with ocp.Checkpointer(handler, multiprocessing_options=alone) as checkpointer:
            metadata = checkpointer.metadata(path).item_metadata.tree
            as_numpy = _map_leaves(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), metadata)
            return checkpointer.restore(path, restore_args=as_numpy)
    except Exception as error:  # a broken checkpoint fails in a dozen ways
        words = " ".join(str(error).split())[:200]
        raise ValueError(f"expected an Orbax checkpoint in {path}, got: {words}") from error


def _map_leaves(function: Any, tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {name: _map_leaves(function, value) for name, value in tree.items()}
    return function(tree)


def _verify(checkpoint: Path, identity: Mapping[str, str]) -> None:
    before = folders(checkpoint.parent)[:-1]
    offer = f"go on from {before[-1]}" if before else "start this block again"
    try:
        manifest = json.loads((checkpoint / MANIFEST).read_text())
        made_with = dict(manifest["identity"])
        whole = bool(manifest["files"]) and manifest["files"] == _checksums(checkpoint)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        made_with = {}
        whole = False
    if not whole:
        raise ValueError(
            f"{checkpoint} is damaged (its checksums do not hold): remove it to {offer}"
        )
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
