"""Which points can be trusted, verdict by verdict."""

import numpy as np
import xarray as xr

from jaxbnn.analysis import trust
from jaxbnn.info.reliability import VERDICTS

DIMS = ("seed", "epoch", "layer")


def result(verdict_xt, verdict_ty, n_patterns):
    """One seed and one epoch, a layer for each verdict."""
    values = {"verdict_xt": verdict_xt, "verdict_ty": verdict_ty, "n_patterns": n_patterns}
    return xr.Dataset({name: (DIMS, np.array(value)[None, None]) for name, value in values.items()})


def test_population_and_reliable_are_trusted_and_nothing_else():
    names = ("population", "saturated", "reliable", "biased", "conditional")
    assert names == VERDICTS
    found = result([0, 1, 2, 3, 4, -1], [4, 3, 2, 1, 0, -1], [9] * 6)
    no = [False]
    assert trust.trusted_points(found, "xt")[0, 0].tolist() == [True, *no, True, *no, *no, *no]
    assert trust.trusted_points(found, "ty")[0, 0].tolist() == [*no, *no, True, *no, True, *no]


def test_a_layer_that_is_not_counted_has_no_verdict_to_doubt():
    found = result([-1, -1, 1], [-1, 2, 1], [-1, 9, -1])
    assert trust.trusted_points(found, "xt").tolist() == [[[True, False, False]]]
    assert trust.uncounted_layers(found).tolist() == [True, False, False]


def test_a_layer_counted_at_some_epoch_is_counted():
    once = result([-1], [-1], [-1])
    later = result([2], [2], [9])
    assert trust.uncounted_layers(xr.concat([once, later], "epoch")).tolist() == [False]
