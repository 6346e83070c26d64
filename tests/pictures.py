"""Made results for tests of pictures, and what the eye sees of a drawn one."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from jaxbnn import plots
from jaxbnn.plots.curve_plots import Curves
from jaxbnn.plots.plane_plot import PlanePaths

NAMES = ("hidden_1", "hidden_2", "hidden_3", "output")
EPOCHS = np.array([0, 1, 2, 5, 10, 30, 100, 300, 1000])
DOUBTFUL = "cannot be trusted (saturated, biased or conditional)"
SERIES = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")


def fake(n_seeds=5, epochs=EPOCHS, n_layers=4, top=8.0):
    """Paths that rise in I(T;Y) from 0.1 to 0.9 bit, each layer at its own I(X;T) below `top`."""
    rng = np.random.default_rng(0)
    noise = rng.normal(scale=0.01, size=(2, n_seeds, len(epochs), n_layers))
    i_xt = np.broadcast_to(np.linspace(top, 1.0, n_layers), noise.shape[1:]) + noise[0]
    i_ty = np.broadcast_to(np.linspace(0.1, 0.9, len(epochs))[:, None], noise.shape[1:]) + noise[1]
    return i_xt, i_ty


def fake_series(n_seeds=5, n_epochs=len(EPOCHS)):
    values = np.random.default_rng(1).uniform(size=(4, n_seeds, n_epochs))
    return dict(zip(SERIES, values, strict=True))


def plane_paths(i_xt, i_ty, epochs=EPOCHS, names=NAMES, h_x=None, h_y=None, **trusted):
    """The arrays of a plane; trusted_xt, trusted_ty: everywhere unless given."""
    trust = {"trusted_xt": True, "trusted_ty": True} | trusted
    return PlanePaths(epochs, names, i_xt, i_ty, **trust, h_x=h_x, h_y=h_y)


def axes():
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.subplots()


def drawn_plane(i_xt, i_ty, epochs=EPOCHS, names=NAMES, h_x=None, h_y=None, trusted=True):
    ax = axes()
    plots.plane(ax, plane_paths(i_xt, i_ty, epochs, names, h_x, h_y, trusted_xt=trusted))
    return ax


def drawn_curves(epochs, values, names, ylabel, level=0.95, limit=None, trusted=True):
    ax = axes()
    plots.curves(ax, Curves(epochs, names, values, trusted), ylabel, level, limit)
    return ax


def doubt(n_seeds=5, n_layers=4, **where):
    """Trusted everywhere but at seed, epoch, layer: each an index or a slice, all of them where not
    given."""
    trusted = np.ones((n_seeds, len(EPOCHS), n_layers), bool)
    trusted[
        where.get("seed", ...), where.get("epoch", slice(None)), where.get("layer", slice(None))
    ] = False
    return trusted


def texts(ax):
    return [text.get_text() for text in ax.texts]


def legend_texts(owner):
    return [text.get_text() for text in owner.get_legend().get_texts()]


def line_collections(ax):
    return [c for c in ax.collections if isinstance(c, LineCollection)]


def segments(ax):
    """The single seeds' lines, then each layer's path."""
    return [c.get_segments() for c in line_collections(ax)]


def scatters(ax):
    return [c for c in ax.collections if isinstance(c, PathCollection)]


def is_grey(colour):
    red, green, blue = to_rgb(colour)
    return red == green == blue


def dashed(ax):
    """The grey dashed paths of a plane, as segments."""
    lines = [c for c in line_collections(ax) if c.get_zorder() == 2]
    assert all(is_grey(c.get_colors()[0]) and c.get_linestyles()[0][1] is not None for c in lines)
    return [c.get_segments() for c in lines]
