"""Arrays over seeds: what is accepted, means and intervals over the finite seeds, and where a path
can be trusted."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from jaxbnn.analysis.appearance import MARKERS


def checked(
    epoch: ArrayLike, names: Sequence[str], **arrays: ArrayLike
) -> tuple[NDArray, list[NDArray]]:
    """Returns epoch [E] and each array [S, E, L] in float64, with NaN for every value that is not
    finite."""
    epochs = np.asarray(epoch)
    if epochs.ndim != 1 or epochs.size == 0 or epochs[0] < 0 or np.any(np.diff(epochs) <= 0):
        raise ValueError(
            f"expected epoch [E] rising from 0 or later, got shape {epochs.shape}: "
            f"{epochs.ravel()[:4]}"
        )
    if not 0 < len(names) <= len(MARKERS):
        raise ValueError(f"expected 1 to {len(MARKERS)} names, one marker each, got {len(names)}")
    checked_arrays: list[NDArray] = []
    for name, array in arrays.items():
        values = _checked_array(name, array, epochs.size, len(names))
        if checked_arrays and len(values) != len(checked_arrays[0]):
            raise ValueError(
                f"expected {name} of {len(checked_arrays[0])} seeds like the others, got "
                f"{len(values)}"
            )
        checked_arrays.append(values)
    return epochs, checked_arrays


def _checked_array(name: str, array: ArrayLike, n_epochs: int, n_names: int) -> NDArray:
    """Returns [S, E, L] in float64, NaN where it is not finite."""
    values = np.asarray(array, dtype=np.float64)
    if values.size == 0 or values.shape[1:] != (n_epochs, n_names):
        raise ValueError(f"expected {name} [S, {n_epochs}, {n_names}], got shape {values.shape}")
    return np.where(np.isfinite(values), values, np.nan)


def checked_trust(name: str, trusted: ArrayLike, has_value: NDArray) -> NDArray:
    """Returns bool [S, E, L]: no point that has a value here is doubtful.

    So a mean over the seeds can be trusted where all of them are True.

    Args:
        name: of the argument, for the message.
        trusted: bool [S, E, L], or one bool for all points.
        has_value: bool [S, E, L], the points that count.
    """
    given = np.asarray(trusted)
    if given.dtype != np.bool_:
        raise ValueError(f"expected {name} bool, got {given.dtype}")
    if given.shape not in ((), has_value.shape):
        raise ValueError(f"expected {name} {list(has_value.shape)}, got shape {given.shape}")
    return given | ~has_value


def doubtful_stretches(trusted: NDArray) -> list[slice]:
    """Returns the stretches of a path that have a doubtful end in each of their steps; `trusted`
    [E] is of its points."""
    doubtful = np.concatenate([[False], ~(trusted[:-1] & trusted[1:]), [False]])
    edges = np.flatnonzero(np.diff(doubtful)).tolist()
    return [slice(start, stop + 1) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def mean_over_seeds(values: NDArray) -> NDArray:
    """Returns the mean over the finite seeds, [S, ...] -> [...]; NaN where there is none."""
    finite = np.isfinite(values)
    count = finite.sum(axis=0)
    total = np.where(finite, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def half_width(values: NDArray, level: float) -> NDArray:
    """Returns t * s / sqrt(n) over the n finite seeds, [S, ...] -> [...]; NaN where n < 2."""
    count = np.isfinite(values).sum(axis=0)
    freedom = np.maximum(count - 1, 1)
    # s^2 / n = (mean square) / (n - 1), the mean square being over n
    mean_square = mean_over_seeds((values - mean_over_seeds(values)) ** 2)
    widths = stdtrit(freedom, (1 + level) / 2) * np.sqrt(mean_square / freedom)
    return np.where(count > 1, widths, np.nan)


def seed_count(values: NDArray) -> str:
    """Returns how many seeds have every value that any seed has: "10 seeds", or "8 of 10 seeds
    finite"."""
    finite = np.isfinite(values)
    complete = (finite | ~finite.any(axis=0)).all(axis=(1, 2)) & finite.any()
    n_complete = int(complete.sum())
    noun = "seed" if len(values) == 1 else "seeds"
    if n_complete == len(values):
        return f"{n_complete} {noun}"
    return f"{n_complete} of {len(values)} {noun} finite"
