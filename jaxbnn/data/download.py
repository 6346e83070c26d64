"""The only code of the package that uses the network: one file from one address.

pooch's downloader transfers the bytes in a thread of its own, so that the caller sees bytes and
time left, and can stop at any moment, also while a server is silent. What has arrived stays in
`<name>.part`; the next attempt asks for the rest only.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from types import ModuleType
from typing import Any, BinaryIO, NamedTuple

from jaxbnn.data.failure import reason
from jaxbnn.data.packing import verified
from jaxbnn.data.published import File

TIMEOUT = 30.0  # seconds without an answer, or without a byte, after which a mirror is given up
TICK = 0.1  # seconds between two reports
MAX_ATTEMPTS = 5  # at one address, each of which brought bytes
CHUNK = 1 << 13  # bytes; what has come of a chunk is lost when a connection breaks


class DownloadProgress(NamedTuple):
    """How far the download of one file is."""

    name: str  # of the file
    bytes_done: int  # those of an earlier attempt included
    bytes_total: int | None  # None until the server says
    seconds_left: float | None  # at the rate so far; None until there is one


Report = Callable[[DownloadProgress], None]


class DownloadError(Exception):
    """An address did not give the file: what happened, in one line."""


class Transfer:
    """The bytes of one request as they arrive, appended to what the file has."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.file = file
        self.name = name
        self.offset = length(file)  # bytes of earlier attempts that the answer continues
        self.done = self.offset
        self.total: int | None = None
        self.start: float | None = None  # monotonic seconds, when the answer began
        self.responses: list[Any] = []  # to be closed: a broken one keeps its socket

    def answered(self, response: Any, **_: object) -> None:
        """Called with a response's head: begins anew unless the server continues at our offset."""
        self.responses.append(response)
        if not response.ok or response.is_redirect:
            return
        head = response.headers
        continues = head.get("Content-Range", "").startswith(f"bytes {self.offset}-")
        if response.status_code != 206 or not continues:
            self.offset = 0
            self.done = 0
            self.file.truncate(0)
        if "Content-Length" in head and "Content-Encoding" not in head:
            self.total = self.offset + int(head["Content-Length"])
        self.start = time.monotonic()

    def write(self, chunk: bytes) -> None:
        """Appends a chunk. ValueError once the file is closed, which ends an abandoned thread."""
        self.file.write(chunk)
        self.done += len(chunk)

    def flush(self) -> None:
        """Gives the chunk to the system."""
        self.file.flush()

    def close(self) -> None:
        """Gives the connections back."""
        for response in self.responses:
            response.close()

    def progress(self) -> DownloadProgress:
        """How far it is, now."""
        return DownloadProgress(self.name, self.done, self.total, self.seconds_left())

    def seconds_left(self) -> float | None:
        """The bytes that are missing at the mean rate of this request, or None."""
        received = self.done - self.offset
        if self.total is None or self.start is None or received == 0:
            return None
        return (self.total - self.done) * (time.monotonic() - self.start) / received


def download(
    url: str, file: File, path: Path, timeout: float = TIMEOUT, report: Report | None = None
) -> bytes:
    """The unpacked bytes of the file at `url`, which is then at `path`.

    Only a right file is ever seen at `path`. An exception that `report` raises ends the download at
    once and passes through; what has arrived is kept for the next attempt.

    Args:
        url: the address.
        file: its name and checksum.
        path: where it goes; `<path>.part` holds what has arrived.
        timeout: seconds without a byte after which the address is given up.
        report: called several times a second.

    Raises:
        DownloadError: nothing arrived, not all of it, or another file (then kept as `<path>.bad`).
        ModuleNotFoundError: without pooch.
    """
    import_pooch()
    with partial_file(path) as part:
        continued = receive(url, part, path.name, timeout, report)
        if continued and not is_right(part, file):  # the earlier bytes were another file's
            part.truncate(0)
            receive(url, part, path.name, timeout, report)
        return settled(part, file, path)


def receive(url: str, part: BinaryIO, name: str, timeout: float, report: Report | None) -> bool:
    """Appends what is missing of the file at `url`; whether it continued bytes of another request.

    A connection that breaks after it brought bytes is made again, MAX_ATTEMPTS times at most.

    Raises:
        DownloadError: the last attempt's failure.
    """
    failure: BaseException | None = None
    for _ in range(MAX_ATTEMPTS):
        before = length(part)
        transfer = Transfer(part, name)
        failure = follow(transfer, url, timeout, report)
        if failure is None:
            return transfer.offset > 0
        if is_past_the_end(failure):
            part.truncate(0)
        elif length(part) <= before:
            break
    raise DownloadError("no answer" if failure is None else reason(failure)) from failure


