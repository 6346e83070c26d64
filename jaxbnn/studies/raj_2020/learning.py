"""Findings on how the networks of Raj et al. 2020 learn: plateaus, overfitting, random labels."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from jaxbnn.analysis import trajectories
from jaxbnn.analysis.trajectories import Change
from jaxbnn.studies.intervals import (
    WEAK,
    Interval,
    interval_text,
    mean_interval,
    median_interval,
    verdict_below,
    welch_interval,
)
from jaxbnn.studies.raj_2020.runs import BNN, DNN, RANDOM_BNN, RANDOM_DNN, curve, layer_falls
from jaxbnn.studies.study import Finding, Run, Runs, Verdict

SETTLED = 10  # epochs after which running statistics no longer follow the untrained network
MIN_EPOCHS = 20  # of a plateau
MIN_CHANGE = 0.01  # nats, bits or share: a mean that changes by less has not changed
# Nats: a loss this far below H(Y) has left the plateau of a network that knows the classes' sizes
# alone.
MARGIN = 0.02
OVERFITTING_EPOCHS = (300, 3000)  # near epoch 1000
DRAWS = 1000


def epochs_on_plateau(run: Run) -> NDArray:
    """The first measured epoch at which each seed's training loss is MARGIN below H(Y).

    Args:
        run: a finished run.

    Returns:
        [S] epochs; infinity for a seed that never leaves the plateau.
    """
    result = run.results[""]
    level = math.log(2) * float(result.h_y.mean()) - MARGIN
    return trajectories.first_epoch_below(result.epoch, result.train_loss, level)


def quartiles(epochs: NDArray) -> tuple[float, float]:
    """The lower and the upper quartile of [S] epochs, each one of them."""
    lower, upper = np.quantile(epochs, [0.25, 0.75], method="nearest")
    return float(lower), float(upper)


def plateau(runs: Runs) -> Finding:
    """The median seed of every surrogate leaves the plateau after 20 epochs or more."""
    medians = []
    parts = []
    for label, name in BNN.items():
        left = epochs_on_plateau(runs[name])
        medians.append(median_interval(left))
        parts.append(f"{label}: {_plateau_text(left)}")
    verdict: Verdict = WEAK
    if all(median.low >= MIN_EPOCHS for median in medians):
        verdict = "confirmed"
    if any(median.high < MIN_EPOCHS for median in medians):
        verdict = "contradicted"
    return Finding(verdict, "; ".join(parts))


def _plateau_text(left: NDArray) -> str:
    """When [S] seeds leave the plateau, in words."""
    median, low, high = median_interval(left)
    lower, upper = quartiles(left)
    never = 100 * np.isinf(left).mean()
    return (
        f"median {median:.0f} [{low:.0f}, {high:.0f}] epochs, quartiles {lower:.0f} and "
        f"{upper:.0f}, {never:.0f} % of the seeds never leave it"
    )


def spread_on_plateau(runs: Runs) -> Finding:
    """The loss's spread over seeds is largest before the median seed leaves the plateau, for every
    surrogate."""
    rng = np.random.default_rng(0)
    ratios = []
    parts = []
    for label, name in BNN.items():
        result = runs[name].results[""]
        left = epochs_on_plateau(runs[name])
        on_plateau = result.epoch.values < np.median(left)
        early = on_plateau & (result.epoch.values >= SETTLED)
        if early.all() or early.sum() < 2:
            n_left = int(np.isfinite(left).sum())
            return Finding(
                WEAK,
                f"{label}: {n_left} of {len(left)} seeds leave the plateau, half of them at once "
                "or never",
            )
        ratio, low, high = _log_spread(result.train_loss.values, early, ~on_plateau, rng)
        ratios.append(Interval(-ratio, -high, -low))
        parts.append(f"{label}: {np.exp(ratio):.2f} [{np.exp(low):.2f}, {np.exp(high):.2f}] x")
    return Finding(verdict_below(ratios, 0.0), "; ".join(parts))


def _log_spread(loss: NDArray, early: NDArray, late: NDArray, rng: np.random.Generator) -> Interval:
    """log of the largest standard deviation over seeds early, over the largest late; bootstrap.

    loss [S, E]; early, late: bool [E].
    """

    def log_ratio(seeds: NDArray) -> float:
        deviation = loss[seeds].std(axis=0, ddof=1)
        return np.log(deviation[early].max() / deviation[late].max())

    seeds = np.arange(len(loss))
    drawn = stats.bootstrap(
        (seeds,), log_ratio, n_resamples=DRAWS, vectorized=False, method="percentile", rng=rng
    )
    low, high = drawn.confidence_interval
    return Interval(log_ratio(seeds), float(low), float(high))


def no_overfitting(runs: Runs) -> Finding:
    """The test loss lies less than MIN_CHANGE above the training loss at the end, for every
    surrogate."""
    intervals = []
    parts = []
    for label, name in BNN.items():
        gap = _loss_gap(runs[name])
        rise = _loss_rise(runs[name])
        intervals.append(mean_interval(gap))
        parts.append(
            f"{label}: {interval_text(gap, 3)} nat, test loss {interval_text(rise.change, 3)} "
            "since its lowest"
        )
    return Finding(verdict_below(intervals, MIN_CHANGE), "; ".join(parts))


def _loss_gap(run: Run) -> NDArray:
    """How far the test loss lies above the training loss at the end, [S] nats."""
    result = run.results[""]
    return trajectories.smooth(result.epoch, result.test_loss - result.train_loss)[:, -1]


def _loss_rise(run: Run) -> Change:
    """How far the test loss rises since its minimum, nats."""
    return trajectories.change_since_minimum(*curve(run, "test_loss"))


def overfitting(runs: Runs) -> Finding:
    """Of tanh and hard-tanh the test loss rises near epoch 1000, and I(T;Y) of the last hidden
    layer falls on test."""
    verdicts: list[Verdict] = []
    parts = []
    for label in ("tanh", "hard-tanh"):
        rise = _loss_rise(runs[DNN[label]])
        fall = layer_falls(runs[DNN[label]], "i_ty", "test")[-2]
        verdicts.append(_overfitting_verdict(rise, fall))
        parts.append(
            f"{label}: test loss {interval_text(rise.change, 3)} nat since epoch {rise.epoch}, "
            f"I(T;Y) of the last hidden layer on test data {interval_text(fall.change, 3)} bit "
            f"since epoch {fall.epoch}"
        )
    verdict: Verdict = WEAK
    if len(set(verdicts)) == 1:
        verdict = verdicts[0]
    elif "contradicted" in verdicts:
        verdict = "contradicted"
    return Finding(verdict, "; ".join(parts))


def _overfitting_verdict(rise: Change, fall: Change) -> Verdict:
    """Of one network: the rise of its test loss, and the fall of I(T;Y)."""
    first, last = OVERFITTING_EPOCHS
    loss = mean_interval(rise.change)
    i_ty = mean_interval(fall.change)
    is_near = first <= rise.epoch <= last
    if loss.low > MIN_CHANGE and i_ty.high < -MIN_CHANGE and is_near:
        return "confirmed"
    return "contradicted" if loss.high < MIN_CHANGE else WEAK


def less_overfitting(runs: Runs) -> Finding:
    """The sign-swish network's test loss rises by less than that of each of the others."""
    rises = {label: _loss_rise(runs[name]).change for label, name in DNN.items()}
    parts = [f"{label} {interval_text(rise, 3)} nat" for label, rise in rises.items()]
    swish = rises["sign-swish"]
    differences = [welch_interval(swish, rises[other]) for other in ("tanh", "hard-tanh")]
    return Finding(verdict_below(differences, 0.0), "; ".join(parts))


def random_accuracy(runs: Runs) -> Finding:
    """On random labels the real network's train accuracy rises, and the binary one's does not."""
    parts = []
    gains = []
    for name in (RANDOM_DNN, RANDOM_BNN):
        gain = trajectories.change_since_minimum(*curve(runs[name], "train_accuracy"))
        parts.append(f"{name}: {interval_text(gain.change, 3)}")
        gains.append(mean_interval(gain.change))
    real, binary = gains
    verdict: Verdict = WEAK
    if real.low > MIN_CHANGE and binary.high < MIN_CHANGE:
        verdict = "confirmed"
    if real.high < MIN_CHANGE or binary.low > MIN_CHANGE:
        verdict = "contradicted"
    return Finding(verdict, "; ".join(parts))
