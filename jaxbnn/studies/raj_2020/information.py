"""Findings on the information planes of Raj et al. 2020: what I(X;T) and I(T;Y) of a layer do over
epochs."""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxbnn.analysis import comparison, trajectories
from jaxbnn.analysis.comparison import Comparison
from jaxbnn.analysis.trajectories import Change
from jaxbnn.studies.intervals import (
    WEAK,
    interval_text,
    mean_interval,
    verdict_below,
    welch_interval,
)
from jaxbnn.studies.raj_2020.runs import (
    BNN,
    BOARDS,
    HIDDEN,
    LAST_HIDDEN,
    MIN_FALL,
    MNIST,
    RANDOM_BNN,
    changes_text,
    if_trusted,
    layer_falls,
)
from jaxbnn.studies.study import Finding, Run, Runs, Verdict

Judge = Callable[[Runs], Finding]

FITTED = 0.9  # of the gain of I(T;Y): fitting is over
ROUNDING = 1e-4  # bits by which two exact values of one layer may differ
# What the first layer is seen through -> (probe, layer).
PROBES = {
    "the dense layer, exact": ("first_dense", "dense_1"),
    "after BatchNorm, exact": ("first_norm", "norm_1"),
    "after BatchNorm, 30 bins on its own range": ("first_norm_range", "norm_1"),
    "after BatchNorm, 30 bins on [-1, 1]": ("norms", "norm_1"),
    "after the sign, exact": ("", "hidden_1"),
}
RISE_AND_RETURN = ("rises", "falls")


def no_compression(names: dict[str, str]) -> Judge:
    """No hidden layer's I(X;T) falls.

    Args:
        names: label -> experiment.
    """

    def judge(runs: Runs) -> Finding:
        intervals = []
        falls = []
        late_falls = []
        for label, name in names.items():
            run = runs[name]
            changes = layer_falls(run)[HIDDEN]
            intervals += [mean_interval(-change.change) for change in changes]
            layers = run.results[""].layer.values[HIDDEN]
            falls.append(f"{label}: {changes_text(changes, layers)}")
            late_falls.append(f"{label}: {falls_after_fitting(run)}")
        number = f"{'; '.join(falls)} bit. Of it after fitting: {'; '.join(late_falls)}"
        return Finding(verdict_below(intervals, MIN_FALL), number)

    return judge


def falls_after_fitting(run: Run) -> str:
    """How far I(X;T) of each hidden layer falls once the seed mean of its I(T;Y) has 90 % of its
    gain, in words."""
    result = run.results[""]
    parts = []
    for i, layer in enumerate(result.layer.values[HIDDEN]):
        fitted = _fitted_epoch(trajectories.smooth(result.epoch, result.i_ty[..., i]))
        i_xt = trajectories.smooth(result.epoch, result.i_xt[..., i])
        fall = interval_text(i_xt[:, -1] - i_xt[:, fitted])
        parts.append(f"{layer} {fall} (from epoch {int(result.epoch[fitted])})")
    return ", ".join(parts)


def _fitted_epoch(i_ty: NDArray) -> int:
    """The number of the measured epoch at which the seed mean of [S, E] has 90 % of its gain."""
    mean = np.nanmean(i_ty, axis=0)
    threshold = mean[0] + FITTED * (mean.max() - mean[0])
    return int(np.argmax(mean >= threshold))


def starts_low(names: dict[str, str]) -> Judge:
    """The untrained I(X;T) of each hidden layer is less than half of its largest seed mean.

    Args:
        names: label -> experiment.
    """

    def judge(runs: Runs) -> Finding:
        shares = []
        parts = []
        for label, name in names.items():
            layer_shares = [mean_interval(share) for share in _untrained_shares(runs[name])]
            shares += layer_shares
            texts = [f"{mean:.2f} [{low:.2f}, {high:.2f}]" for mean, low, high in layer_shares]
            parts.append(f"{label}: {', '.join(texts)}")
        number = "; ".join(parts) + " of the largest, hidden_1 to the last"
        return Finding(verdict_below(shares, 0.5), number)

    return judge


def _untrained_shares(run: Run) -> list[NDArray]:
    """The untrained I(X;T) [S] of each hidden layer over its largest seed mean."""
    start = run.results[""].i_xt.values[:, 0, HIDDEN]
    shares = []
    for i, fall in enumerate(layer_falls(run)[HIDDEN]):
        shares.append(start[:, i] / float(np.mean(fall.extreme)))
    return shares