def follow(
    transfer: Transfer, url: str, timeout: float, report: Report | None
) -> BaseException | None:
    """Runs the transfer in a thread and reports on it until it ends; its failure, or None.

    The thread of a transfer that is abandoned (`report` raised) ends with its next byte or its
    timeout; as a daemon it keeps no process alive.
    """
    future: Future[None] = Future()
    Thread(target=_run, args=(transfer, url, timeout, future), daemon=True).start()
    while not wait([future], timeout=TICK).done:
        if report is not None:
            report(transfer.progress())
    failure = future.exception()
    if failure is None and report is not None:
        report(transfer.progress())
    return failure


def _run(transfer: Transfer, url: str, timeout: float, future: Future[None]) -> None:
    headers = {"Accept-Encoding": "identity"}  # the file as it is, so that bytes can be counted
    if transfer.offset:
        headers["Range"] = f"bytes={transfer.offset}-"
    downloader = import_pooch().HTTPDownloader(
        timeout=timeout,
        chunk_size=CHUNK,
        headers=headers,
        hooks={"response": transfer.answered},
    )
    try:
        downloader(url, transfer, None)
    except BaseException as error:
        transfer.close()
        future.set_exception(error)
    else:
        transfer.close()
        future.set_result(None)


def is_past_the_end(failure: BaseException) -> bool:
    """Whether the server has no byte at the offset asked for (HTTP 416)."""
    return getattr(getattr(failure, "response", None), "status_code", None) == 416


def is_right(part: BinaryIO, file: File) -> bool:
    """Whether what has arrived is the file."""
    try:
        verified(Path(part.name), file)
    except ValueError:
        return False
    return True


def settled(part: BinaryIO, file: File, path: Path) -> bytes:
    """The unpacked bytes of a file that has arrived whole, which is moved to `path`.

    Raises:
        DownloadError: it is another file; it is kept as `<path>.bad`.
    """
    arrived = Path(part.name)
    try:
        payload = verified(arrived, file)
    except ValueError as error:
        raise DownloadError(f"{error}, kept as {set_aside(arrived, path)}") from error
    arrived.replace(path)
    return payload


@contextmanager
def partial_file(path: Path) -> Iterator[BinaryIO]:
    """The file beside `path` that holds what has arrived, open for appending and ours alone.

    `<path>.part`, kept for the next attempt unless it is empty. Where another process is writing to
    it, or the file system has no locks, a temporary file that goes afterwards.
    """
    shared = path.with_name(f"{path.name}.part")
    file = open_locked(shared)
    if file is not None:
        with file:
            try:
                yield file
            finally:
                _remove_if_empty(file, shared)
        return
    with TemporaryDirectory(dir=path.parent) as folder, open_new(Path(folder), path.name) as file:
        yield file


def open_new(folder: Path, name: str) -> BinaryIO:
    """A new file in the folder, open for appending."""
    return (folder / name).open("a+b")


def open_locked(path: Path) -> BinaryIO | None:
    """The file at `path`, open for appending and locked; None where it cannot be locked now."""
    file = path.open("a+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its last owner may have renamed it between our opening and our lock.
        if os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
    except OSError:  # held by another process, renamed, or a file system without locks
        pass
    file.close()
    return None


def _remove_if_empty(file: BinaryIO, path: Path) -> None:
    """Removes an empty partial file, unless it was moved away."""
    if length(file) == 0:
        path.unlink(missing_ok=True)


def length(file: BinaryIO) -> int:
    """The bytes of an open file."""
    file.flush()
    return os.fstat(file.fileno()).st_size


def set_aside(wrong: Path, path: Path) -> Path:
    """Moves a wrong file to `path` with `.bad` at its end; where that is."""
    return wrong.replace(path.with_name(f"{path.name}.bad"))


def import_pooch() -> ModuleType:
    """The package pooch, needed for downloads only.

    Raises:
        ModuleNotFoundError: it is not installed; the message says how to do without.
    """
    try:
        import pooch
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"expected the package pooch for a download, got {error}: "
            "install it, or name a folder (JAXBNN_DATA)"
        ) from error
    return pooch
