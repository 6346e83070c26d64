"""Errors and variances of estimators on a real canvas."""

import numpy as np
import pytest
from pictures import axes, legend_texts, texts

from jaxbnn import plots
from jaxbnn.plots.estimator_plots import Variances

DEPTHS = (*range(1, 21), 32, 64)


def test_errors_draw_one_line_for_each_estimator_and_name_a_tenth_of_a_bit():
    names = ["plug-in", "Miller-Madow", "jackknife"]
    error = np.geomspace(1e-4, 2, 22)[:, None] * [1, 0.5, 0.1]
    ax = axes()
    plots.errors(ax, DEPTHS, error, names)
    ax.figure.canvas.draw()
    lines = ax.get_lines()[:3]
    for line, column in zip(lines, error.T, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), column)
        np.testing.assert_array_equal(line.get_xdata(), np.arange(22))
    assert (
        len({(line.get_color(), str(line.get_linestyle()), line.get_marker()) for line in lines})
        == 3
    )
    assert ax.get_yscale() == "log" and ax.get_ylabel() == "mean absolute error [bit]"
    assert list(ax.get_lines()[3].get_ydata()) == [0.1, 0.1] and texts(ax) == ["0.1 bit"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == [
        str(depth) for depth in DEPTHS[::2]
    ]
    assert legend_texts(ax) == names


@pytest.mark.parametrize("fill", [0.0, 1e-9, np.nan, np.inf])
def test_errors_of_nothing_stand_on_a_named_floor(fill):
    ax = axes()
    plots.errors(ax, DEPTHS, np.full((22, 2), fill), ["one", "other"], ylabel="error [bit]")
    ax.figure.canvas.draw()
    expected = 1e-6 if np.isfinite(fill) else np.nan
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), np.full(22, expected))
    assert texts(ax) == ["0.1 bit", r"$\leq 10^{-6}$"][: 2 if np.isfinite(fill) else 1]
    assert np.all(np.isfinite(ax.get_ylim())) and ax.get_ylim()[0] > 0


def test_errors_stay_on_the_page():
    ax = axes()
    plots.errors(ax, DEPTHS, np.zeros((22, 7)), [f"estimator {i}" for i in range(7)])
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts] + [ax.get_legend().get_window_extent()]
    page = ax.figure.bbox
    assert all(page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 for box in boxes)
    assert boxes[-1].y1 < ax.xaxis.label.get_window_extent().y0


def test_variances_draw_the_truth_the_estimate_and_its_band():
    true = np.geomspace(1e-2, 1e-8, 22)
    ax = axes()
    band = np.stack([0.5 * true, 2 * true], axis=-1)
    plots.variances(ax, DEPTHS, Variances(true, 1.1 * true, band))
    ax.figure.canvas.draw()
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), true)
    np.testing.assert_allclose(ax.get_lines()[1].get_ydata(), 1.1 * true)
    edges = ax.collections[0].get_paths()[0].vertices
    np.testing.assert_allclose(np.unique(edges[edges[:, 0] == 3, 1]), [0.5 * true[3], 2 * true[3]])
    assert legend_texts(ax) == ["true", "estimated, mean and 10 to 90 % band"]
    assert ax.get_ylabel() == "variance of the plug-in [bit$^2$]"


def test_variances_without_a_band_and_of_zero():
    ax = axes()
    plots.variances(ax, [5], Variances([0.0], [0.0]))
    ax.figure.canvas.draw()
    assert len(ax.collections) == 0 and legend_texts(ax) == ["true", "estimated, mean"]
    assert texts(ax) == [r"$\leq 10^{-12}$"]


@pytest.mark.parametrize(
    ("draw", "args", "message"),
    [
        (
            "errors",
            ([1, 2], np.ones((3, 1)), ["a"]),
            r"^expected error \[2, 1\], got shape \(3, 1\)$",
        ),
        (
            "errors",
            ([1, 2], np.ones((2, 0)), []),
            r"^expected 1 to 12 names, one marker each, got 0$",
        ),
        ("errors", ([1, 2], [[1], [-0.5]], ["a"]), r"^expected error of 0 or more, got -0.5$"),
        (
            "errors",
            ([2, 1], np.ones((2, 1)), ["a"]),
            r"^expected d \[D\] rising from 1 or later, got shape \(2,\): \[2",
        ),
        ("errors", ([1, 1.5], np.ones((2, 1)), ["a"]), r"^expected d whole, got 1.5$"),
        ("errors", ([1], [[1]], ["a"], "y", 0.0), r"^expected floor above 0 and finite, got 0.0$"),
        (
            "variances",
            ([1, 2], Variances([1, 2, 3], [1, 2])),
            r"^expected true \[2\], got shape \(3,\)$",
        ),
        (
            "variances",
            ([1, 2], Variances([1, 2], [1])),
            r"^expected estimated \[2\], got shape \(1,\)$",
        ),
        (
            "variances",
            ([1, 2], Variances([1, 2], [1, 2], np.ones((2, 3)))),
            r"^expected band \[2, 2\], got shape \(2, 3\)$",
        ),
    ],
)
def test_bad_arrays_of_estimators_are_refused_in_one_line(draw, args, message):
    ax = axes()
    with pytest.raises(ValueError, match=message):
        getattr(plots, draw)(ax, *args)
    assert not ax.has_data()
