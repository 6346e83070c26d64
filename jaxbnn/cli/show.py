"""jaxbnn show: an experiment, its assumptions, and what it takes here."""

import argparse

from jaxbnn import config, studies
from jaxbnn.cli.selection import chosen_experiments, estimated, with_seeds_per_program
from jaxbnn.cli.startup import start
from jaxbnn.cli.terminal import cost_line
from jaxbnn.config.experiment import Experiment
from jaxbnn.engine.cost import TIMED_SECONDS


def show_experiment(options: argparse.Namespace) -> int:
    """jaxbnn show NAME."""
    experiment, *others = chosen_experiments(options)
    _, study = studies.find(experiment.name)
    devices = start(options)
    if others:
        print(f"the first of {1 + len(others)} settings:")
    if isinstance(experiment, Experiment):
        experiment = with_seeds_per_program(experiment, options, devices)
    print(config.to_json(experiment))
    print(f"\ndigest {config.digest(experiment)}\n\n{study.cite}\nAssumptions:")
    for assumption in study.assumptions:
        print(f"- {assumption}")
    if not isinstance(experiment, Experiment):
        return 0
    print(
        f"\nOn this machine: {cost_line(estimated([experiment], options, devices, TIMED_SECONDS))}"
    )
    return 0
