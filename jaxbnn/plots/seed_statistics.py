"""Arrays over seeds: what is accepted, means and intervals over the finite seeds, and where a path
can be trusted."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from jaxbnn.plots.axes import MARKERS


def checked(
    epoch: ArrayLike, names: Sequence[str], **arrays: ArrayLike
) -> tuple[NDArray, list[NDArray]]:
    """Returns epoch [E] and each array [S, E, L] in float64, with NaN for every value that is not
    finite."""
    epochs = np.asarray(epoch)
    if epochs.ndim != 1 or epochs.size == 0 or epochs[0] < 0 or np.any(np.diff(epochs) <= 0):
        raise ValueError(
            f"expected epoch [E] rising from 0 or later, got shape {epochs.shape}: {epochs.ravel()[:4]}"
        )
    if not 0 < len(names) <= len(MARKERS):
        raise ValueError(f"expected 1 to {len(MARKERS)} names, one marker each, got {len(names)}")
    values = [np.asarray(array, dtype=np.float64) for array in arrays.values()]
    for name, value in zip(arrays, values, strict=True):
        if value.size == 0 or value.shape[1:] != (epochs.size, len(names)):
            raise ValueError(
                f"expected {name} [S, {epochs.size}, {len(names)}], got shape {value.shape}"
            )
        if len(value) != len(values[0]):
            raise ValueError(
                f"expected {name} of {len(values[0])} seeds like the others, got {len(value)}"
            )
    return epochs, [np.where(np.isfinite(value), value, np.nan) for value in values]


def trust(name: str, trusted: ArrayLike, counts: NDArray) -> NDArray:
    """Returns bool [S, E, L]: no point that counts there is doubtful; `counts` [S, E, L] is what
    has a value.

    So a mean over the seeds can be trusted where all of them are True. One bool is of every point.
    """
    given = np.asarray(trusted)
    if given.dtype != np.bool_:
        raise ValueError(f"expected {name} bool, got {given.dtype}")
    if given.shape not in ((), counts.shape):
        raise ValueError(f"expected {name} {list(counts.shape)}, got shape {given.shape}")
    return given | ~counts


def doubtful_stretches(sure: NDArray) -> list[slice]:
    """Returns the stretches of a path that have a doubtful end in each of their steps; `sure` [E]
    is of its points."""
    doubtful = np.concatenate([[False], ~(sure[:-1] & sure[1:]), [False]])
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
    spread = mean_over_seeds((values - mean_over_seeds(values)) ** 2)
    reach = stdtrit(freedom, (1 + level) / 2) * np.sqrt(spread / freedom)
    return np.where(count > 1, reach, np.nan)


def seed_count(values: NDArray) -> str:
    """Returns how many seeds have every value that any seed has: "10 seeds", or "8 of 10 seeds
    finite"."""
    finite = np.isfinite(values)
    whole = int(((finite | ~finite.any(axis=0)).all(axis=(1, 2)) & finite.any()).sum())
    noun = "seed" if len(values) == 1 else "seeds"
    return f"{whole} {noun}" if whole == len(values) else f"{whole} of {len(values)} {noun} finite"
