"""What finished runs say of the seven claims of Nothnagel & Geiger 2026."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from jaxbnn.analysis import compression, correlation
from jaxbnn.analysis.correlation import RankCorrelation
from jaxbnn.info.expectation import expected_plugin
from jaxbnn.info.known_truth import truth
from jaxbnn.info.reliability import TOLERANCE, VERDICTS
from jaxbnn.studies.intervals import WEAK
from jaxbnn.studies.nothnagel_2026.correlation_tables import (
    TraitCorrelation,
    trait_correlations,
)
from jaxbnn.studies.nothnagel_2026.layers import (
    LAST,
    Layer,
    above_noise,
    by_depth,
    groups,
    noise_fall,
    unchanged,
)
from jaxbnn.studies.nothnagel_2026.run_values import accuracy_correlation, factor
from jaxbnn.studies.study import Finding, Runs, Verdict

P = (0.5, 0.7, 0.9)
D = (4, 10, 20)
N = (1000, 4096, 10000, 60000)
MAX_D = 32
SATURATED = VERDICTS.index("saturated")
ALPHA = 0.05  # p-value after Holm's correction
MIN_SETTINGS = compression.MIN_RUNS  # that an interval needs to judge by
NO_GROUP = "no group has settings enough of the study's length"


def expected_entropy(p: float, d: int, n: int) -> float:
    """The expected plug-in entropy of examples of independent units.

    Args:
        p: the probability that a unit is 1.
        d: units.
        n: examples.

    Returns:
        Bits.
    """
    ones = np.arange(d + 1)
    n_patterns = np.array([float(math.comb(d, int(k))) for k in ones])
    probability = p**ones * (1 - p) ** (d - ones)
    return expected_plugin(probability, n, n_patterns)


def saturates(runs: Runs) -> Finding:
    """Claim 1, of fair units: far outside the regime the expected estimate is log2 N."""
    shares = [expected_entropy(0.5, 40, n) / np.log2(n) for n in N]
    verdict: Verdict = "confirmed" if min(shares) > 0.99 else "contradicted"
    number = f"{min(shares):.4f} to {max(shares):.4f} of log2 N for 40 fair units"
    return Finding(verdict, number + _saturated_text(runs))


def _saturated_text(runs: Runs) -> str:
    """How many trained layers end saturated; "" without a run."""
    names: dict[str, None] = {}
    for _, layers in groups(runs):
        names |= dict.fromkeys(layer.setting for layer in layers)
    if not names:
        return ""
    verdicts = [runs[name].results[""].verdict_xt[:, -1, :-1].values.ravel() for name in names]
    saturated = np.concatenate(verdicts) == SATURATED
    return f"; of {saturated.size} trained layers {int(saturated.sum())} end saturated"


def has_regime(runs: Runs) -> Finding:
    """Claim 2: some (N, D) are reliable."""
    widest = {n: _widest_reliable(n) for n in N}
    parts = [f"D = {d} at N = {n}" for n, d in widest.items()]
    verdict: Verdict = "confirmed" if min(widest.values()) >= 1 else "contradicted"
    return Finding(verdict, f"bias within {TOLERANCE} bit up to {', '.join(parts)}")


def _widest_reliable(n: int) -> int:
    """The largest number of fair units whose expected entropy lacks at most TOLERANCE; 0 for
    none."""
    near = [d for d in range(1, MAX_D + 1) if _lack(0.5, d, n) <= TOLERANCE]
    return max(near, default=0)


def _lack(p: float, d: int, n: int) -> float:
    """What the expected plug-in entropy lacks of the truth, bits."""
    return float(truth(p, d)) - expected_entropy(p, d, n)


def errs(runs: Runs) -> Finding:
    """Claim 7: the plug-in errs at high D, more the fairer the units."""
    verdict: Verdict = "confirmed"
    parts = []
    for p in P:
        low, middle, high = [_lack(p, d, 1000) for d in D]
        if not (low < middle < high and high > 1):
            verdict = "contradicted"
        parts.append(f"p = {p}: {low:.2f}, {middle:.2f}, {high:.2f}")
    return Finding(verdict, f"lacks {'; '.join(parts)} bit at D = 4, 10, 20, N = 1000")


def _last_layers(runs: Runs) -> dict[str, list[Layer]]:
    """Group -> the last hidden layers of its settings."""
    return {group: by_depth(layers)[LAST] for group, layers in groups(runs)}


def compresses(runs: Runs) -> Finding:
    """Claim 3: late-stage compression is frequent."""
    shares = []
    noise = []
    without_control = []
    for group, layers in _last_layers(runs).items():
        own = unchanged(layers)
        group_noise = noise_fall(runs, group, LAST)
        if own and np.isfinite(group_noise):
            shares += [np.nanmean(above_noise(runs, [layer])) for layer in own]
            noise.append(group_noise)
        elif own:
            without_control.append(group)
    mean, low, high = compression.mean_interval(shares)
    number = "no run"
    if shares:
        number = (
            f"{100 * mean:.0f} % [{100 * low:.0f}, {100 * high:.0f}] of runs in {len(shares)} "
            f"settings, falls of the untrained up to {max(noise):.2f} bit"
        )
        if without_control:
            groups_text = ", ".join(without_control)
            number += f"; left out, for no untrained network has a run: {groups_text}"
    number += _hint(_last_layers(runs), partial(_share_text, runs))
    return Finding(_verdict_above(low, high, 0.5), number)


def _share_text(runs: Runs, layers: Sequence[Layer]) -> str:
    fell = above_noise(runs, layers)
    return f"{100 * np.nanmean(fell):.0f} %" if np.isfinite(fell).any() else "(no untrained run)"


def _verdict_above(low: float, high: float, threshold: float) -> Verdict:
    if low > threshold:
        return "confirmed"
    return "contradicted" if high < threshold else WEAK


class _FactorCorrelations(NamedTuple):
    """Of the groups with settings enough of the study's length."""

    defined: dict[str, RankCorrelation]
    undefined: list[str]


