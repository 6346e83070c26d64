"""The information plane on a real canvas: what the eye needs is on it."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from pictures import (
    DOUBTFUL,
    EPOCHS,
    NAMES,
    dashed,
    doubt,
    drawn_plane,
    fake,
    is_grey,
    legend_texts,
    scatters,
    segments,
    texts,
)


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


def test_plane_can_be_saved_as_pdf(tmp_path):
    ax = drawn_plane(*fake(), EPOCHS, NAMES, h_x=12.0, h_y=0.999)
    ax.figure.savefig(tmp_path / "plane.pdf")
    assert (tmp_path / "plane.pdf").stat().st_size > 5_000


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
