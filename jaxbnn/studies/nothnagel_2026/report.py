"""What the report of Nothnagel & Geiger 2026 is made of."""

from functools import partial

from jaxbnn.studies.nothnagel_2026 import figures
from jaxbnn.studies.nothnagel_2026.cause_tables import GROUP as CAUSES
from jaxbnn.studies.nothnagel_2026.cause_tables import cause_table
from jaxbnn.studies.nothnagel_2026.claims import CLAIMS
from jaxbnn.studies.nothnagel_2026.compression_tables import (
    compression_table,
    end_table,
    missing_table,
)
from jaxbnn.studies.nothnagel_2026.correlation_tables import correlation_table, trait_table
from jaxbnn.studies.nothnagel_2026.estimator_tables import estimator_table
from jaxbnn.studies.nothnagel_2026.experiments import BEYOND, GRID
from jaxbnn.studies.nothnagel_2026.run_values import end_i_xt, factor
from jaxbnn.studies.nothnagel_2026.unit_tables import unit_figure, unit_table
from jaxbnn.studies.study import Picture, Report


def _names(*groups: str) -> tuple[str, ...]:
    """The settings of these groups."""
    names = []
    for group in groups:
        names += [setting.name for setting in (GRID | BEYOND)[group]]
    return tuple(names)


def _first_planes(group: str) -> Picture:
    return Picture(
        f"planes_{group}",
        f"Planes of {group}, the first run of each setting, as the authors draw them; below, loss "
        "and accuracy of the settings with as many measured epochs as the shortest.",
        _names(group),
        partial(figures.planes, group, slice(0, 1)),
    )


def _seed_planes(group: str) -> Picture:
    return Picture(
        f"planes_{group}_seeds",
        f"Planes of {group} over all seeds: the mean path, and each seed's.",
        _names(group),
        partial(figures.planes, group, slice(None)),
    )


PAPER = _names(*GRID)
OURS = _names(*BEYOND)
PICTURES = (
    Picture(
        "regime",
        "Where the plug-in can be trusted: its exact expected value for D independent fair units, "
        "and the hidden layers of all runs at their last epoch.",
        (*PAPER, *OURS),
        figures.regime,
    ),
    *(_first_planes(group) for group in GRID),
    *(_seed_planes(group) for group in GRID),
    Picture(
        "swarm_as_drawn",
        "The compression factor, a dot a run, of the settings that the authors' figure has; "
        "dashed: the untrained.",
        PAPER,
        partial(figures.swarm, True),
    ),
    Picture(
        "swarm",
        "The same with the settings that fell out of it.",
        PAPER,
        partial(figures.swarm, False),
    ),
    Picture(
        "accuracy",
        "I(X;T) of the last hidden layer against test accuracy, means over the last epochs, bars "
        "from the least to the largest.",
        PAPER,
        figures.accuracies,
    ),
    Picture(
        "correlations",
        "Rank correlations with test accuracy, last hidden layers, 95 % bootstrap intervals over "
        "settings.",
        PAPER,
        figures.correlations,
    ),
    Picture(
        "causes",
        "Decay, width and label noise alone: what each changes, seed by seed, 95 % intervals.",
        _names(CAUSES),
        figures.causes,
    ),
    Picture("units", "Subadditivity in trained networks, a dot a network.", PAPER, unit_figure),
)
I_XT_TABLE = partial(
    correlation_table, "correlations_i_xt", "I(X;T) against test accuracy", end_i_xt
)
FACTOR_TABLE = partial(
    correlation_table,
    "correlations_factor",
    "The compression factor against test accuracy",
    factor,
)
REPORT = Report(
    needs=(),
    claims=CLAIMS,
    pictures=PICTURES,
    tables=(
        missing_table,
        compression_table,
        I_XT_TABLE,
        FACTOR_TABLE,
        trait_table,
        estimator_table,
        cause_table,
        unit_table,
        end_table,
    ),
    takes=(*PAPER, *OURS),
)
