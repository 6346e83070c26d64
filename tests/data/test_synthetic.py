import hashlib
import itertools
from collections import Counter
from math import log2

import numpy as np
import pytest

from jaxbnn.data import Szt, TicTacToe, checksum, load
from jaxbnn.data.synthetic import ANTIPODES, NEIGHBOURS, end_boards, has_won, szt_bits, szt_labels

BITS = szt_bits()
LABELS = szt_labels(BITS)


def entropy(symbols):
    counts = Counter(symbols).values()
    total = sum(counts)
    return sum(-n / total * log2(n / total) for n in counts)


def whole(split):
    """Train and test examples together, as a set of (inputs, label)."""
    return {
        (tuple(x), int(y))
        for part in (split.train, split.test)
        for x, y in zip(part.x.tolist(), part.y, strict=True)
    }


def test_szt_labels_are_the_published_ones():
    assert LABELS.sum() == 2118
    digest = "371b2b46a5052b4f69f7991ca141fb5afa1ac364ef7beb81ec900eecac2f86d9"
    assert hashlib.sha256(np.packbits(LABELS).tobytes()).hexdigest() == digest
    assert entropy(LABELS.tolist()) == pytest.approx(0.9991571208502711, abs=1e-14)


def test_szt_rows_count_in_binary_from_the_most_significant_bit():
    assert BITS.shape == (4096, 12)
    assert BITS[1].tolist() == [0] * 11 + [1]
    assert BITS[2048].tolist() == [1] + [0] * 11
    assert (BITS @ 2 ** np.arange(11, -1, -1)).tolist() == list(range(4096))


def test_szt_labels_agree_with_the_rule_counted_pair_by_pair():
    for k in range(0, 4096, 7):
        ones = np.flatnonzero(BITS[k])
        pairs = list(itertools.combinations(ones.tolist(), 2))
        e = sum(j in NEIGHBOURS[i] for i, j in pairs)
        a = sum(j == ANTIPODES[i] for i, j in pairs)
        score = 23 * len(ones) + e - 5 * (len(pairs) - e - a) - 8 * a
        assert LABELS[k] == (score > 98)


def test_szt_vertices_are_those_of_an_icosahedron():
    adjacent = np.zeros((12, 12), int)
    np.put_along_axis(adjacent, NEIGHBOURS, 1, axis=1)
    assert np.array_equal(adjacent, adjacent.T)
    assert adjacent.sum() == 60
    assert not adjacent.diagonal().any()
    # distance-regular with the array {5, 2, 1; 1, 2, 5}, which only the icosahedron's graph is
    common = adjacent @ adjacent
    antipodal = np.zeros((12, 12), int)
    antipodal[np.arange(12), ANTIPODES] = 1
    middle = 1 - np.eye(12, dtype=int) - adjacent - antipodal
    assert np.array_equal(common, 5 * np.eye(12, dtype=int) + 2 * adjacent + 2 * middle)
    assert np.array_equal(ANTIPODES[ANTIPODES], np.arange(12))


@pytest.mark.parametrize(
    ("statistic", "h_t", "ty"),
    [
        ("w", 2.838528743649, 0.627641239216),
        ("wea", 5.569522432167, 0.9991571208502711),
        ("sign", 0.962973474382, 0.426294412245),
    ],
)
def test_szt_has_its_known_informations(statistic, h_t, ty):
    w = BITS.sum(1)
    e = (BITS[:, :, None] * BITS[:, NEIGHBOURS]).sum((1, 2)) // 2
    a = (BITS * BITS[:, ANTIPODES]).sum(1) // 2
    t = {"w": w, "wea": 10000 * w + 100 * e + a, "sign": (2 * BITS - 1).sum(1) > 0}[
        statistic
    ].tolist()
    y = LABELS.tolist()
    assert entropy(t) == pytest.approx(h_t, abs=1e-11)
    assert entropy(t) + entropy(y) - entropy(zip(t, y, strict=True)) == pytest.approx(ty, abs=1e-11)


def test_szt_loads_every_input_once():
    split = load(Szt())
    assert (len(split.train.y), len(split.test.y), split.n_classes, split.population) == (
        3276,
        820,
        2,
        True,
    )
    assert {a.dtype.str for part in (split.train, split.test) for a in part} == {"<f4", "<i4"}
    assert whole(split) == {
        (tuple(x), y) for x, y in zip(BITS.tolist(), LABELS.tolist(), strict=True)
    }


