"""Every picture is drawn on a real canvas: what the eye needs is on it, and no input that a run can
yield breaks it."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure
from scipy import stats

from jaxbnn import plots
from jaxbnn.plots import run_figures

NAMES = ("hidden_1", "hidden_2", "hidden_3", "output")
EPOCHS = np.array([0, 1, 2, 5, 10, 30, 100, 300, 1000])
DOUBTFUL = "cannot be trusted (saturated or biased)"
DEPTHS = (*range(1, 21), 32, 64)
SIZES = np.array([100, 1000, 10_000, 100_000, 1_000_000])


def fake(n_seeds=5, epochs=EPOCHS, n_layers=4, top=8.0):
    """Paths that rise in I(T;Y) from 0.1 to 0.9 bit, each layer at its own I(X;T) below `top`."""
    rng = np.random.default_rng(0)
    noise = rng.normal(scale=0.01, size=(2, n_seeds, len(epochs), n_layers))
    i_xt = np.broadcast_to(np.linspace(top, 1.0, n_layers), noise.shape[1:]) + noise[0]
    i_ty = np.broadcast_to(np.linspace(0.1, 0.9, len(epochs))[:, None], noise.shape[1:]) + noise[1]
    return i_xt, i_ty


SURE = {"trusted_xt": True, "trusted_ty": True}


def fake_series(n_seeds=5, n_epochs=len(EPOCHS)):
    keys = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
    return dict(
        zip(keys, np.random.default_rng(1).uniform(size=(4, n_seeds, n_epochs)), strict=True)
    )


def axes():
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.subplots()


def drawn_plane(*args, trusted=True, **kwargs):
    ax = axes()
    plots.plane(ax, *args, trusted=trusted, **kwargs)
    return ax


def drawn_curves(*args, trusted=True, **kwargs):
    ax = axes()
    plots.curves(ax, *args, trusted=trusted, **kwargs)
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
    shapes = [
        c.get_paths()[0].vertices.tolist()
        for c in ax.collections
        if not isinstance(c, LineCollection)
    ]
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
    assert all(
        frame.x0 <= box.x0 and box.x1 <= frame.x1 and box.y1 <= frame.y1 for box in (one, other)
    )
    highest = ax.transData.transform((0, i_ty.max()))[1]
    half_a_marker = 6.1 / 72 * ax.figure.dpi
    assert min(one.y0, other.y0) > highest + half_a_marker


def test_legend_and_colour_bar_stay_on_the_page_and_off_the_data():
    ax = drawn_plane(
        *fake(n_layers=8), EPOCHS, [f"hidden_{i}" for i in range(1, 9)], h_x=12.0, h_y=0.999
    )
    ax.figure.canvas.draw()
    page, legend = ax.figure.bbox, ax.get_legend().get_window_extent()
    label = ax.xaxis.label.get_window_extent()
    assert (
        page.x0 <= legend.x0
        and legend.x1 <= page.x1
        and page.y0 <= legend.y0
        and legend.y1 < label.y0
    )
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
    plots.overview(figure, EPOCHS, *fake(), series, NAMES, h_x=12.0, h_y=0.999, **SURE)
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
    ax = axes()
    plots.plane(ax, i_xt, i_ty, EPOCHS[:n_epochs], NAMES[:n_layers], 12.0, 0.999, trusted=True)
    curves = axes()
    plots.curves(
        curves,
        EPOCHS[:n_epochs],
        i_xt,
        NAMES[:n_layers],
        "I(X;T) [bit]",
        limit=(12.0, "H(X)"),
        trusted=True,
    )
    for drawn in (ax, curves):
        drawn.figure.canvas.draw()
    assert np.all(np.isfinite([*ax.get_xlim(), *ax.get_ylim()]))
    assert (len(segments(ax)[0]) == 0) == (fill is not None and np.isnan(fill))


@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_overview_of_one_diverged_or_constant_seed_is_drawn(fill):
    figure = Figure(figsize=(9, 6.5))
    series = {key: value * fill for key, value in fake_series(1).items()}
    plots.overview(
        figure, EPOCHS, *(value * fill for value in fake(1)), series, NAMES, 12.0, 0.999, **SURE
    )
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
    good = {"i_xt": i_xt, "i_ty": i_ty, "epoch": EPOCHS, "layers": NAMES}
    figure = Figure()
    ax = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    with pytest.raises(ValueError, match=message):
        plots.plane(ax, **(good | change), trusted=True)
    assert not ax.has_data()
    with pytest.raises(ValueError, match=message):
        plots.overview(figure, series=fake_series(), **(good | change), **SURE)
    assert figure.axes == [ax]


def test_bad_series_and_level_are_refused():
    series = fake_series()
    without = {key: value for key, value in series.items() if key != "test_accuracy"}
    with pytest.raises(
        ValueError,
        match=r"^expected series with test_accuracy, got train_loss, test_loss, train_acc",
    ):
        plots.overview(Figure(), EPOCHS, *fake(), without, NAMES, **SURE)
    with pytest.raises(
        ValueError, match=r"^expected test_loss \[S, 9\] with one S for both, got shape \(5, 8\)$"
    ):
        plots.overview(
            Figure(), EPOCHS, *fake(), series | {"test_loss": np.zeros((5, 8))}, NAMES, **SURE
        )
    with pytest.raises(ValueError, match=r"^expected level between 0 and 1, got 95$"):
        plots.curves(axes(), EPOCHS, fake()[0], NAMES, "y", level=95, trusted=True)


def test_plane_can_be_saved_as_pdf(tmp_path):
    ax = drawn_plane(*fake(), EPOCHS, NAMES, h_x=12.0, h_y=0.999)
    ax.figure.savefig(tmp_path / "plane.pdf")
    assert (tmp_path / "plane.pdf").stat().st_size > 5_000


def doubt(n_seeds=5, n_layers=4, **where):
    """Trusted everywhere but at seed, epoch, layer: each an index or a slice, all of them where not
    given."""
    trusted = np.ones((n_seeds, len(EPOCHS), n_layers), bool)
    trusted[
        where.get("seed", ...), where.get("epoch", slice(None)), where.get("layer", slice(None))
    ] = False
    return trusted


def scatters(ax):
    return [c for c in ax.collections if isinstance(c, PathCollection)]


def is_grey(colour):
    red, green, blue = to_rgb(colour)
    return red == green == blue


def dashed(ax):
    """The grey dashed paths of a plane, as segments."""
    lines = [c for c in ax.collections if isinstance(c, LineCollection) and c.get_zorder() == 2]
    assert all(is_grey(c.get_colors()[0]) and c.get_linestyles()[0][1] is not None for c in lines)
    return [c.get_segments() for c in lines]


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


def test_plane_draws_a_saturated_layer_hollow_grey_and_dashed():
    i_xt, i_ty = fake()
    ax = drawn_plane(i_xt, i_ty, EPOCHS, NAMES, 12.0, 0.999, trusted=doubt(layer=0))
    assert legend_texts(ax).count(DOUBTFUL) == 1
    (path,) = dashed(ax)
    np.testing.assert_allclose(
        path, [np.stack([i_xt[:, :, 0].mean(0), i_ty[:, :, 0].mean(0)], axis=-1)]
    )
    left = 7.0  # the saturated layer is right of it, all others left
    for marks in scatters(ax):
        assert (marks.get_offsets()[:, 0] > left).all() or (marks.get_offsets()[:, 0] < left).all()
        saturated = marks.get_offsets()[0, 0] > left
        hollow = len(marks.get_facecolor()) == 0
        assert not saturated or (hollow and is_grey(marks.get_edgecolor()[0]))
        assert saturated or not (is_grey(marks.get_edgecolor()[0]) and hollow)
    coloured = [c for c in ax.collections if isinstance(c, LineCollection) and c.get_zorder() == 3]
    assert [len(c.get_segments()) for c in coloured] == [0, 8, 8, 8]


def test_plane_colours_only_steps_between_trusted_points():
    i_xt, i_ty = fake()
    # One seed is enough to make a mean doubtful; epoch index 2 stands alone between 1 and 3, which
    # are not trusted.
    ax = drawn_plane(i_xt, i_ty, EPOCHS, NAMES, trusted=doubt(seed=0, epoch=[1, 3], layer=2))
    (path,) = dashed(ax)
    mean = np.stack([i_xt[:, :, 2].mean(0), i_ty[:, :, 2].mean(0)], axis=-1)
    np.testing.assert_allclose(path, [mean[:5]])
    coloured = [c for c in ax.collections if isinstance(c, LineCollection) and c.get_zorder() == 3][
        2
    ]
    np.testing.assert_allclose(coloured.get_segments(), np.stack([mean[4:-1], mean[5:]], axis=1))
    shown = np.concatenate([c.get_offsets() for c in scatters(ax) if c.get_zorder() == 4])
    assert np.any(np.all(np.isclose(shown, mean[2]), axis=1)), (
        "a trusted point that no line shows is marked"
    )
    assert not np.any(np.all(np.isclose(shown, mean[1]), axis=1))


def test_plane_dots_the_doubtful_stretches_of_a_single_seed():
    i_xt, i_ty = fake()
    ax = drawn_plane(
        i_xt, i_ty, EPOCHS, NAMES, trusted=doubt(seed=1, epoch=slice(6, None), layer=3)
    )
    solid, dotted = (
        c for c in ax.collections if isinstance(c, LineCollection) and c.get_zorder() <= 1
    )
    own = np.stack([i_xt[1, :, 3], i_ty[1, :, 3]], axis=-1)
    np.testing.assert_allclose(dotted.get_segments(), [own[5:]])
    np.testing.assert_allclose(solid.get_segments()[4 + 3], own[:6])
    assert dotted.get_linestyles()[0][1] is not None and dotted.get_alpha() < solid.get_alpha()
    title = ax.get_legend().get_title().get_text()
    assert title == "thin grey lines, dotted where they cannot be trusted: 5 seeds"


def test_plane_without_any_trusted_point_has_no_colour():
    ax = drawn_plane(*fake(), EPOCHS, NAMES, 12.0, 0.999, trusted=np.zeros((5, 9, 4), bool))
    ax.figure.canvas.draw()
    for collection in ax.collections:
        assert len(collection.get_facecolor()) == 0 or isinstance(collection, LineCollection)
        assert all(is_grey(colour) for colour in collection.get_edgecolor())
    assert DOUBTFUL in legend_texts(ax) and len(dashed(ax)) == 4


def test_plane_ignores_the_trust_of_a_diverged_seed():
    i_xt, i_ty = fake()
    i_xt[2] = np.nan
    ax = drawn_plane(i_xt, i_ty, EPOCHS, NAMES, trusted=doubt(seed=2))
    assert dashed(ax) == [] and DOUBTFUL not in legend_texts(ax)
    assert ax.get_legend().get_title().get_text() == "grey lines: 4 of 5 seeds finite"


def test_the_ends_of_a_path_are_doubted_one_by_one():
    for epoch, doubtful_zorder, coloured_zorder in ((0, 2.6, 6), (-1, 2.7, 5)):
        ax = drawn_plane(
            *fake(n_layers=1), EPOCHS, NAMES[:1], trusted=doubt(n_layers=1, epoch=epoch)
        )
        ends = {c.get_zorder(): c for c in scatters(ax)}
        assert {5, 6, 2.6, 2.7} & set(ends) == {doubtful_zorder, coloured_zorder}
        assert len(ends[doubtful_zorder].get_facecolor()) == 0
        assert is_grey(ends[doubtful_zorder].get_edgecolor()[0])


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
    plots.overview(
        figure,
        EPOCHS,
        *fake(),
        fake_series(),
        NAMES,
        12.0,
        0.999,
        **(SURE | {which: doubt(layer=0)}),
    )
    FigureCanvasAgg(figure).draw()
    doubtful = [any(line.get_color() == "0.6" for line in ax.get_lines()) for ax in figure.axes]
    assert doubtful == [which == "trusted_xt", which == "trusted_ty", False, False]
    assert [text.get_text() for text in figure.legends[0].get_texts()].count(DOUBTFUL) == 1


@pytest.mark.parametrize("fill", [1.0, np.nan])
@pytest.mark.parametrize(("n_seeds", "n_epochs", "n_layers"), [(1, 1, 1), (3, 2, 4), (1, 9, 12)])
def test_every_degenerate_input_is_drawn_untrusted(n_seeds, n_epochs, n_layers, fill):
    i_xt, i_ty = (fill * value for value in fake(n_seeds, EPOCHS[:n_epochs], n_layers))
    names, trusted = [f"hidden_{i}" for i in range(n_layers)], np.zeros(i_xt.shape, bool)
    ax, curves = axes(), axes()
    plots.plane(ax, i_xt, i_ty, EPOCHS[:n_epochs], names, 12.0, 0.999, trusted=trusted)
    plots.curves(curves, EPOCHS[:n_epochs], i_xt, names, "y", limit=(12.0, "H(X)"), trusted=trusted)
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
        plots.plane(ax, *fake(), EPOCHS, NAMES, trusted=trusted)
    with pytest.raises(ValueError, match=message.format("trusted")):
        plots.curves(ax, EPOCHS, fake()[0], NAMES, "y", trusted=trusted)
    assert not ax.has_data()
    for name in ("trusted_xt", "trusted_ty"):
        with pytest.raises(ValueError, match=message.format(name)):
            plots.overview(
                figure, EPOCHS, *fake(), fake_series(), NAMES, **(SURE | {name: trusted})
            )
    assert figure.axes == []


def fake_result(verdict_xt, verdict_ty):
    shape = ("seed", "epoch", "layer")
    i_xt, i_ty = fake()
    points = {"i_xt": (shape, i_xt), "i_ty": (shape, i_ty)}
    points["n_patterns"] = (
        shape,
        np.where(np.isin(-1, [verdict_xt, verdict_ty]), -1, np.full(i_xt.shape, 9)),
    )
    for name, verdict in (("verdict_xt", verdict_xt), ("verdict_ty", verdict_ty)):
        points[name] = (shape, np.broadcast_to(np.asarray(verdict, np.int8), i_xt.shape))
    series = {key: (shape[:2], value) for key, value in fake_series().items()}
    limits = {"h_x": ("seed", np.full(5, 12.0)), "h_y": ("seed", np.full(5, 0.999))}
    return xr.Dataset(points | series | limits, {"epoch": EPOCHS, "layer": list(NAMES)})


@pytest.mark.parametrize(
    ("verdict_xt", "verdict_ty", "doubted"),
    [
        ((-1, 0, 2, 2), (2, -1, 0, 2), (0, 0, 0)),
        ((1, 0, 2, 3), (2, 2, 2, 2), (2, 2, 0)),
        ((2, 2, 2, 2), (2, 3, 2, 2), (1, 0, 1)),
        ((2, 1, 2, 2), (3, 2, 2, 2), (2, 1, 1)),
    ],
)
def test_figures_of_a_run_doubt_what_its_verdicts_doubt(verdict_xt, verdict_ty, doubted):
    drawn = run_figures.of_run(fake_result(verdict_xt, verdict_ty))
    plane, upper = drawn["plane"].axes[0], drawn["curves"].axes[:2]
    counts = [
        sum(line.get_color() == "0.6" and line.is_dashed() for line in ax.get_lines())
        for ax in upper
    ]
    assert (len(dashed(plane)), *counts) == doubted
    assert (DOUBTFUL in legend_texts(plane)) == (doubted[0] > 0)
    unseen = [-1 in (*verdict_xt, *verdict_ty) and code == -1 for code in verdict_xt]
    names = {
        f"{name} (not counted)" if no else name for name, no in zip(NAMES, unseen, strict=True)
    }
    assert names < set(legend_texts(plane))


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
    plots.variances(ax, DEPTHS, true, 1.1 * true, np.stack([0.5 * true, 2 * true], axis=-1))
    ax.figure.canvas.draw()
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), true)
    np.testing.assert_allclose(ax.get_lines()[1].get_ydata(), 1.1 * true)
    edges = ax.collections[0].get_paths()[0].vertices
    np.testing.assert_allclose(np.unique(edges[edges[:, 0] == 3, 1]), [0.5 * true[3], 2 * true[3]])
    assert legend_texts(ax) == ["true", "estimated, mean and 10 to 90 % band"]
    assert ax.get_ylabel() == "variance of the plug-in [bit$^2$]"


def test_variances_without_a_band_and_of_zero():
    ax = axes()
    plots.variances(ax, [5], [0.0], [0.0])
    ax.figure.canvas.draw()
    assert len(ax.collections) == 0 and legend_texts(ax) == ["true", "estimated, mean"]
    assert texts(ax) == [r"$\leq 10^{-12}$"]


def cells(ax):
    return [c for c in ax.collections if isinstance(c, PolyCollection)]


def test_verdicts_split_each_cell_by_its_shares():
    share = np.zeros((22, 5, 3))
    share[..., 2] = 1
    share[3, 1] = 0.2, 0.3, 0.5
    ax = axes()
    plots.verdicts(ax, DEPTHS, SIZES, share)
    ax.figure.canvas.draw()
    saturated, biased, reliable = cells(ax)
    assert [len(c.get_paths()) for c in (saturated, biased, reliable)] == [1, 1, 22 * 5]
    left, right = 10**2.5, 10**3.5
    for part, low, high in ((saturated, 2.5, 2.7), (biased, 2.7, 3.0)):
        corners = part.get_paths()[0].vertices[:4]
        np.testing.assert_allclose(
            corners, [[left, low], [right, low], [right, high], [left, high]]
        )
    colours = [to_rgb(c.get_facecolor()[0][:3]) for c in (saturated, biased, reliable)]
    assert np.all(np.diff(np.dot(colours, [0.2126, 0.7152, 0.0722])) > 0.15), (
        "told apart in grey print"
    )
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [str(depth) for depth in DEPTHS]
    assert ax.get_xscale() == "log" and ax.get_ylim() == (-0.5, 21.5)
    np.testing.assert_allclose(ax.get_xlim(), [10**1.5, 10**6.5])
    assert legend_texts(ax)[:2] != [] and {"saturated", "biased", "reliable"} < set(
        legend_texts(ax)
    )


def test_verdicts_draw_the_regime_of_nothnagel_and_geiger():
    share = np.full((22, 5, 3), 1 / 3)
    ax = axes()
    plots.verdicts(ax, DEPTHS, SIZES, share)
    (line,) = ax.get_lines()
    sizes, rows = line.get_xdata(), line.get_ydata()
    for depth in (6, 10, 14):
        at = np.flatnonzero(np.isclose(rows, depth - 1))
        np.testing.assert_allclose(sizes[at], [(2**depth / depth) ** 2], rtol=1e-12)
    assert sizes.min() >= 10**1.5 and sizes.max() <= 10**6.5 and np.all(np.diff(sizes) > 0)
    small = axes()
    plots.verdicts(small, [1, 2], [1, 10], np.full((2, 2, 3), 1 / 3))
    np.testing.assert_allclose(small.get_lines()[0].get_xdata(), 4.0)  # k = 2 and k = 4 both give 4


def test_verdicts_without_the_regime_in_sight_do_not_name_it():
    for d, n in (([64], [100, 1000]), ([5], [100]), ([20, 32], [10])):
        ax = axes()
        plots.verdicts(ax, d, n, np.full((len(d), len(n), 3), 1 / 3))
        ax.figure.canvas.draw()
        assert len(ax.get_lines()) == 0 and sorted(legend_texts(ax)) == [
            "biased",
            "reliable",
            "saturated",
        ]
    ax = axes()
    plots.verdicts(ax, DEPTHS, SIZES, np.full((22, 5, 3), 1 / 3), regime=False)
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
        "biased, further off: right",
        "biased, within 0.1 bit: overcautious",
        "not run",
        "reliable, further off: wrong",
        "reliable, within 0.1 bit: right",
        "saturated, further off: right",
        "saturated, within 0.1 bit: overcautious",
    ]


THIRDS = np.full((3, 2, 3), 1 / 3)


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
        ("variances", ([1, 2], [1, 2, 3], [1, 2]), r"^expected true \[2\], got shape \(3,\)$"),
        ("variances", ([1, 2], [1, 2], [1]), r"^expected estimated \[2\], got shape \(1,\)$"),
        (
            "variances",
            ([1, 2], [1, 2], [1, 2], np.ones((2, 3))),
            r"^expected band \[2, 2\], got shape \(2, 3\)$",
        ),
        (
            "verdicts",
            ([1, 2, 3], [10, 20], THIRDS[:2]),
            r"^expected share \[3, 2, 3\], got shape \(2, 2, 3\)$",
        ),
        (
            "verdicts",
            ([1, 2, 3], [10, 20], 2 * THIRDS),
            r"^expected share to sum to 1 in each cell, got 2$",
        ),
        (
            "verdicts",
            ([1, 2, 3], [0, 20], THIRDS),
            r"^expected n \[N\] rising from above 0, got shape \(2,\): \[",
        ),
        (
            "verdicts",
            ([1, 2, 3], [20, 20], THIRDS),
            r"^expected n \[N\] rising from above 0, got shape \(2,\): \[",
        ),
        (
            "rightness",
            ([1, 2, 3], [10, 20], THIRDS),
            r"^expected right \[3, 2, 6\], got shape \(3, 2, 3\)$",
        ),
    ],
)
def test_bad_input_of_the_regime_is_refused_in_one_line(draw, args, message):
    ax = axes()
    with pytest.raises(ValueError, match=message):
        getattr(plots, draw)(ax, *args)
    assert not ax.has_data()
