"""What can be run by name."""

import difflib

from jaxbnn.config import Runnable, changes
from jaxbnn.studies.raj_2020 import RAJ_2020
from jaxbnn.studies.regime import REGIME
from jaxbnn.studies.starter import STARTER
from jaxbnn.studies.study import Study as Study

STUDIES = (STARTER, REGIME, RAJ_2020)


def changed(experiment: Runnable) -> str:
    """What sets the experiment apart from the study's of that name, seeds apart; "" where nothing or none has it."""
    named = {each.name: each for study in STUDIES for each in study.experiments}
    return ", ".join(changes(experiment, named[experiment.name])) if experiment.name in named else ""


def find(name: str) -> tuple[Runnable, Study]:
    """The experiment of that name and the study it belongs to; ValueError offers the nearest names."""
    named = {experiment.name: (experiment, study) for study in STUDIES for experiment in study.experiments}
    if name not in named:
        near = difflib.get_close_matches(name, named, n=3, cutoff=0.4) or list(named)
        raise ValueError(f"unknown experiment {name!r}: expected {' or '.join(near)} (all: jaxbnn list)")
    return named[name]
