"""Every picture is drawn on a real canvas: what the eye needs is on it, and no input that a run can yield breaks it."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from scipy import stats

from jaxbnn import plots

NAMES = ("hidden_1", "hidden_2", "hidden_3", "output")
EPOCHS = np.array([0, 1, 2, 5, 10, 30, 100, 300, 1000])


def fake(n_seeds=5, epochs=EPOCHS, n_layers=4, top=8.0):
    """Paths that rise in I(T;Y) from 0.1 to 0.9 bit, each layer at its own I(X;T) below `top`."""
    rng = np.random.default_rng(0)
    noise = rng.normal(scale=0.01, size=(2, n_seeds, len(epochs), n_layers))
    i_xt = np.broadcast_to(np.linspace(top, 1.0, n_layers), noise.shape[1:]) + noise[0]
    i_ty = np.broadcast_to(np.linspace(0.1, 0.9, len(epochs))[:, None], noise.shape[1:]) + noise[1]
    return i_xt, i_ty


def fake_series(n_seeds=5, n_epochs=len(EPOCHS)):
    keys = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
    return dict(zip(keys, np.random.default_rng(1).uniform(size=(4, n_seeds, n_epochs)), strict=True))


def axes():
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.subplots()


def drawn_plane(*args, **kwargs):
    ax = axes()
    plots.plane(ax, *args, **kwargs)
    return ax


def drawn_curves(*args, **kwargs):
    ax = axes()
    plots.curves(ax, *args, **kwargs)
    return ax


def texts(ax):
    return [text.get_text() for text in ax.texts]


def legend_texts(host):
    return [text.get_text() for text in host.get_legend().get_texts()]


def segments(ax):
    """The single seeds' lines, then each layer's path."""
    return [c.get_segments() for c in ax.collections if isinstance(c, LineCollection)]


def test_plane_draws_every_seed_and_the_mean_path():
    i_xt, i_ty = fake()
    seeds, *paths = segments(drawn_plane(i_xt, i_ty, EPOCHS, NAMES))
    assert len(seeds) == 5 * 4
    np.testing.assert_allclose(seeds[4 + 2], np.stack([i_xt[1, :, 2], i_ty[1, :, 2]], axis=-1))
    assert [len(path) for path in paths] == [len(EPOCHS) - 1] * 4
    np.testing.assert_allclose(paths[3][0][0], [i_xt[:, 0, 3].mean(), i_ty[:, 0, 3].mean()])
    np.testing.assert_allclose(paths[3][-1][1], [i_xt[:, -1, 3].mean(), i_ty[:, -1, 3].mean()])


def test_plane_names_axes_layers_and_ends():
    ax = drawn_plane(*fake(), EPOCHS, NAMES)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("I(X;T) [bit]", "I(T;Y) [bit]")
    assert sorted(legend_texts(ax)) == sorted([*NAMES, "first epoch", "last epoch"])
    assert ax.get_legend().get_title().get_text() == "grey lines: 5 seeds"


def test_plane_gives_every_layer_its_own_marker_in_picture_and_legend():
    names = [f"hidden_{i}" for i in range(1, 9)]
    ax = drawn_plane(*fake(n_layers=8), EPOCHS, names)
    marks = {h.get_label(): h.get_marker() for h in ax.get_legend().legend_handles}
    assert len({marks[name] for name in names}) == 8
    shapes = [c.get_paths()[0].vertices.tolist() for c in ax.collections if not isinstance(c, LineCollection)]
    assert len({str(shape) for shape in shapes}) == 8


def test_plane_colours_epochs_from_dark_to_light_and_never_white():
    ax = drawn_plane(*fake(), EPOCHS, NAMES)
    path = [c for c in ax.collections if isinstance(c, LineCollection)][1]
    lightness = path.get_colors()[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert len(lightness) == len(EPOCHS) - 1 and np.all(np.diff(lightness) > 0)
    assert lightness[-1] < 0.8
    bar = ax.figure.axes[1]
    assert [tick.get_text() for tick in bar.get_yticklabels()] == ["0", "1", "10", "100", "1000"]


def test_plane_draws_near_limits_inside_the_axes():
    ax = drawn_plane(*fake(top=8.0), EPOCHS, NAMES, h_x=12.0, h_y=0.999)
    assert texts(ax) == ["H(X) = 12.0 bit", "H(Y) = 0.999 bit"]
    vertical, horizontal = ax.get_lines()
    assert list(vertical.get_xdata()) == [12.0, 12.0] and ax.get_xlim()[1] > 12.0
    assert list(horizontal.get_ydata()) == [0.999, 0.999] and ax.get_ylim()[1] > 0.999


def test_plane_tells_far_limits_without_squeezing_the_data():
    ax = drawn_plane(*fake(top=4.0), EPOCHS, NAMES, h_x=12.0, h_y=3.32)
    assert texts(ax) == ["H(X) = 12.0 bit →", "H(Y) = 3.32 bit ↑"]
    assert len(ax.get_lines()) == 0
    assert 4.0 < ax.get_xlim()[1] < 5.0 and 0.9 < ax.get_ylim()[1] < 1.2


@pytest.mark.parametrize("h_x", [1.0, 3.5, 5.0, 8.0, 100.0])
def test_limit_labels_overlap_neither_each_other_nor_the_paths(h_x):
    i_xt, i_ty = fake()
    ax = drawn_plane(i_xt, i_ty, EPOCHS, NAMES, h_x=h_x, h_y=i_ty.max())
    ax.figure.canvas.draw()
    one, other = (text.get_window_extent() for text in ax.texts)
    assert not one.overlaps(other)
    frame = ax.get_window_extent()
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 and box.y1 <= frame.y1 for box in (one, other))
    highest = ax.transData.transform((0, i_ty.max()))[1]
    half_a_marker = 6.1 / 72 * ax.figure.dpi
    assert min(one.y0, other.y0) > highest + half_a_marker


def test_legend_and_colour_bar_stay_on_the_page_and_off_the_data():
    ax = drawn_plane(*fake(n_layers=8), EPOCHS, [f"hidden_{i}" for i in range(1, 9)], h_x=12.0, h_y=0.999)
    ax.figure.canvas.draw()
    page, legend = ax.figure.bbox, ax.get_legend().get_window_extent()
    label = ax.xaxis.label.get_window_extent()
    assert page.x0 <= legend.x0 and legend.x1 <= page.x1 and page.y0 <= legend.y0 and legend.y1 < label.y0
    assert ax.figure.axes[1].get_tightbbox().x1 <= page.x1


def test_plane_leaves_out_a_seed_where_either_value_is_missing_and_says_so():
    i_xt, i_ty = fake()
    i_xt[3, 4:, :], i_ty[1, :, 2] = np.nan, np.inf
    ax = drawn_plane(i_xt, i_ty, EPOCHS, NAMES)
    assert ax.get_legend().get_title().get_text() == "grey lines: 3 of 5 seeds finite"
    last = segments(ax)[1 + 2][-1][1]
    np.testing.assert_allclose(last, [i_xt[[0, 2, 4], -1, 2].mean(), i_ty[[0, 2, 4], -1, 2].mean()])


def test_curves_draw_means_and_the_band_is_the_t_interval():
    values = np.array([[1.0, 4.0], [2.0, 4.5], [4.0, 7.0], [np.nan, 6.5]])[:, :, None]
    ax = drawn_curves([0, 1], values, ["layer"], "I(X;T) [bit]", level=0.9)
    np.testing.assert_allclose(ax.get_lines()[0].get_ydata(), [7 / 3, 5.5])
    edges = ax.collections[0].get_paths()[0].vertices
    for epoch, column in ((0, values[:3, 0, 0]), (1, values[:, 1, 0])):
        low, high = stats.t.interval(0.9, len(column) - 1, column.mean(), stats.sem(column))
        at = edges[edges[:, 0] == epoch, 1]
        np.testing.assert_allclose([at.min(), at.max()], [low, high], rtol=1e-12)
    assert ax.get_legend().get_title().get_text() == "bands: 90 % interval of the mean, 3 of 4 seeds finite"


@pytest.mark.parametrize(("n_seeds", "level"), [(2, 0.5), (3, 0.999), (10, 0.95), (1000, 0.95), (1001, 0.5)])
def test_band_equals_scipy_for_even_and_odd_seed_counts(n_seeds, level):
    values = np.random.default_rng(n_seeds).normal(size=(n_seeds, 2, 1))
    edges = drawn_curves([0, 1], values, ["layer"], "y", level=level).collections[0].get_paths()[0].vertices
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
    assert len({(line.get_color(), str(line.get_linestyle()), line.get_marker()) for line in lines}) == 8
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
    plots.overview(figure, EPOCHS, *fake(), series, NAMES, h_x=12.0, h_y=0.999)
    FigureCanvasAgg(figure).draw()
    assert [ax.get_ylabel() for ax in figure.axes] == ["I(X;T) [bit]", "I(T;Y) [bit]", "loss [nat]", "accuracy"]
    assert [texts(ax) for ax in figure.axes] == [["H(X) = 12.0 bit"], ["H(Y) = 0.999 bit"], [], []]
    for ax, name in zip(figure.axes[2:], ("loss", "accuracy"), strict=True):
        for line, part in zip(ax.get_lines(), ("train", "test"), strict=True):
            assert line.get_label() == part
            np.testing.assert_allclose(line.get_ydata(), series[f"{part}_{name}"].mean(axis=0))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(NAMES)


@pytest.mark.parametrize(
    ("n_seeds", "n_epochs", "n_layers", "fill"),
    [(1, 1, 1, None), (1, 1, 1, 4.0), (3, 2, 4, 4.0), (3, 2, 4, np.nan), (1, 9, 1, None), (1, 9, 1, np.nan)],
)
def test_every_degenerate_input_is_drawn(n_seeds, n_epochs, n_layers, fill):
    i_xt, i_ty = fake(n_seeds, EPOCHS[:n_epochs], n_layers)
    if fill is not None:
        i_xt, i_ty = np.full_like(i_xt, fill), np.full_like(i_ty, fill)
    ax = axes()
    plots.plane(ax, i_xt, i_ty, EPOCHS[:n_epochs], NAMES[:n_layers], 12.0, 0.999)
    curves = axes()
    plots.curves(curves, EPOCHS[:n_epochs], i_xt, NAMES[:n_layers], "I(X;T) [bit]", limit=(12.0, "H(X)"))
    for drawn in (ax, curves):
        drawn.figure.canvas.draw()
    assert np.all(np.isfinite([*ax.get_xlim(), *ax.get_ylim()]))
    assert (len(segments(ax)[0]) == 0) == (fill is not None and np.isnan(fill))


@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_overview_of_one_diverged_or_constant_seed_is_drawn(fill):
    figure = Figure(figsize=(9, 6.5))
    series = {key: value * fill for key, value in fake_series(1).items()}
    plots.overview(figure, EPOCHS, *(value * fill for value in fake(1)), series, NAMES, 12.0, 0.999)
    FigureCanvasAgg(figure).draw()
    expected = "0 of 1 seed finite" if np.isnan(fill) else "1 seed"
    assert figure.legends[0].get_title().get_text() == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"i_xt": np.zeros((9, 4))}, r"^expected i_xt \[S, 9, 4\], got shape \(9, 4\)$"),
        ({"i_ty": np.zeros((5, 9, 3))}, r"^expected i_ty \[S, 9, 4\], got shape \(5, 9, 3\)$"),
        ({"i_ty": np.zeros((4, 9, 4))}, r"^expected i_ty of 5 seeds like the others, got 4$"),
        ({"i_xt": np.zeros((0, 9, 4))}, r"^expected i_xt \[S, 9, 4\], got shape \(0, 9, 4\)$"),
        ({"epoch": EPOCHS[::-1]}, r"^expected epoch \[E\] rising from 0 or later, got shape \(9,\): \[1000"),
        ({"epoch": EPOCHS - 1}, r"^expected epoch \[E\] rising from 0 or later"),
        ({"layers": ()}, r"^expected 1 to 12 names, one marker each, got 0$"),
        ({"h_x": np.nan}, r"^expected H\(X\) finite, or None where it is unknown, got nan$"),
    ],
)
def test_bad_input_is_refused_in_one_line(change, message):
    i_xt, i_ty = fake()
    good = {"i_xt": i_xt, "i_ty": i_ty, "epoch": EPOCHS, "layers": NAMES}
    figure = Figure()
    ax = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    with pytest.raises(ValueError, match=message):
        plots.plane(ax, **(good | change))
    assert not ax.has_data()
    with pytest.raises(ValueError, match=message):
        plots.overview(figure, series=fake_series(), **(good | change))
    assert figure.axes == [ax]


def test_bad_series_and_level_are_refused():
    series = fake_series()
    without = {key: value for key, value in series.items() if key != "test_accuracy"}
    with pytest.raises(ValueError, match=r"^expected series with test_accuracy, got train_loss, test_loss, train_acc"):
        plots.overview(Figure(), EPOCHS, *fake(), without, NAMES)
    with pytest.raises(ValueError, match=r"^expected test_loss \[S, 9\] with one S for both, got shape \(5, 8\)$"):
        plots.overview(Figure(), EPOCHS, *fake(), series | {"test_loss": np.zeros((5, 8))}, NAMES)
    with pytest.raises(ValueError, match=r"^expected level between 0 and 1, got 95$"):
        plots.curves(axes(), EPOCHS, fake()[0], NAMES, "y", level=95)


def test_plane_can_be_saved_as_pdf(tmp_path):
    ax = drawn_plane(*fake(), EPOCHS, NAMES, h_x=12.0, h_y=0.999)
    ax.figure.savefig(tmp_path / "plane.pdf")
    assert (tmp_path / "plane.pdf").stat().st_size > 5_000
