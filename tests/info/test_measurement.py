import math

import ml_dtypes
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
    (1, 3, 5, 10, 11), (0, 2, 3, 4, 11), (1, 3, 4, 8, 9), (0, 1, 2, 8, 10),
    (1, 2, 6, 9, 11), (0, 6, 7, 10, 11), (4, 5, 7, 9, 11), (5, 6, 8, 9, 10),
    (2, 3, 7, 9, 10), (2, 4, 6, 7, 8), (0, 3, 5, 7, 8), (0, 1, 4, 5, 6),
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
    assert (found.xt.value, found.ty.value, found.h_y) == pytest.approx((h_t, i_ty, H_Y), abs=1e-11)
    assert (found.counts.n, found.counts.certified, found.population) == (4096, True, True)
    assert (found.xt.corrected, found.ty.corrected) == (found.xt.value, found.ty.value)


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
    assert (found.xt.value, found.ty.value) == pytest.approx(informations(t, y), abs=1e-9)
    assert found.h_y == pytest.approx(entropy(y.tolist()), abs=1e-9)
    counts = np.unique(t, axis=0, return_counts=True)[1]
    seen = found.counts
    assert (seen.n, seen.d, seen.n_patterns, seen.n_singletons) == (
        n,
        d,
        len(counts),
        (counts == 1).sum(),
    )


def test_measure_corrects_a_sample_by_miller_madow():
    found = measure([[1], [1], [0], [2]], [0, 1, 1, 1])
    scale = 1 / (2 * 4 * math.log(2))
    assert found.xt.corrected == pytest.approx(1.5 + 2 * scale)
    assert found.ty.corrected == pytest.approx(found.ty.value - (4 - 3 - 2 + 1) * scale)


def test_one_class_has_no_information_about_itself():
    found = measure([[1], [-1]], [3, 3])
    assert (found.xt.value, found.ty.value, found.h_y) == (1.0, 0.0, 0.0)


def test_measure_takes_lists_feature_maps_and_whole_float_labels():
    assert measure([[0.5, 1.0]], [1.0]).counts.n_patterns == 1
    assert measure(np.zeros((4, 2, 3)), np.zeros(4)).counts.d == 6


@pytest.mark.parametrize(
    ("t", "y", "error", "message"),
    [
        ([[1], [2]], [0], ValueError, r"one length, got \(2, 1\) and \(1,\)"),
        ([1, 2], [0, 0], ValueError, r"t \[N, D\] with an axis of units, got shape \(2,\)"),
        ([[1]], [-1], ValueError, r"labels from 0 to 2\*\*31 - 1, got -1 to -1"),
        ([[1]], [0.5], ValueError, "whole labels, got fractions"),
        ([[1]], [np.nan], ValueError, "whole labels"),
        ([[1]], ["a"], TypeError, "labels of bool, integers or floats, got <U1"),
        ([[1]], [[[0]]], ValueError, r"labels \[N\] with N >= 1, got shape \(1, 1, 1\)"),
        (np.zeros((0, 2)), np.zeros(0), ValueError, r"N >= 1 and t \[N, D\]"),
        (np.zeros((2, 0)), [0, 0], ValueError, "D >= 1"),
        ([[np.nan]], [0], ValueError, "without NaN, got 1 rows"),
        ([["a"]], [0], TypeError, "bool, integers or floats"),
    ],
)
def test_bad_input_is_refused_in_one_line(t, y, error, message):
    with pytest.raises(error, match=message) as caught:
        measure(t, y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu", "int4", "uint4", "int2"]
)
def test_narrow_types_are_counted_as_the_numbers_they_hold(dtype):
    dtype = np.dtype(getattr(ml_dtypes, dtype))
    t = np.random.default_rng(0).choice([0, 1, 1, 2, 3][dtype.name == "float8_e8m0fnu" :], (60, 2))
    t = t.astype(dtype)
    y = np.arange(60) % 3
    assert measure(t, y) == measure(t.astype(np.float64), y)


def test_longdouble_is_compared_in_its_own_precision():
    one, eps = np.longdouble(1), np.finfo(np.longdouble).eps
    t = np.array([[one], [one + eps], [one + 2 * eps], [one]])
    assert measure(t, [0, 0, 1, 1]).counts.n_patterns == 3
    assert measure([[np.longdouble(-0.0), 2]] * 2 + [[np.longdouble(0), 2]], [0, 1, 1]) == measure(
        [[0, 2]] * 3, [0, 1, 1]
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_next_to_0_are_not_0(dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    t = np.array([[0.0], [-0.0], [tiny], [-tiny], [2 * tiny], [tiny]], dtype)
    assert measure(t, [0] * 6).counts.n_patterns == 4


def test_masked_arrays_are_taken_where_nothing_is_masked():
    t, y = np.arange(8.0).reshape(4, 2) % 3, np.array([0, 1, 1, 0])
    assert measure(np.ma.array(t), np.ma.array(y)) == measure(t, y)
    with pytest.raises(ValueError, match="activations without masked values, got 3 masked"):
        measure(np.ma.masked_less(t, 1), y)
    with pytest.raises(ValueError, match="labels without masked values, got 1 masked"):
        measure(t, np.ma.array(y, mask=[0, 0, 0, 1]))


def test_labels_of_any_loader_mean_the_same():
    t, y = np.arange(12).reshape(6, 2) % 5, np.array([0, 1, 1, 0, 1, 1])
    expected = measure(t, y)
    forms = [y[:, None], 2 * y - 1, (2 * y - 1)[:, None], y > 0, y.astype(np.float16)]
    forms += [np.eye(2)[y], np.eye(2, dtype=bool)[y], y.astype(ml_dtypes.int4)]
    for form in forms:
        assert measure(t, form) == expected


def test_the_guess_by_units_is_of_the_values_seen_and_never_below_n():
    rng = np.random.default_rng(0)
    y = np.zeros(300, int)
    ternary = measure(rng.integers(-1, 2, (300, 8)), y)
    bits = 8 * math.log2(3)
    assert ternary.xt.n_guesses[1] == pytest.approx((2**bits / bits) ** 2)
    signs = rng.choice([-1, 1], (300, 12))
    signs[:, 5] = 1  # of one value: it makes no further pattern
    assert measure(signs, y).xt.n_guesses[1] == pytest.approx((2**11 / 11) ** 2)
    words = np.packbits(signs > 0, axis=1, bitorder="little")
    words = np.pad(words, ((0, 0), (0, 2))).view(np.uint32)
    assert measure(words, y, bits=12) == measure(signs, y)
    eight_bits = measure(rng.integers(0, 256, (300, 2)), y)
    assert eight_bits.xt.n_guesses[1] >= 300
    assert measure(rng.normal(size=(300, 900)), y).xt.n_guesses[1] == math.inf
    few = measure([[1, 1]] * 3 + [[1, -1]] * 2 + [[-1, 1]], [0] * 6, tolerance=0.01)
    assert few.xt.n_needed is None and min(few.xt.n_guesses) >= 6


def test_measure_agrees_with_the_data_rooms_labels():
    split = data.load(data.Szt())
    y = np.r_[split.train.y, split.test.y]
    assert measure(np.r_[split.train.x, split.test.x], y).h_y == pytest.approx(H_Y, abs=1e-12)