def mnist_compression(runs: Runs) -> Finding:
    """Every hidden layer's I(X;T) falls on MNIST."""
    run = runs[MNIST]
    changes = layer_falls(run)[HIDDEN]
    verdict = verdict_below([mean_interval(change.change) for change in changes], -MIN_FALL)
    number = changes_text(changes, run.results[""].layer.values[HIDDEN]) + " bit"
    return if_trusted(Finding(verdict, number), run, ("xt",))


def more_than_on_szt(runs: Runs) -> Finding:
    """The hidden layer whose I(X;T) falls most falls further on MNIST than on SZT."""
    on_mnist = _largest_fall(runs[MNIST])
    on_szt = _largest_fall(runs[BNN["STE"]])
    number = (
        f"the layer that falls most: MNIST {interval_text(on_mnist)}, "
        f"SZT {interval_text(on_szt)} bit"
    )
    verdict = verdict_below([welch_interval(on_mnist, on_szt)], 0.0)
    return if_trusted(Finding(verdict, number), runs[MNIST], ("xt",))


def _largest_fall(run: Run) -> NDArray:
    """The change [S] of the hidden layer whose I(X;T) falls most."""
    changes = [fall.change for fall in layer_falls(run)[HIDDEN]]
    return min(changes, key=np.mean)


def softmax_stays(runs: Runs) -> Finding:
    """The output's I(X;T) falls by less than MIN_FALL on MNIST."""
    fall = layer_falls(runs[MNIST])[-1]
    number = f"{interval_text(fall.change)} bit since epoch {fall.epoch}"
    return Finding(verdict_below([mean_interval(-fall.change)], MIN_FALL), number)


def around_the_norm(run: Run, i: int) -> dict[str, NDArray]:
    """I(T;Y) of the first layer seen in five ways.

    Args:
        run: of a binary network on SZT, with all its probes.
        i: the number of a measured epoch.

    Returns:
        What it is seen through -> [S] bits.
    """
    seen = {}
    for name, (group, layer) in PROBES.items():
        seen[name] = run.results[group].i_ty.sel(layer=layer).values[:, i]
    return seen


def batch_norm_loses(runs: Runs) -> Finding:
    """The trained first layer's I(T;Y), counted exactly, is smaller after its BatchNorm than
    before."""
    run = runs[BNN["STE"]]
    untrained = around_the_norm(run, 0)
    trained = around_the_norm(run, -1)
    dense, norm, *_ = trained.values()
    number = f"untrained: {_means_text(untrained)}; trained: {_means_text(trained)} bit"
    return Finding(verdict_below([mean_interval(norm - dense)], -ROUNDING), number)


def _means_text(seen: dict[str, NDArray]) -> str:
    return ", ".join(f"{name} {mean_interval(values).mean:.3f}" for name, values in seen.items())


class BandDifference(NamedTuple):
    """How far I(X;T) of two runs differs by its simultaneous band, anywhere."""

    least: float  # bits: it surely differs by this much at some epoch and layer
    most: float  # bits: it differs by no more at any
    text: str  # the place where the band is farthest from 0


def difference(run: Run, other: Run) -> BandDifference:
    """How far I(X;T) of two runs differs at least, and at most, at some epoch and layer.

    The words name the place where the band is farthest from 0, or the largest difference where it
    always holds 0.

    Args:
        run: a finished run.
        other: what is subtracted from it.
    """
    compared = comparison.compare(run.results[""], other.results[""], "i_xt")
    least = np.maximum(np.maximum(compared.low, -compared.high), 0)
    most = np.maximum(np.abs(compared.low), np.abs(compared.high))
    farthest = least if least.any() else np.abs(compared.difference)
    position = np.unravel_index(farthest.argmax(), farthest.shape)
    text = _place_text(compared, *position)
    return BandDifference(float(least.max()), float(most.max()), text)


def _place_text(compared: Comparison, epoch: Any, layer: Any) -> str:
    """The difference and its band at measured epoch and layer of these numbers, in words."""
    middle = compared.difference[epoch, layer]
    low = compared.low[epoch, layer]
    high = compared.high[epoch, layer]
    place = f"{compared.layer[layer]}, epoch {compared.epoch[epoch]}"
    return f"{middle:+.2f} [{low:+.2f}, {high:+.2f}] bit ({place}), p {compared.p:.4f}"


