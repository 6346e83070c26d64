"""A user's folder: which one it is, and the files in it, as the common loaders lay them out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from jaxbnn.data.packing import SUFFIXES, verified_copy
from jaxbnn.data.published import Collection, File

T = TypeVar("T")


def named_folder(root: str | Path | None) -> Path | None:
    """The folder of the user's files: `root`, else $JAXBNN_DATA, else None."""
    named = root if root is not None else os.environ.get("JAXBNN_DATA") or None
    return None if named is None else Path(named).expanduser()


def searched_folders(folder: Path, collection: Collection) -> list[Path]:
    """The folders that are searched: the one named, then the usual ones below it."""
    return [folder, *(folder / below for below in collection.folders)]


def find(file: File, folders: Sequence[Path], also: Sequence[str] = ()) -> bytes:
    """The unpacked bytes of the first right file of the name in any of the folders, packed or not.

    Args:
        file: its name and checksum.
        folders: searched in this order.
        also: other files that would do, for the message.

    Raises:
        FileNotFoundError: no file has the name.
        ValueError: every file that has it is wrong; the message gives the first one's checksums.
    """
    wrong = []
    for path in candidates(file, folders):
        try:
            return verified_copy(path, file)
        except ValueError as error:
            wrong.append(f"{path}: {error}")
    if wrong:
        raise ValueError(wrong[0])
    forms = ", or ".join((f"{file.name} (plain, .gz, .xz or .bz2)", *also))
    raise FileNotFoundError(
        f"expected {forms} in {', '.join(map(str, folders))}, found none: "
        "put the file there, name another folder, or name none (and unset JAXBNN_DATA) "
        "to download it"
    )


def candidates(file: File, folders: Sequence[Path]) -> Iterator[Path]:
    """The files in the folders that may be the file, packed or not.

    `train-images-idx3-ubyte` may also be called `train-images.idx3-ubyte`, and either may lie in a
    folder of its own name (as in Kaggle's archive).
    """
    names = (file.name, file.name.replace("-idx", ".idx"), *file.aliases)
    spellings = tuple(dict.fromkeys(names))
    for folder in folders:
        for name in spellings:
            for path in (folder / name, folder / name / name):
                yield from _packings(path)


def _packings(path: Path) -> Iterator[Path]:
    for suffix in SUFFIXES:
        packing = path.with_name(f"{path.name}{suffix}")
        if packing.is_file():
            yield packing


def first_right(readers: Sequence[Callable[[], T]]) -> T:
    """What the first reader that finds a right file returns.

    Raises:
        ValueError: the first reader's that found a wrong file, where none found a right one.
        FileNotFoundError: the first reader's, where none found any.
    """
    missing: FileNotFoundError | None = None
    wrong: ValueError | None = None
    for read in readers:
        try:
            return read()
        except FileNotFoundError as error:
            missing = missing or error
        except ValueError as error:
            wrong = wrong or error
    failure = wrong or missing
    if failure is None:
        raise ValueError("expected at least one reader, got none")
    raise failure
