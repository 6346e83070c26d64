"""What all pictures share: colours, markers and letters that survive a column of print, and the
legend."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "p", "h")
# Okabe and Ito (2008) without the yellow, which is lost on white; neighbours differ in lightness
# too, for grey print.
COLOURS = ("#000000", "#E69F00", "#0072B2", "#56B4E9", "#D55E00", "#CC79A7", "#009E73")
STYLES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.5, 1.2, 1.5)))
LABEL, SMALL = (
    12,
    10.5,
)  # points: a figure 6.4 inches wide set in a 3.4 inch column still prints above 5 points

DOUBT = "0.6"  # the grey of what cannot be trusted: no layer and no epoch has it
DASHES = (0, (4, 2.5))
DOUBTFUL = "cannot be trusted (saturated or biased)"


def label_axes(ax: Axes, xlabel: str, ylabel: str) -> None:
    """Names both axes, in the sizes of all pictures."""
    ax.set_xlabel(xlabel, fontsize=LABEL)
    ax.set_ylabel(ylabel, fontsize=LABEL)
    ax.tick_params(labelsize=SMALL)


def colour_bar(ax: Axes, colours: ScalarMappable, label: str) -> None:
    """Names what the colours of an Axes are, beside it; nothing where they are all one."""
    low, high = colours.get_clim()
    if low is None or low == high:
        return
    bar = ax.figure.colorbar(colours, ax=ax, pad=0.02)
    bar.set_label(label, fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)


def doubtful_handle() -> Line2D:
    """Returns the legend's sign, and words, for what cannot be trusted."""
    style = {
        "color": DOUBT,
        "linestyle": DASHES,
        "linewidth": 1.1,
        "marker": "o",
        "markersize": 6.5,
    }
    return Line2D([], [], markerfacecolor="white", markeredgewidth=1.1, label=DOUBTFUL, **style)


def legend(
    host: Axes | Figure, handles: Sequence[Line2D], title: str, handle_length: float = 2.6
) -> None:
    """Puts the legend below the Axes and its x label, or above all Axes of the Figure, where it
    covers no data."""
    columns = _columns(host, [len(str(handle.get_label())) for handle in handles], handle_length)
    # A legend fills column by column; in this order it reads row by row.
    ordered = [handle for column in range(columns) for handle in handles[column::columns]]
    style = {
        "title": title,
        "ncols": columns,
        "fontsize": SMALL,
        "title_fontsize": SMALL,
        "frameon": False,
    }
    style |= {"handlelength": handle_length, "handletextpad": 0.5, "columnspacing": 1.3}
    if isinstance(host, Figure):
        host.legend(handles=ordered, loc="outside upper center", **style)
    else:
        # The pad counts in font sizes: tick labels and x label are as high in a small Axes as in a
        # large one.
        host.legend(
            handles=ordered, loc="upper center", bbox_to_anchor=(0.5, 0), borderaxespad=3.8, **style
        )


def _columns(host: Axes | Figure, letters: Sequence[int], handle_length: float) -> int:
    """Returns how many columns of a legend fit the width, as few as give the same number of
    rows."""
    # In font sizes; a constrained layout makes an Axes somewhat wider than it is now.
    width = 1.1 * host.get_window_extent().width / host.figure.dpi * 72 / SMALL
    room = [0.6 * count + handle_length + 1.8 for count in letters]
    fitting = [
        c for c in range(1, len(room) + 1) if sum(max(room[i::c]) for i in range(c)) <= width
    ]
    rows = -(-len(room) // max(fitting, default=1))
    return -(-len(room) // rows)
