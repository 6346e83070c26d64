"""The seven claims of Nothnagel & Geiger 2026, each with what is computed of finished runs and when
it holds."""

import math
from functools import partial

import numpy as np

from jaxbnn.analysis import compression, correlation
from jaxbnn.info.expectation import expected_plugin
from jaxbnn.info.known_truth import truth
from jaxbnn.info.reliability import VERDICTS
from jaxbnn.studies.evidence import WEAK
from jaxbnn.studies.nothnagel_2026.runs import (
    LINKS,
    Layer,
    by_depth,
    factor,
    fallen,
    linked,
    means,
    noise_fall,
    whole,
)
from jaxbnn.studies.nothnagel_2026.tables import groups
from jaxbnn.studies.study import Claim, Finding, Runs, Verdict

P, D, N = (0.5, 0.7, 0.9), (4, 10, 20), (1000, 4096, 10000, 60000)
NEAR = 0.1  # bits
SURE = 0.05  # p-value after Holm's correction
LEAST = compression.FEWEST  # settings that an interval needs to judge by


def expected(p: float, d: int, n: int) -> float:
    """The expected plug-in entropy of n examples of d independent units that are 1 with probability
    p, bits."""
    ones = np.arange(d + 1)
    number = np.array([float(math.comb(d, int(k))) for k in ones])
    return expected_plugin(p**ones * (1 - p) ** (d - ones), n, number)


def saturates(runs: Runs) -> Finding:
    """Claim 1, of fair units: far outside the regime the expected estimate is log2 N."""
    shares = [expected(0.5, 40, n) / np.log2(n) for n in N]
    names = dict.fromkeys(layer.setting for _, layers in groups(runs) for layer in layers)
    verdicts = [runs[name].results[""].verdict_xt[:, -1, :-1].values.ravel() for name in names]
    saturated = np.concatenate(verdicts) == VERDICTS.index("saturated") if verdicts else np.zeros(0)
    trained = (
        f"; of {saturated.size} trained layers {int(saturated.sum())} end saturated"
        if verdicts
        else ""
    )
    verdict: Verdict = "confirmed" if min(shares) > 0.99 else "contradicted"
    return Finding(
        verdict, f"{min(shares):.4f} to {max(shares):.4f} of log2 N for 40 fair units{trained}"
    )


def has_regime(runs: Runs) -> Finding:
    """Claim 2: some (N, D) are reliable."""
    near = {
        n: max(d for d in range(1, 33) if truth(0.5, d) - expected(0.5, d, n) <= NEAR) for n in N
    }
    told = ", ".join(f"D = {d} at N = {n}" for n, d in near.items())
    return Finding(
        "confirmed" if min(near.values()) >= 1 else "contradicted",
        f"bias within {NEAR} bit up to {told}",
    )


def errs(runs: Runs) -> Finding:
    """Claim 7: the plug-in errs at high D, more the fairer the units."""
    lacks = {p: [truth(p, d) - expected(p, d, 1000) for d in D] for p in P}
    told = "; ".join(
        f"p = {p}: {', '.join(f'{lack:.2f}' for lack in of)}" for p, of in lacks.items()
    )
    rising = all(of[0] < of[1] < of[2] and of[2] > 1 for of in lacks.values())
    return Finding(
        "confirmed" if rising else "contradicted", f"lacks {told} bit at D = 4, 10, 20, N = 1000"
    )


def _last_layers(runs: Runs) -> dict[str, list[Layer]]:
    """Group -> the last hidden layers of its settings."""
    return {group: by_depth(layers)[-1] for group, layers in groups(runs)}


def compresses(runs: Runs) -> Finding:
    """Claim 3."""
    last = {group: whole(layers) for group, layers in _last_layers(runs).items()}
    judged = {
        group: layers
        for group, layers in last.items()
        if layers and np.isfinite(noise_fall(runs, group, -1))
    }
    shares = [np.nanmean(fallen(runs, [layer])) for layers in judged.values() for layer in layers]
    mean, low, high = compression.bootstrapped(shares)
    said = (
        f"{100 * mean:.0f} % [{100 * low:.0f}, {100 * high:.0f}] of runs in {len(shares)} settings"
    )
    noise = [noise_fall(runs, group, -1) for group in judged]
    said += f", falls of the untrained up to {max(noise):.2f} bit" if noise else ""
    without = [group for group, layers in last.items() if layers and group not in judged]
    said += (
        f"; left out, for no untrained network has a run: {', '.join(without)}" if without else ""
    )
    share = partial(_share_of_falls, runs)
    return Finding(
        _side(low, high, 0.5),
        (said if shares else "no run") + _shortened(_last_layers(runs), share),
    )


def generalises(runs: Runs) -> Finding:
    """Claim 4."""
    links, undefined = _links(runs)
    said = [f"{group} {_told(link)}" for group, link in links.items()] + [
        f"{group} undefined" for group in undefined
    ]
    corrected = correlation.holm([link.p for link in links.values()]) if links else []
    better = [link.low > 0 and p < SURE for link, p in zip(links.values(), corrected, strict=True)]
    worse = [link.high < 0 for link in links.values()]
    verdict: Verdict = (
        "contradicted" if all(better) and len(links) > 1 else ("confirmed" if any(worse) else WEAK)
    )
    words = ", ".join(said) or f"no group has {LEAST} settings of the study's length"
    return Finding(verdict, words + _shortened(_last_layers(runs), _factor_link))


