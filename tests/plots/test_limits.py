"""What part of an axis is shown, and when a limit is too far to draw."""

import numpy as np
import pytest

from jaxbnn.plots.limits import entropy_limit, shown_range


def test_a_limit_is_named_with_three_digits():
    assert entropy_limit("H(X)", 12) == (12.0, "H(X) = 12.0 bit")
    assert entropy_limit("H(Y)", 0.99911) == (0.99911, "H(Y) = 0.999 bit")
    assert entropy_limit("H(Y)", None) is None
    with pytest.raises(ValueError, match=r"^expected H\(Y\) finite, or None .*, got inf$"):
        entropy_limit("H(Y)", np.inf)


@pytest.mark.parametrize(
    ("values", "limit", "low", "high", "is_far"),
    [
        ([2.0, 4.0], None, 1.88, 4.12, False),  # 6 % of the range on each side
        ([1.0, 4.0], None, -0.24, 4.24, False),  # zero is near
        ([2.0, 4.0], (5.0, "near"), 1.82, 5.18, False),
        ([2.0, 4.0], (5.19, "near"), 1.8086, 5.3814, False),
        ([2.0, 4.0], (5.21, "far"), 1.88, 4.12, True),  # 0.6 ranges above the data
        ([3.0, 3.0], None, 1.5, 4.5, False),  # a constant has room
        ([np.nan], (5.0, "alone"), -0.3, 5.3, False),
        ([np.nan], None, -0.06, 1.06, False),
    ],
)
def test_the_shown_range_by_hand(values, limit, low, high, is_far):
    shown = shown_range(np.array(values), limit)
    np.testing.assert_allclose(shown[:2], [low, high])
    assert shown.limit_is_far == is_far
