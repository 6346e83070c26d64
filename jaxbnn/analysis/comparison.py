"""Are two runs' planes different? Over seeds, with bands that hold at all epochs and layers at
once."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MIN_SEEDS = 4  # a run, below which nothing is concluded
MIN_ERROR = 1e-5  # bits, of a standard error: values in float32 are no better
DRAWS = 2000
BLOCK = 2**22  # numbers of one block of relabelled means
ROUNDING = 1e-9  # relative: a relabelling that mirrors ours reaches our statistic


class Comparison(NamedTuple):
    """A minus B: the difference of the means over seeds, of one quantity."""

    epoch: np.ndarray  # [E] the epochs that both runs measured
    layer: tuple[str, ...]  # the L layers that both runs measured
    difference: np.ndarray  # [E, L] bits
    low: np.ndarray  # [E, L] bits, the simultaneous band
    high: np.ndarray  # [E, L] bits
    p: float  # of the largest standardised difference, over random relabellings of the seeds
    n_seeds: tuple[int, int]  # of A and B, those that diverged left out
    matched: bool  # seed by seed: both runs have the same seeds


def compare(a: Any, b: Any, quantity: str = "i_xt", level: float = 0.95) -> Comparison:
    """Compares two runs over the epochs and layers they share.

    t = (mean A - mean B) / sqrt(s_A^2/n_A + s_B^2/n_B) at each epoch and layer. The seeds are
    shuffled into groups of these sizes 2000 times; p = (1 + draws whose largest |t| reaches ours) /
    2001. The band is the difference -+ c times its standard error. For c each seed's distance from
    the mean of its own group gets a random sign, 2000 times: c is the `level` quantile of the
    largest |t|, and the band holds everywhere at once with about that probability (see
    benchmarks/levels.py).

    Where both runs have the same root seed they are compared seed by seed, over the seeds of both:
    t is that of the differences, whose signs are drawn for p, and of their distances from their
    mean for c.

    Layers that have no value in either run, and seeds that diverged, are left out. Sources:
    Westfall & Young 1993 (largest statistic); Welch 1947; Mammen 1993 (random signs).

    Args:
        a: an xarray.Dataset of a finished run, the one that is subtracted from.
        b: that of the other run.
        quantity: the name of a variable [seed, epoch, layer], in bits.
        level: of the simultaneous band, between 0 and 1.

    Returns:
        The differences [E, L] with their band and p-value.

    Raises:
        ValueError: where no epoch or layer is shared, the runs differ in estimator or sample, or a
            run has fewer than 4 seeds that did not diverge.
    """
    _check_same_measurement(a, b)
    epochs = np.intersect1d(a.epoch.values, b.epoch.values)
    layers = _shared_layers(a, b, quantity)
    if not epochs.size or not layers:
        raise ValueError(
            f"expected runs that share epochs and layers with {quantity}, got {len(epochs)}, "
            f"{len(layers)}"
        )
    chosen_a = a[quantity].sel(epoch=epochs, layer=list(layers))
    chosen_b = b[quantity].sel(epoch=epochs, layer=list(layers))
    matched = _are_matched(a, b)
    if matched:
        seeds = np.intersect1d(a.seed.values, b.seed.values)
        pairs = chosen_a.sel(seed=seeds).values - chosen_b.sel(seed=seeds).values
        pairs = _finite_seeds(pairs)
        sizes = len(pairs), len(pairs)
        _check_seeds(sizes)
        difference, half_width, p = _test_pairs(pairs, level)
    else:
        values_a = _finite_seeds(chosen_a.values)
        values_b = _finite_seeds(chosen_b.values)
        sizes = len(values_a), len(values_b)
        _check_seeds(sizes)
        difference, half_width, p = _test(np.concatenate([values_a, values_b]), sizes[0], level)
    low = difference - half_width
    high = difference + half_width
    return Comparison(epochs, layers, difference, low, high, p, sizes, matched)


def _are_matched(a: Any, b: Any) -> bool:
    """Whether the seeds of both runs are made from one root, and enough are in both."""
    roots = [run.attrs.get("root_seed") for run in (a, b)]
    shared = np.intersect1d(a.seed.values, b.seed.values)
    return None not in roots and roots[0] == roots[1] and len(shared) >= MIN_SEEDS


def _check_same_measurement(a: Any, b: Any) -> None:
    for name in ("estimator", "sample"):
        if a.attrs[name] != b.attrs[name]:
            raise ValueError(
                f"expected two runs measured alike, got {name} {a.attrs[name]!r} and "
                f"{b.attrs[name]!r}"
            )


def _check_seeds(sizes: tuple[int, int]) -> None:
    if min(sizes) < MIN_SEEDS:
        raise ValueError(
            f"expected {MIN_SEEDS} or more seeds in each run that did not diverge, got {sizes[0]} "
            f"and {sizes[1]}"
        )


def _shared_layers(a: Any, b: Any, quantity: str) -> tuple[str, ...]:
    """The layers of both runs, in A's order, that have some value in each."""
    shared = []
    for name in a.layer.values:
        if name not in b.layer.values:
            continue
        if _has_values(a, quantity, name) and _has_values(b, quantity, name):
            shared.append(str(name))
    return tuple(shared)


