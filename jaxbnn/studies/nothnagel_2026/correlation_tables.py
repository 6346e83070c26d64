"""The tables of Nothnagel & Geiger 2026 on what goes together with test accuracy: I(X;T), the
compression factor, traits of the path."""

from collections.abc import Sequence
from typing import NamedTuple

from numpy.typing import NDArray

from jaxbnn.analysis import correlation
from jaxbnn.analysis.correlation import RankCorrelation
from jaxbnn.studies.nothnagel_2026.cells import (
    changed_cell,
    correlation_cell,
    layer_cell,
    number_cell,
    p_cell,
)
from jaxbnn.studies.nothnagel_2026.layers import LAST, Layer, by_depth, groups
from jaxbnn.studies.nothnagel_2026.run_values import (
    Value,
    accuracy,
    accuracy_correlation,
    factor,
    of_runs,
    of_settings,
    trait,
    trusted_runs,
)
from jaxbnn.studies.study import Runs, Table

CORRELATION_HEADING = [
    "group",
    "layer",
    "runs",
    "pooled",
    "p",
    "p, Holm",
    "within settings",
    "p",
    "p, Holm",
    "trusted runs",
    "pooled over them",
    "p",
    "p, Holm",
    "changed",
]
CORRELATION_NOTE = (
    "Spearman's rank correlation with the mean test accuracy of the last epochs, with its 95 % "
    "bootstrap interval over settings. Pooled: over all runs, as the authors; its p takes a "
    "setting's runs as independent. Within: of ranks within each setting. Trusted: the runs whose "
    "I(X;T) is of the population or reliable at each of the last epochs. Holm: corrected for all "
    "tests of this table. Undefined: constant in all runs, or fewer than "
    f"{correlation.MIN_RUNS} runs, which have no p-value."
)
TRAIT_HEADING = [
    "group",
    "layer",
    "trait",
    "settings",
    "changed",
    "partial rank correlation",
    "p",
    "p, Holm",
]
TRAIT_NOTE = (
    "Partial rank correlation of each trait with test accuracy, given the factor; one value a "
    "setting, the mean of its seeds, so that settings are what is counted."
)


class LayerCorrelations(NamedTuple):
    """The correlations of one layer's number with accuracy."""

    group: str
    layers: Sequence[Layer]  # of the group's settings, at one depth
    n_runs: int
    pooled: RankCorrelation
    within: RankCorrelation
    trusted: RankCorrelation  # pooled over the trusted runs


def correlation_table(name: str, heading: str, value: Value, runs: Runs) -> Table:
    """Rank correlations of a number with test accuracy, hidden layer by hidden layer.

    Args:
        name: of the table's files.
        heading: of the table.
        value: the number.
        runs: the finished runs by experiment.
    """
    correlations = []
    for group, group_layers in groups(runs):
        for layers in by_depth(group_layers).values():
            correlations.append(_layer_correlations(group, layers, value))
    rows = [CORRELATION_HEADING]
    for link, corrected in zip(correlations, _corrected(correlations), strict=True):
        rows.append(_correlation_row(link, corrected))
    return Table(name, heading, rows, CORRELATION_NOTE)


def _layer_correlations(group: str, layers: Sequence[Layer], value: Value) -> LayerCorrelations:
    return LayerCorrelations(
        group,
        layers,
        len(of_runs(layers, value)),
        pooled=accuracy_correlation(layers, value, correlation.pooled),
        within=accuracy_correlation(layers, value, correlation.within),
        trusted=accuracy_correlation(layers, value, correlation.pooled, trusted_runs(layers)),
    )


def _corrected(correlations: Sequence[LayerCorrelations]) -> NDArray:
    """The p-values [layers, 3] of all tests of a table, after Holm's correction."""
    tested = []
    for link in correlations:
        tested += [link.pooled.p, link.within.p, link.trusted.p]
    return correlation.holm(tested).reshape(-1, 3)


def _correlation_row(link: LayerCorrelations, corrected: NDArray) -> list[str]:
    """A row of the table; corrected [3]: the p-values of its tests after Holm's correction."""
    return [
        link.group,
        layer_cell(link.layers),
        f"{link.pooled.n} of {link.n_runs}",
        *_test_cells(link.pooled, corrected[0]),
        *_test_cells(link.within, corrected[1]),
        f"{link.trusted.n} of {link.n_runs}",
        *_test_cells(link.trusted, corrected[2]),
        changed_cell(link.layers),
    ]


def _test_cells(link: RankCorrelation, corrected: float) -> list[str]:
    return [correlation_cell(link), p_cell(link.p), p_cell(corrected)]


class TraitCorrelation(NamedTuple):
    """What a trait of the path adds to the factor, in one group's last hidden layer."""

    group: str
    layers: Sequence[Layer]  # of the group's settings
    trait: str
    rho: float  # partial rank correlation with accuracy, given the factor
    p: float


def trait_correlations(group: str, layers: Sequence[Layer]) -> list[TraitCorrelation]:
    """The partial correlation of each trait with accuracy, given the factor; one value a setting.

    Args:
        group: of the layers.
        layers: the last hidden ones of the group's settings.
    """
    accuracies = of_settings(layers, accuracy)
    factors = of_settings(layers, factor)
    correlations = []
    for name in layers[0].traits:
        values = of_settings(layers, trait(name))
        rho, p = correlation.partial_spearman(values, accuracies, factors)
        correlations.append(TraitCorrelation(group, layers, name, rho, p))
    return correlations


def trait_table(runs: Runs) -> Table:
    """What a path adds to the factor in predicting accuracy."""
    correlations: list[TraitCorrelation] = []
    for group, layers in groups(runs):
        correlations += trait_correlations(group, by_depth(layers)[LAST])
    corrected = correlation.holm([link.p for link in correlations])
    rows = [TRAIT_HEADING]
    for link, p in zip(correlations, corrected, strict=True):
        rows.append(_trait_row(link, p))
    return Table(
        "traits",
        "What a trajectory says of accuracy beyond the compression factor",
        rows,
        TRAIT_NOTE,
    )


def _trait_row(link: TraitCorrelation, corrected: float) -> list[str]:
    return [
        link.group,
        layer_cell(link.layers),
        link.trait,
        str(len(link.layers)),
        changed_cell(link.layers),
        number_cell(link.rho),
        p_cell(link.p),
        p_cell(corrected),
    ]
