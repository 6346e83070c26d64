"""Which seeds of a result have diverged."""

from typing import Any

import numpy as np

MAX_LOSS = 1e4  # nats: no network that has learnt anything has a loss like that


def diverged(result: Any) -> np.ndarray:
    """Whether each seed has diverged by the last epoch.

    Args:
        result: an xarray.Dataset as `jaxbnn.open_result` gives it, with the curves of training.

    Returns:
        [S] bool: the training loss of the last epoch is NaN, or above 1e4 nats.
    """
    loss = result.train_loss.isel(epoch=-1).values
    return ~(loss <= MAX_LOSS)
