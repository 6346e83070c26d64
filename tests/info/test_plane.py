import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxbnn.info import plane
from jaxbnn.info.plane import Point


def points(value, n_layers=2):
    one = jnp.full(n_layers, value, jnp.float32)
    whole = jnp.full(n_layers, int(value), jnp.int32)
    return Point(one, one / 2, one, one / 9, whole, whole, jnp.full(n_layers, True))


def test_an_empty_plane_says_that_nothing_is_recorded():
    p = plane.empty(3, 2)
    assert p.points.xt.shape == (3, 2) and np.isnan(p.points.xt).all() and int(p.rows) == 0
    assert (
        (p.epoch == -1).all() and (p.points.n_patterns == -1).all() and not p.points.certified.any()
    )


def test_record_fills_row_after_row():
    p = plane.record(plane.record(plane.empty(3, 2), 0, points(1.0)), 7, points(2.0))
    np.testing.assert_array_equal(p.epoch, [0, 7, -1])
    np.testing.assert_array_equal(p.points.xt, [[1, 1], [2, 2], [np.nan, np.nan]])
    np.testing.assert_array_equal(p.points.n_patterns, [[1, 1], [2, 2], [-1, -1]])
    assert int(p.rows) == 2


def test_record_agrees_under_jit_and_vmap():
    p = plane.record(plane.empty(2, 2), 4, points(3.0))
    jax.tree.map(
        np.testing.assert_array_equal, jax.jit(plane.record)(plane.empty(2, 2), 4, points(3.0)), p
    )
    twice = jax.tree.map(
        lambda leaf: jnp.stack([leaf, leaf]), (plane.empty(2, 2), jnp.int32(4), points(3.0))
    )
    jax.tree.map(
        lambda a, b: np.testing.assert_array_equal(a[1], b), jax.vmap(plane.record)(*twice), p
    )


def test_a_full_plane_refuses_another_row():
    p = plane.record(plane.empty(1, 2), 0, points(1.0))
    with pytest.raises(ValueError, match="at most 1 rows"):
        plane.record(p, 1, points(1.0))
    assert int(jax.jit(plane.record)(p, 1, points(9.0)).rows) == 2  # inside jit `rows` tells
    np.testing.assert_array_equal(jax.jit(plane.record)(p, 1, points(9.0)).points.xt, p.points.xt)


def test_points_must_fit_the_plane():
    with pytest.raises(ValueError, match=r"leaves \[2\], got \(3,\)"):
        plane.record(plane.empty(1, 2), 0, points(1.0, 3))
    with pytest.raises(ValueError, match="n_rows >= 1 and n_layers >= 1, got 0 and 1"):
        plane.empty(0, 1)


NAN = np.float32("nan")


@pytest.mark.parametrize(
    "leaves",
    [
        (1.5, 0.25, 1.5, 0.01, 3, 0, True),
        (NAN, NAN, NAN, NAN, -1, -1, False),  # nothing is known
        (0.0, NAN, -0.0, 1e-30, 2**24 - 1, 2**24 - 1, False),  # the largest counts
    ],
)
def test_a_point_goes_through_its_columns_and_back(leaves):
    types = [leaf.dtype for leaf in plane.NO_POINT]
    point = Point(*[np.array([x, x], dtype) for x, dtype in zip(leaves, types, strict=True)])
    columns = plane.to_columns(point)
    assert columns.shape == (2, 7) and columns.dtype == np.float32
    for convert in (plane.from_columns, jax.jit(plane.from_columns)):
        for before, after in zip(point, convert(columns), strict=True):
            assert before.dtype == after.dtype
            np.testing.assert_array_equal(before, after)
    on_host = plane.from_columns(np.asarray(columns))
    assert all(isinstance(leaf, np.ndarray) for leaf in on_host)


