"""Dots of several sets beside each other."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from pictures import axes

from jaxbnn import plots


def test_dots_of_each_set_stand_beside_each_other():
    ax = axes()
    values = {"H(T)": [[1, 2], [3, 4]], "sum": [[5, 6], [7, np.nan]]}
    plots.strip(ax, ["hidden_1", "hidden_2"], values, "entropy [bit]")
    first, second = ax.get_lines()
    assert first.get_ydata().tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(first.get_xdata(), [-0.22, -0.22, 0.78, 0.78])
    np.testing.assert_allclose(second.get_xdata(), [0.22, 0.22, 1.22, 1.22])
    assert to_rgba(first.get_color()) != to_rgba(second.get_color())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"b": [1, 2]}, r"^expected b \[1, R\], got shape \(2,\)$"),
        ({"b": [[1], [2]]}, r"^expected b \[1, R\], got shape \(2, 1\)$"),
        ({}, "^expected 1 to 7 sets of values, got 0$"),
    ],
)
def test_what_is_no_set_is_refused_in_one_line(values, message):
    ax = axes()
    with pytest.raises(ValueError, match=message):
        plots.strip(ax, ["a"], values, "y")
    assert not ax.has_data()