def test_szt_value_range_moves_the_inputs_and_not_the_split():
    plain, moved = load(Szt()), load(Szt(value_range=(-1.0, 1.0)))
    assert np.array_equal(moved.train.x, 2 * plain.train.x - 1)
    assert np.array_equal(moved.test.y, plain.test.y)


def test_tic_tac_toe_has_the_known_boards():
    boards = end_boards()
    assert len(boards) == len(set(boards)) == 958
    assert sum(has_won(board, 1) for board in boards) == 626
    assert sum(has_won(board, -1) for board in boards) == 316
    assert boards == sorted(boards)


def test_tic_tac_toe_boards_are_those_found_by_filtering_all_3_to_the_9():
    found = set()
    for board in itertools.product((-1, 0, 1), repeat=9):
        won = (has_won(board, 1), has_won(board, -1))
        # x has one more mark when x has moved last: at x's wins and on a full board; after o's win
        # they are as many
        x_ended = won == (True, False) or (won == (False, False) and 0 not in board)
        if (x_ended and sum(board) == 1) or (won == (False, True) and sum(board) == 0):
            found.add(board)
    assert found == set(end_boards())


def test_tic_tac_toe_loads_every_board_once():
    split = load(TicTacToe())
    assert (len(split.train.y), len(split.test.y), split.n_classes, split.population) == (
        766,
        192,
        2,
        True,
    )
    assert split.train.x.shape == (766, 9)
    assert split.train.y.sum() + split.test.y.sum() == 626
    assert {tuple(x) for x, _ in whole(split)} == set(end_boards())


# Literal: a change of numpy's random stream, or of the rule, would change every result without a
# word.
@pytest.mark.parametrize(
    ("spec", "seed", "digest"),
    [
        (Szt(), None, "40bb52a1f0bdeff423881e0d2c34c2380b87f7dce6e5addc6880e1b557ea1c50"),
        (
            Szt(split_per_seed=True),
            3,
            "a4203a66c9938520edc0529bd6f7892418c66747af914d520e60a6ae985691c7",
        ),
        (TicTacToe(), None, "d07d2edf46d5804d4ece06fd503e06f8332391df184a0bc1d479bb53c2503c6d"),
    ],
)
def test_the_splits_are_the_same_on_any_machine(spec, seed, digest):
    assert checksum(load(spec, seed=seed)) == digest


@pytest.mark.parametrize("kind", [Szt, TicTacToe])
@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        (
            {"train_fraction": 1.0},
            ValueError,
            "expected train_fraction between 0 and 1, both excluded, got 1.0",
        ),
        ({"train_fraction": float("nan")}, ValueError, "got nan"),
        ({"train_fraction": "0.8"}, TypeError, "expected train_fraction as a number, got '0.8'"),
        ({"train_fraction": True}, TypeError, "expected train_fraction as a number, got True"),
        ({"split_seed": -1}, ValueError, "expected split_seed of at least 0, got -1"),
        ({"split_seed": 0.0}, TypeError, "expected split_seed as a whole number, got 0.0"),
        ({"split_seed": False}, TypeError, "expected split_seed as a whole number, got False"),
        ({"split_per_seed": 1}, TypeError, "expected split_per_seed to be True or False, got 1"),
    ],
)
def test_specs_refuse_what_no_split_can_be_made_by(kind, fields, error, message):
    with pytest.raises(error, match=message):
        kind(**fields)


@pytest.mark.parametrize(
    ("value_range", "error", "message"),
    [
        (
            [0.0, 1.0],
            TypeError,
            r"expected value_range as a tuple of two numbers, got \[0.0, 1.0\]",
        ),
        ((0.0, 1.0, 2.0), TypeError, "expected value_range as a tuple of two numbers"),
        ((0.0, None), TypeError, "expected value_range as a tuple of two numbers"),
        (None, TypeError, "expected value_range as a tuple of two numbers, got None"),
        ((1.0, 1.0), ValueError, "with low < high"),
        ((1.0, 1.0 + 1e-12), ValueError, "with low < high"),
        ((0.0, float("inf")), ValueError, "float32 can hold"),
        ((float("nan"), 1.0), ValueError, "float32 can hold"),
        ((-1e39, 0.0), ValueError, "float32 can hold"),
    ],
)
def test_szt_refuses_a_value_range_that_is_none(value_range, error, message):
    with pytest.raises(error, match=message):
        Szt(value_range=value_range)
