"""Are two runs' planes different? Over seeds, with bands that hold at all epochs and layers at
once."""

from typing import NamedTuple

import numpy as np

FEWEST = 4  # seeds a run, below which nothing is said
FLOOR = 1e-5  # bits, a standard error at least: values in float32 are no better
DRAWS = 2000
BLOCK = 2**22  # numbers of one block of relabelled means


class Comparison(NamedTuple):
    """A minus B: the difference of the means over seeds, of one quantity."""

    epoch: np.ndarray  # [E] the epochs that both runs measured
    layer: tuple[str, ...]  # the L layers that both runs measured
    difference: np.ndarray  # [E, L] bits
    low: np.ndarray  # [E, L] bits, the simultaneous band
    high: np.ndarray  # [E, L] bits
    p: float  # of the largest standardised difference, over random relabellings of the seeds
    n_seeds: tuple[int, int]  # of A and B, those that diverged left out


def compare(a, b, quantity: str = "i_xt", level: float = 0.95) -> Comparison:
    """Compares two runs over the epochs and layers they share; a, b: results as `store.read_result`
    gives them.

    t = (mean A - mean B) / sqrt(s_A^2/n_A + s_B^2/n_B) at each epoch and layer. Seeds are dealt
    anew into groups of these sizes 2000 times; p = (1 + draws whose largest |t| reaches ours) /
    2001, and the band is the difference -+ c times its standard error, c the `level` quantile of
    the largest |t|: it holds everywhere at once with that probability. Layers that have no value in
    either run, and seeds that diverged, are left out. ValueError where nothing is shared, the runs
    were not measured alike, or a run has fewer than 4 seeds. Sources: Westfall & Young 1993
    (largest statistic); Welch 1947.
    """
    _check_alike(a, b)
    epochs = np.intersect1d(a.epoch.values, b.epoch.values)
    layers = tuple(
        str(name)
        for name in a.layer.values
        if name in b.layer.values and _is_known(name, quantity, a, b)
    )
    if not epochs.size or not layers:
        raise ValueError(
            f"expected runs that share epochs and layers with {quantity}, got {len(epochs)}, {len(layers)}"
        )
    values = [
        _finite(each[quantity].sel(epoch=epochs, layer=list(layers)).values) for each in (a, b)
    ]
    sizes = len(values[0]), len(values[1])
    if min(sizes) < FEWEST:
        raise ValueError(
            f"expected {FEWEST} or more seeds in each run that did not diverge, got {sizes[0]} and {sizes[1]}"
        )
    together = np.concatenate(values).reshape(sum(sizes), -1)
    together -= together.mean(axis=0)  # sums of squares of what is left lose no digits
    difference, error = _standardised(together, np.arange(sum(sizes))[None] < sizes[0])
    largest = _largest_of_draws(together, sizes[0])
    p = (1 + np.sum(largest >= np.abs(difference / error).max() * (1 - 1e-9))) / (1 + DRAWS)
    reach = np.quantile(largest, level) * error
    difference, reach = (v.reshape(len(epochs), len(layers)) for v in (difference, reach))
    return Comparison(
        epochs, layers, difference, difference - reach, difference + reach, float(p), sizes
    )


def _check_alike(a, b):
    for name in ("estimator", "sample"):
        if a.attrs[name] != b.attrs[name]:
            raise ValueError(
                f"expected two runs measured alike, got {name} {a.attrs[name]!r} and {b.attrs[name]!r}"
            )


def _is_known(name, quantity, *runs):
    return all(np.isfinite(run[quantity].sel(layer=name).values).any() for run in runs)


def _finite(values):
    """The seeds [S, E, L] without a NaN, in float64."""
    return values[np.isfinite(values).all(axis=(1, 2))].astype(np.float64)


def _standardised(values, first):
    """Differences of means and their standard errors [R, P]; values [S, P] of mean 0, first [R, S]:
    who is in A."""
    total, squares = values.sum(axis=0), (values**2).sum(axis=0)
    n_a = first.sum(axis=1, keepdims=True)
    n_b = values.shape[0] - n_a
    mask = first.astype(np.float64)
    sum_a, squares_a = mask @ values, mask @ values**2
    mean_a, mean_b = sum_a / n_a, (total - sum_a) / n_b
    spread_a = (squares_a / n_a - mean_a**2) / (n_a - 1)
    spread_b = ((squares - squares_a) / n_b - mean_b**2) / (n_b - 1)
    return mean_a - mean_b, np.maximum(np.sqrt(np.maximum(spread_a + spread_b, 0)), FLOOR)


def _largest_of_draws(values, n_a):
    """The largest |t| of each of DRAWS relabellings [DRAWS]; the same random numbers every time."""
    rng, n = np.random.default_rng(0), len(values)
    found, at_once = [], max(1, BLOCK // values.shape[1])
    for start in range(0, DRAWS, at_once):
        order = rng.random((min(at_once, DRAWS - start), n)).argsort(axis=1)
        difference, error = _standardised(values, order < n_a)
        found.append(np.abs(difference / error).max(axis=1))
    return np.concatenate(found)
