"""Intervals one below the other."""

import numpy as np
import pytest
from pictures import axes, segments

from jaxbnn import plots

UNDEFINED = [np.nan] * 3


def test_a_forest_names_each_row_and_says_what_is_undefined():
    ax = axes()
    values = {
        "pooled": [[0.2, -0.1, 0.5], UNDEFINED],
        "within": [[0.1, 0, 0.2], UNDEFINED],
    }
    plots.forest(ax, ["szt", "mnist"], values, "rho")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["szt", "mnist"]
    assert [text.get_text() for text in ax.texts] == [" undefined"]
    pooled, within = segments(ax)
    np.testing.assert_allclose(pooled[0], [[-0.1, -0.28], [0.5, -0.28]])
    np.testing.assert_allclose(within[0], [[0.0, 0.28], [0.2, 0.28]])
    assert ax.get_ylim() == (1.5, -0.5) and len(ax.get_legend().get_texts()) == 2


def test_one_set_stands_in_the_middle_and_has_no_legend():
    ax = axes()
    plots.forest(ax, ["szt"], {"all": [[0.2, 0.1, 0.3]]}, "rho", line=None)
    (dots,) = ax.get_lines()
    assert dots.get_xydata().tolist() == [[0.2, 0.0]] and ax.get_legend() is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "^expected 1 to 7 sets of values, got 0$"),
        ({str(i): [UNDEFINED] for i in range(8)}, "^expected 1 to 7 sets of values, got 8$"),
        ({"b": [[1, 2]]}, r"^expected b \[1, 3\], got shape \(1, 2\)$"),
    ],
)
def test_what_is_no_interval_is_refused_in_one_line(values, message):
    ax = axes()
    with pytest.raises(ValueError, match=message):
        plots.forest(ax, ["a"], values, "rho")
    assert not ax.has_data()
