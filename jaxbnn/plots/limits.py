"""The shown range of an axis, and the limits (H(X), H(Y)) that are drawn in it or told by an
arrow."""

from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from jaxbnn.plots.axes import SMALL

FAR = 0.6  # a limit this many data ranges beyond the data is told, not drawn: drawing it would squeeze the data

Limit = tuple[float, str]  # a value and the words that name it


def entropy(name: str, bits: float | None) -> Limit | None:
    """Returns the limit with its label, "H(X) = 12.0 bit"."""
    if bits is not None and not np.isfinite(bits):
        raise ValueError(f"expected {name} finite, or None where it is unknown, got {bits}")
    return None if bits is None else (float(bits), f"{name} = {bits:#.3g} bit")


def shown_range(values: NDArray, limit: Limit | None) -> tuple[float, float, bool]:
    """Returns low and high of an axis that shows the data, zero if it is near and the limit, and if
    that is too far."""
    shown = values[np.isfinite(values)]
    low, high = (
        (float(shown.min()), float(shown.max()))
        if shown.size
        else (0.0, limit[0] if limit else 1.0)
    )
    low = 0.0 if 0 < low < 0.4 * high else low
    # Differences below 1e-4 bit are float32 noise, not something to zoom into.
    span = high - low if high - low > 1e-4 else abs(high) or 1.0
    far = limit is not None and limit[0] - high > FAR * span
    if limit is not None and not far:
        low, high = min(low, limit[0]), max(high, limit[0])
    margin = 0.06 * (high - low) if high - low > 1e-4 else 0.5 * span
    return low - margin, high + margin, far


def set_height(ax: Axes, low: float, high: float, label: Limit | None) -> None:
    """Shows low to high and, if there is a label, a strip above as high as a line of text, where it
    covers no data."""
    inches = ax.get_window_extent().height / ax.figure.dpi
    strip = 1.5 * SMALL / 72 / inches if label else 0.0
    ax.set_ylim(low, high + strip * (high - low))


def draw_limit(
    ax: Axes,
    axis: Literal["x", "y"],
    limit: Limit,
    far: bool,
    place: float,
    side: Literal["left", "right"],
) -> None:
    """Draws the limit of an axis, or an arrow when it is far; `side` of its label stands at `place`
    in the width."""
    value, text = limit
    if far:
        text += " \u2192" if axis == "x" else " \u2191"
    else:
        line = ax.axvline if axis == "x" else ax.axhline
        line(value, color="0.3", linestyle=(0, (5, 3)), linewidth=1.1, zorder=1.5)
    inwards = (4 if side == "left" else -4, -3)
    ax.annotate(
        text,
        (place, 1),
        inwards,
        "axes fraction",
        "offset points",
        ha=side,
        va="top",
        fontsize=SMALL,
    )