def _has_values(run: Any, quantity: str, layer: str) -> bool:
    return bool(np.isfinite(run[quantity].sel(layer=layer).values).any())


def _finite_seeds(values: NDArray) -> NDArray:
    """The seeds of [S, E, L] without a NaN, in float64."""
    return values[np.isfinite(values).all(axis=(1, 2))].astype(np.float64)


def _test(values: NDArray, n_a: int, level: float) -> tuple[NDArray, NDArray, float]:
    """Difference [E, L], half width of the band [E, L] and p; values [S, E, L], the first n_a of
    A."""
    shape = values.shape[1:]
    flat = values.reshape(len(values), -1)
    flat -= flat.mean(axis=0)  # sums of squares of what is left lose no digits
    in_a = np.arange(len(flat)) < n_a
    difference, error = _standardised(flat, in_a[None])
    largest = np.abs(difference / error).max()
    p = _share_reached(_largest_relabelled(flat, n_a), largest)
    centred = flat.copy()
    for group in (in_a, ~in_a):
        centred[group] -= centred[group].mean(axis=0)

    def statistic(signs: NDArray) -> NDArray:
        between, spread = _standardised(signs * centred, in_a[None])
        return np.abs(between / spread).max()

    half_width = np.quantile(_with_signs(statistic, len(flat)), level) * error
    return difference.reshape(shape), half_width.reshape(shape), p


def _test_pairs(pairs: NDArray, level: float) -> tuple[NDArray, NDArray, float]:
    """As `_test`, of the differences of each seed [S, E, L]."""
    shape = pairs.shape[1:]
    flat = pairs.reshape(len(pairs), -1)
    difference, error = _of_pairs(flat)
    largest = np.abs(difference / error).max()
    centred = flat - difference

    def of_signs(values: NDArray, signs: NDArray) -> NDArray:
        mean, spread = _of_pairs(signs * values)
        return np.abs(mean / spread).max()

    p = _share_reached(_with_signs(partial(of_signs, flat), len(flat)), largest)
    c = np.quantile(_with_signs(partial(of_signs, centred), len(flat)), level)
    return difference.reshape(shape), (c * error).reshape(shape), p


def _of_pairs(flat: NDArray) -> tuple[NDArray, NDArray]:
    """The mean of [S, P] and its standard error, [P]."""
    error = flat.std(axis=0, ddof=1) / np.sqrt(len(flat))
    return flat.mean(axis=0), np.maximum(error, MIN_ERROR)


def _with_signs(statistic: Callable[[NDArray], NDArray], n_seeds: int) -> NDArray:
    """The statistic under DRAWS random signs of the seeds [S, 1]; the same ones every time."""
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(DRAWS):
        drawn.append(statistic(rng.choice([-1.0, 1.0], (n_seeds, 1))))
    return np.array(drawn)


def _share_reached(drawn: NDArray, largest: float) -> float:
    """(1 + draws that reach ours) / (1 + DRAWS)."""
    return float((1 + np.sum(drawn >= largest * (1 - ROUNDING))) / (1 + DRAWS))


def _standardised(values: NDArray, in_a: NDArray) -> tuple[NDArray, NDArray]:
    """Differences of means and their standard errors [R, P], of R ways to label the seeds.

    values: [S, P] of mean 0; in_a: bool [R, S], the seeds labelled A.
    """
    n_a = in_a.sum(axis=1, keepdims=True)
    n_b = values.shape[0] - n_a
    labels = in_a.astype(np.float64)
    sum_a = labels @ values
    squares_a = labels @ values**2
    sum_b = values.sum(axis=0) - sum_a
    squares_b = (values**2).sum(axis=0) - squares_a
    mean_a = sum_a / n_a
    mean_b = sum_b / n_b
    variance_a = (squares_a / n_a - mean_a**2) / (n_a - 1)  # of the mean
    variance_b = (squares_b / n_b - mean_b**2) / (n_b - 1)
    error = np.sqrt(np.maximum(variance_a + variance_b, 0))
    return mean_a - mean_b, np.maximum(error, MIN_ERROR)


def _largest_relabelled(values: NDArray, n_a: int) -> NDArray:
    """The largest |t| of each of DRAWS relabellings [DRAWS]; the same random numbers every time."""
    rng = np.random.default_rng(0)
    block = max(1, BLOCK // values.shape[1])
    largest = []
    for start in range(0, DRAWS, block):
        n_draws = min(block, DRAWS - start)
        order = rng.random((n_draws, len(values))).argsort(axis=1)
        difference, error = _standardised(values, order < n_a)
        largest.append(np.abs(difference / error).max(axis=1))
    return np.concatenate(largest)
