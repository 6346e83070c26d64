"""Whether two paired differences go the same way."""

import pytest

from jaxbnn.studies.nothnagel_2026.cause_tables import common_direction, paired_differences

UP = [1.0, 1.1, 0.9]
DOWN = [-1.0, -1.1, -0.9]
EITHER = [1.0, -1.0, 0.2]


@pytest.mark.parametrize(
    ("fall", "accuracy", "direction"),
    [
        (UP, UP, "together"),
        (DOWN, DOWN, "together"),
        (UP, DOWN, "apart"),
        (DOWN, UP, "apart"),
        (UP, EITHER, "unsure"),
        (EITHER, EITHER, "unsure"),
        ([1.0], UP, "unsure"),
    ],
)
def test_differences_go_together_where_both_are_surely_to_one_side(fall, accuracy, direction):
    assert common_direction(fall, accuracy) == direction


def test_without_a_base_there_is_no_difference():
    assert paired_differences({}) == {}
