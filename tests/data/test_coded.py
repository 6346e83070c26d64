"""Inputs as bytes: bit for bit, or not at all."""

import numpy as np
import pytest

from jaxbnn.data import Dataset, Split, coded_inputs
from jaxbnn.data.images import pixel_values

RNG = np.random.default_rng(0)


def split_of(train, test):
    def part(x):
        return Dataset(np.asarray(x, np.float32), np.zeros(len(x), np.int32))

    return Split(part(train), part(test), 2, False)


@pytest.mark.parametrize("ends", [(-1.0, 1.0), (0.0, 1.0), (0.1, 0.7), (-3.0, 8.0)])
@pytest.mark.parametrize("shape", [(300, 4, 5), (9000, 3)])
def test_pixels_come_back_bit_for_bit(ends, shape):
    values = pixel_values(ends)
    split = split_of(
        values[RNG.integers(0, 256, shape)], values[RNG.integers(0, 256, (40, *shape[1:]))]
    )
    found = coded_inputs(split)
    assert found is not None and found.train.dtype == found.test.dtype == np.uint8
    of_codes = np.asarray(found.values, np.float32)
    np.testing.assert_array_equal(of_codes[found.train], split.train.x)
    np.testing.assert_array_equal(of_codes[found.test], split.test.x)
    assert len(found.values) == 256


def test_few_values_get_few_codes_and_gaps_are_filled():
    split = split_of([[-1, 1], [1, -1]], [[1, 1]])
    assert coded_inputs(split).values == (-1.0, 1.0)
    found = coded_inputs(split_of([[0, 1], [5, 0]], [[3, 0]]))
    assert found.values == (0, 1, 2, 3, 4, 5)
    np.testing.assert_array_equal(found.test, [[3, 0]])


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (RNG.normal(size=(50, 4)), RNG.normal(size=(9, 4))),  # real numbers
        ([[0, 1]], [[0.5, 1]]),  # a test input between the codes
        ([[0, 1]], [[300, 1]]),  # more than 256 codes
        ([[0, 1, 3.5]], [[0, 1, 1]]),  # not evenly spaced
        ([[2, 2]], [[2, 2]]),  # constant
        ([[0.0, 1], [-0.0, 1]], [[0, 1]]),  # one number with two sets of bits
        ([[0, np.nan]], [[0, 1]]),
        ([[0, 1]], [[np.inf, 1]]),
    ],
)
def test_other_inputs_have_no_code(train, test):
    assert coded_inputs(split_of(train, test)) is None
