"""jaxbnn run: an experiment, a grid's settings program after program, or a study of estimators."""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import jax

from jaxbnn import studies
from jaxbnn.cli import tables
from jaxbnn.cli.selection import chosen_experiments, estimated, with_seeds_per_program
from jaxbnn.cli.startup import start
from jaxbnn.cli.terminal import Meter, clock, cost_line, print_table
from jaxbnn.config.experiment import Experiment, Resampled
from jaxbnn.engine import processes, run_plan
from jaxbnn.engine.runner import run, run_together
from jaxbnn.files.figures import save_figure
from jaxbnn.info.known_truth import Bernoulli
from jaxbnn.plots import study_figures
from jaxbnn.storage import results, run_folder
from jaxbnn.studies.known_truth import runner, verdict_scores
from jaxbnn.studies.labels import setting_labels

GLANCE, ANNOUNCED = (
    0.3,
    10.0,
)  # seconds that a run is timed before it starts, and from which on it is told
FEW = 10  # epochs, below which a run is not timed before
STOPPED = 75  # EX_TEMPFAIL: run the same command again


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
    finally:
        processes.leave()


def run_alone(
    experiment: Experiment, options: argparse.Namespace, devices: Sequence[jax.Device]
) -> int:
    """One experiment, with what it will take before and a table of its last epoch after it."""
    with Meter() as meter:
        experiment = with_seeds_per_program(experiment, options, devices)
        if unfinished(experiment, options):
            glance = GLANCE if experiment.train.epochs >= FEW else 0
            cost = estimated([experiment], options, devices, glance)
            if cost.seconds > ANNOUNCED:  # not where it is unknown
                print(f"{experiment.name}: {cost_line(cost)}", file=sys.stderr)
        if meter.stopped():
            print("stopped: the same command begins the run", file=sys.stderr)
            return STOPPED
        folder = run_one(experiment, options, meter, devices)
    if folder is None:
        return STOPPED
    if processes.index():
        return 0
    result = results.open_result(folder).sel(seed=sorted(experiment.seeds))
    print_table(tables.result_table(result))
    print(tables.result_words(result))
    if changed := studies.changed(experiment):
        print(f"changed: {changed}")
    print(folder)
    return 0


def run_one(
    experiment: Experiment, options: argparse.Namespace, meter: Meter, devices: Sequence[jax.Device]
) -> Path | None:
    """The folder of the experiment once it is finished; None where a signal stopped it, or another
    process ended."""
    folder = run(
        experiment, options.out, options.data_root, devices, report=meter.show, stop=meter.stopped
    )
    if set(experiment.seeds) - set(results.finished_seeds(folder)):
        print(f"stopped: the same command goes on from {folder}", file=sys.stderr)
        return None
    return folder


def run_grid(
    experiments: list[Experiment], options: argparse.Namespace, devices: Sequence[jax.Device]
) -> int:
    """Program after program, the settings of one in shared blocks; finished settings are not run
    again."""
    with Meter() as meter:
        programs = []
        for group in run_plan.by_program(experiments):
            n_seeds = with_seeds_per_program(group[0], options, devices).seeds_per_program
            programs.append(
                [dataclasses.replace(each, seeds_per_program=n_seeds) for each in group]
            )
            jax.clear_caches()  # a process has so many memory maps, a program takes hundreds
        if not run_programs(programs, options, meter, devices):
            print("stopped: the same command goes on", file=sys.stderr)
            return STOPPED
    if processes.index():
        return 0
    every = [each for group in programs for each in group]
    labels, shared = setting_labels(every, [studies.all_changes(each) for each in every])
    last = (last_epoch(run_folder.folder_of(options.out, each), each.seeds) for each in every)
    print_table(tables.grid_table(zip(labels, last, strict=True)))
    if shared:
        print(f"changed: {shared}")
    return 0


def run_programs(
    programs: list[list[Experiment]],
    options: argparse.Namespace,
    meter: Meter,
    devices: Sequence[jax.Device],
) -> bool:
    """Whether every setting is finished: not where a signal asked to stop."""
    left = [[each for each in group if unfinished(each, options)] for group in programs]
    n_left, total, done = sum(map(len, left)), 0.0, 0
    for group in filter(None, left):
        total += estimated(group, options, devices, GLANCE).seconds
        jax.clear_caches()
        if meter.stopped():
            return False
    said = (
        f"about {clock(total)} without compiling, one after another" if n_left else "nothing to do"
    )
    print(
        f"{sum(map(len, programs))} settings, {n_left} to run, {len(programs)} programs: {said}",
        file=sys.stderr,
    )
    for group in filter(None, left):
        for experiment in group:
            done += 1
            print(
                f"[{done}/{n_left}] {experiment.name} {studies.changed(experiment)}".rstrip(),
                file=sys.stderr,
            )
        run_together(
            group, options.out, options.data_root, devices, report=meter.show, stop=meter.stopped
        )
        if any(unfinished(each, options) for each in group) or meter.stopped():
            return False
        jax.clear_caches()
    return True


def last_epoch(folder: Path, seeds: tuple[int, ...]):
    """A finished run's last epoch, of these seeds."""
    return results.open_result(folder).sel(seed=sorted(seeds)).isel(epoch=[-1])


def unfinished(experiment: Experiment, options: argparse.Namespace) -> bool:
    """Whether the experiment lacks seeds where its run is written."""
    return bool(
        set(experiment.seeds)
        - set(results.finished_seeds(run_folder.folder_of(options.out, experiment)))
    )


def run_study(study: Bernoulli | Resampled, options: argparse.Namespace) -> int:
    """jaxbnn run NAME of a study of estimators: a line for each piece on stderr, then how right the
    verdicts were."""
    if processes.count() > 1:
        raise ValueError(
            f"expected one process for {study.name}, a study of samples, got {processes.count()}"
        )
    with Meter() as meter:
        folder = runner.run_known_truth(
            study, options.out, options.data_root, meter.say, meter.stopped
        )
    if meter.stopped():
        print(f"stopped: the same command goes on from {folder}", file=sys.stderr)
        return STOPPED
    result = results.open_result(folder)
    print_table(tables.score_table(verdict_scores.scores(result)))
    for name, figure in study_figures.plot_study(result).items():
        save_figure(folder, name, figure)
    print(folder)
    return 0
