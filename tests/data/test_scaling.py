import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxbnn.data import Dataset, Split
from jaxbnn.data.scaling import (
    as_float32,
    mapped,
    plain_inputs,
    rescaled,
    standardised,
)


def split(train, test):
    train, test = np.asarray(train), np.asarray(test)
    y = np.zeros(len(train), np.int32)
    return Split(Dataset(train, y), Dataset(test, np.zeros(len(test), np.int32)), 1, False)


def test_the_extremes_of_training_are_mapped_onto_the_range():
    done = mapped(split([[10.0, 20], [15, 30]], [[40.0, 0]]), (-1.0, 1.0))
    assert done.train.x.tolist() == [[-1, 0], [-0.5, 1]] and done.test.x.tolist() == [[2, -2]]
    assert done.train.x.dtype == np.float32
    assert rescaled(np.array([2.0, 3.0]), (1.0, 3.0), (0.0, 10.0)).tolist() == [5, 10]


def test_a_standardised_input_has_mean_0_and_sd_1_and_a_constant_one_is_0():
    done = standardised(split([[1.0, 5, 0.1], [3, 5, 0.1]], [[2.0, 6, 0.1], [7, 5, 3]]))
    assert done.train.x.tolist() == [[-1, 0, 0], [1, 0, 0]]
    assert done.test.x.tolist() == [[0, 0, 0], [5, 0, 0]]


@given(
    st.lists(st.lists(st.integers(-50, 50), min_size=2, max_size=2), min_size=2, max_size=20),
    st.sampled_from([1.0, 1e-300, 1e-150, 1e30, 2.0**-1060]),
    st.sampled_from([0.0, 273.0]),
)
def test_standardising_does_not_depend_on_unit_and_origin(rows, unit, origin):
    plain = np.array(rows, float)
    moved = plain * unit if unit < 1e-9 else plain * unit + origin
    expected = standardised(split(plain, plain)).train.x
    np.testing.assert_allclose(standardised(split(moved, moved)).train.x, expected, atol=2e-6)
    slow = np.zeros_like(plain)
    for column in range(2):
        values = plain[:, column]
        sd = (sum((v - sum(values) / len(values)) ** 2 for v in values) / len(values)) ** 0.5
        if min(values) < max(values):
            slow[:, column] = (values - sum(values) / len(values)) / sd
    np.testing.assert_allclose(expected, slow, atol=1e-6)


def test_integers_do_not_overflow_when_standardised():
    x = np.array([[0], [255]], np.uint8)
    assert standardised(split(x, x)).test.x.tolist() == [[-1], [1]]


def test_test_inputs_too_large_once_standardised_are_refused():
    tiny = np.array([[0.0], [5e-324]])
    assert standardised(split(tiny, tiny)).test.x.tolist() == [[-1], [1]]
    with pytest.raises(ValueError, match="expected test inputs that float32 can hold once scaled"):
        standardised(split(tiny, [[1.0]]))


def test_subnormal_numbers_become_0_and_normal_ones_stay():
    x = np.array([1e-40, -1e-40, 1.2e-38, 1.0])
    assert as_float32(x, "test").tolist() == [0, 0, np.float32(1.2e-38), 1]
    assert as_float32(np.array([1, 2]), "test").tolist() == [1, 2]
    with pytest.raises(ValueError, match="expected test inputs that float32 can hold once scaled"):
        as_float32(np.array([1e39]), "test")


def test_an_input_whose_training_values_all_become_0_is_refused():
    lost = [[1.0, 1e-40], [2.0, 0.0]]
    with pytest.raises(ValueError, match="got input 1 of at most 1.0e-40, which is 0 in float32"):
        plain_inputs(split(lost, lost))
    kept = plain_inputs(split([[1.0, 0.0], [2.0, 0.0]], lost))
    assert kept.test.x.tolist() == [[1, 0], [2, 0]]


def test_plain_inputs_are_rounded_and_nothing_else():
    x = np.random.default_rng(0).normal(size=(5, 3))
    assert np.array_equal(plain_inputs(split(x, x)).train.x, x.astype(np.float32))
