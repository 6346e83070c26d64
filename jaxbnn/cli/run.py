"""jaxbnn run: an experiment, a grid's settings program after program, or a study of estimators."""

import argparse
import dataclasses
import itertools
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import jax

from jaxbnn import studies
from jaxbnn.cli import interruption
from jaxbnn.cli.progress_bar import ProgressBar, Stopped
from jaxbnn.cli.result_table import grid_table, result_table, result_words
from jaxbnn.cli.selection import chosen_experiments, estimated, with_seeds_per_program
from jaxbnn.cli.startup import start
from jaxbnn.cli.terminal import clock, cost_line, print_table, tell
from jaxbnn.config.experiment import Experiment
from jaxbnn.config.registry import Sampled
from jaxbnn.engine import processes, run_plan
from jaxbnn.engine.devices import Device
from jaxbnn.engine.run_data import data_loaded_once
from jaxbnn.engine.runner import run, run_together
from jaxbnn.storage import results, run_folder
from jaxbnn.studies.labels import setting_labels

GLANCE = 0.3  # seconds that a run is timed before it starts
ANNOUNCED = 10.0  # seconds from which on its time is told
MIN_TIMED_EPOCHS = 10
STOPPED = 75  # EX_TEMPFAIL: run the same command again

Value = TypeVar("Value")
Devices = Sequence[Device]


def run_experiment(options: argparse.Namespace) -> int:
    """jaxbnn run NAME."""
    experiment, *others = chosen_experiments(options)
    devices = start(options)
    try:
        if not isinstance(experiment, Experiment):
            return run_study(experiment, options)
        if others:
            return run_grid([experiment, *others], options, devices)
        return run_alone(experiment, options, devices)
    except Stopped:
        tell("stopped: the same command begins the run")
        return STOPPED
    finally:
        processes.leave()


def run_alone(experiment: Experiment, options: argparse.Namespace, devices: Devices) -> int:
    """One experiment, with what it will take before and a table of its last epoch after it."""
    with ProgressBar() as bar, data_loaded_once(bar.show_download):
        experiment = _call(partial(with_seeds_per_program, experiment, options, devices), bar)
        if unfinished(experiment, options):
            _announce(experiment, options, devices, bar)
        folder = run_one(experiment, options, bar, devices)
    if folder is None:
        return STOPPED
    if processes.index() == 0:
        _print_result(experiment, folder)
    return 0


def _announce(
    experiment: Experiment, options: argparse.Namespace, devices: Devices, bar: ProgressBar
) -> None:
    """Says what a long run will take. Stopped where a signal came."""
    glance = GLANCE if experiment.train.epochs >= MIN_TIMED_EPOCHS else 0
    cost = _call(partial(estimated, [experiment], options, devices, glance), bar)
    if cost.seconds > ANNOUNCED:  # not where it is unknown
        tell(f"{experiment.name}: {cost_line(cost)}")
    if bar.stopped():
        raise Stopped("stopped before the run")


def run_one(
    experiment: Experiment, options: argparse.Namespace, bar: ProgressBar, devices: Devices
) -> Path | None:
    """The folder of the experiment once it is finished; None where a signal stopped it, or another
    process ended."""
    start_run = partial(
        run,
        experiment,
        options.out,
        options.data_root,
        devices,
        report=bar.show,
        stop=bar.stopped,
    )
    folder = _call(start_run, bar)
    if set(experiment.seeds) - set(results.finished_seeds(folder)):
        tell(f"stopped: the same command goes on from {folder}")
        return None
    return folder


def run_grid(experiments: list[Experiment], options: argparse.Namespace, devices: Devices) -> int:
    """Program after program, the settings of one in shared blocks; finished settings are not run
    again."""
    with ProgressBar() as bar, data_loaded_once(bar.show_download):
        programs = []
        for group in run_plan.by_program(experiments):
            first = _call(partial(with_seeds_per_program, group[0], options, devices), bar)
            n_seeds = first.seeds_per_program
            programs.append([dataclasses.replace(e, seeds_per_program=n_seeds) for e in group])
            jax.clear_caches()  # a process has so many memory maps, a program takes hundreds
        if not run_programs(programs, options, bar, devices):
            tell("stopped: the same command goes on")
            return STOPPED
    if processes.index() == 0:
        _print_grid(list(itertools.chain.from_iterable(programs)), options)
    return 0


