"""A dot a run: nothing is lost without a word, and what cannot be trusted looks like it."""

import numpy as np
import pytest
from pictures import axes, scatters

from jaxbnn import plots
from jaxbnn.plots.swarm_plot import Column

TRUSTED = np.array([True, True, True])
MIDDLE_DOUBTFUL = np.array([True, False, True])


def dots(ax):
    """Places of all filled and of all hollow dots."""
    filled, hollow = [], []
    for collection in scatters(ax):
        places = filled if len(collection.get_facecolors()) else hollow
        places += collection.get_offsets().tolist()
    return filled, hollow


def test_a_swarm_has_a_dot_a_run_at_its_height_and_none_on_another():
    ax = axes()
    columns = {
        "a": Column([0.1, 0.1, 0.1], [0, 1, 2], TRUSTED, level=0.05),
        "b": Column([0.5, np.nan, 0.7], [0, 1, 2], TRUSTED),
    }
    plots.swarm(ax, columns, "factor", "decay")
    filled, hollow = dots(ax)
    assert sorted(round(y, 3) for _, y in filled) == [0.1, 0.1, 0.1, 0.5, 0.7] and not hollow
    np.testing.assert_allclose(sorted(x for x, y in filled if y == 0.1), [-0.09, 0.0, 0.09])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b\n(1 left out)"]
    assert ax.get_ylabel() == "factor" and len(ax.figure.axes) == 2
    (level,) = [c for c in ax.collections if c not in scatters(ax)]
    np.testing.assert_allclose(level.get_segments()[0], [[-0.4, 0.05], [0.4, 0.05]])


def test_a_swarm_hollows_what_cannot_be_trusted():
    ax = axes()
    column = Column([1.0, 2.0, 3.0], [0, 1, 2], MIDDLE_DOUBTFUL)
    plots.swarm(ax, {"a": column}, "factor", "decay")
    filled, hollow = dots(ax)
    assert [y for _, y in hollow] == [2.0] and len(filled) == 2
    assert "cannot be trusted" in ax.get_legend().get_texts()[0].get_text()


def test_a_swarm_without_runs_is_drawn():
    nothing = np.zeros(0)
    ax = axes()
    plots.swarm(ax, {"a": Column(nothing, nothing, np.zeros(0, bool))}, "factor", "decay")
    ax.figure.canvas.draw()
    assert dots(ax) == ([], [])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "^expected one column of runs or more, got none$"),
        (
            {"a": Column([1.0], [1.0], TRUSTED)},
            r"bool trusted \[R\] of a, got \(1,\), \(1,\), bool \(3,\)$",
        ),
        (
            {"a": Column([1.0, 2.0], [1.0], [True, True])},
            r"bool trusted \[R\] of a, got \(2,\), \(1,\), bool \(2,\)$",
        ),
        (
            {"a": Column([1.0], [1.0], [1])},
            r"bool trusted \[R\] of a, got \(1,\), \(1,\), int64 \(1,\)$",
        ),
    ],
)
def test_what_is_no_column_is_refused_in_one_line(columns, message):
    ax = axes()
    with pytest.raises(ValueError, match=message):
        plots.swarm(ax, columns, "y", "colour")
    assert not ax.has_data()
