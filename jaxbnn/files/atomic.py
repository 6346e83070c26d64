"""Atomic writes, and the room on the disk that is asked for before them."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OVERHEAD = 2**16  # bytes, of a file's own tables


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A place beside `path` to write to; it takes path's place when all went well, and is removed
    when not."""
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    beside.unlink(missing_ok=True)
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def reserve(path: Path, size: int) -> None:
    """OSError now where the disk has no room for so many bytes beside the path: HDF5, which writes
    exported files, can crash when it finds out."""
    if hasattr(os, "posix_fallocate"):
        with tempfile.TemporaryFile(dir=path.parent) as file:
            os.posix_fallocate(file.fileno(), 0, size + OVERHEAD)


def write_text(path: Path, text: str) -> None:
    """A text file, written atomically."""
    with replacing(path) as beside:
        beside.write_text(text)