def run_programs(
    programs: list[list[Experiment]],
    options: argparse.Namespace,
    bar: ProgressBar,
    devices: Devices,
) -> bool:
    """Whether every setting is finished: not where a signal asked to stop."""
    left = []
    for group in programs:
        missing = [experiment for experiment in group if unfinished(experiment, options)]
        if missing:
            left.append(missing)
    seconds = _seconds_of(left, options, bar, devices)
    if bar.stopped():
        return False
    n_left = sum(map(len, left))
    takes = "nothing to do"
    if n_left:
        takes = f"about {clock(seconds)} without compiling, one after another"
    n_settings = sum(map(len, programs))
    tell(f"{n_settings} settings, {n_left} to run, {len(programs)} programs: {takes}")
    n_begun = 0
    for group in left:
        _tell_settings(group, n_begun, n_left)
        n_begun += len(group)
        if not _run_group(group, options, bar, devices):
            return False
        jax.clear_caches()
    return True


def _seconds_of(
    groups: list[list[Experiment]], options: argparse.Namespace, bar: ProgressBar, devices: Devices
) -> float:
    """What the groups take one after another, without compiling."""
    seconds = 0.0
    for group in groups:
        seconds += _call(partial(estimated, group, options, devices, GLANCE), bar).seconds
        jax.clear_caches()
        if bar.stopped():
            break
    return seconds


def _tell_settings(group: list[Experiment], n_begun: int, n_left: int) -> None:
    for i, experiment in enumerate(group, n_begun + 1):
        tell(f"[{i}/{n_left}] {experiment.name} {studies.changed(experiment)}".rstrip())


def _run_group(
    group: list[Experiment], options: argparse.Namespace, bar: ProgressBar, devices: Devices
) -> bool:
    """Whether the settings of one program are finished, and no signal asked to stop."""
    start_run = partial(
        run_together,
        group,
        options.out,
        options.data_root,
        devices,
        report=bar.show,
        stop=bar.stopped,
    )
    _call(start_run, bar)
    is_finished = not any(unfinished(experiment, options) for experiment in group)
    return is_finished and not bar.stopped()


def _call(function: Callable[[], Value], bar: ProgressBar) -> Value:
    """The function's value; Stopped where a signal came while it compiled. Processes that share a
    run wait for each other, and leave together."""
    if processes.count() > 1:
        return function()
    return interruption.call(function, bar)


def _print_result(experiment: Experiment, folder: Path) -> None:
    result = results.open_result(folder).sel(seed=sorted(experiment.seeds))
    print_table(result_table(result))
    print(result_words(result))
    changed = studies.changed(experiment)
    if changed:
        print(f"changed: {changed}")
    print(folder)


def _print_grid(settings: list[Experiment], options: argparse.Namespace) -> None:
    changes = [studies.all_changes(experiment) for experiment in settings]
    labels, shared = setting_labels(settings, changes)
    last = []
    for experiment in settings:
        folder = run_folder.folder_of(options.out, experiment)
        last.append(last_epoch(folder, experiment.seeds))
    print_table(grid_table(zip(labels, last, strict=True)))
    if shared:
        print(f"changed: {shared}")


def last_epoch(folder: Path, seeds: tuple[int, ...]) -> Any:
    """A finished run's last epoch, of these seeds."""
    return results.open_result(folder).sel(seed=sorted(seeds)).isel(epoch=[-1])


def unfinished(experiment: Experiment, options: argparse.Namespace) -> bool:
    """Whether the experiment lacks seeds where its run is written."""
    folder = run_folder.folder_of(options.out, experiment)
    return bool(set(experiment.seeds) - set(results.finished_seeds(folder)))


def run_study(study: Sampled, options: argparse.Namespace) -> int:
    """jaxbnn run NAME of a study of estimators: a line for each piece on stderr, then how right the
    verdicts were."""
    if processes.count() > 1:
        raise ValueError(
            f"expected one process for {study.name}, a study of samples, got {processes.count()}"
        )
    from jaxbnn.studies.known_truth import runner

    with ProgressBar() as bar:
        folder = runner.run_known_truth(study, options.out, options.data_root, bar.say, bar.stopped)
    if bar.stopped():
        tell(f"stopped: the same command goes on from {folder}")
        return STOPPED
    _print_study(folder)
    return 0


def _print_study(folder: Path) -> None:
    # Figures need matplotlib, which takes a second: a run of networks does without.
    from jaxbnn.cli.score_table import score_table, tail_table
    from jaxbnn.studies.known_truth import tail_scores, verdict_scores
    from jaxbnn.studies.run_drawing import plot_run

    result = results.open_result(folder)
    if "cell" in result.dims:
        print_table(tail_table(tail_scores.scores(result)))
    else:
        print_table(score_table(verdict_scores.scores(result)))
        plot_run(folder)
    print(folder)
