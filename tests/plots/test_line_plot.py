"""Functions of one variable."""

import numpy as np
import pytest
from pictures import axes, legend_texts

from jaxbnn import plots


def test_lines_draw_each_function_in_its_own_way():
    ax = axes()
    x = np.linspace(-1, 1, 5)
    plots.lines(ax, x, {"x": x, "square": x**2}, "x", "f(x)")
    line, square = ax.get_lines()
    np.testing.assert_array_equal(line.get_xydata(), np.stack([x, x], axis=-1))
    np.testing.assert_array_equal(square.get_ydata(), [1, 0.25, 0, 0.25, 1])
    assert (line.get_color(), line.get_linestyle()) != (square.get_color(), square.get_linestyle())
    assert legend_texts(ax) == ["x", "square"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "f(x)")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "^expected 1 to 7 functions, got 0$"),
        ({str(i): [0, 1] for i in range(8)}, "^expected 1 to 7 functions, got 8$"),
        ({"f": [0, 1, 2]}, r"^expected f of shape \(2,\), got \(3,\)$"),
    ],
)
def test_what_is_no_function_is_refused_in_one_line(values, message):
    ax = axes()
    with pytest.raises(ValueError, match=message):
        plots.lines(ax, [0, 1], values, "x", "y")
    assert not ax.has_data()
