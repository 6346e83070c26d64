"""Data sets as numpy arrays: made by rule, read from files, or fetched once and checked. Knows
nothing of JAX."""

from __future__ import annotations

from pathlib import Path

from jaxbnn.data.cifar import Cifar10, load_cifar10
from jaxbnn.data.images import FashionMnist, Images, Mnist, load_mnist, read_idx
from jaxbnn.data.npz import Npz, load_npz, read_npz
from jaxbnn.data.protocol import DataSource, load_own
from jaxbnn.data.split import Dataset, Split, checksum, relabelled, shortened, stratified
from jaxbnn.data.synthetic import Szt, TicTacToe, load_szt, load_tic_tac_toe

__all__ = [
    "Cifar10",
    "DataSource",
    "DataSpec",
    "Dataset",
    "FashionMnist",
    "Mnist",
    "Npz",
    "Split",
    "Szt",
    "TicTacToe",
    "checksum",
    "is_per_seed",
    "load",
    "read_idx",
    "read_npz",
    "relabelled",
    "stratified",
]

DataSpec = Szt | TicTacToe | Mnist | FashionMnist | Cifar10 | Npz | DataSource


def is_per_seed(spec: DataSpec) -> bool:
    """True when each seed gets its own split, so that `load` needs the seed."""
    return bool(getattr(spec, "split_per_seed", False))


def load(spec: DataSpec, root: str | Path | None = None, seed: int | None = None) -> Split:
    """The train and test examples a spec stands for: the same arrays for the same arguments, on any
    machine.

    `root` is the folder that holds the user's files; without it $JAXBNN_DATA is asked, then the
    cache and the mirrors. `seed` is used only by a spec with `split_per_seed`; all other specs give
    every seed the same split.

    Raises TypeError for anything but a spec, ValueError for a missing seed or a broken file,
    FileNotFoundError for a file that is not in the folder given, ConnectionError when no mirror
    gave the file.
    """
    if not isinstance(spec, DataSpec):
        raise TypeError(
            f"expected Szt, TicTacToe, Mnist, FashionMnist, Cifar10 or Npz, got {spec!r} "
            "(a specification of your own has load(root, seed))"
        )
    if isinstance(spec, DataSource):
        return load_own(spec, root, seed)
    return relabelled(
        shortened(_load(spec, root, seed), spec.max_examples if isinstance(spec, Images) else None),
        spec,
    )


def _load(spec: DataSpec, root: str | Path | None, seed: int | None) -> Split:
    match spec:
        case Szt():
            return load_szt(spec, seed)
        case TicTacToe():
            return load_tic_tac_toe(spec, seed)
        case Mnist():
            return load_mnist(spec, root)
        case Cifar10():
            return load_cifar10(spec, root)
        case Npz():
            return load_npz(spec, root, seed)
