"""What can be run by name."""

import difflib

from jaxbnn.config.codec import changes
from jaxbnn.config.experiment import Experiment
from jaxbnn.config.registry import Runnable
from jaxbnn.studies.known_truth.experiments import REGIME
from jaxbnn.studies.nothnagel_2026.experiments import NOTHNAGEL_2026
from jaxbnn.studies.raj_2020.experiments import RAJ_2020
from jaxbnn.studies.starter import STARTER
from jaxbnn.studies.study import Study as Study

STUDIES = (STARTER, REGIME, RAJ_2020, NOTHNAGEL_2026)


def changed(experiment: Runnable) -> str:
    """What sets the experiment apart from the study's of that name, seeds apart; "" where nothing
    or none has it."""
    return ", ".join(all_changes(experiment))


def all_changes(experiment: Runnable) -> list[str]:
    """As `changed`, one by one."""
    named = _named()
    return changes(experiment, named[experiment.name][0]) if experiment.name in named else []


def find(name: str) -> tuple[Runnable, Study]:
    """The experiment of that name and the study it belongs to; ValueError offers the nearest
    names."""
    named = _named()
    if name not in named:
        near = difflib.get_close_matches(name, named, n=3, cutoff=0.4) or list(named)
        raise ValueError(
            f"unknown experiment {name!r}: expected {' or '.join(near)} (all: jaxbnn list)"
        )
    return named[name]


def settings(name: str, only: str | None = None) -> tuple[Experiment, ...]:
    """The settings of the grid of that name, of the groups "a,b" where `only` names some; () for
    what is no grid."""
    grid = {study.name: study.grid for study in STUDIES if study.grid}.get(name, {})
    if only is None or not grid:
        return tuple(setting for group in grid.values() for setting in group)
    groups = only.split(",")
    if unknown := [group for group in groups if group not in grid]:
        raise ValueError(f"expected a group of {name} ({', '.join(grid)}), got {unknown[0]!r}")
    return tuple(setting for group in dict.fromkeys(groups) for setting in grid[group])


def _named():
    """Name -> (experiment, its study)."""
    every = [(study, (*study.experiments, *settings(study.name))) for study in STUDIES]
    return {experiment.name: (experiment, study) for study, each in every for experiment in each}