def test_counts_past_the_largest_would_not_come_back():
    """Why samples are limited: 2**24 + 1 is no float32."""
    one = plane.NO_POINT._replace(n_patterns=np.int32(plane.MAX_EXAMPLES + 2))
    assert int(plane.from_columns(plane.to_columns(one)).n_patterns) != one.n_patterns
    whole = np.arange(plane.MAX_EXAMPLES - 3, plane.MAX_EXAMPLES + 1)
    np.testing.assert_array_equal(whole.astype(np.float32).astype(np.int32), whole)


def test_a_plane_is_one_array_of_named_columns():
    p = plane.record(plane.empty(2, 2), 0, points(3.0))
    assert p.values.shape == (2, 2, len(Point._fields)) and p.values.dtype == np.float32
    for i, name in enumerate(Point._fields):
        column = np.asarray(p.values[..., i]).astype(getattr(p.points, name).dtype)
        np.testing.assert_array_equal(column, getattr(p.points, name))


def test_planes_of_chunks_hold_what_one_plane_holds():
    epochs = (0, 1, 5, 7, 12)
    whole = plane.empty(len(epochs), 2)
    chunks = []
    for first in (0, 2, 4):
        chunk = plane.empty(2, 2)
        for epoch in epochs[first : first + 2]:
            whole = plane.record(whole, epoch, points(epoch + 0.5))
            chunk = plane.record(chunk, epoch, points(epoch + 0.5))
        chunks.append(chunk)
    n_rows = [int(chunk.rows) for chunk in chunks]
    assert n_rows == [2, 2, 1] and int(whole.rows) == 5
    for name in ("epoch", "values"):
        parts = [getattr(c, name)[:n] for c, n in zip(chunks, n_rows, strict=True)]
        np.testing.assert_array_equal(np.concatenate(parts), getattr(whole, name))


def test_a_row_past_the_end_changes_nothing():
    rows = jnp.arange(6.0).reshape(3, 2)
    row = jnp.array([9.0, 9.0])
    np.testing.assert_array_equal(plane.set_row(rows, 1, row), [[0, 1], [9, 9], [4, 5]])
    np.testing.assert_array_equal(plane.set_row(rows, 3, row), rows)


def test_stack_puts_layers_side_by_side():
    one = Point(*[jnp.float32(i) for i in range(7)])
    assert plane.stack([one, one, one]).ty.tolist() == [1, 1, 1]


def test_bands_are_t_intervals_over_the_seeds_that_have_a_number():
    values = np.array(
        [[1.0, np.nan, np.nan], [2.0, 5.0, np.nan], [6.0, 7.0, np.nan], [np.nan, np.nan, 4.0]]
    )
    b = plane.bands(values, level=0.9)
    np.testing.assert_allclose(b.mean, [3.0, 6.0, 4.0])
    np.testing.assert_array_equal(b.n_seeds, [3, 2, 1])
    for column, seen in ((0, [1.0, 2.0, 6.0]), (1, [5.0, 7.0])):
        low, high = stats.t.interval(0.9, len(seen) - 1, np.mean(seen), stats.sem(seen))
        assert (b.low[column], b.high[column]) == pytest.approx((low, high))
    assert np.isnan([b.low[2], b.high[2]]).all()
    assert np.isnan(plane.bands(np.full((2, 1), np.nan)).mean).all()


def test_across_seeds_gives_both_coordinates():
    one = plane.record(plane.empty(1, 2), 0, points(1.0))
    other = plane.record(plane.empty(1, 2), 0, points(3.0))
    found = plane.across_seeds(jax.tree.map(lambda *leaves: jnp.stack(leaves), one, other))
    np.testing.assert_allclose(found.xt.mean, [[2, 2]])
    np.testing.assert_allclose(found.ty.mean, [[1, 1]])


def test_levels_outside_0_to_1_are_refused():
    with pytest.raises(ValueError, match="level between 0 and 1, got 95"):
        plane.bands([[1.0]], level=95)


def test_a_plane_of_one_seed_has_no_bands():
    with pytest.raises(ValueError, match=r"values \[S, E, L, F\], got shape \(2, 3, 7\)"):
        plane.across_seeds(plane.empty(2, 3))
