"""Plane, curves and overview: no input that a run can yield breaks them, and bad input is refused
before anything is drawn."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from pictures import (
    DOUBTFUL,
    EPOCHS,
    NAMES,
    axes,
    doubt,
    drawn_curves,
    drawn_plane,
    fake,
    fake_series,
    legend_texts,
    plane_paths,
    segments,
)

from jaxbnn import plots
from jaxbnn.plots.curve_plots import Curves


def artists(ax):
    """What of each artist the eye sees."""
    lines = [
        (str(x.get_xydata()), x.get_color(), str(x.get_linestyle()), x.get_marker())
        for x in ax.get_lines()
    ]
    kinds = [
        (
            type(c).__name__,
            str(c.get_paths()),
            str(c.get_edgecolor()),
            str(c.get_facecolor()),
            c.get_zorder(),
        )
        for c in ax.collections
    ]
    return (
        lines,
        kinds,
        legend_texts(ax),
        ax.get_legend().get_title().get_text(),
        ax.get_xlim(),
        ax.get_ylim(),
    )


@pytest.mark.parametrize(
    ("n_seeds", "n_epochs", "n_layers", "fill"),
    [
        (1, 1, 1, None),
        (1, 1, 1, 4.0),
        (3, 2, 4, 4.0),
        (3, 2, 4, np.nan),
        (1, 9, 1, None),
        (1, 9, 1, np.nan),
    ],
)
def test_every_degenerate_input_is_drawn(n_seeds, n_epochs, n_layers, fill):
    i_xt, i_ty = fake(n_seeds, EPOCHS[:n_epochs], n_layers)
    if fill is not None:
        i_xt, i_ty = np.full_like(i_xt, fill), np.full_like(i_ty, fill)
    epochs, names = EPOCHS[:n_epochs], NAMES[:n_layers]
    ax = drawn_plane(i_xt, i_ty, epochs, names, 12.0, 0.999)
    curves = drawn_curves(epochs, i_xt, names, "I(X;T) [bit]", limit=(12.0, "H(X)"))
    for drawn in (ax, curves):
        drawn.figure.canvas.draw()
    assert np.all(np.isfinite([*ax.get_xlim(), *ax.get_ylim()]))
    assert (len(segments(ax)[0]) == 0) == (fill is not None and np.isnan(fill))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"i_xt": np.zeros((9, 4))}, r"^expected i_xt \[S, 9, 4\], got shape \(9, 4\)$"),
        ({"i_ty": np.zeros((5, 9, 3))}, r"^expected i_ty \[S, 9, 4\], got shape \(5, 9, 3\)$"),
        ({"i_ty": np.zeros((4, 9, 4))}, r"^expected i_ty of 5 seeds like the others, got 4$"),
        ({"i_xt": np.zeros((0, 9, 4))}, r"^expected i_xt \[S, 9, 4\], got shape \(0, 9, 4\)$"),
        (
            {"epoch": EPOCHS[::-1]},
            r"^expected epoch \[E\] rising from 0 or later, got shape \(9,\): \[1000",
        ),
        ({"epoch": EPOCHS - 1}, r"^expected epoch \[E\] rising from 0 or later"),
        ({"layers": ()}, r"^expected 1 to 12 names, one marker each, got 0$"),
        ({"h_x": np.nan}, r"^expected H\(X\) finite, or None where it is unknown, got nan$"),
    ],
)
def test_bad_input_is_refused_in_one_line(change, message):
    i_xt, i_ty = fake()
    paths = plane_paths(i_xt, i_ty)._replace(**change)
    figure = Figure()
    ax = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    with pytest.raises(ValueError, match=message):
        plots.plane(ax, paths)
    assert not ax.has_data()
    with pytest.raises(ValueError, match=message):
        plots.overview(figure, paths, fake_series())
    assert figure.axes == [ax]


def test_all_trusted_is_drawn_as_if_trust_were_not_given():
    i_xt, i_ty = fake()
    i_xt[3, 4:], i_ty[1, :, 2] = np.nan, np.inf
    finite = np.isfinite(i_xt) & np.isfinite(i_ty)
    plane = drawn_plane(i_xt, i_ty, EPOCHS, NAMES, 12.0)
    curves = drawn_curves(EPOCHS, i_xt, NAMES, "y")
    assert DOUBTFUL not in legend_texts(plane) + legend_texts(curves)
    # A seed that has no value at a point cannot make it doubtful.
    for trusted in (doubt(layer=[]), finite):
        assert artists(drawn_plane(i_xt, i_ty, EPOCHS, NAMES, 12.0, trusted=trusted)) == artists(
            plane
        )
    for trusted in (doubt(layer=[]), np.isfinite(i_xt)):
        assert artists(drawn_curves(EPOCHS, i_xt, NAMES, "y", trusted=trusted)) == artists(curves)


@pytest.mark.parametrize("fill", [1.0, np.nan])
@pytest.mark.parametrize(("n_seeds", "n_epochs", "n_layers"), [(1, 1, 1), (3, 2, 4), (1, 9, 12)])
def test_every_degenerate_input_is_drawn_untrusted(n_seeds, n_epochs, n_layers, fill):
    i_xt, i_ty = (fill * value for value in fake(n_seeds, EPOCHS[:n_epochs], n_layers))
    names, trusted = [f"hidden_{i}" for i in range(n_layers)], np.zeros(i_xt.shape, bool)
    epochs, limit = EPOCHS[:n_epochs], (12.0, "H(X)")
    ax = drawn_plane(i_xt, i_ty, epochs, names, 12.0, 0.999, trusted=trusted)
    curves = drawn_curves(epochs, i_xt, names, "y", limit=limit, trusted=trusted)
    for drawn in (ax, curves):
        drawn.figure.canvas.draw()
        assert (DOUBTFUL in legend_texts(drawn)) == np.isfinite(fill)


@pytest.mark.parametrize(
    ("trusted", "message"),
    [
        (np.ones((5, 9), bool), r"^expected {} \[5, 9, 4\], got shape \(5, 9\)$"),
        (np.ones((1, 9, 4), bool), r"^expected {} \[5, 9, 4\], got shape \(1, 9, 4\)$"),
        (np.full((5, 9, 4), 2, np.int8), r"^expected {} bool, got int8$"),
    ],
)
def test_bad_trust_is_refused_in_one_line_before_anything_is_drawn(trusted, message):
    ax, figure = axes(), Figure()
    with pytest.raises(ValueError, match=message.format("trusted")):
        plots.curves(ax, Curves(EPOCHS, NAMES, fake()[0], trusted), "y")
    assert not ax.has_data()
    for name in ("trusted_xt", "trusted_ty"):
        paths = plane_paths(*fake(), **{name: trusted})
        with pytest.raises(ValueError, match=message.format(name)):
            plots.plane(ax, paths)
        with pytest.raises(ValueError, match=message.format(name)):
            plots.overview(figure, paths, fake_series())
    assert not ax.has_data()
    assert figure.axes == []
