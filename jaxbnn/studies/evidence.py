"""What a claim is judged by: intervals over seeds, verdicts, and which values can be trusted."""

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from jaxbnn import plots
from jaxbnn.info.plane import bands
from jaxbnn.info.reliability import VERDICTS
from jaxbnn.studies.study import Verdict

TRUSTED = (VERDICTS.index("exact"), VERDICTS.index("reliable"))
WEAK: Verdict = "too weak to say"


def interval(values) -> tuple[float, float, float]:
    """(mean, low, high) of the mean over seeds, t, 95 %."""
    band = bands(np.asarray(values, np.float64))
    return float(band.mean), float(band.low), float(band.high)


def words(values, digits: int = 2) -> str:
    """ "-3.78 [-4.01, -3.55]" """
    mean, low, high = interval(values)
    return f"{mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def welch(a, b) -> tuple[float, float, float]:
    """(mean, low, high) of mean a - mean b: Welch, 95 %."""
    found = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    return float(np.mean(a) - np.mean(b)), float(found.low), float(found.high)


def judged(holds: list[tuple[float, float, float]], below: float) -> Verdict:
    """Confirmed where every interval lies below, contradicted where one lies above, otherwise too weak to say."""
    if all(high < below for _, _, high in holds):
        return "confirmed"
    return "contradicted" if any(low > below for _, low, _ in holds) else WEAK


def trusted_points(result, of: str):
    """Whether each I(X;T) ("xt") or I(T;Y) ("ty") of a result [S, E, L] can be trusted.

    Layers that are not counted have no verdict to doubt.
    """
    return (result[f"verdict_{of}"].isin(TRUSTED) | (result.n_patterns < 0)).values


def panels_for(n: int, width: float, height: float):
    """A figure, and at least n panels of this size in inches, three a row; those that are left over are not seen."""
    columns, rows = min(3, max(n, 1)), -(-max(n, 1) // 3)
    figure = Figure((width * columns, height * rows), layout="constrained")
    panels = np.ravel(figure.subplots(rows, columns, squeeze=False))
    for ax in panels[n:]:
        ax.set_axis_off()
    return figure, panels


def draw_plane(ax, result) -> None:
    """Draws a result's information plane on a matplotlib Axes."""
    h_x, h_y = float(result.h_x.mean()), float(result.h_y.mean())
    arrays = result.i_xt.values, result.i_ty.values, result.epoch.values
    sure = trusted_points(result, "xt") & trusted_points(result, "ty")
    plots.plane(ax, *arrays, [str(layer) for layer in result.layer.values], h_x, h_y, trusted=sure)
