import itertools
import math
from collections import Counter

import numpy as np
import pytest

from jaxbnn.info.total_correlation import dependence

CUBE = np.array(list(itertools.product((-1, 1), repeat=6)))


def entropy(values):
    """Of a list of hashable values, by hand."""
    n = len(values)
    return -sum(c / n * math.log2(c / n) for c in Counter(values).values())


def test_units_known_to_be_independent_have_no_total_correlation():
    found = dependence(np.tile(CUBE, (500, 1)))
    assert found.h_t == pytest.approx(6, abs=1e-6) and found.h_units == pytest.approx(6, abs=1e-12)
    assert found.total_correlation == pytest.approx(0, abs=1e-6)
    assert 5.99 < found.h_shuffled <= 6  # 32000 examples of 64 patterns


def test_units_known_to_be_equal_have_all_but_one_of_their_entropies():
    one = np.random.default_rng(0).random(20000) < 0.3
    found = dependence(np.repeat(one[:, None], 5, axis=1))
    h = entropy(one.tolist())
    assert found.h_t == pytest.approx(h, abs=1e-6) and found.h_units == pytest.approx(
        5 * h, abs=1e-9
    )
    assert found.total_correlation == pytest.approx(4 * h, abs=1e-6)
    assert found.h_t < found.h_shuffled < found.h_units and found.h_shuffled == pytest.approx(
        5 * h, abs=0.01
    )


def test_against_a_count_by_hand_and_constant_units_add_nothing():
    rng = np.random.default_rng(1)
    t = np.c_[np.where(rng.random((300, 3)) < [0.2, 0.5, 0.7], 1, -1), np.ones(300, int)]
    found = dependence(t)
    assert found.h_t == pytest.approx(entropy([tuple(row) for row in t]), abs=1e-6)
    assert found.h_units == pytest.approx(sum(entropy(column.tolist()) for column in t.T), abs=1e-9)
    assert dependence(t > 0) == dependence(t) == dependence((t + 1) // 2) and dependence(
        t, 1
    ) != dependence(t)
    few = dependence(CUBE[:4])
    assert few.h_t == 2 and few.h_shuffled <= 2 and few.h_units == 2


@pytest.mark.parametrize(
    "wrong", [np.zeros(3), np.zeros((0, 2)), np.array([[0.5, 1.0]]), np.array([[-1, 0]])]
)
def test_what_is_no_layer_of_signs_is_refused(wrong):
    with pytest.raises(ValueError, match="expected t"):
        dependence(wrong)
