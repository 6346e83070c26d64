"""The shown range of an axis, and the limits (H(X), H(Y)) that are drawn in it or named by an
arrow."""

from typing import Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from jaxbnn.plots.axes import POINTS_PER_INCH, SMALL_SIZE

# A limit this many data ranges beyond the data gets an arrow: drawing it would squeeze the data.
FAR = 0.6
FLOAT32_NOISE = 1e-4  # bits: smaller differences are nothing to zoom into
RIGHT_ARROW = " \u2192"
UP_ARROW = " \u2191"

Limit = tuple[float, str]  # a value and the words that name it


class Range(NamedTuple):
    """The shown part of an axis."""

    low: float
    high: float
    limit_is_far: bool  # the limit lies so far above that it is named by an arrow


def entropy_limit(name: str, bits: float | None) -> Limit | None:
    """Returns the limit with its label, "H(X) = 12.0 bit"; None where it is unknown."""
    if bits is None:
        return None
    if not np.isfinite(bits):
        raise ValueError(f"expected {name} finite, or None where it is unknown, got {bits}")
    return float(bits), f"{name} = {bits:#.3g} bit"


def shown_range(values: NDArray, limit: Limit | None) -> Range:
    """Returns an axis that shows the data, zero if it is near, and the limit unless it is far."""
    low, high = _data_range(values, limit)
    if 0 < low < 0.4 * high:
        low = 0.0
    span = high - low if high - low > FLOAT32_NOISE else abs(high) or 1.0
    is_far = limit is not None and limit[0] - high > FAR * span
    if limit is not None and not is_far:
        low = min(low, limit[0])
        high = max(high, limit[0])
    margin = 0.06 * (high - low) if high - low > FLOAT32_NOISE else 0.5 * span
    return Range(low - margin, high + margin, is_far)


def _data_range(values: NDArray, limit: Limit | None) -> tuple[float, float]:
    """The smallest and the largest finite value; 0 and the limit, or 1, without any."""
    shown = values[np.isfinite(values)]
    if shown.size:
        return float(shown.min()), float(shown.max())
    return 0.0, limit[0] if limit else 1.0


def set_height(ax: Axes, low: float, high: float, label: Limit | None) -> None:
    """Shows low to high and, if there is a label, a strip above as high as a line of text, where it
    covers no data."""
    inches = ax.get_window_extent().height / ax.figure.dpi
    strip = 1.5 * SMALL_SIZE / POINTS_PER_INCH / inches if label else 0.0
    ax.set_ylim(low, high + strip * (high - low))


def draw_limit(
    ax: Axes,
    axis: Literal["x", "y"],
    limit: Limit,
    is_far: bool,
    position: float,
    side: Literal["left", "right"],
) -> None:
    """Draws the limit of an axis, or an arrow when it is far; `side` of its label stands at
    `position` in the width."""
    value, text = limit
    if is_far:
        text += RIGHT_ARROW if axis == "x" else UP_ARROW
    else:
        line = ax.axvline if axis == "x" else ax.axhline
        line(value, color="0.3", linestyle=(0, (5, 3)), linewidth=1.1, zorder=1.5)
    ax.annotate(
        text,
        (position, 1),
        (4 if side == "left" else -4, -3),  # points, inwards
        "axes fraction",
        "offset points",
        ha=side,
        va="top",
        fontsize=SMALL_SIZE,
    )
