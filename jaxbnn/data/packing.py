"""Files that may be packed (gzip, xz, bzip2): unpacked to a limit and compared with their checksum.

pooch unpacks by a file's suffix, without a limit and into a second file, and compares checksums of
packed files only; hence this module.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxbnn.data.failure import reason
from jaxbnn.data.published import File

SUFFIXES = ("", ".gz", ".xz", ".bz2")
# The first bytes decide, not the suffix: browsers and servers unpack a .gz and leave its name.
OPENERS: tuple[tuple[bytes, Callable[..., Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"\xfd7zXZ\x00", lzma.open),
    (b"BZh", bz2.open),
)
MAGIC_BYTES = 6


def verified(path: Path, file: File) -> bytes:
    """The unpacked bytes of the file at `path`.

    Raises:
        ValueError: it does not unpack, or has another md5.
    """
    if file.packed:
        return verified_packed(path, file)
    payload = unpack(path, file.size + 1)
    md5 = hashlib.md5(payload, usedforsecurity=False).hexdigest()
    if md5 == file.md5:
        return payload
    count = f"{len(payload)} bytes"
    if len(payload) > file.size:
        count = f"more, the first {len(payload)}"
    raise ValueError(
        f"expected {file.size} bytes (unpacked) with md5 {file.md5}, got {count} with md5 {md5}"
    )


def verified_packed(path: Path, file: File) -> bytes:
    """The unpacked bytes of the file at `path`, which must be the published one, byte for byte.

    Raises:
        ValueError: it has another md5, or unpacks to more than `file.size` bytes.
    """
    with path.open("rb") as packed:
        md5 = hashlib.file_digest(packed, _md5).hexdigest()
    if md5 != file.md5:
        raise ValueError(
            f"expected the file as published, with md5 {file.md5}, got one with md5 {md5}"
        )
    payload = unpack(path, file.size + 1)
    if len(payload) > file.size:
        raise ValueError(f"expected at most {file.size} bytes (unpacked), got more")
    return payload


def verified_copy(path: Path, file: File) -> bytes:
    """The bytes of a user's file: verified, or an unpacked copy of the right size (`File.unlike`).

    Raises:
        ValueError: as `verified`; an unpacked copy of another size, or another data set's file.
    """
    if file.unlike is None or is_packed(path):
        return verified(path, file)
    payload = unpack(path, file.size + 1)
    if len(payload) != file.size:
        return verified(path, file)
    if hashlib.md5(payload, usedforsecurity=False).hexdigest() == file.unlike:
        raise ValueError(f"expected {file.name} of this data set, got MNIST's file of that name")
    return payload


def is_packed(path: Path) -> bool:
    """Whether the file begins as gzip, xz or bzip2 do."""
    with path.open("rb") as file:
        return _opener(file.read(MAGIC_BYTES)) is not None


def unpack(path: Path, limit: int) -> bytes:
    """The first `limit` bytes of a file, unpacked if it is gzip, xz or bzip2; no more is unpacked.

    Raises:
        ValueError: the packed data are broken or cut off.
    """
    with path.open("rb") as packed:
        opener = _opener(packed.read(MAGIC_BYTES))
        packed.seek(0)
        if opener is None:
            return packed.read(limit)
        try:
            with opener(packed) as unpacked:
                return unpacked.read(limit)
        except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            raise ValueError(
                f"expected {opener.__module__} data that unpack, got {reason(error)}"
            ) from error


def _opener(head: bytes) -> Callable[..., Any] | None:
    for magic, opener in OPENERS:
        if head.startswith(magic):
            return opener
    return None


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)
