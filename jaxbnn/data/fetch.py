"""Files of published data sets: found on disk or downloaded, and taken only with the right
checksum.

The only code of the package that uses the network, and it does so only when no folder was named and
the cache is empty.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, NamedTuple

TIMEOUT = 30.0  # seconds without an answer, or without a byte, after which a mirror is given up
SUFFIXES = ("", ".gz", ".xz", ".bz2")
# Told by the first bytes, not by the suffix: browsers and servers unpack a .gz on the way and leave
# its name.
OPENERS: tuple[tuple[bytes, Callable[..., Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"\xfd7zXZ\x00", lzma.open),
    (b"BZh", bz2.open),
)


class File(NamedTuple):
    """One file of a data set, known by its unpacked bytes: archives made anew differ, their
    contents do not.

    `packed`: only the checksum of the published, packed file is known, so that no other packing of
    it is taken.
    """

    name: str  # without the suffix of any compression
    md5: str  # of the unpacked bytes, hex
    size: int  # unpacked, bytes; of a packed one the most there may be
    packed: bool = False


class Collection(NamedTuple):
    """The files of one data set and where they may be."""

    files: tuple[File, ...]
    mirrors: tuple[str, ...]  # addresses that end in "/", tried in turn; each holds `<name>.gz`
    folders: tuple[str, ...]  # below the folder a user names; the first is the cache's too


MNIST = Collection(
    files=(
        File("train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb", 16 + 60000 * 28 * 28),
        File("train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624", 8 + 60000),
        File("t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea", 16 + 10000 * 28 * 28),
        File("t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637", 8 + 10000),
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
    ),
    folders=("mnist", "MNIST/raw"),
)


FASHION_MNIST = Collection(
    files=(
        File(
            "train-images-idx3-ubyte",
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            16 + 60000 * 28 * 28,
            packed=True,
        ),
        File("train-labels-idx1-ubyte", "25c81989df183df01b3e8a0aad5dffbe", 8 + 60000, packed=True),
        File(
            "t10k-images-idx3-ubyte",
            "bef4ecab320f06d8554ea6380940ec79",
            16 + 10000 * 28 * 28,
            packed=True,
        ),
        File("t10k-labels-idx1-ubyte", "bb300cfdad3c16e7a12a480ee83cd310", 8 + 10000, packed=True),
    ),
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
    folders=("fashion-mnist", "FashionMNIST/raw"),
)
CIFAR10 = Collection(
    files=(
        File("cifar-10-binary.tar", "c32a1d4ab5d03f1284b67883e8d87530", 200_000_000, packed=True),
    ),
    mirrors=("https://www.cs.toronto.edu/~kriz/",),
    folders=("cifar10", "cifar-10"),
)


def fetch(
    file: File,
    root: str | Path | None = None,
    collection: Collection = MNIST,
    cache: str | Path | None = None,
) -> bytes:
    """The unpacked bytes of a file, from `root`, else from the folder $JAXBNN_DATA, else from the
    cache or a mirror.

    A folder that is named is the only place looked in: nothing is downloaded behind its back.
    `cache` is by default the user's cache folder as the system has it. Raises what `find` and
    `cached` raise.
    """
    named = named_folder(root)
    if named is None:
        return cached(file, collection, cache)
    folder = Path(named).expanduser()
    return find(file, [folder, *(folder / below for below in collection.folders)])


def named_folder(root: str | Path | None) -> str | Path | None:
    """The folder of the user's files: `root`, else $JAXBNN_DATA, else None."""
    return root if root is not None else os.environ.get("JAXBNN_DATA") or None


def find(file: File, folders: Sequence[Path]) -> bytes:
    """The unpacked bytes of the first file of the right name and checksum in any of the folders,
    packed or not.

    Raises FileNotFoundError when no file has the name, ValueError with the checksums when none that
    has it is right.
    """
    wrong = []
    for path in candidates(file.name, folders):
        try:
            return verified(path, file)
        except ValueError as error:
            wrong.append(f"{path}: {error}")
    if wrong:
        raise ValueError(wrong[0])
    places = ", ".join(map(str, folders))
    raise FileNotFoundError(
        f"expected {file.name} (plain, .gz, .xz or .bz2) in {places}, found none: "
        "put the file there, name another folder, or name none (and unset JAXBNN_DATA) to download it"
    )


def candidates(name: str, folders: Sequence[Path]) -> Iterator[Path]:
    """The files in the folders that have the name, or the name with `.idx` for `-idx`, packed or
    not."""
    for folder in folders:
        for spelling in dict.fromkeys((name, name.replace("-idx", ".idx"))):
            for suffix in SUFFIXES:
                path = folder / f"{spelling}{suffix}"
                if path.is_file():
                    yield path


