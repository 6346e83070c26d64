"""Findings on how the networks of Raj et al. 2020 learn: plateaus, overfitting, gradients, random
labels."""

import math

import numpy as np
from scipy import stats

from jaxbnn.analysis import trajectories
from jaxbnn.studies.intervals import WEAK, interval, judged, welch, words
from jaxbnn.studies.raj_2020.runs import (
    BNN,
    DNN,
    MNIST,
    RANDOM_BNN,
    RANDOM_DNN,
    curve,
    decades,
    falls,
)
from jaxbnn.studies.study import Finding, Run, Runs, Verdict

SETTLED = 10  # epochs after which running statistics no longer follow the untrained network
LOSS = 0.01  # nats: a mean that rises by less has not risen
MARGIN = 0.02  # nats: a loss this far below H(Y) has left the plateau of a network that knows the classes' sizes alone


def left_plateau(run: Run):
    """[S] epochs."""
    result = run.results[""]
    return trajectories.reached(
        result.epoch, result.train_loss, math.log(2) * float(result.h_y.mean()) - MARGIN
    )


def plateau(runs: Runs) -> Finding:
    """The median seed of every surrogate leaves the plateau after 20 epochs or more."""
    said, medians = [], []
    for label, name in BNN.items():
        left = np.sort(left_plateau(runs[name]))
        low, high = stats.binom.interval(0.95, len(left), 0.5)
        ends = left[max(int(low) - 1, 0)], left[min(int(high), len(left) - 1)]
        medians.append((float(np.median(left)), float(ends[0]), float(ends[1])))
        never = np.isinf(left).mean()
        quarters = np.quantile(left, [0.25, 0.75], method="nearest")
        said.append(
            f"{label}: median {medians[-1][0]:.0f} [{ends[0]:.0f}, {ends[1]:.0f}] epochs, quartiles {quarters[0]:.0f} "
            f"and {quarters[1]:.0f}, {100 * never:.0f} % of the seeds never leave it"
        )
    verdict: Verdict = "confirmed" if all(low >= 20 for _, low, _ in medians) else WEAK
    return Finding(
        "contradicted" if any(high < 20 for *_, high in medians) else verdict, "; ".join(said)
    )


def spread_on_plateau(runs: Runs) -> Finding:
    """The loss's spread over seeds is largest before the median seed leaves the plateau, for every
    surrogate."""
    rng, ratios, said = np.random.default_rng(0), [], []
    for label, name in BNN.items():
        result, left = runs[name].results[""], left_plateau(runs[name])
        early = result.epoch.values < np.median(left)
        late = ~early
        early &= result.epoch.values >= SETTLED
        if early.all() or early.sum() < 2:
            gone = int(np.isfinite(left).sum())
            return Finding(
                WEAK,
                f"{label}: {gone} of {len(left)} seeds leave the plateau, half of them at once or never",
            )
        draws = rng.integers(len(left), size=(1000, len(left)))
        logs = [
            _log_spread(result.train_loss.values, early, late, draw)
            for draw in (np.arange(len(left)), *draws)
        ]
        low, high = np.quantile(logs[1:], [0.025, 0.975])
        ratios.append((-logs[0], -high, -low))
        said.append(f"{label}: {np.exp(logs[0]):.2f} [{np.exp(low):.2f}, {np.exp(high):.2f}] x")
    return Finding(judged(ratios, 0.0), "; ".join(said))


def _log_spread(loss, early, late, seeds):
    deviation = loss[seeds].std(axis=0, ddof=1)
    return np.log(deviation[early].max() / deviation[late].max())


def no_overfitting(runs: Runs) -> Finding:
    """The test loss lies less than LOSS above the training loss at the end, for every surrogate."""
    gaps = {label: _gap(runs[name]) for label, name in BNN.items()}
    losses = {
        label: trajectories.rise(*curve(runs[name], "test_loss")) for label, name in BNN.items()
    }
    said = [
        f"{k}: {words(g, 3)} nat, test loss {words(losses[k].change, 3)} since its lowest"
        for k, g in gaps.items()
    ]
    return Finding(judged([interval(gap) for gap in gaps.values()], LOSS), "; ".join(said))


def _gap(run):
    """[S] how far the test loss lies above the training loss at the end, nats."""
    result = run.results[""]
    return trajectories.smooth(result.epoch, result.test_loss - result.train_loss)[:, -1]


