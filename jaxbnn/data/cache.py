"""The folder of downloaded files: one file a name, each checked whenever it is read.

pooch's registry knows one address a file and the checksum of the packed file; its retries begin
from byte 0 and log to stderr. So mirrors, checksums of contents and resuming are here and in
`download`; pooch names the folder and transfers the bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jaxbnn.data.download import (
    TIMEOUT,
    DownloadError,
    Report,
    download,
    import_pooch,
    set_aside,
)
from jaxbnn.data.packing import verified
from jaxbnn.data.published import MNIST, Collection, File


def cached(
    file: File,
    collection: Collection = MNIST,
    cache: str | Path | None = None,
    timeout: float = TIMEOUT,
    report: Report | None = None,
) -> bytes:
    """The unpacked bytes of a file from the cache, or from the first mirror that has it right.

    A mirror's file fills the cache. A wrong file, of the cache or of a mirror, is kept beside the
    cache's as `<name>.gz.bad`.

    Raises:
        ConnectionError: every mirror failed; the message gives each one's reason.
        ModuleNotFoundError: a download is needed and pooch is not installed.
    """
    path = cache_path(file, collection, cache)
    failures = []
    if path.is_file():
        try:
            return verified(path, file)
        except ValueError as error:
            failures.append(f"{path}: {error}, kept as {set_aside(path, path)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    return from_mirrors(file, collection.mirrors, path, timeout, failures, report)


def cache_path(file: File, collection: Collection, cache: str | Path | None = None) -> Path:
    """Where the cache has the file, or would have it."""
    folder = Path(cache if cache is not None else import_pooch().os_cache("jaxbnn"))
    return folder / collection.folders[0] / f"{file.name}.gz"


def from_mirrors(
    file: File,
    mirrors: Sequence[str],
    path: Path,
    timeout: float,
    failures: Sequence[str],
    report: Report | None = None,
) -> bytes:
    """The unpacked bytes of the file from the first mirror that has it right, then at `path`.

    Raises:
        ConnectionError: no mirror had it; the message lists `failures`, those met before, and each
            mirror's.
    """
    failures = list(failures)
    for mirror in mirrors:
        url = f"{mirror}{path.name}"
        try:
            return download(url, file, path, timeout, report)
        except DownloadError as error:
            failures.append(f"{url}: {error}")
    raise ConnectionError(
        f"expected {file.name} from one of {len(mirrors)} mirrors, got {'; '.join(failures)}; "
        "a folder that holds the file can be named instead (JAXBNN_DATA)"
    )
