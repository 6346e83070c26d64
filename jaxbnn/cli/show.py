"""jaxbnn show: an experiment, its assumptions, and what it takes here."""

import argparse

from jaxbnn import config
from jaxbnn.cli import study_file
from jaxbnn.cli.selection import Devices, chosen_experiments, with_seeds_per_program
from jaxbnn.cli.terminal import cost_line
from jaxbnn.config.experiment import Experiment
from jaxbnn.studies.named import find


def show_experiment(options: argparse.Namespace) -> int:
    """jaxbnn show NAME. JAX is started for --cost and --seeds-per-program auto alone."""
    experiment, *others = chosen_experiments(options)
    devices = None
    if options.cost or options.seeds_per_program == "auto":
        from jaxbnn.cli.startup import start

        devices = start(options)
    if others:
        print(f"the first of {1 + len(others)} settings:")
    if isinstance(experiment, Experiment):
        experiment = with_seeds_per_program(experiment, options, devices)
    print(config.to_json(experiment))
    print(f"\ndigest {config.digest(experiment)}")
    if study_file.split(options.name) is None:
        _print_assumptions(experiment.name)
    if isinstance(experiment, Experiment) and options.cost:
        _print_cost(experiment, options, devices)
    return 0


def _print_assumptions(name: str) -> None:
    _, study = find(name)
    print(f"\n{study.cite}\nAssumptions:")
    for assumption in study.assumptions:
        print(f"- {assumption}")


def _print_cost(experiment: Experiment, options: argparse.Namespace, devices: Devices) -> None:
    from jaxbnn.cli.selection import estimated
    from jaxbnn.engine.cost import TIMED_SECONDS

    cost = estimated([experiment], options, devices, TIMED_SECONDS)
    print(f"\nOn this machine: {cost_line(cost)}")
