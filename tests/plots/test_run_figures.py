"""Pictures with a dot a run: nothing is lost without a word, and what cannot be trusted looks like
it."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from jaxbnn import plots

SURE, UNSURE = np.array([True, True, True]), np.array([True, False, True])


def axes():
    figure = Figure(layout="constrained")
    FigureCanvasAgg(figure)
    return figure.subplots()


def dots(ax):
    """Places of all filled and of all hollow dots."""
    places = {True: [], False: []}
    for found in ax.collections:
        if isinstance(found, PathCollection):
            places[len(found.get_facecolors()) > 0] += found.get_offsets().tolist()
    return places[True], places[False]


def test_a_swarm_has_a_dot_a_run_at_its_height_and_none_on_another():
    ax = axes()
    values = {"a": [0.1, 0.1, 0.1], "b": [0.5, np.nan, 0.7]}
    plots.swarm(
        ax,
        values,
        {"a": [0, 1, 2], "b": [0, 1, 2]},
        {"a": SURE, "b": SURE},
        "factor",
        "decay",
        {"a": 0.05},
    )
    filled, hollow = dots(ax)
    assert sorted(round(y, 3) for _, y in filled) == [0.1, 0.1, 0.1, 0.5, 0.7] and not hollow
    assert len({round(x, 3) for x, y in filled if y == 0.1}) == 3
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b\n(1 left out)"]
    assert ax.get_ylabel() == "factor" and len(ax.figure.axes) == 2


def test_a_swarm_hollows_what_cannot_be_trusted():
    ax = axes()
    plots.swarm(ax, {"a": [1.0, 2.0, 3.0]}, {"a": [0, 1, 2]}, {"a": UNSURE}, "factor", "decay")
    filled, hollow = dots(ax)
    assert [y for _, y in hollow] == [2.0] and len(filled) == 2
    assert "cannot be trusted" in ax.get_legend().get_texts()[0].get_text()
    nothing = np.zeros(0)
    plots.swarm(axes(), {"a": nothing}, {"a": nothing}, {"a": np.zeros(0, bool)}, "factor", "decay")


def test_runs_against_each_other_have_bars_to_their_ends():
    ax = axes()
    x = np.array([[1.0, 2.0, np.nan], [0.5, 1.5, 1.0], [1.5, 3.0, 1.0]])
    y = np.array([[0.6, 0.7, 0.8], [0.5, 0.7, 0.8], [0.9, 0.7, 0.8]])
    plots.against(ax, x, y, [0, 1, 2], UNSURE, "x", "y", "decay")
    points = [
        line
        for line in ax.get_lines()
        if line.get_marker() == "o" and line.get_linestyle() == "None"
    ]
    assert [(float(p.get_xdata()[0]), float(p.get_ydata()[0])) for p in points] == [
        (1.0, 0.6),
        (2.0, 0.7),
    ]
    assert points[1].get_markerfacecolor() == "white"
    ends = [segment.tolist() for each in ax.collections for segment in each.get_segments()]
    assert [[0.5, 0.6], [1.5, 0.6]] in ends and [[1.0, 0.5], [1.0, 0.9]] in ends


def test_intervals_name_each_line_and_say_what_is_undefined():
    ax = axes()
    none = [np.nan] * 3
    plots.intervals(
        ax,
        ["szt", "mnist"],
        {"pooled": [[0.2, -0.1, 0.5], none], "within": [[0.1, 0, 0.2], none]},
        "rho",
    )
    assert [label.get_text() for label in ax.get_yticklabels()] == ["szt", "mnist"]
    assert [text.get_text() for text in ax.texts] == [" undefined"]
    segments = [segment.tolist() for each in ax.collections for segment in each.get_segments()]
    assert [p[0] for p in segments[0]] == [-0.1, 0.5] and ax.get_ylim() == (1.5, -0.5)


def test_dots_of_each_set_stand_beside_each_other():
    ax = axes()
    plots.dots(
        ax,
        ["hidden_1", "hidden_2"],
        {"H(T)": [[1, 2], [3, 4]], "sum": [[5, 6], [7, np.nan]]},
        "entropy [bit]",
    )
    first, second = ax.get_lines()
    assert (
        first.get_ydata().tolist() == [1, 2, 3, 4]
        and (second.get_xdata() > first.get_xdata()).all()
    )
    assert to_rgba(first.get_color()) != to_rgba(second.get_color())


@pytest.mark.parametrize(
    ("draw", "args", "message"),
    [
        (
            "swarm",
            ({}, {}, {}, "y", "c"),
            "expected values, colour and trusted of the same columns",
        ),
        (
            "swarm",
            ({"a": [1.0]}, {"b": [1.0]}, {"a": SURE}, "y", "c"),
            r"of the same columns, got \['a'\], \['b'\]",
        ),
        (
            "swarm",
            ({"a": [1.0]}, {"a": [1.0]}, {"a": SURE}, "y", "c"),
            r"bool trusted \[R\] of a, got \(1,\)",
        ),
        (
            "against",
            (np.ones((2, 3)), np.ones((2, 3)), [1] * 3, SURE, "x", "y", "c"),
            r"expected x, y \[3, R\]",
        ),
        ("intervals", (["a"], {}, "x"), "expected 1 to 7 sets of values, got 0"),
        ("intervals", (["a"], {"b": [[1, 2]]}, "x"), r"expected b \[1, 3\], got shape \(1, 2\)"),
        ("dots", (["a"], {"b": [1, 2]}, "y"), r"expected b \[1, R\], got shape \(2,\)"),
        ("dots", (["a"], {}, "y"), "expected 1 to 7 sets of values, got 0"),
    ],
)
def test_what_is_no_run_is_refused_in_one_line(draw, args, message):
    ax = axes()
    with pytest.raises(ValueError, match=message):
        getattr(plots, draw)(ax, *args)
    assert not ax.has_data()
