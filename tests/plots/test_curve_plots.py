"""Curves and the overview on a real canvas: means, bands, and what cannot be trusted."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from pictures import (
    DOUBTFUL,
    EPOCHS,
    NAMES,
    doubt,
    drawn_curves,
    fake,
    fake_series,
    is_grey,
    legend_texts,
    plane_paths,
    texts,
)
from scipy import stats

from jaxbnn import plots


def test_curves_draw_means_and_the_band_is_the_t_interval():
    values = np.array([[1.0, 4.0], [2.0, 4.5], [4.0, 7.0], [np.nan, 6.5]])[:, :, None]
    ax = drawn_curves([0, 1], values, ["layer"], "I(X;T) [bit]", level=0.9)
    np.testing.assert_allclose(ax.get_lines()[0].get_ydata(), [7 / 3, 5.5])
    edges = ax.collections[0].get_paths()[0].vertices
    for epoch, column in ((0, values[:3, 0, 0]), (1, values[:, 1, 0])):
        low, high = stats.t.interval(0.9, len(column) - 1, column.mean(), stats.sem(column))
        at = edges[edges[:, 0] == epoch, 1]
        np.testing.assert_allclose([at.min(), at.max()], [low, high], rtol=1e-12)
    assert (
        ax.get_legend().get_title().get_text()
        == "bands: 90 % interval of the mean, 3 of 4 seeds finite"
    )


@pytest.mark.parametrize(
    ("n_seeds", "level"), [(2, 0.5), (3, 0.999), (10, 0.95), (1000, 0.95), (1001, 0.5)]
)
def test_band_equals_scipy_for_even_and_odd_seed_counts(n_seeds, level):
    values = np.random.default_rng(n_seeds).normal(size=(n_seeds, 2, 1))
    edges = (
        drawn_curves([0, 1], values, ["layer"], "y", level=level)
        .collections[0]
        .get_paths()[0]
        .vertices
    )
    column = values[:, 0, 0]
    interval = stats.t.interval(level, n_seeds - 1, column.mean(), stats.sem(column))
    at = edges[edges[:, 0] == 0, 1]
    np.testing.assert_allclose([at.min(), at.max()], interval, rtol=1e-9)


def test_curves_without_a_second_finite_seed_have_no_band():
    values = fake(n_seeds=3)[0].copy()
    values[1:] = np.nan
    for one in (values, values[:1]):
        ax = drawn_curves(EPOCHS, one, NAMES, "I(X;T) [bit]")
        assert len(ax.get_lines()) == 4 and len(ax.collections) == 0
        assert "bands" not in ax.get_legend().get_title().get_text()


def test_curves_tell_layers_apart_without_colour():
    names = [f"hidden_{i}" for i in range(1, 9)]
    ax = drawn_curves(EPOCHS, fake(n_layers=8)[0], names, "I(X;T) [bit]")
    lines = ax.get_lines()
    assert len({line.get_marker() for line in lines}) == 8
    assert (
        len({(line.get_color(), str(line.get_linestyle()), line.get_marker()) for line in lines})
        == 8
    )
    assert all(len(line.get_markevery()) <= 6 for line in lines)
    assert sorted(legend_texts(ax)) == sorted(names)


@pytest.mark.parametrize(
    ("epochs", "ticks"),
    [
        ([0, 1, 2, 50, 1000], ["0", "1", "10", "100", "1000"]),
        ([0, 20, 5000], ["0", "1", "10", "100", "1000", "5000"]),
        ([0, 20, 1100], ["0", "1", "10", "100", "1000"]),
        ([500, 600, 2000], ["500", "1000", "2000"]),
        ([500, 600, 900], ["500", "900"]),
        ([0, 100000], ["0", "10", "1000", "100000"]),
        ([0], ["0"]),
        ([7], ["7"]),
    ],
)
def test_epoch_ticks_are_plain_integers(epochs, ticks):
    ax = drawn_curves(epochs, np.ones((2, len(epochs), 1)), ["layer"], "y")
    assert ax.get_xscale() == "symlog"
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ticks


def test_curves_draw_a_near_limit_and_tell_a_far_one():
    values = fake(top=8.0)[0]
    near = drawn_curves(EPOCHS, values, NAMES, "I(X;T) [bit]", limit=(12.0, "H(X)"))
    far = drawn_curves(EPOCHS, values, NAMES, "I(X;T) [bit]", limit=(20.0, "H(X)"))
    assert texts(near) == ["H(X)"] and list(near.get_lines()[-1].get_ydata()) == [12.0, 12.0]
    assert texts(far) == ["H(X) ↑"] and len(far.get_lines()) == 4 and far.get_ylim()[1] < 12.0


def test_overview_fills_four_axes():
    figure = Figure(figsize=(9, 6.5))
    series = fake_series()
    plots.overview(figure, plane_paths(*fake(), h_x=12.0, h_y=0.999), series)
    FigureCanvasAgg(figure).draw()
    assert [ax.get_ylabel() for ax in figure.axes] == [
        "I(X;T) [bit]",
        "I(T;Y) [bit]",
        "loss [nat]",
        "accuracy",
    ]
    assert [texts(ax) for ax in figure.axes] == [["H(X) = 12.0 bit"], ["H(Y) = 0.999 bit"], [], []]
    for ax, name in zip(figure.axes[2:], ("loss", "accuracy"), strict=True):
        for line, part in zip(ax.get_lines(), ("train", "test"), strict=True):
            assert line.get_label() == part
            np.testing.assert_allclose(line.get_ydata(), series[f"{part}_{name}"].mean(axis=0))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(NAMES)


@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_overview_of_one_diverged_or_constant_seed_is_drawn(fill):
    figure = Figure(figsize=(9, 6.5))
    series = {key: value * fill for key, value in fake_series(1).items()}
    i_xt, i_ty = fake(1)
    plots.overview(figure, plane_paths(i_xt * fill, i_ty * fill, h_x=12.0, h_y=0.999), series)
    FigureCanvasAgg(figure).draw()
    expected = "0 of 1 seed finite" if np.isnan(fill) else "1 seed"
    assert figure.legends[0].get_title().get_text() == expected


def test_bad_series_and_level_are_refused():
    series = fake_series()
    without = {key: value for key, value in series.items() if key != "test_accuracy"}
    with pytest.raises(
        ValueError,
        match=r"^expected series with test_accuracy, got train_loss, test_loss, train_acc",
    ):
        plots.overview(Figure(), plane_paths(*fake()), without)
    with pytest.raises(
        ValueError, match=r"^expected test_loss \[S, 9\] with one S for both, got shape \(5, 8\)$"
    ):
        short = series | {"test_loss": np.zeros((5, 8))}
        plots.overview(Figure(), plane_paths(*fake()), short)
    with pytest.raises(ValueError, match=r"^expected level between 0 and 1, got 95$"):
        drawn_curves(EPOCHS, fake()[0], NAMES, "y", level=95)


def test_curves_draw_doubtful_stretches_grey_dashed_and_hollow():
    values = fake()[0]
    trusted = doubt(seed=4, epoch=slice(5, None), layer=1)
    ax = drawn_curves(EPOCHS, values, NAMES, "I(X;T) [bit]", trusted=trusted)
    mean = values.mean(axis=0)
    lines = {line.get_label(): line for line in ax.get_lines()}
    np.testing.assert_allclose(lines["hidden_2"].get_ydata(), [*mean[:5, 1], *[np.nan] * 4])
    np.testing.assert_allclose(lines["hidden_1"].get_ydata(), mean[:, 0])
    dashes, hollow = (line for line in ax.get_lines() if line.get_label() not in NAMES)
    np.testing.assert_allclose(dashes.get_xydata(), np.stack([EPOCHS[4:], mean[4:, 1]], axis=-1))
    assert is_grey(dashes.get_color()) and dashes.is_dashed()
    assert set(hollow.get_xdata()) <= set(EPOCHS[5:]) and hollow.get_linestyle() == "None"
    assert hollow.get_markerfacecolor() == "white" and is_grey(hollow.get_markeredgecolor())
    assert hollow.get_marker() == lines["hidden_2"].get_marker()
    bands = [
        (is_grey(c.get_facecolor()[0]), c.get_paths()[0].vertices[:, 0]) for c in ax.collections
    ]
    colour = to_rgba(lines["hidden_2"].get_color(), 0.2)
    own = [c for c in ax.collections if np.allclose(c.get_facecolor()[0], colour)]
    assert own[0].get_paths()[0].vertices[:, 0].max() == EPOCHS[4]
    assert any(grey and at.min() == EPOCHS[4] and at.max() == EPOCHS[-1] for grey, at in bands)
    assert legend_texts(ax).count(DOUBTFUL) == 1


def test_curves_mark_a_trusted_point_between_two_that_are_not():
    epochs = np.arange(100)
    trusted = np.ones((1, 100, 1), bool)
    trusted[0, [50, 52], 0] = False
    ax = drawn_curves(epochs, np.ones((1, 100, 1)), ["layer"], "y", trusted=trusted)
    assert 51 in ax.get_lines()[-1].get_markevery()
    assert (
        51
        not in drawn_curves(epochs, np.ones((1, 100, 1)), ["layer"], "y")
        .get_lines()[-1]
        .get_markevery()
    )


def test_curves_without_any_trusted_point_have_no_colour():
    ax = drawn_curves(EPOCHS, fake()[0], NAMES, "y", trusted=np.zeros((5, 9, 4), bool))
    ax.figure.canvas.draw()
    assert all(
        np.isnan(line.get_ydata()).all() for line in ax.get_lines() if line.get_label() in NAMES
    )
    assert all(is_grey(band.get_facecolor()[0]) for band in ax.collections)


@pytest.mark.parametrize("which", ["trusted_xt", "trusted_ty"])
def test_overview_doubts_each_upper_panel_by_its_own(which):
    figure = Figure(figsize=(9, 6.5))
    paths = plane_paths(*fake(), h_x=12.0, h_y=0.999, **{which: doubt(layer=0)})
    plots.overview(figure, paths, fake_series())
    FigureCanvasAgg(figure).draw()
    doubtful = [any(line.get_color() == "0.6" for line in ax.get_lines()) for ax in figure.axes]
    assert doubtful == [which == "trusted_xt", which == "trusted_ty", False, False]
    assert [text.get_text() for text in figure.legends[0].get_texts()].count(DOUBTFUL) == 1
