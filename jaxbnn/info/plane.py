"""The information plane as a value: empty, record, and bands across seeds. Usable alone, in
anyone's own loop."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxbnn.info.arrays import AnyArray


class Point(NamedTuple):
    """One layer at one epoch. NaN, -1 and False where the estimator has no such number."""

    xt: AnyArray  # [] bits, I(X;T)
    ty: AnyArray  # [] bits, I(T;Y)
    h_t: AnyArray  # [] bits, H(T)
    se_ty: AnyArray  # [] bits, standard error of I(T;Y) by the delta method
    n_patterns: AnyArray  # [] int32, patterns seen
    n_singletons: AnyArray  # [] int32, patterns seen once
    certified: AnyArray  # [] bool, the counts are certified


class InfoPlane(NamedTuple):
    """Points of L layers at up to E epochs; of many seeds, `values` has their axis in front.

    A point is one row of float32, a column for each field of `Point`, so that a compiled program
    moves one array: counts are whole numbers below 2**24, which float32 holds exactly.
    """

    epoch: jax.Array  # [E] int32, -1 where nothing is recorded yet
    values: jax.Array  # [E, L, F] float32, the columns are Point's fields
    rows: jax.Array  # [] int32, rows recorded so far

    @property
    def points(self) -> Point:
        """The recorded points by name, leaves [E, L]."""
        return from_columns(self.values)


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
# Scalars of NumPy, which are no arrays to a type checker.
NO_POINT = Point._make([*[UNKNOWN] * 4, np.int32(-1), np.int32(-1), np.bool_(False)])
MAX_EXAMPLES = 2**24 - 1  # up to which float32 holds every count


def to_columns(point: Point) -> jax.Array:
    """A point as an array.

    Args:
        point: leaves [...].

    Returns:
        float32 [..., F], a column for each field of `Point`.
    """
    columns = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), point)
    return jnp.stack(columns, axis=-1)


def from_columns(values: Any) -> Point:
    """The point that `to_columns` was given.

    Args:
        values: [..., F] of NumPy or JAX.

    Returns:
        The point with leaves [...], of the same library as the values.
    """
    columns = [values[..., i] for i in range(len(Point._fields))]
    leaves = zip(columns, NO_POINT, strict=True)
    return Point(*(column.astype(unset.dtype) for column, unset in leaves))


def empty(n_rows: int, n_layers: int) -> InfoPlane:
    """A plane with room for `n_rows` epochs of `n_layers` layers, nothing recorded.

    Args:
        n_rows: how many epochs it can hold, E.
        n_layers: L.

    Returns:
        The plane, leaves [E, L].

    Raises:
        ValueError: for fewer than one row or layer.
    """
    if n_rows < 1 or n_layers < 1:
        raise ValueError(f"expected n_rows >= 1 and n_layers >= 1, got {n_rows} and {n_layers}")
    values = jnp.broadcast_to(to_columns(NO_POINT), (n_rows, n_layers, len(Point._fields)))
    return InfoPlane(jnp.full(n_rows, -1, jnp.int32), values, jnp.int32(0))


def stack(points: Sequence[Point]) -> Point:
    """The points of several layers as one.

    Args:
        points: of L layers, input side first.

    Returns:
        One point with leaves [L].
    """
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *points)


def record(plane: InfoPlane, epoch: int | jax.Array, point: Point) -> InfoPlane:
    """The plane with one more row.

    Args:
        plane: what is recorded so far.
        epoch: the row's epoch.
        point: the point of the plane's L layers, leaves [L].

    Returns:
        The plane with the row. In a full plane the row is dropped inside jit, and `rows` then
        exceeds the room.

    Raises:
        ValueError: for a point of another number of layers; outside jit, for a full plane.
    """
    room, n_layers, _ = plane.values.shape
    if point.xt.shape != (n_layers,):
        raise ValueError(f"expected a point with leaves [{n_layers}], got {point.xt.shape}")
    if not isinstance(plane.rows, Tracer) and int(plane.rows) >= room:
        raise ValueError(f"expected at most {room} rows (empty's n_rows), got one more")
    return append(plane, epoch, to_columns(point))


def append(plane: InfoPlane, epoch: int | jax.Array, row: jax.Array) -> InfoPlane:
    """As `record`, of a row that is an array already.

    Args:
        plane: what is recorded so far.
        epoch: the row's epoch.
        row: a point as `to_columns` gives it, [L, F].

    Returns:
        The plane with the row; a full plane drops it.
    """
    epochs = set_row(plane.epoch, plane.rows, jnp.asarray(epoch, jnp.int32))
    return InfoPlane(epochs, set_row(plane.values, plane.rows, row), plane.rows + 1)


def set_row(rows: jax.Array, place: jax.Array, row: jax.Array) -> jax.Array:
    """Rows with one of them replaced.

    Args:
        rows: [E, ...].
        place: the index of the row to replace; one past the end replaces nothing.
        row: [...].

    Returns:
        The rows, [E, ...].
    """
    # A dynamic update compiles faster than a scatter, but would write a late row over the last.
    inside = jnp.minimum(place, rows.shape[0] - 1)
    kept = jnp.where(place < rows.shape[0], row, rows[inside])
    return jax.lax.dynamic_update_index_in_dim(rows, kept, inside, 0)


def across_seeds(plane: InfoPlane, level: float = 0.95) -> PlaneBands:
    """Mean and t interval of I(X;T) and I(T;Y) over seeds.

    Args:
        plane: of many seeds; its points have leaves [S, E, L].
        level: of the interval.

    Returns:
        The two bands, arrays [E, L], bits.

    Raises:
        ValueError: for a plane of one seed.
    """
    if plane.values.ndim != 4:
        raise ValueError(
            f"expected a plane of seeds, values [S, E, L, F], got shape {plane.values.shape}"
        )
    points = plane.points
    return PlaneBands(bands(points.xt, level), bands(points.ty, level))


def bands(values: Any, level: float = 0.95) -> Bands:
    """Mean and interval over the first axis: mean -+ t_{(1 + level)/2, n-1} s / sqrt(n).

    Args:
        values: [S, ...]; n is the number of those that are not NaN.
        level: of the interval.

    Returns:
        The bands, arrays [...].

    Raises:
        ValueError: for a level that is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"expected a level between 0 and 1, got {level}")
    from scipy import stats  # takes a second to import

    v = np.asarray(values, np.float64)
    known = ~np.isnan(v)
    n = known.sum(axis=0)
    mean = _over(np.where(known, v, 0).sum(axis=0), n)
    deviation = np.sqrt(_over((np.where(known, v - mean, 0) ** 2).sum(axis=0), n - 1))
    reach = (
        stats.t.ppf((1 + level) / 2, np.maximum(n - 1, 1)) * deviation / np.sqrt(np.maximum(n, 1))
    )
    return Bands(mean, mean - reach, mean + reach, n)


def _over(total: np.ndarray, n: np.ndarray) -> np.ndarray:
    """total / n, NaN where n is 0."""
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)
