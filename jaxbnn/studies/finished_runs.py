"""The finished runs that a study's report is made of, found below a folder, with what sets them
apart from the study's own."""

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from jaxbnn import config, data
from jaxbnn.analysis import networks
from jaxbnn.config.experiment import Experiment
from jaxbnn.storage import run_folder
from jaxbnn.storage.results import finished_seeds, open_result
from jaxbnn.studies.study import Run, Study

SHORT = "-short"  # ends the name of an experiment's short form


class _Search(NamedTuple):
    """Where runs are looked for."""

    named: dict[str, Experiment]  # of the study
    folder: Path
    data_root: str | Path | None


def find_runs(
    study: Study,
    needs: Sequence[str],
    folder: str | Path,
    data_root: str | Path | None = None,
    takes: Sequence[str] = (),
) -> dict[str, Run]:
    """The finished run of each experiment that a report needs, or takes where there is one.

    The experiment as the study names it is taken first, then one that was changed (`--set`), then
    its short form; what is changed or short says so in its label.

    Args:
        study: the experiments' study.
        needs: the names of experiments that must have a run.
        folder: what `run --out` was given.
        data_root: where data sets lie.
        takes: the names of experiments that may have one.

    Returns:
        Name -> run, those of `takes` first.

    Raises:
        ValueError: where a needed one is missing, or all, with the command that makes it, and where
            several changed ones could be meant.
    """
    search = _Search(_named_experiments(study), Path(folder), data_root)
    runs: dict[str, Run] = {}
    for name in takes:
        run = _own_or_changed_run(search, name)
        if run is not None:
            runs[name] = run
    if takes and not needs and not runs:
        raise ValueError(
            f"expected finished runs of {study.name} in {folder}, got none: first jaxbnn run "
            f"{study.name}"
        )
    missing = []
    for name in needs:
        run = _own_or_changed_run(search, name) or _short_run(search, name)
        if run is None:
            missing.append(_command(search, name))
        else:
            runs[name] = run
    if missing:
        raise ValueError(
            f"expected finished runs in {folder}, got none of {len(missing)}: first "
            f"{', '.join(missing)}"
        )
    return runs


def _named_experiments(study: Study) -> dict[str, Experiment]:
    """Name -> experiment, of the study and of its grid."""
    experiments = [e for e in study.experiments if isinstance(e, Experiment)]
    for settings in study.grid.values():
        experiments += settings
    return {experiment.name: experiment for experiment in experiments}


def _command(search: _Search, name: str) -> str:
    """What makes the missing run of an experiment."""
    short = name + SHORT
    return f"jaxbnn run {name}" + (f" (or {short})" if short in search.named else "")


def _own_or_changed_run(search: _Search, name: str) -> Run | None:
    """The run of the named experiment, else the only one of its name; None where there is none."""
    experiment = search.named[name]
    folder = _finished_folder(search, experiment)
    return None if folder is None else _read_run(folder, search.data_root, experiment)


def _short_run(search: _Search, name: str) -> Run | None:
    """The run of the named experiment's short form; None where there is none."""
    short = search.named.get(name + SHORT)
    folder = None if short is None else _finished_folder(search, short)
    if folder is None:
        return None
    run = _read_run(folder, search.data_root, search.named[name])
    return run._replace(label=f"short form: {run.label}" if run.label else "")


def _finished_folder(search: _Search, experiment: Experiment) -> Path | None:
    """The folder of the experiment's finished run, else of the only changed one."""
    own = run_folder.folder_of(search.folder, experiment)
    finished = [path for path in sorted(own.parent.glob("*")) if finished_seeds(path)]
    if own in finished:
        return own
    if len(finished) > 1:
        names = ", ".join(path.name for path in finished)
        raise ValueError(
            f"expected one changed run of {experiment.name}, got {names} in {own.parent}: move "
            "those that are not meant elsewhere"
        )
    return finished[0] if finished else None


def _read_run(folder: Path, data_root: str | Path | None, base: Experiment) -> Run:
    """The run in a folder, its label what sets it apart from `base`."""
    experiment = run_folder.read_config(folder)
    main, *others = [probe.name for probe in experiment.probes]
    results = {main: open_result(folder)}
    results[""] = results[main]
    for name in others:
        results[name] = open_result(folder, name)
    return Run(
        experiment,
        _label(experiment, base, results[""].sizes["seed"]),
        results,
        partial(networks.load_networks, folder),
        partial(data.load, experiment.data, data_root, 0),
    )


def _label(experiment: Experiment, base: Experiment, n_seeds: int) -> str:
    """What sets an experiment apart from its base; "" where nothing does."""
    # The number of seeds a program trains together changes rounding alone.
    alike = dataclasses.replace(experiment, seeds_per_program=base.seeds_per_program)
    changes = config.changes(alike, base)
    return f"{', '.join(changes)}, {n_seeds} seeds" if changes else ""
