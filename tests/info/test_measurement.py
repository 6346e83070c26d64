import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import entropy, informations

from jaxbnn import data
from jaxbnn.data.synthetic import szt_bits, szt_labels
from jaxbnn.info import measure

BITS = szt_bits()
LABELS = szt_labels(BITS)
ADJACENT = (
    (1, 3, 5, 10, 11), (0, 2, 3, 4, 11), (1, 3, 4, 8, 9), (0, 1, 2, 8, 10), (1, 2, 6, 9, 11), (0, 6, 7, 10, 11),
    (4, 5, 7, 9, 11), (5, 6, 8, 9, 10), (2, 3, 7, 9, 10), (2, 4, 6, 7, 8), (0, 3, 5, 7, 8), (0, 1, 4, 5, 6),
)  # fmt: skip
ANTIPODE = (9, 7, 5, 6, 10, 2, 3, 1, 11, 0, 4, 8)
ONES = BITS.sum(axis=1)
EDGES = sum(BITS[:, i] * BITS[:, j] for i in range(12) for j in ADJACENT[i] if i < j)
PAIRS = sum(BITS[:, i] * BITS[:, ANTIPODE[i]] for i in range(12) if i < ANTIPODE[i])
H_Y = 0.9991571208502711


@pytest.mark.parametrize(
    ("t", "h_t", "i_ty"),
    [
        (ONES[:, None], 2.838528743649, 0.627641239216),
        (np.stack([ONES, EDGES, PAIRS], axis=1), 5.569522432167, H_Y),
        (
            np.where((2 * BITS.astype(int) - 1).sum(axis=1) > 0, 1, -1)[:, None],
            0.962973474382,
            0.426294412245,
        ),
        (BITS, 12.0, H_Y),
    ],
    ids=["ones", "ones, edges, antipodes", "sign of the sum", "identity"],
)
def test_szt_has_its_published_exact_values(t, h_t, i_ty):
    found = measure(t, LABELS, population=True)
    assert (found.i_xt, found.i_ty, found.h_y) == pytest.approx((h_t, i_ty, H_Y), abs=1e-11)
    assert (found.n, found.certified, found.population) == (4096, True, True)
    assert (found.i_xt_corrected, found.i_ty_corrected) == (found.i_xt, found.i_ty)


@given(
    st.sampled_from([1, 40]),
    st.sampled_from([1, 3]),
    st.integers(1, 4),
    st.integers(0, 2**31),
    st.sampled_from(["i", "f", "s"]),
)
@settings(max_examples=30, deadline=None)
def test_measure_equals_brute_force_on_any_type_of_array(n, d, n_classes, seed, kind):
    rng = np.random.default_rng(seed)
    t = rng.integers(0, 3, (n, d))
    t = {"i": t, "f": t * 0.5 - 0.5, "s": 2 * (t > 1) - 1}[kind]
    y = rng.integers(0, n_classes, n)
    found = measure(t, y)
    assert (found.i_xt, found.i_ty) == pytest.approx(informations(t, y), abs=1e-9)
    assert found.h_y == pytest.approx(entropy(y.tolist()), abs=1e-9)
    counts = np.unique(t, axis=0, return_counts=True)[1]
    assert (found.n, found.d, found.n_patterns, found.n_singletons) == (
        n,
        d,
        len(counts),
        (counts == 1).sum(),
    )


def test_measure_corrects_a_sample_by_miller_madow():
    found = measure([[1], [1], [0], [2]], [0, 1, 1, 1])
    scale = 1 / (2 * 4 * math.log(2))
    assert found.i_xt_corrected == pytest.approx(1.5 + 2 * scale)
    assert found.i_ty_corrected == pytest.approx(found.i_ty - (4 - 3 - 2 + 1) * scale)


def test_one_class_has_no_information_about_itself():
    found = measure([[1], [-1]], [3, 3])
    assert (found.i_xt, found.i_ty, found.h_y) == (1.0, 0.0, 0.0)


def test_measure_takes_lists_feature_maps_and_whole_float_labels():
    assert measure([[0.5, 1.0]], [1.0]).n_patterns == 1
    assert measure(np.zeros((4, 2, 3)), np.zeros(4)).d == 6


@pytest.mark.parametrize(
    ("t", "y", "error", "message"),
    [
        ([[1], [2]], [0], ValueError, r"one length, got \(2, 1\) and \(1,\)"),
        ([1, 2], [0, 0], ValueError, r"t \[N, D\] with an axis of units, got shape \(2,\)"),
        ([[1]], [-1], ValueError, r"labels from 0 to 2\*\*31 - 1, got -1 to -1"),
        ([[1]], [0.5], ValueError, "whole labels, got fractions"),
        ([[1]], [np.nan], ValueError, "whole labels"),
        ([[1]], ["a"], TypeError, "whole labels >= 0, got <U1"),
        ([[1]], [[0]], ValueError, r"labels \[N\] with N >= 1, got shape \(1, 1\)"),
        (np.zeros((0, 2)), np.zeros(0), ValueError, r"labels \[N\] with N >= 1"),
        (np.zeros((2, 0)), [0, 0], ValueError, "D >= 1"),
        ([[np.nan]], [0], ValueError, "without NaN, got 1 rows"),
        ([["a"]], [0], TypeError, "bool, integers or floats"),
    ],
)
def test_bad_input_is_refused_in_one_line(t, y, error, message):
    with pytest.raises(error, match=message) as caught:
        measure(t, y)
    assert "\n" not in str(caught.value)


def test_measure_agrees_with_the_data_rooms_labels():
    split = data.load(data.Szt())
    y = np.r_[split.train.y, split.test.y]
    assert measure(np.r_[split.train.x, split.test.x], y).h_y == pytest.approx(H_Y, abs=1e-12)
