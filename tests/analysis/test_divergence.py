import numpy as np
import xarray

from jaxbnn.analysis.divergence import diverged


def test_a_loss_that_is_not_finite_or_absurd_has_diverged():
    losses = np.array([[0.7, 0.1], [0.7, np.nan], [0.7, 1e29], [1e29, 0.3], [0.7, 1e4]])
    result = xarray.Dataset({"train_loss": (("seed", "epoch"), losses)})
    assert diverged(result).tolist() == [False, True, True, False, False]
