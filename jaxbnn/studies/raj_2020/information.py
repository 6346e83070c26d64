"""Findings on the information planes of Raj et al. 2020: what I(X;T) and I(T;Y) of a layer do over
epochs."""

import itertools

import numpy as np

from jaxbnn.analysis import comparison, trajectories
from jaxbnn.studies.intervals import WEAK, interval, judged, welch, words
from jaxbnn.studies.raj_2020.runs import (
    BNN,
    BOARDS,
    FALL,
    HIDDEN,
    MNIST,
    RANDOM_BNN,
    falls,
    if_trusted,
    per_layer,
)
from jaxbnn.studies.study import Finding, Run, Runs

PROBES = {
    "the dense layer, exact": ("first_dense", "dense_1"),
    "after BatchNorm, exact": ("first_norm", "norm_1"),
    "after BatchNorm, 30 bins on its own range": ("first_norm_range", "norm_1"),
    "after BatchNorm, 30 bins on [-1, 1]": ("norms", "norm_1"),
    "after the sign, exact": ("", "hidden_1"),
}


def no_compression(names: dict[str, str]):
    """No hidden layer's I(X;T) falls."""

    def judge(runs: Runs) -> Finding:
        found = {label: falls(runs[name])[HIDDEN] for label, name in names.items()}
        verdict = judged([interval(-c.change) for changes in found.values() for c in changes], FALL)
        layers = runs[next(iter(names.values()))].results[""].layer.values[HIDDEN]
        said = [f"{label}: {per_layer(c, layers)}" for label, c in found.items()]
        late = [f"{label}: {after_fitting(runs[name])}" for label, name in names.items()]
        return Finding(verdict, f"{'; '.join(said)} bit. Of it after fitting: {'; '.join(late)}")

    return judge


def after_fitting(run: Run) -> str:
    """How far I(X;T) of each hidden layer falls once the seed mean of its I(T;Y) has 90 % of its
    gain."""
    result, said = run.results[""], []
    for i, layer in enumerate(result.layer.values[HIDDEN]):
        gain = trajectories.smooth(result.epoch, result.i_ty[..., i])
        gain = np.nanmean(gain, axis=0)
        late = int(np.argmax(gain >= gain[0] + 0.9 * (gain.max() - gain[0])))
        i_xt = trajectories.smooth(result.epoch, result.i_xt[..., i])
        said.append(
            f"{layer} {words(i_xt[:, -1] - i_xt[:, late])} (from epoch {int(result.epoch[late])})"
        )
    return ", ".join(said)


def starts_low(names: dict[str, str]):
    """The untrained I(X;T) of each hidden layer is less than half of its largest seed mean."""

    def judge(runs: Runs) -> Finding:
        shares, said = [], []
        for label, name in names.items():
            start = runs[name].results[""].i_xt.values[:, 0, HIDDEN]
            peaks = [float(np.mean(c.at)) for c in falls(runs[name])[HIDDEN]]
            of_layers = [interval(start[:, i] / peak) for i, peak in enumerate(peaks)]
            shares += of_layers
            said.append(
                f"{label}: {', '.join(f'{mean:.2f} [{low:.2f}, {high:.2f}]' for mean, low, high in of_layers)}"
            )
        return Finding(
            judged(shares, 0.5), "; ".join(said) + " of the largest, hidden_1 to the last"
        )

    return judge


def mnist_compression(runs: Runs) -> Finding:
    """Every hidden layer's I(X;T) falls on MNIST."""
    run = runs[MNIST]
    changes = falls(run)[HIDDEN]
    verdict = judged([interval(c.change) for c in changes], -FALL)
    number = per_layer(changes, run.results[""].layer.values[HIDDEN]) + " bit"
    return if_trusted(run, verdict, number, ("xt",))


def more_than_on_szt(runs: Runs) -> Finding:
    """The hidden layer whose I(X;T) falls most falls further on MNIST than on SZT."""
    mnist, szt = runs[MNIST], runs[BNN["STE"]]
    most = [min(falls(run)[HIDDEN], key=lambda c: c.change.mean()).change for run in (mnist, szt)]
    number = f"the layer that falls most: MNIST {words(most[0])}, SZT {words(most[1])} bit"
    return if_trusted(mnist, judged([welch(*most)], 0.0), number, ("xt",))


def softmax_stays(runs: Runs) -> Finding:
    """The output's I(X;T) falls by less than FALL on MNIST."""
    run = runs[MNIST]
    change = falls(run)[-1]
    number = f"{words(change.change)} bit since epoch {change.epoch}"
    return Finding(judged([interval(-change.change)], FALL), number)


def around_the_norm(run: Run, i: int) -> dict[str, np.ndarray]:
    """I(T;Y) of the first layer seen in five ways at measured epoch number i: [S] each, bits."""
    return {
        name: run.results[group].i_ty.sel(layer=layer).values[:, i]
        for name, (group, layer) in PROBES.items()
    }


