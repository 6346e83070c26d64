"""Data sets made by rule: every possible input, with no file and no download."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from jaxbnn.data.fields import check_relabelled, check_shared, check_value_range
from jaxbnn.data.split import Dataset, Split, divide

# The twelve input bits sit on the vertices of an icosahedron: each one's five neighbours, and its
# antipode.
NEIGHBOURS = np.array(
    [
        [1, 3, 5, 10, 11],
        [0, 2, 3, 4, 11],
        [1, 3, 4, 8, 9],
        [0, 1, 2, 8, 10],
        [1, 2, 6, 9, 11],
        [0, 6, 7, 10, 11],
        [4, 5, 7, 9, 11],
        [5, 6, 8, 9, 10],
        [2, 3, 7, 9, 10],
        [2, 4, 6, 7, 8],
        [0, 3, 5, 7, 8],
        [0, 1, 4, 5, 6],
    ]
)
ANTIPODES = np.array([9, 7, 5, 6, 10, 2, 3, 1, 11, 0, 4, 8])

LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))
Board = tuple[int, ...]  # nine cells, row by row: +1 for x, -1 for o, 0 for blank


@dataclass(frozen=True)
class Szt:
    """The 4096 inputs of 12 bits of Shwartz-Ziv and Tishby (2017), in two classes by their rule.

    Args:
        train_fraction: the share of the examples that train.
        split_seed: of the random split.
        split_per_seed: each seed gets its own split.
        value_range: what the bits 0 and 1 become.
        label_seed, label_noise: shuffled training labels; see `relabelled`.
    """

    train_fraction: float = 0.8
    split_seed: int = 0
    split_per_seed: bool = False
    value_range: tuple[float, float] = (0.0, 1.0)
    label_seed: int | None = None
    label_noise: float = 1.0

    def __post_init__(self) -> None:
        check_shared(self)
        check_relabelled(self)
        check_value_range(self.value_range)


@dataclass(frozen=True)
class TicTacToe:
    """The 958 boards at which a game of tic-tac-toe can end; label 1 where x, who starts, has won.

    Cells: x = +1, o = -1, blank = 0. The boards are the UCI repository's "Tic-Tac-Toe Endgame".

    Args:
        train_fraction: the share of the examples that train.
        split_seed: of the random split.
        split_per_seed: each seed gets its own split.
        label_seed, label_noise: shuffled training labels; see `relabelled`.
    """

    train_fraction: float = 0.8
    split_seed: int = 0
    split_per_seed: bool = False
    label_seed: int | None = None
    label_noise: float = 1.0

    def __post_init__(self) -> None:
        check_shared(self)
        check_relabelled(self)


def load_szt(spec: Szt, seed: int | None = None) -> Split:
    """SZT split as the spec says, x [N, 12]. ValueError for a spec per seed without a seed."""
    bits = szt_bits()
    x = np.asarray(spec.value_range, np.float32)[bits]
    return divide(Dataset(x, szt_labels(bits)), spec, seed, population=True)


def szt_bits() -> np.ndarray:
    """[4096, 12] of 0 and 1, int64: row k is k in binary, the most significant bit first."""
    return np.arange(4096)[:, None] >> np.arange(11, -1, -1) & 1


def szt_labels(bits: np.ndarray) -> np.ndarray:
    """[N] int32 of 0 and 1: 23 w + e - 5 f - 8 a > 98, for bits [N, 12].

    w is the number of ones; e, a and f are the numbers of pairs of ones that are adjacent,
    antipodal and neither. The rule depends on nothing else, so it does not change as the
    icosahedron is turned; it gives each of the 4096 labels of the file published with Shwartz-Ziv
    and Tishby (2017).
    """
    w = bits.sum(1)
    e = (bits[:, :, None] * bits[:, NEIGHBOURS]).sum((1, 2)) // 2
    a = (bits * bits[:, ANTIPODES]).sum(1) // 2
    f = w * (w - 1) // 2 - e - a
    return (23 * w + e - 5 * f - 8 * a > 98).astype(np.int32)


def load_tic_tac_toe(spec: TicTacToe, seed: int | None = None) -> Split:
    """The boards as the spec splits them, x [N, 9]. ValueError if a per-seed spec has no seed."""
    boards = end_boards()
    y = np.array([has_won(board, 1) for board in boards], np.int32)
    return divide(Dataset(np.array(boards, np.float32), y), spec, seed, population=True)


def end_boards() -> list[Board]:
    """The 958 boards at which a game can end (three in a line, or the board is full), sorted."""
    open_boards: set[Board] = {(0,) * 9}
    ended: set[Board] = set()
    for turn in range(9):
        player = 1 - 2 * (turn % 2)
        played = next_boards(open_boards, player)
        won = {board for board in played if has_won(board, player)}
        ended |= won
        open_boards = played - won
    return sorted(ended | open_boards)


def next_boards(boards: Iterable[Board], player: int) -> set[Board]:
    """The boards after the player (+1 or -1) has marked one blank cell, in every possible way."""
    played = set()
    for board in boards:
        for cell, mark in enumerate(board):
            if mark == 0:
                played.add((*board[:cell], player, *board[cell + 1 :]))
    return played


def has_won(board: Board, player: int) -> bool:
    """Whether the player (+1 or -1) has three in a line."""
    for first, second, third in LINES:
        if board[first] == board[second] == board[third] == player:
            return True
    return False