def same_surrogates(runs: Runs) -> Finding:
    """I(X;T) of any two surrogates differs by less than MIN_FALL at every epoch and layer."""
    ends = []
    parts = []
    for a, b in itertools.combinations(BNN, 2):
        gap = difference(runs[BNN[a]], runs[BNN[b]])
        ends.append((gap.most, gap.least, gap.most))  # judged by the ends of the bands
        parts.append(f"{a} - {b}: {gap.text}")
    return Finding(verdict_below(ends, MIN_FALL), "; ".join(parts))


def on_boards(runs: Runs) -> Finding:
    """S4-1 and S4-2 have the same verdicts on tic-tac-toe as on SZT."""
    verdicts = []
    parts = []
    for claim, judge_of in (("S4-1", no_compression), ("S4-2", starts_low)):
        boards = judge_of({"STE": BOARDS})(runs)
        szt = judge_of({"STE": BNN["STE"]})(runs)
        verdicts.append((boards.verdict, szt.verdict))
        parts.append(f"{claim}: {boards.verdict} ({boards.number})")
    verdict: Verdict = "confirmed"
    if any(WEAK in pair for pair in verdicts):
        verdict = WEAK
    elif any(boards != szt for boards, szt in verdicts):
        verdict = "contradicted"
    return Finding(verdict, "; ".join(parts))


def rises(name: str, quantity: str) -> Judge:
    """A quantity of every hidden layer rises from its minimum by MIN_FALL or more.

    Args:
        name: an experiment.
        quantity: "i_xt" or "i_ty".
    """

    def judge(runs: Runs) -> Finding:
        result = runs[name].results[""]
        changes = {}
        for i, layer in enumerate(result.layer.values[HIDDEN]):
            curves = result[quantity][..., i]
            changes[str(layer)] = trajectories.change_since_minimum(result.epoch, curves)
        intervals = [mean_interval(-change.change) for change in changes.values()]
        finding = Finding(verdict_below(intervals, -MIN_FALL), _since_text(changes))
        return if_trusted(finding, runs[name], (quantity[2:],))

    return judge


def last_hidden_falls_on_test(name: str) -> Judge:
    """I(T;Y) of the last hidden layer falls on test data by MIN_FALL or more.

    Args:
        name: an experiment.
    """

    def judge(runs: Runs) -> Finding:
        result = runs[name].results["test"]
        fall = trajectories.change_since_maximum(result.epoch, result.i_ty[..., -2])
        verdict = verdict_below([mean_interval(fall.change)], -MIN_FALL)
        finding = Finding(verdict, _since_text({str(result.layer.values[-2]): fall}))
        return if_trusted(finding, runs[name], ("ty",), LAST_HIDDEN, "test")

    return judge


def _since_text(changes: dict[str, Change]) -> str:
    """Each layer's change in words."""
    parts = []
    for name, change in changes.items():
        parts.append(f"{name} {interval_text(change.change)} bit since epoch {change.epoch}")
    return ", ".join(parts)


def last_layer_falls(runs: Runs) -> Finding:
    """On random labels the binary network's last hidden layer loses I(X;T) and I(T;Y)."""
    result = runs[RANDOM_BNN].results[""]
    intervals = []
    parts = []
    for quantity in ("i_xt", "i_ty"):
        fall = trajectories.change_since_maximum(result.epoch, result[quantity][..., -2])
        intervals.append(mean_interval(fall.change))
        text = interval_text(fall.change)
        parts.append(f"{quantity}: {text} bit since epoch {fall.epoch}")
    finding = Finding(verdict_below(intervals, -MIN_FALL), "; ".join(parts))
    return if_trusted(finding, runs[RANDOM_BNN], ("xt", "ty"), LAST_HIDDEN)


def others_return(runs: Runs) -> Finding:
    """On random labels I(X;T) of the binary network's other hidden layers rises, then falls, in
    every seed."""
    result = runs[RANDOM_BNN].results[""]
    verdict: Verdict = "confirmed"
    parts = []
    for i, name in enumerate(result.layer.values[:-2]):
        paths = trajectories.phases(result.epoch, result.i_xt[..., i], MIN_FALL)
        n_returned = paths.count(RISE_AND_RETURN)
        if n_returned < len(paths):
            verdict = "contradicted"
        parts.append(f"{name}: {n_returned} of {len(paths)} seeds")
    finding = Finding(verdict, "rise and return in " + ", ".join(parts))
    return if_trusted(finding, runs[RANDOM_BNN], ("xt",), slice(0, -2))
