"""The information plane as a value: empty, record, and bands across seeds. Usable alone, in
anyone's own loop."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from scipy import stats


class Point(NamedTuple):
    """One layer at one epoch. NaN, -1 and False where the estimator has no such number."""

    xt: jax.Array  # [] bits, I(X;T)
    ty: jax.Array  # [] bits, I(T;Y)
    h_t: jax.Array  # [] bits, H(T)
    se_ty: jax.Array  # [] bits, standard error of I(T;Y) by the delta method
    n_patterns: jax.Array  # [] int32, patterns seen
    n_singletons: jax.Array  # [] int32, patterns seen once
    certified: jax.Array  # [] bool, the counts are certified


class InfoPlane(NamedTuple):
    """Points of L layers at up to E epochs."""

    epoch: jax.Array  # [E] int32, -1 where nothing is recorded yet
    points: Point  # leaves [E, L]
    rows: jax.Array  # [] int32, rows recorded so far


class Bands(NamedTuple):
    """Mean over the seeds that have a number, and the interval of that mean. NaN where no seed has
    one."""

    mean: np.ndarray  # [E, L]
    low: np.ndarray  # [E, L], NaN with fewer than two seeds
    high: np.ndarray  # [E, L]
    n_seeds: np.ndarray  # [E, L] int, seeds with a number


class PlaneBands(NamedTuple):
    """The two coordinates' bands, in bits."""

    xt: Bands
    ty: Bands


UNKNOWN = np.float32("nan")
NO_POINT = Point(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, np.int32(-1), np.int32(-1), np.bool_(False))


def empty(n_rows: int, n_layers: int) -> InfoPlane:
    """A plane with room for `n_rows` epochs of `n_layers` layers, nothing recorded."""
    if n_rows < 1 or n_layers < 1:
        raise ValueError(f"expected n_rows >= 1 and n_layers >= 1, got {n_rows} and {n_layers}")
    points = jax.tree.map(lambda unset: jnp.full((n_rows, n_layers), unset, unset.dtype), NO_POINT)
    return InfoPlane(jnp.full(n_rows, -1, jnp.int32), points, jnp.int32(0))


def stack(points: Sequence[Point]) -> Point:
    """The points of L layers, input side first -> one Point with leaves [L]."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *points)


def record(plane: InfoPlane, epoch: int | jax.Array, point: Point) -> InfoPlane:
    """The plane with one more row: the epoch and the point of its L layers (leaves [L]).

    A full plane raises ValueError outside jit; inside jit the row is dropped and `rows` exceeds the
    room.
    """
    room, n_layers = plane.points.xt.shape
    if point.xt.shape != (n_layers,):
        raise ValueError(f"expected a point with leaves [{n_layers}], got {point.xt.shape}")
    if not isinstance(plane.rows, Tracer) and int(plane.rows) >= room:
        raise ValueError(f"expected at most {room} rows (empty's n_rows), got one more")
    points = jax.tree.map(lambda leaf, new: leaf.at[plane.rows].set(new), plane.points, point)
    return InfoPlane(plane.epoch.at[plane.rows].set(epoch), points, plane.rows + 1)


def across_seeds(plane: InfoPlane, level: float = 0.95) -> PlaneBands:
    """Mean and t interval of I(X;T) and I(T;Y) over seeds; the plane's points have leaves [S, E,
    L]."""
    if plane.points.xt.ndim != 3:
        raise ValueError(
            f"expected a plane of seeds, points with leaves [S, E, L], got {plane.points.xt.shape}"
        )
    return PlaneBands(bands(plane.points.xt, level), bands(plane.points.ty, level))


def bands(values, level: float = 0.95) -> Bands:
    """mean -+ t_{(1 + level)/2, n-1} s / sqrt(n) over axis 0 of values [S, ...], n the seeds that
    are not NaN."""
    if not 0 < level < 1:
        raise ValueError(f"expected a level between 0 and 1, got {level}")
    v = np.asarray(values, np.float64)
    there = ~np.isnan(v)
    n = there.sum(axis=0)
    mean = _over(np.where(there, v, 0).sum(axis=0), n)
    deviation = np.sqrt(_over((np.where(there, v - mean, 0) ** 2).sum(axis=0), n - 1))
    reach = (
        stats.t.ppf((1 + level) / 2, np.maximum(n - 1, 1)) * deviation / np.sqrt(np.maximum(n, 1))
    )
    return Bands(mean, mean - reach, mean + reach, n)


def _over(total, n):
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)
