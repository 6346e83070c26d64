"""The finding on a hypothesis of Raj et al. 2020, that binary networks resist small changes:
flipped input bits."""

import math

import jax
import numpy as np
from scipy import stats

from jaxbnn import data
from jaxbnn.studies.intervals import judged
from jaxbnn.studies.raj_2020.runs import BNN
from jaxbnn.studies.study import Finding, Run, Runs


def flipped_outputs(run: Run) -> np.ndarray:
    """[S] the share of the inputs and of their 12 bits whose flip changes the predicted class, over
    all inputs."""
    split, model = data.load(run.experiment.data), run.experiment.model
    x = np.concatenate([split.train.x, split.test.x])
    low, high = x.min(), x.max()

    @jax.jit
    def classes(variables, x):
        logits, _ = model.apply(variables, x, train=False)
        return logits.argmax(axis=1)

    shares = []
    for variables in run.networks().values():
        before = np.asarray(classes(variables, x))
        flipped = (
            np.where(np.arange(x.shape[1]) == d, low + high - x, x) for d in range(x.shape[1])
        )
        shares.append(np.mean([np.asarray(classes(variables, each)) != before for each in flipped]))
    return np.asarray(shares)


def resists_flips(runs: Runs) -> Finding:
    """The share of outputs that a flipped bit changes rises with H(T) over seeds: by rank
    correlation."""
    said, found = [], []
    for label, name in BNN.items():
        shares, cube = flipped_outputs(runs[name]), runs[name].results["cube"]
        for layer in ("hidden_1", str(cube.layer.values[-2])):
            h_t = cube.h_t.sel(layer=layer).values[:, -1]
            rho = max(-1 + 1e-9, min(1 - 1e-9, float(stats.spearmanr(shares, h_t)[0])))
            reach = 1.96 / math.sqrt(max(len(shares) - 3, 1))
            low, high = (math.tanh(math.atanh(rho) + s * reach) for s in (-1, 1))
            found.append((-rho, -high, -low))
            said.append(f"{label}, {layer}: rank correlation {rho:+.2f} [{low:+.2f}, {high:+.2f}]")
        said[-1] += f" ({100 * shares.mean():.1f} % of the outputs change)"
    return Finding(judged(found, 0.0), "; ".join(said))
