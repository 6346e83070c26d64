"""Runs against each other: each has its dot and its two bars."""

import numpy as np
import pytest
from pictures import axes

from jaxbnn import plots
from jaxbnn.plots.scatter_plot import RunPoints

X = np.array([[1.0, 2.0, np.nan], [0.5, 1.5, 1.0], [1.5, 3.0, 1.0]])
Y = np.array([[0.6, 0.7, 0.8], [0.5, 0.7, 0.8], [0.9, 0.7, 0.8]])
TRUSTED = np.array([True, False, True])


def test_runs_against_each_other_have_bars_to_their_ends():
    ax = axes()
    plots.scatter(ax, RunPoints(X, Y, [0, 1, 2], TRUSTED), "x", "y", "decay")
    dots = [line for line in ax.get_lines() if line.get_marker() == "o"]
    places = [(float(dot.get_xdata()[0]), float(dot.get_ydata()[0])) for dot in dots]
    assert places == [(1.0, 0.6), (2.0, 0.7)]
    assert dots[1].get_markerfacecolor() == "white" != dots[0].get_markerfacecolor()
    bars = []
    for collection in ax.collections:
        bars += [segment.tolist() for segment in collection.get_segments()]
    assert [[0.5, 0.6], [1.5, 0.6]] in bars and [[1.0, 0.5], [1.0, 0.9]] in bars
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")
    assert "cannot be trusted" in ax.get_legend().get_texts()[0].get_text()


def test_nothing_finite_is_drawn_as_nothing():
    ax = axes()
    plots.scatter(ax, RunPoints(X * np.nan, Y, [0, 1, 2], TRUSTED), "x", "y", "decay")
    ax.figure.canvas.draw()
    assert not ax.get_lines() and ax.get_legend() is None


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (RunPoints(X[:2], Y[:2], [0, 1, 2], TRUSTED), r"got \(2, 3\), \(2, 3\), \(3,\), \(3,\)$"),
        (RunPoints(X, Y, [0, 1], TRUSTED), r"got \(3, 3\), \(3, 3\), \(2,\), \(3,\)$"),
        (RunPoints(X, Y[:, :2], [0, 1, 2], TRUSTED), r"got \(3, 3\), \(3, 2\), \(3,\), \(3,\)$"),
    ],
)
def test_what_is_no_run_is_refused_in_one_line(points, message):
    ax = axes()
    with pytest.raises(ValueError, match=r"^expected x, y \[3, R\], colour, .*" + message):
        plots.scatter(ax, points, "x", "y", "decay")
    assert not ax.has_data()