def verified(path: Path, file: File) -> bytes:
    """The unpacked bytes of the file at `path`. Raises ValueError when it does not unpack or has
    another md5."""
    if file.packed:
        return verified_packed(path, file)
    payload = unpack(path, file.size + 1)
    md5 = hashlib.md5(payload, usedforsecurity=False).hexdigest()
    if md5 != file.md5:
        count = (
            f"{len(payload)} bytes"
            if len(payload) <= file.size
            else f"more, the first {len(payload)}"
        )
        raise ValueError(
            f"expected {file.size} bytes (unpacked) with md5 {file.md5}, got {count} with md5 {md5}"
        )
    return payload


def verified_packed(path: Path, file: File) -> bytes:
    """The unpacked bytes of the file at `path`, known by its md5 as it is. Raises ValueError when
    that is another."""
    with path.open("rb") as packed:
        md5 = hashlib.file_digest(packed, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if md5 != file.md5:
        raise ValueError(
            f"expected the file as published, with md5 {file.md5}, got one with md5 {md5}"
        )
    payload = unpack(path, file.size + 1)
    if len(payload) > file.size:
        raise ValueError(f"expected at most {file.size} bytes (unpacked), got more")
    return payload


def unpack(path: Path, limit: int) -> bytes:
    """The first `limit` bytes of a file, unpacked if it is gzip, xz or bzip2; nothing beyond them
    is unpacked."""
    with path.open("rb") as packed:
        head = packed.read(6)
        packed.seek(0)
        opener = next((opener for magic, opener in OPENERS if head.startswith(magic)), None)
        if opener is None:
            return packed.read(limit)
        try:
            with opener(packed) as unpacked:
                return unpacked.read(limit)
        except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            raise ValueError(
                f"expected {opener.__module__} data that unpack, got {reason(error)}"
            ) from error


def cached(
    file: File,
    collection: Collection = MNIST,
    cache: str | Path | None = None,
    timeout: float = TIMEOUT,
) -> bytes:
    """The unpacked bytes of a file from the cache, or from the first mirror that has it right,
    which fills the cache.

    A wrong file, of the cache or of a mirror, is kept beside the cache's as `<name>.gz.bad`. Raises
    ConnectionError with every mirror's failure, ModuleNotFoundError without pooch.
    """
    folder = (
        Path(cache if cache is not None else import_pooch().os_cache("jaxbnn"))
        / collection.folders[0]
    )
    path = folder / f"{file.name}.gz"
    wrong = []
    if path.is_file():
        try:
            return verified(path, file)
        except ValueError as error:
            wrong.append(f"{path}: {error}, kept as {set_aside(path, path)}")
    folder.mkdir(parents=True, exist_ok=True)
    return from_mirrors(file, collection.mirrors, path, timeout, wrong)


def from_mirrors(
    file: File, mirrors: Sequence[str], path: Path, timeout: float, failures: Sequence[str]
) -> bytes:
    """The unpacked bytes of the file from the first mirror that has it right, which is then at
    `path`.

    Raises ConnectionError that lists `failures`, those met before, and each mirror's.
    """
    failures = list(failures)
    for mirror in mirrors:
        try:
            return download(f"{mirror}{path.name}", file, path, timeout)
        except ValueError as error:
            failures.append(f"{mirror}{path.name}: {error}")
        except OSError as error:
            failures.append(f"{mirror}{path.name}: {reason(error)}")
    raise ConnectionError(
        f"expected {file.name} from one of {len(mirrors)} mirrors, got {'; '.join(failures)}; "
        "a folder that holds the file can be named instead (JAXBNN_DATA)"
    )


def download(url: str, file: File, path: Path, timeout: float) -> bytes:
    """The unpacked bytes of the file at `url`, which is then at `path`.

    Only a right file is ever seen at `path`: it arrives in a folder of its own. Raises ValueError
    for a wrong one, OSError (of which every failure of the network is one) when none arrives.
    """
    downloader = import_pooch().HTTPDownloader(timeout=timeout, chunk_size=1 << 16)
    with TemporaryDirectory(dir=path.parent) as folder:
        fresh = Path(folder) / path.name
        downloader(url, str(fresh), None)
        try:
            payload = verified(fresh, file)
        except ValueError as error:
            raise ValueError(f"{error}, kept as {set_aside(fresh, path)}") from error
        fresh.replace(path)
    return payload


def set_aside(wrong: Path, path: Path) -> Path:
    """Where a wrong file was moved: `path` with `.bad` at its end."""
    return wrong.replace(path.with_name(f"{path.name}.bad"))


def reason(error: BaseException) -> str:
    """The one line that says what went wrong: that of the innermost error, where one names another
    as its cause."""
    inner = error.__cause__ or next(
        (arg for arg in error.args if isinstance(arg, BaseException)), None
    )
    if inner is not None:
        return reason(inner)
    return (str(error) or type(error).__name__).splitlines()[0]


def import_pooch() -> ModuleType:
    """The package pooch, needed for nothing but downloads. Raises ModuleNotFoundError that says how
    to do without."""
    try:
        import pooch
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"expected the package pooch for a download, got {error}: install it, or name a folder (JAXBNN_DATA)"
        ) from error
    return pooch
