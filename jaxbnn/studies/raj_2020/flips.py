"""The finding on a hypothesis of Raj et al. 2020, that binary networks resist small changes:
flipped input bits."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from jaxbnn import data
from jaxbnn.studies.intervals import Interval, rank_correlation_interval, verdict_below
from jaxbnn.studies.raj_2020.runs import BNN
from jaxbnn.studies.study import Finding, Run, Runs


def flipped_outputs(run: Run) -> NDArray:
    """The share of the inputs and of their 12 bits whose flip changes the predicted class.

    Args:
        run: of networks on inputs of two values, over all of which it is taken.

    Returns:
        [S], in 0 .. 1.
    """
    split = data.load(run.experiment.data)
    model = run.experiment.model
    x = np.concatenate([split.train.x, split.test.x])

    @jax.jit
    def classes(variables: Any, x: Any) -> Any:
        logits, _ = model.apply(variables, x, train=False)
        return logits.argmax(axis=1)

    shares = [_changed_share(classes, variables, x) for variables in run.networks().values()]
    return np.asarray(shares)


def _changed_share(classes: Callable, variables: Any, x: NDArray) -> float:
    """The share of inputs [N, D] and of their bits whose flip changes the class."""
    before = np.asarray(classes(variables, x))
    bits = np.arange(x.shape[1])
    flipped = x.min() + x.max() - x
    shares = []
    for bit in bits:
        after = np.asarray(classes(variables, np.where(bits == bit, flipped, x)))
        shares.append(np.mean(after != before))
    return float(np.mean(shares))


def resists_flips(runs: Runs) -> Finding:
    """The share of outputs that a flipped bit changes rises with H(T) over seeds: by rank
    correlation."""
    intervals = []
    parts = []
    for label, name in BNN.items():
        shares = flipped_outputs(runs[name])
        cube = runs[name].results["cube"]
        for layer in ("hidden_1", str(cube.layer.values[-2])):
            h_t = cube.h_t.sel(layer=layer).values[:, -1]
            rho, low, high = rank_correlation_interval(shares, h_t)
            intervals.append(Interval(-rho, -high, -low))
            text = "undefined"
            if np.isfinite(rho):
                text = f"{rho:+.2f} [{low:+.2f}, {high:+.2f}]"
            parts.append(f"{label}, {layer}: rank correlation {text}")
        parts[-1] += f" ({100 * shares.mean():.1f} % of the outputs change)"
    return Finding(verdict_below(intervals, 0.0), "; ".join(parts))
