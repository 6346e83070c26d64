"""The figures of a run doubt what its verdicts doubt."""

import numpy as np
import pytest
import xarray as xr
from pictures import DOUBTFUL, EPOCHS, NAMES, dashed, fake, fake_series, legend_texts

from jaxbnn.plots import run_figures


def fake_result(verdict_xt, verdict_ty):
    shape = ("seed", "epoch", "layer")
    i_xt, i_ty = fake()
    points = {"i_xt": (shape, i_xt), "i_ty": (shape, i_ty)}
    points["n_patterns"] = (
        shape,
        np.where(np.isin(-1, [verdict_xt, verdict_ty]), -1, np.full(i_xt.shape, 9)),
    )
    for name, verdict in (("verdict_xt", verdict_xt), ("verdict_ty", verdict_ty)):
        points[name] = (shape, np.broadcast_to(np.asarray(verdict, np.int8), i_xt.shape))
    series = {key: (shape[:2], value) for key, value in fake_series().items()}
    limits = {"h_x": ("seed", np.full(5, 12.0)), "h_y": ("seed", np.full(5, 0.999))}
    return xr.Dataset(points | series | limits, {"epoch": EPOCHS, "layer": list(NAMES)})


@pytest.mark.parametrize(
    ("verdict_xt", "verdict_ty", "doubted"),
    [
        ((-1, 0, 2, 2), (2, -1, 0, 2), (0, 0, 0)),
        ((1, 0, 2, 3), (2, 2, 2, 2), (2, 2, 0)),
        ((2, 2, 2, 2), (2, 3, 2, 2), (1, 0, 1)),
        ((2, 1, 2, 2), (3, 2, 2, 2), (2, 1, 1)),
    ],
)
def test_figures_of_a_run_doubt_what_its_verdicts_doubt(verdict_xt, verdict_ty, doubted):
    drawn = run_figures.plot_run(fake_result(verdict_xt, verdict_ty))
    plane, upper = drawn["plane"].axes[0], drawn["curves"].axes[:2]
    counts = [
        sum(line.get_color() == "0.6" and line.is_dashed() for line in ax.get_lines())
        for ax in upper
    ]
    assert (len(dashed(plane)), *counts) == doubted
    assert (DOUBTFUL in legend_texts(plane)) == (doubted[0] > 0)
    unseen = [-1 in (*verdict_xt, *verdict_ty) and code == -1 for code in verdict_xt]
    names = {
        f"{name} (not counted)" if no else name for name, no in zip(NAMES, unseen, strict=True)
    }
    assert names < set(legend_texts(plane))
