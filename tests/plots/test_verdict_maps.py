"""Maps of verdicts on a real canvas: each cell is split by its shares."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from pictures import axes, legend_texts

from jaxbnn import plots

DEPTHS = (*range(1, 21), 32, 64)
SIZES = np.array([100, 1000, 10_000, 100_000, 1_000_000])
QUARTERS = np.full((3, 2, 4), 1 / 4)


def cells(ax):
    return [c for c in ax.collections if isinstance(c, PolyCollection)]


def test_verdicts_split_each_cell_by_its_shares():
    share = np.zeros((22, 5, 4))
    share[..., 3] = 1
    share[3, 1] = 0.2, 0.3, 0.1, 0.4
    ax = axes()
    plots.verdicts(ax, DEPTHS, SIZES, share)
    ax.figure.canvas.draw()
    saturated, biased, conditional, _ = parts = cells(ax)
    assert [len(c.get_paths()) for c in parts] == [1, 1, 1, 22 * 5]
    left, right = 10**2.5, 10**3.5
    for part, low, high in (
        (saturated, 2.5, 2.7),
        (biased, 2.7, 3.0),
        (conditional, 3.0, 3.1),
    ):
        corners = part.get_paths()[0].vertices[:4]
        np.testing.assert_allclose(
            corners, [[left, low], [right, low], [right, high], [left, high]]
        )
    colours = [to_rgb(c.get_facecolor()[0][:3]) for c in parts]
    assert np.all(np.diff(np.dot(colours, [0.2126, 0.7152, 0.0722])) > 0.15), (
        "told apart in grey print"
    )
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [str(depth) for depth in DEPTHS]
    assert ax.get_xscale() == "log" and ax.get_ylim() == (-0.5, 21.5)
    np.testing.assert_allclose(ax.get_xlim(), [10**1.5, 10**6.5])
    assert legend_texts(ax)[:2] != [] and {"saturated", "biased", "conditional", "reliable"} < set(
        legend_texts(ax)
    )


def test_verdicts_draw_the_bound_of_nothnagel_and_geiger():
    share = np.full((22, 5, 4), 1 / 4)
    ax = axes()
    plots.verdicts(ax, DEPTHS, SIZES, share)
    (line,) = ax.get_lines()
    sizes, rows = line.get_xdata(), line.get_ydata()
    for depth in (6, 10, 14):
        at = np.flatnonzero(np.isclose(rows, depth - 1))
        np.testing.assert_allclose(sizes[at], [(2**depth / depth) ** 2], rtol=1e-12)
    assert sizes.min() >= 10**1.5 and sizes.max() <= 10**6.5 and np.all(np.diff(sizes) > 0)
    small = axes()
    plots.verdicts(small, [1, 2], [1, 10], np.full((2, 2, 4), 1 / 4))
    np.testing.assert_allclose(small.get_lines()[0].get_xdata(), 4.0)  # k = 2 and k = 4 both give 4


def test_verdicts_without_the_bound_in_sight_do_not_name_it():
    for d, n in (([64], [100, 1000]), ([5], [100]), ([20, 32], [10])):
        ax = axes()
        plots.verdicts(ax, d, n, np.full((len(d), len(n), 4), 1 / 4))
        ax.figure.canvas.draw()
        assert len(ax.get_lines()) == 0 and sorted(legend_texts(ax)) == [
            "biased",
            "conditional",
            "reliable",
            "saturated",
        ]
    ax = axes()
    plots.verdicts(ax, DEPTHS, SIZES, np.full((22, 5, 4), 1 / 4), bound=False)
    assert len(ax.get_lines()) == 0


def test_rightness_makes_what_is_wrong_the_darkest():
    right = np.full((3, 2, 6), 1 / 6)
    right[2, 1] = np.nan
    ax = axes()
    plots.rightness(ax, [1, 2, 32], [100, 300], right)
    ax.figure.canvas.draw()
    assert [len(c.get_paths()) for c in cells(ax)] == [5] * 6
    lightness = [np.dot(c.get_facecolor()[0][:3], [0.2126, 0.7152, 0.0722]) for c in cells(ax)]
    assert np.argmin(lightness) == 1 and np.diff(sorted(lightness)).min() > 0.05, (
        "told apart in grey print"
    )
    assert sorted(legend_texts(ax)) == [
        "biased or conditional, further off: right",
        "biased or conditional, within 0.1 bit: overcautious",
        "not run",
        "reliable, further off: wrong",
        "reliable, within 0.1 bit: right",
        "saturated, further off: right",
        "saturated, within 0.1 bit: overcautious",
    ]


@pytest.mark.parametrize(
    ("draw", "args", "message"),
    [
        (
            "verdicts",
            ([1, 2, 3], [10, 20], QUARTERS[:2]),
            r"^expected share \[3, 2, 4\], got shape \(2, 2, 4\)$",
        ),
        (
            "verdicts",
            ([1, 2, 3], [10, 20], 2 * QUARTERS),
            r"^expected share to sum to 1 in each cell, got 2$",
        ),
        (
            "verdicts",
            ([1, 2, 3], [0, 20], QUARTERS),
            r"^expected n \[N\] rising from above 0, got shape \(2,\): \[",
        ),
        (
            "verdicts",
            ([1, 2, 3], [20, 20], QUARTERS),
            r"^expected n \[N\] rising from above 0, got shape \(2,\): \[",
        ),
        (
            "rightness",
            ([1, 2, 3], [10, 20], QUARTERS),
            r"^expected right \[3, 2, 6\], got shape \(3, 2, 4\)$",
        ),
    ],
)
def test_bad_maps_are_refused_in_one_line(draw, args, message):
    ax = axes()
    with pytest.raises(ValueError, match=message):
        getattr(plots, draw)(ax, *args)
    assert not ax.has_data()
