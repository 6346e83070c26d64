"""Orbax checkpoints of numpy arrays, also from one of several processes that share a run.

In a process group Orbax writes numpy arrays on process 0 alone and reports success on the others,
and it refuses arrays that lie on one process. So each process of a group has a child of its own,
which is in no group: it reads an .npz and writes it as an Orbax checkpoint.
"""

import atexit
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jaxbnn.files import npz
from jaxbnn.files.atomic import reserve
from jaxbnn.storage.leaves import flat, nested

_LOCK = threading.Lock()
_LOG_LOCK = threading.Lock()
_LEVELS: list[int] = []  # the logger's own level, once for each thread that is within `quiet`
_CHILD: list[subprocess.Popen] = []  # the one that is running, if any
_CODE = re.compile(r"os_error_code='?(\d+)|\[Errno (\d+)\]")  # in Tensorstore's words, or Python's


def save_tree(path: Path, tree: Mapping[str, Any]) -> None:
    """Writes nested dictionaries of numpy arrays as an Orbax checkpoint.

    Raises:
        OSError: where it cannot be written, the disk being full, say.
    """
    import jax

    # Orbax finds a full disk late, and its threads then print what they cannot hand on.
    reserve(path, sum(leaf.nbytes for leaf in flat(tree).values()))
    if jax.process_count() > 1:
        _save_by_child(path, tree)
        return
    try:
        _save(path, tree)
    except Exception as error:  # Orbax raises a ValueError where a disk is full
        raise _as_os_error(path, str(error)) from error


def _save(path: Path, tree: Mapping[str, Any]) -> None:
    import orbax.checkpoint as ocp

    with quiet(), ocp.PyTreeCheckpointer() as checkpointer:
        checkpointer.save(path, dict(tree))


@contextmanager
def quiet() -> Iterator[None]:
    """Without what Orbax logs of a failure, with its traceback: the exception says it."""
    logger = logging.getLogger("absl")
    with _LOG_LOCK:
        _LEVELS.append(_LEVELS[0] if _LEVELS else logger.level)
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        with _LOG_LOCK:
            level = _LEVELS.pop()
            if not _LEVELS:
                logger.setLevel(level)


def _as_os_error(path: Path, words: str) -> OSError:
    """The error of the operating system that Orbax's words name."""
    code = _CODE.search(words)
    if code is None:
        what = " ".join(words.split())[:300]
        return OSError(f"expected {path} to be written as a checkpoint, got: {what}")
    number = int(code[1] or code[2])
    return OSError(number, os.strerror(number), str(path))


def _save_by_child(path: Path, tree: Mapping[str, Any]) -> None:
    arrays = path.with_name(f"{path.name}.npz")
    npz.write(arrays, flat(tree), compressed=False)
    try:
        with _LOCK:
            answer = _ask(f"{arrays}\t{path}\n")
    finally:
        arrays.unlink(missing_ok=True)
    if answer != "saved":
        raise _as_os_error(path, answer)


def _ask(line: str) -> str:
    """The child's answer to one line."""
    child = _running_child()
    if child.stdin is None or child.stdout is None:
        raise OSError("expected a child process with pipes")
    child.stdin.write(line)
    child.stdin.flush()
    return child.stdout.readline().strip() or "the child process ended"


def _running_child() -> subprocess.Popen:
    if not _CHILD or _CHILD[0].poll() is not None:
        _CHILD[:] = [_start_child()]
    return _CHILD[0]


def _start_child() -> subprocess.Popen:
    # The child computes nothing: it must not take a device, nor join the group.
    alone = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": ""}
    child = subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import serve; serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | alone,
        start_new_session=True,  # a signal to the run lets it finish its checkpoint
    )
    atexit.register(_end, child)
    return child


def _end(child: subprocess.Popen) -> None:
    """Closes the child's input, which ends it, and waits for it."""
    if child.stdin is not None:
        child.stdin.close()
    child.wait()
    if child.stdout is not None:
        child.stdout.close()


def serve() -> None:
    """Reads lines "ARRAYS.npz TAB TARGET" and answers each with "saved", or what went wrong."""
    for line in sys.stdin:
        arrays, _, target = line.rstrip("\n").partition("\t")
        try:
            _save(Path(target), nested(npz.read(arrays)))
            answer = "saved"
        except Exception as error:  # whatever it is, the run says it
            answer = " ".join(str(error).split()) or type(error).__name__
        print(answer, flush=True)
