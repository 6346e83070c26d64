"""Where a published file comes from: the user's folder, or else the cache, or else a mirror."""

from __future__ import annotations

from pathlib import Path

from jaxbnn.data.cache import cached
from jaxbnn.data.download import Report
from jaxbnn.data.folders import find, named_folder, searched_folders
from jaxbnn.data.published import MNIST, Collection, File


def fetch(
    file: File,
    root: str | Path | None = None,
    collection: Collection = MNIST,
    cache: str | Path | None = None,
    report: Report | None = None,
) -> bytes:
    """The unpacked bytes of a file, from `root`, else from $JAXBNN_DATA, else cached or downloaded.

    A folder that is named is the only place searched: nothing is downloaded behind its back.

    Args:
        file: which one.
        root: the folder that holds the user's files.
        collection: the data set it belongs to.
        cache: the folder of downloaded files; by default the user's, as the system has it.
        report: called with a `DownloadProgress` several times a second while a file arrives.

    Raises:
        FileNotFoundError: the named folder does not have it.
        ValueError: the named folder has a wrong one only.
        ConnectionError: no mirror gave it.
    """
    folder = named_folder(root)
    if folder is None:
        return cached(file, collection, cache, report=report)
    return find(file, searched_folders(folder, collection), collection.also)
