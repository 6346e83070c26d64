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
    with pytest.raises(ValueError, match=r"leaves \[S, E, L\], got \(2, 3\)"):
        plane.across_seeds(plane.empty(2, 3))
