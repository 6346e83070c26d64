"""Files that appear whole, room that is asked for before they are written, and the most that is
read."""

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
    """OSError now where the disk has no room for so many bytes beside the path: HDF5 can crash when
    it finds out."""
    if hasattr(os, "posix_fallocate"):
        with tempfile.TemporaryFile(dir=path.parent) as file:
            os.posix_fallocate(file.fileno(), 0, size + OVERHEAD)


def memory() -> int:
    """The bytes of memory that this machine has: nothing larger is read."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