def _factor_correlations(runs: Runs, level: float = correlation.LEVEL) -> _FactorCorrelations:
    """The pooled correlation of factor and accuracy over runs of the study's length."""
    correlations = _FactorCorrelations({}, [])
    for group, layers in _last_layers(runs).items():
        own = unchanged(layers)
        if len(own) < MIN_SETTINGS:
            continue
        link = accuracy_correlation(own, factor, partial(correlation.pooled, level=level))
        if np.isfinite(link.rho):
            correlations.defined[group] = link
        else:
            correlations.undefined.append(group)
    return correlations


def generalises(runs: Runs) -> Finding:
    """Claim 4: compressed layers do not consistently generalise better."""
    defined, undefined = _factor_correlations(runs)
    parts = [f"{group} {_correlation_text(link)}" for group, link in defined.items()]
    parts += [f"{group} undefined" for group in undefined]
    number = ", ".join(parts) or f"no group has {MIN_SETTINGS} settings of the study's length"
    number += _hint(_last_layers(runs), _factor_text)
    return Finding(_generalises_verdict(list(defined.values())), number)


def _generalises_verdict(correlations: Sequence[RankCorrelation]) -> Verdict:
    corrected = correlation.holm([link.p for link in correlations])
    is_better = [
        link.low > 0 and p < ALPHA for link, p in zip(correlations, corrected, strict=True)
    ]
    if len(correlations) > 1 and all(is_better):
        return "contradicted"
    return "confirmed" if any(link.high < 0 for link in correlations) else WEAK


def depends(runs: Runs) -> Finding:
    """Claim 5, of task and architecture: the link depends on them."""
    n_groups = len(_factor_correlations(runs).defined)
    n_pairs = n_groups * (n_groups - 1) // 2
    defined, undefined = _factor_correlations(runs, level=1 - ALPHA / max(n_pairs, 1))
    n_apart = 0
    for link in defined.values():
        n_apart += sum(link.high < other.low for other in defined.values())
    number = "fewer than two groups to compare"
    if n_pairs:
        number = f"{n_apart} of {n_pairs} pairs of groups lie apart"
    if undefined:
        number += f" (undefined: {', '.join(undefined)})"
    number += _hint(_last_layers(runs), _factor_text)
    return Finding("confirmed" if n_apart else WEAK, number)


def traits_predict(runs: Runs) -> Finding:
    """Claim 6: trajectories say more about performance than compression alone."""
    correlations: list[TraitCorrelation] = []
    for group, layers in _last_layers(runs).items():
        own = unchanged(layers)
        if len(own) > correlation.MIN_RUNS:
            correlations += trait_correlations(group, own)
    corrected = correlation.holm([link.p for link in correlations])
    parts = []
    hits = []
    for link, p in zip(correlations, corrected, strict=True):
        text = f"{link.group}, {link.trait}: {link.rho:+.2f}"
        parts.append(text)
        if p < ALPHA:
            hits.append(f"{text} (p = {p:.3f})")
    verdict: Verdict = "confirmed" if hits else WEAK
    return Finding(verdict, "; ".join(hits or parts) or NO_GROUP)


def _hint(
    last_layers: Mapping[str, Sequence[Layer]], text: Callable[[Sequence[Layer]], str]
) -> str:
    """What changed or shortened groups say: no verdict rests on it."""
    parts = []
    for group, layers in last_layers.items():
        if not unchanged(layers):
            parts.append(f"{group} {text(layers)}")
    return f" — shortened or changed, no more than a hint: {', '.join(parts)}" if parts else ""


def _factor_text(layers: Sequence[Layer]) -> str:
    link = accuracy_correlation(layers, factor, correlation.pooled)
    return "undefined" if np.isnan(link.rho) else _correlation_text(link)


def _correlation_text(link: RankCorrelation) -> str:
    return f"{link.rho:+.2f} [{link.low:+.2f}, {link.high:+.2f}]"
