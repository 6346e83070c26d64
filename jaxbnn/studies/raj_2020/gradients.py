"""Findings on the gradients of Raj et al. 2020: mean and variance of their norm over epochs."""

import math

import numpy as np

from jaxbnn.analysis import trajectories
from jaxbnn.studies.intervals import interval_text, mean_interval, verdict_below
from jaxbnn.studies.raj_2020.runs import BNN, DNN, MNIST, RANDOM_DNN, decades
from jaxbnn.studies.study import Finding, Runs

MEAN = "gradient_norm_mean"
VARIANCE = "gradient_norm_variance"
NAMES = {"mean": MEAN, "variance": VARIANCE}
FACTOR_2 = math.log10(2)  # decades: a change by a smaller factor is none
ONE_SCALE = 1.0  # decades


def late_noise(runs: Runs) -> Finding:
    """The variance of every real network's gradient norm rises late by a factor of 2 or more."""
    intervals = []
    parts = []
    for label, name in DNN.items():
        rise = trajectories.change_since_minimum(*decades(runs[name], VARIANCE))
        intervals.append(mean_interval(-rise.change))
        parts.append(f"{label}: {interval_text(rise.change)} decades since epoch {rise.epoch}")
    return Finding(verdict_below(intervals, -FACTOR_2), "; ".join(parts))


def one_scale(runs: Runs) -> Finding:
    """Mean and variance of the gradient norm stay within one decade, for every surrogate."""
    spans = []
    parts = []
    for label, name in BNN.items():
        for statistic, variable in NAMES.items():
            smoothed = trajectories.smooth(*decades(runs[name], variable))
            mean, low, high = mean_interval(np.ptp(smoothed, axis=1))
            spans.append((mean, low, high))
            parts.append(f"{label}, {statistic}: {mean:.2f} [{low:.2f}, {high:.2f}]")
    return Finding(verdict_below(spans, ONE_SCALE), "; ".join(parts) + " decades")


def mnist_gradients(runs: Runs) -> Finding:
    """Mean and variance of the gradient norm both fall by a factor of 2 or more on MNIST."""
    intervals = []
    parts = []
    for statistic, variable in NAMES.items():
        fall = trajectories.change_since_maximum(*decades(runs[MNIST], variable))
        intervals.append(mean_interval(fall.change))
        parts.append(f"{statistic}: {interval_text(fall.change)} decades since epoch {fall.epoch}")
    return Finding(verdict_below(intervals, -FACTOR_2), "; ".join(parts))


def real_gradients_noisy(runs: Runs) -> Finding:
    """On random labels the variance of the real network's gradient norm rises, as for
    `late_noise`."""
    rise = trajectories.change_since_minimum(*decades(runs[RANDOM_DNN], VARIANCE))
    number = f"gradient variance {interval_text(rise.change)} decades since epoch {rise.epoch}"
    return Finding(verdict_below([mean_interval(-rise.change)], -FACTOR_2), number)
