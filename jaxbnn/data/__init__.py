"""Data sets as numpy arrays: made by rule, read from files, or downloaded once and checked.

Knows nothing of JAX.
"""

from __future__ import annotations

from pathlib import Path

from jaxbnn.data.cifar import Cifar10, load_cifar10
from jaxbnn.data.coded import CodedInputs, coded_inputs
from jaxbnn.data.download import DownloadProgress, Report
from jaxbnn.data.idx import read_idx
from jaxbnn.data.images import Images
from jaxbnn.data.labels import whole_labels
from jaxbnn.data.mnist import FashionMnist, Mnist, load_mnist
from jaxbnn.data.npz import Npz, load_npz, read_npz
from jaxbnn.data.protocol import DataSource, load_own
from jaxbnn.data.split import Dataset, Split, checksum, relabelled, shortened, stratified
from jaxbnn.data.synthetic import Szt, TicTacToe, load_szt, load_tic_tac_toe

__all__ = [
    "Cifar10",
    "CodedInputs",
    "DataSource",
    "DataSpec",
    "Dataset",
    "DownloadProgress",
    "FashionMnist",
    "Mnist",
    "Npz",
    "Report",
    "Split",
    "Szt",
    "TicTacToe",
    "checksum",
    "coded_inputs",
    "is_per_seed",
    "load",
    "read_idx",
    "read_npz",
    "relabelled",
    "stratified",
    "whole_labels",
]

DataSpec = Szt | TicTacToe | Mnist | FashionMnist | Cifar10 | Npz | DataSource


def is_per_seed(spec: DataSpec) -> bool:
    """Whether each seed gets its own split, so that `load` needs the seed."""
    return bool(getattr(spec, "split_per_seed", False))


def load(
    spec: DataSpec,
    root: str | Path | None = None,
    seed: int | None = None,
    report: Report | None = None,
) -> Split:
    """The train and test examples of a spec: the same arrays for the same arguments, anywhere.

    Args:
        spec: which data set, and what becomes of it.
        root: the folder that holds the user's files; without it $JAXBNN_DATA is asked, then the
            cache and the mirrors.
        seed: used only by a spec with `split_per_seed`; all others give every seed one split.
        report: called with a `DownloadProgress` several times a second while a file is downloaded.
            An exception that it raises ends the download at once; the next one continues it.

    Returns:
        x [N, ...] float32 and y [N] int32 of either part.

    Raises:
        TypeError: `spec` is none.
        ValueError: a seed is missing, or a file is broken.
        FileNotFoundError: a file is not in the folder named.
        ConnectionError: no mirror gave the file.
    """
    if not isinstance(spec, DataSpec):
        raise TypeError(
            f"expected Szt, TicTacToe, Mnist, FashionMnist, Cifar10 or Npz, got {spec!r} "
            "(a specification of your own has load(root, seed))"
        )
    if isinstance(spec, DataSource):
        return load_own(spec, root, seed)
    split = _load(spec, root, seed, report)
    max_examples = spec.max_examples if isinstance(spec, Images) else None
    return relabelled(shortened(split, max_examples), spec)


def _load(
    spec: DataSpec, root: str | Path | None, seed: int | None, report: Report | None
) -> Split:
    match spec:
        case Szt():
            return load_szt(spec, seed)
        case TicTacToe():
            return load_tic_tac_toe(spec, seed)
        case Mnist():
            return load_mnist(spec, root, report=report)
        case Cifar10():
            return load_cifar10(spec, root, report=report)
        case Npz():
            return load_npz(spec, root, seed)
        case _:
            raise TypeError(f"expected a specification of a data set, got {spec!r}")
