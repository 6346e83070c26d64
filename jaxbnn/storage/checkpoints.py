"""A block's checkpoints: arrays, with a manifest that says whose they are and what their files sum
up to.

Each is written beside its place and renamed into it, so what stands under its name is whole.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from jaxbnn.files import npz as archives

KEPT = 2  # the last ones
ARRAYS, MANIFEST = "arrays.npz", "manifest.json"


def save(
    block: Path, step: int, arrays: Mapping[str, np.ndarray], identity: Mapping[str, str]
) -> None:
    """blocks/<seeds>/<step>/: the arrays in one file, and a manifest with identity and that file's
    sha256.

    The last two checkpoints are kept.
    """
    beside, old = block / ".new", block / ".old"
    for leftover in (beside, old):
        shutil.rmtree(leftover, ignore_errors=True)
    archives.write(beside / ARRAYS, arrays, compressed=False)
    manifest = {"identity": dict(identity), "files": _checksums(beside)}
    (beside / MANIFEST).write_text(json.dumps(manifest, indent=2))
    beside.rename(block / f"{step:08d}")
    for oldest in folders(block)[:-KEPT]:
        oldest.rename(old)
        shutil.rmtree(old)


def folders(block: Path) -> list[Path]:
    """A block's checkpoints, oldest first."""
    return sorted(path for path in block.glob("[0-9]*") if path.name.isdecimal() and path.is_dir())


def newest(block: Path) -> int:
    """The step of a block's newest checkpoint."""
    return int(folders(block)[-1].name)


def load(block: Path, identity: Mapping[str, str]) -> dict[str, np.ndarray] | None:
    """The arrays of a block's newest checkpoint, None without one.

    ValueError when it is damaged (the message offers the one before), or belongs to another config
    or other data.
    """
    if not folders(block):
        return None
    last = folders(block)[-1]
    _verify(last, identity)
    return archives.read(last / ARRAYS)


def _verify(checkpoint, identity):
    before = folders(checkpoint.parent)[:-1]
    offer = f"go on from {before[-1]}" if before else "start this block again"
    try:
        manifest = json.loads((checkpoint / MANIFEST).read_text())
        made_with, whole = dict(manifest["identity"]), manifest["files"] == _checksums(checkpoint)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        made_with, whole = {}, False
    if not whole or ARRAYS not in manifest["files"]:
        raise ValueError(
            f"{checkpoint} is damaged (its checksums do not hold): remove it to {offer}"
        )
    for key, value in identity.items():
        if made_with.get(key) != value:
            raise ValueError(
                f"{checkpoint} belongs to another {key}: expected {value}, got {made_with.get(key)}; "
                "give back what it was made with, or another --out"
            )


def _checksums(checkpoint):
    files = sorted(
        path for path in checkpoint.rglob("*") if path.is_file() and path.name != MANIFEST
    )
    return {
        str(path.relative_to(checkpoint)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