def depends(runs: Runs) -> Finding:
    """Claim 5, of task and architecture."""
    n = len(_links(runs)[0])
    pairs = n * (n - 1) // 2
    links, undefined = _links(runs, 1 - SURE / max(pairs, 1))
    apart = [(a, b) for a in links for b in links if links[a].high < links[b].low]
    said = (
        f"{len(apart)} of {pairs} pairs of groups lie apart"
        if pairs
        else "fewer than two groups to compare"
    )
    said += f" (undefined: {', '.join(undefined)})" if undefined else ""
    return Finding(
        "confirmed" if apart else WEAK, said + _shortened(_last_layers(runs), _factor_link)
    )


def trajectories(runs: Runs) -> Finding:
    """Claim 6."""
    said, tested = [], []
    for group, every in _last_layers(runs).items():
        layers = whole(every)
        if len(layers) <= correlation.FEWEST:
            continue
        accuracy, given = means(layers, lambda layer: layer.accuracy.mean), means(layers, factor)
        for trait in layers[0].traits:
            values = means(layers, lambda layer, t=trait: layer.traits[t])
            rho, p = correlation.partial_spearman(values, accuracy, given)
            tested.append(p)
            said.append(f"{group}, {trait}: {rho:+.2f}")
    corrected = correlation.holm(tested) if tested else np.zeros(0)
    hits = [f"{words} (p = {p:.3f})" for words, p in zip(said, corrected, strict=True) if p < SURE]
    verdict: Verdict = "confirmed" if hits else WEAK
    return Finding(
        verdict, "; ".join(hits or said) or "no group has settings enough of the study's length"
    )


def _links(runs, level=correlation.LEVEL):
    """(group -> the pooled correlation of factor and accuracy over runs of the study's length,
    those undefined)."""
    last = {group: whole(layers) for group, layers in _last_layers(runs).items()}
    correlate = partial(LINKS["pooled"], level=level)
    links = {
        group: linked(layers, factor, correlate)
        for group, layers in last.items()
        if len(layers) >= LEAST
    }
    defined = {group: link for group, link in links.items() if np.isfinite(link.rho)}
    return defined, [group for group in links if group not in defined]


def _shortened(last, say):
    """What changed or shortened groups say, in brackets: no verdict rests on it."""
    told = [
        f"{group} {say(layers)}" for group, layers in last.items() if layers and not whole(layers)
    ]
    return f" — shortened or changed, no more than a hint: {', '.join(told)}" if told else ""


def _factor_link(layers):
    link = linked(layers, factor, LINKS["pooled"])
    return "undefined" if np.isnan(link.rho) else _told(link)


def _told(link):
    return f"{link.rho:+.2f} [{link.low:+.2f}, {link.high:+.2f}]"


def _share_of_falls(runs, layers):
    fell = fallen(runs, layers)
    return f"{100 * np.nanmean(fell):.0f} %" if np.isfinite(fell).any() else "(no untrained run)"


def _side(low, high, of) -> Verdict:
    return "confirmed" if low > of else ("contradicted" if high < of else WEAK)


CLAIMS = (
    Claim(
        "S0-1",
        "outside the regime estimates saturate at log2 N",
        "The exact expected plug-in entropy of 40 independent fair units over log2 N, N from 1000 to 60000; holds "
        "where all are above 0.99.",
        saturates,
    ),
    Claim(
        "S0-2",
        "there are reliable (N, D) regimes",
        f"The largest D whose expected plug-in entropy (fair units, the worst case) lacks at most {NEAR} bit.",
        has_regime,
    ),
    Claim(
        "S0-3",
        "late-stage compression is frequent",
        f"The share of runs, of the study's own length, whose last hidden layer's fall is above "
        f"{compression.MIN_FALL} bit and above all falls of the group's untrained networks (a group without them is "
        "left out); frequent: the 95 % "
        "bootstrap interval over settings lies above one half.",
        compresses,
    ),
    Claim(
        "S0-4",
        "compressed layers do not consistently generalise better",
        f"Pooled rank correlation of the last hidden layer's compression factor with test accuracy, of each group of "
        f"{LEAST} settings or more. Confirmed where a group's interval lies below 0; contradicted where all of two "
        "groups or more are positive by interval and by p < 0.05 after Holm.",
        generalises,
    ),
    Claim(
        "S0-5",
        "the link depends on task, architecture, regularisation",
        "Of task and architecture, groups being these: the same correlations, confirmed where the intervals of two "
        "groups do not meet, at 95 % for all pairs together (Bonferroni).",
        depends,
    ),
    Claim(
        "S0-6",
        "trajectories say more about performance than compression alone",
        "Partial rank correlation of four traits of the path with test accuracy, given the factor, one value a "
        "setting; confirmed where one has p < 0.05 after Holm.",
        trajectories,
    ),
    Claim(
        "S0-7",
        "the plug-in errs at high D",
        "What the exact expected plug-in entropy lacks of the truth at D = 4, 10, 20 units, N = 1000; holds where it "
        "rises with D to more than 1 bit for each p.",
        errs,
    ),
)
