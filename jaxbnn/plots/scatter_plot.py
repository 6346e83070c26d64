"""One number of each run against another, with the range of each."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.typing import ArrayLike

from jaxbnn.plots.axes import DOUBT, colour_bar, doubtful_handle, label_axes, legend


def against(
    ax: Axes,
    x: ArrayLike,
    y: ArrayLike,
    colour: ArrayLike,
    trusted: ArrayLike,
    xlabel: str,
    ylabel: str,
    clabel: str,
) -> None:
    """Draws runs as dots at x, y [3, R] (the value, the least, the largest), with bars to the ends,
    coloured by [R].

    trusted: bool [R]; runs that cannot be trusted are hollow and grey. Runs with a value that is
    not finite are left out.
    """
    a, b, c, sure = (
        np.asarray(x, float),
        np.asarray(y, float),
        np.asarray(colour, float),
        np.asarray(trusted),
    )
    if (
        a.ndim != 2
        or a.shape[0] != 3
        or a.shape != b.shape
        or c.shape != a.shape[1:]
        or sure.shape != c.shape
    ):
        raise ValueError(
            f"expected x, y [3, R], colour, trusted [R], got {a.shape}, {b.shape}, {c.shape}, {sure.shape}"
        )
    there = np.isfinite(a).all(0) & np.isfinite(b).all(0) & np.isfinite(c)
    a, b, c, sure = a[:, there], b[:, there], c[there], sure[there]
    bar = ScalarMappable(Normalize(*((c.min(), c.max()) if c.size else (0, 1))), "viridis")
    for i in range(len(c)):
        shade = bar.to_rgba(c[i]) if sure[i] else DOUBT
        ends: dict[str, Any] = {
            key: np.abs(v[1:, i : i + 1] - v[0, i]) for key, v in (("xerr", a), ("yerr", b))
        }
        dot = {
            "markerfacecolor": shade if sure[i] else "white",
            "markeredgecolor": "black" if sure[i] else DOUBT,
        }
        style = {
            "fmt": "o",
            "ms": 5.5,
            "elinewidth": 0.7,
            "markeredgewidth": 0.6,
            "zorder": 3 if sure[i] else 2.5,
        }
        ax.errorbar(a[0, i], b[0, i], **ends, ecolor=shade, **dot, **style)
    label_axes(ax, xlabel, ylabel)
    colour_bar(ax, bar, clabel)
    if not sure.all():
        legend(ax, [doubtful_handle()], "")
