"""The studies, and the experiments that they name."""

import json
from collections.abc import Iterator

from jaxbnn.config.codec import _differences, changes, to_json
from jaxbnn.config.experiment import Experiment, Resampled
from jaxbnn.config.registry import Runnable, Sampled
from jaxbnn.info.known_truth import LongTails
from jaxbnn.studies import catalogue
from jaxbnn.studies.catalogue import Catalogue, Group, Network, Samples
from jaxbnn.studies.known_truth.experiments import REGIME
from jaxbnn.studies.nothnagel_2026.experiments import NOTHNAGEL_2026
from jaxbnn.studies.raj_2020.experiments import RAJ_2020
from jaxbnn.studies.starter import STARTER
from jaxbnn.studies.study import Study

STUDIES = (STARTER, REGIME, RAJ_2020, NOTHNAGEL_2026)


def changed(experiment: Runnable) -> str:
    """What sets the experiment apart from the study's of that name, seeds apart; "" where nothing
    or none has it."""
    return ", ".join(all_changes(experiment))


def all_changes(experiment: Runnable) -> list[str]:
    """As `changed`, one by one."""
    named = _named()
    return changes(experiment, named[experiment.name][0]) if experiment.name in named else []


def changed_in(text: str) -> str:
    """As `changed`, of an experiment as JSON text. Its types are not built: they may be unknown."""
    ours = json.loads(text)
    named = _named()
    if ours.get("name") not in named:
        return ""
    theirs = json.loads(to_json(named[ours["name"]][0]))
    for plain in (ours, theirs):
        plain.pop("name")
        plain.pop("seeds", None)
    return ", ".join(_differences(ours, theirs, ""))


def find(name: str) -> tuple[Runnable, Study]:
    """The experiment of that name and the study it belongs to; ValueError offers the nearest
    names."""
    named = _named()
    if name not in named:
        raise ValueError(catalogue.unknown(name, named))
    return named[name]


def settings(name: str, only: str | None = None) -> tuple[Experiment, ...]:
    """The settings of the grid of that name, of the groups "a,b" where `only` names some; () for
    what is no grid."""
    grids = {study.name: study.grid for study in STUDIES if study.grid}
    grid = grids.get(name, {})
    groups = catalogue.chosen_groups(name, list(grid), only) if grid else []
    chosen: list[Experiment] = []
    for group in groups:
        chosen += grid[group]
    return tuple(chosen)


def make_catalogue() -> Catalogue:
    """What `jaxbnn list` shows, from the studies themselves."""
    networks = []
    samples = []
    for experiment in _experiments():
        if isinstance(experiment, Sampled):
            samples.append(_samples(experiment))
        else:
            networks.append(_network(experiment))
    groups = []
    for study in STUDIES:
        for group, members in study.grid.items():
            groups.append(_group(study.name, group, members))
    reported = [study.name for study in STUDIES if study.report]
    return Catalogue(networks, groups, samples, reported)


def _experiments() -> Iterator[Runnable]:
    for study in STUDIES:
        yield from study.experiments


def _network(experiment: Experiment) -> Network:
    model = experiment.model
    widths = (*getattr(model, "channels", ()), *getattr(model, "widths", ()))
    return Network(
        experiment.name,
        type(experiment.data).__name__,
        "-".join(str(width) for width in widths),
        experiment.train.epochs,
        len(experiment.seeds),
    )


def _samples(study: Sampled) -> Samples:
    source = "random units"
    if isinstance(study, Resampled):
        source = f"{type(study.experiment.data).__name__} layers"
    elif isinstance(study, LongTails):
        source = "rare patterns"
    return Samples(study.name, source, min(study.n), max(study.n), study.repetitions)


def _group(grid: str, name: str, members: tuple[Experiment, ...]) -> Group:
    first = members[0]
    return Group(
        grid,
        name,
        type(first.data).__name__,
        [member.name for member in members],
        first.train.epochs,
        len(first.seeds),
    )


def _named() -> dict[str, tuple[Runnable, Study]]:
    """Name -> (experiment, its study)."""
    named: dict[str, tuple[Runnable, Study]] = {}
    for study in STUDIES:
        for experiment in (*study.experiments, *settings(study.name)):
            named[experiment.name] = (experiment, study)
    return named