def batch_norm_loses(runs: Runs) -> Finding:
    """The trained first layer's I(T;Y), counted exactly, is smaller after its BatchNorm than
    before."""
    run = runs[BNN["STE"]]
    said = []
    for i, when in ((0, "untrained"), (-1, "trained")):
        found = {name: interval(values)[0] for name, values in around_the_norm(run, i).items()}
        said.append(f"{when}: " + ", ".join(f"{name} {mean:.3f}" for name, mean in found.items()))
    dense, norm, *_ = around_the_norm(run, -1).values()
    return Finding(judged([interval(norm - dense)], -1e-4), "; ".join(said) + " bit")


def difference(one: Run, other: Run) -> tuple[tuple[float, float], str]:
    """How far I(X;T) differs at least, and at most, at some epoch and layer by its simultaneous
    band; and the words.

    The words name the place where the band is farthest from 0, or the largest difference where it
    always holds 0.
    """
    found = comparison.compare(one.results[""], other.results[""], "i_xt")
    least = np.maximum(np.maximum(found.low, -found.high), 0)
    most = np.maximum(np.abs(found.low), np.abs(found.high))
    farthest = least if least.any() else np.abs(found.difference)
    e, layer = np.unravel_index(farthest.argmax(), farthest.shape)
    band = f"{found.difference[e, layer]:+.2f} [{found.low[e, layer]:+.2f}, {found.high[e, layer]:+.2f}] bit"
    said = f"{band} ({found.layer[layer]}, epoch {found.epoch[e]}), p {found.p:.4f}"
    return (float(least.max()), float(most.max())), said


def same_surrogates(runs: Runs) -> Finding:
    """I(X;T) of any two surrogates differs by less than FALL at every epoch and layer."""
    pairs = {
        (a, b): difference(runs[BNN[a]], runs[BNN[b]]) for a, b in itertools.combinations(BNN, 2)
    }
    apart = [
        (most, least, most) for (least, most), _ in pairs.values()
    ]  # judged by the ends of the bands
    number = "; ".join(f"{a} - {b}: {said}" for (a, b), (_, said) in pairs.items())
    return Finding(judged(apart, FALL), number)


def on_boards(runs: Runs) -> Finding:
    """S4-1 and S4-2 have the same verdicts on tic-tac-toe as on SZT."""
    both = [make({"STE": BOARDS})(runs) for make in (no_compression, starts_low)]
    szt = [make({"STE": BNN["STE"]})(runs) for make in (no_compression, starts_low)]
    same = all(a.verdict == b.verdict for a, b in zip(both, szt, strict=True))
    weak = any(each.verdict == WEAK for each in (*both, *szt))
    number = "; ".join(
        f"{what}: {each.verdict} ({each.number})"
        for what, each in zip(("S4-1", "S4-2"), both, strict=True)
    )
    return Finding(WEAK if weak else "confirmed" if same else "contradicted", number)


def changes_of(name: str, quantity: str, sign: int, layers: slice = HIDDEN, group: str = ""):
    """Every one of these layers' quantity rises (sign 1) or falls (-1) from its extreme by FALL or
    more."""

    def judge(runs: Runs) -> Finding:
        result = runs[name].results[group]
        move = trajectories.rise if sign > 0 else trajectories.fall
        found = {
            str(result.layer.values[i]): move(result.epoch, result[quantity][..., i])
            for i in range(result.sizes["layer"])[layers]
        }
        verdict = judged([interval(-sign * c.change) for c in found.values()], -FALL)
        number = ", ".join(
            f"{k} {words(c.change)} bit since epoch {c.epoch}" for k, c in found.items()
        )
        return if_trusted(runs[name], verdict, number, (quantity[2:],), layers, group)

    return judge


def last_layer_falls(runs: Runs) -> Finding:
    """On random labels the binary network's last hidden layer loses I(X;T) and I(T;Y)."""
    result = runs[RANDOM_BNN].results[""]
    found = {q: trajectories.fall(result.epoch, result[q][..., -2]) for q in ("i_xt", "i_ty")}
    number = "; ".join(
        f"{q}: {words(c.change)} bit since epoch {c.epoch}" for q, c in found.items()
    )
    verdict = judged([interval(c.change) for c in found.values()], -FALL)
    return if_trusted(runs[RANDOM_BNN], verdict, number, ("xt", "ty"), slice(-2, -1))


def others_return(runs: Runs) -> Finding:
    """On random labels I(X;T) of the binary network's other hidden layers rises, then falls, in
    every seed."""
    result = runs[RANDOM_BNN].results[""]
    names = result.layer.values[:-2]
    taken = {
        n: trajectories.paths(result.epoch, result.i_xt[..., i], FALL) for i, n in enumerate(names)
    }
    counts = {
        n: f"{sum(p == 'rises, falls' for p in each)} of {len(each)} seeds"
        for n, each in taken.items()
    }
    holds = all(p == "rises, falls" for each in taken.values() for p in each)
    number = "rise and return in " + ", ".join(f"{n}: {c}" for n, c in counts.items())
    return if_trusted(
        runs[RANDOM_BNN], "confirmed" if holds else "contradicted", number, ("xt",), slice(0, -2)
    )
