"""What all pictures share: the sizes of letters, the legend, the colour bar."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from jaxbnn.analysis.appearance import DOUBTFUL_CAPTION, DOUBTFUL_COLOUR, DOUBTFUL_DASHES

# Points: a figure 6.4 inches wide set in a 3.4 inch column still prints above 5 points.
LABEL_SIZE = 12
SMALL_SIZE = 10.5
POINTS_PER_INCH = 72


def label_axes(ax: Axes, xlabel: str, ylabel: str) -> None:
    """Names both axes, in the sizes of all pictures."""
    ax.set_xlabel(xlabel, fontsize=LABEL_SIZE)
    ax.set_ylabel(ylabel, fontsize=LABEL_SIZE)
    ax.tick_params(labelsize=SMALL_SIZE)


def value_colours(values: NDArray) -> ScalarMappable:
    """Value -> colour of viridis, from the smallest of [R] to the largest; 0 to 1 without any."""
    low, high = (values.min(), values.max()) if values.size else (0, 1)
    return ScalarMappable(Normalize(low, high), "viridis")


def colour_bar(ax: Axes, colours: ScalarMappable, label: str) -> None:
    """Names what the colours of an Axes are, beside it; nothing where they are all one."""
    low, high = colours.get_clim()
    if low is None or low == high:
        return
    bar = ax.figure.colorbar(colours, ax=ax, pad=0.02)
    bar.set_label(label, fontsize=SMALL_SIZE)
    bar.ax.tick_params(labelsize=SMALL_SIZE)


def doubtful_handle() -> Line2D:
    """Returns the legend's sign, and words, for what cannot be trusted."""
    return Line2D(
        [],
        [],
        color=DOUBTFUL_COLOUR,
        linestyle=DOUBTFUL_DASHES,
        linewidth=1.1,
        marker="o",
        markersize=6.5,
        markerfacecolor="white",
        markeredgewidth=1.1,
        label=DOUBTFUL_CAPTION,
    )


def legend(
    target: Axes | Figure, handles: Sequence[Line2D], title: str, handle_length: float = 2.6
) -> None:
    """Puts the legend below the Axes and its x label, or above all Axes of the Figure, where it
    covers no data.

    Args:
        target: what the legend belongs to.
        handles: the signs, each with its label.
        title: above them, "" for none.
        handle_length: of a sign, in font sizes.
    """
    label_lengths = [len(str(handle.get_label())) for handle in handles]
    n_columns = _n_columns(target, label_lengths, handle_length)
    style: dict[str, Any] = {
        "title": title,
        "ncols": n_columns,
        "fontsize": SMALL_SIZE,
        "title_fontsize": SMALL_SIZE,
        "frameon": False,
        "handlelength": handle_length,
        "handletextpad": 0.5,
        "columnspacing": 1.3,
    }
    ordered = _by_column(handles, n_columns)
    if isinstance(target, Figure):
        target.legend(handles=ordered, loc="outside upper center", **style)
        return
    # The pad counts in font sizes: tick labels and x label are as high in a small Axes as in a
    # large one.
    below = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "borderaxespad": 3.8}
    target.legend(handles=ordered, **below, **style)


def _by_column(handles: Sequence[Line2D], n_columns: int) -> list[Line2D]:
    """The handles in the order in which a legend, which fills column by column, reads row by
    row."""
    ordered: list[Line2D] = []
    for column in range(n_columns):
        ordered += handles[column::n_columns]
    return ordered


def _n_columns(target: Axes | Figure, label_lengths: Sequence[int], handle_length: float) -> int:
    """Returns how many columns of a legend fit the width, as few as give the same number of
    rows."""
    # In font sizes; a constrained layout makes an Axes somewhat wider than it is now.
    inches = target.get_window_extent().width / target.figure.dpi
    width = 1.1 * inches * POINTS_PER_INCH / SMALL_SIZE
    entry_widths = [0.6 * length + handle_length + 1.8 for length in label_lengths]
    n_entries = len(entry_widths)
    most = 1
    for n_columns in range(1, n_entries + 1):
        if _legend_width(entry_widths, n_columns) <= width:
            most = n_columns
    n_rows = -(-n_entries // most)
    return -(-n_entries // n_rows)


def _legend_width(entry_widths: Sequence[float], n_columns: int) -> float:
    """The sum of the columns' widths, each that of its widest entry."""
    return sum(max(entry_widths[column::n_columns]) for column in range(n_columns))