def overfitting(runs: Runs) -> Finding:
    """Of tanh and hard-tanh the test loss rises near epoch 1000, and I(T;Y) of the last hidden
    layer falls on test."""
    verdicts, said = [], []
    for label in ("tanh", "hard-tanh"):
        run = runs[DNN[label]]
        loss = trajectories.rise(*curve(run, "test_loss"))
        lost = falls(run, "i_ty", "test")[-2]
        up, down = interval(loss.change), interval(lost.change)
        near = 300 <= loss.epoch <= 3000
        verdicts.append(
            "confirmed"
            if up[1] > LOSS and down[2] < -LOSS and near
            else "contradicted"
            if up[2] < LOSS
            else WEAK
        )
        said.append(
            f"{label}: test loss {words(loss.change, 3)} nat since epoch {loss.epoch}, I(T;Y) of the last hidden layer "
            f"on test data {words(lost.change, 3)} bit since epoch {lost.epoch}"
        )
    verdict = (
        verdicts[0]
        if len(set(verdicts)) == 1
        else "contradicted"
        if "contradicted" in verdicts
        else WEAK
    )
    return Finding(verdict, "; ".join(said))


def less_overfitting(runs: Runs) -> Finding:
    """The sign-swish network's test loss rises by less than that of each of the others."""
    rises = {
        label: trajectories.rise(*curve(runs[name], "test_loss")).change
        for label, name in DNN.items()
    }
    number = "; ".join(f"{label} {words(rise, 3)} nat" for label, rise in rises.items())
    differences = [welch(rises["sign-swish"], rises[other]) for other in ("tanh", "hard-tanh")]
    return Finding(judged(differences, 0.0), number)


def late_noise(runs: Runs) -> Finding:
    """The variance of every real network's gradient norm rises late by a factor of 2 or more."""
    rises = {
        label: trajectories.rise(*decades(runs[name], "gradient_norm_variance"))
        for label, name in DNN.items()
    }
    number = "; ".join(
        f"{k}: {words(c.change)} decades since epoch {c.epoch}" for k, c in rises.items()
    )
    return Finding(judged([interval(-c.change) for c in rises.values()], -math.log10(2)), number)


def one_scale(runs: Runs) -> Finding:
    """Mean and variance of the gradient norm stay within one decade, for every surrogate."""
    spans, said = [], []
    for label, name in BNN.items():
        for of in ("mean", "variance"):
            epoch, values = decades(runs[name], f"gradient_norm_{of}")
            smoothed = trajectories.smooth(epoch, values)
            spans.append(interval(np.ptp(smoothed, axis=1)))
            said.append(
                f"{label}, {of}: {spans[-1][0]:.2f} [{spans[-1][1]:.2f}, {spans[-1][2]:.2f}]"
            )
    return Finding(judged(spans, 1.0), "; ".join(said) + " decades")


def mnist_gradients(runs: Runs) -> Finding:
    """Mean and variance of the gradient norm both fall by a factor of 2 or more on MNIST."""
    run = runs[MNIST]
    found = {
        of: trajectories.fall(*decades(run, f"gradient_norm_{of}")) for of in ("mean", "variance")
    }
    number = "; ".join(
        f"{of}: {words(c.change)} decades since epoch {c.epoch}" for of, c in found.items()
    )
    return Finding(judged([interval(c.change) for c in found.values()], -math.log10(2)), number)


def random_accuracy(runs: Runs) -> Finding:
    """On random labels the real network's train accuracy rises, and the binary one's does not."""
    gains = {
        name: trajectories.rise(*curve(runs[name], "train_accuracy"))
        for name in (RANDOM_DNN, RANDOM_BNN)
    }
    number = "; ".join(f"{name}: {words(c.change, 3)}" for name, c in gains.items())
    real, binary = (interval(c.change) for c in gains.values())
    verdict: Verdict = "confirmed" if real[1] > 0.01 and binary[2] < 0.01 else WEAK
    verdict = "contradicted" if real[2] < 0.01 or binary[1] > 0.01 else verdict
    return Finding(verdict, number)


def real_gradients_noisy(runs: Runs) -> Finding:
    """On random labels the variance of the real network's gradient norm rises, as for
    `late_noise`."""
    change = trajectories.rise(*decades(runs[RANDOM_DNN], "gradient_norm_variance"))
    number = f"gradient variance {words(change.change)} decades since epoch {change.epoch}"
    return Finding(judged([interval(-change.change)], -math.log10(2)), number)
