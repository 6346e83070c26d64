"""jaxbnn list and show: what can be run, and what it takes here."""

import argparse

from rich.table import Table

from jaxbnn import config, studies
from jaxbnn.cli.selection import chosen_experiments, estimated, with_lanes
from jaxbnn.cli.startup import start
from jaxbnn.cli.terminal import cost_line, print_table
from jaxbnn.config.experiment import Experiment, Resampled
from jaxbnn.engine.cost import TIMED_SECONDS


def list_experiments(options: argparse.Namespace) -> int:
    """jaxbnn list."""
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "data", "hidden layers", "epochs", "seeds"):
        table.add_column(heading)
    for experiment in (e for study in studies.STUDIES for e in study.experiments):
        if not isinstance(experiment, Experiment):
            continue
        widths = "-".join(map(str, (*getattr(experiment.model, "channels", ()), *experiment.model.widths)))
        epochs, n = str(experiment.train.epochs), str(len(experiment.seeds))
        table.add_row(experiment.name, type(experiment.data).__name__, widths, epochs, n)
    print_table(table)
    table = Table(box=None, pad_edge=False)
    for heading in ("grid", "group (--only)", "data", "settings", "epochs", "seeds"):
        table.add_column(heading)
    for name, group, settings in ((s.name, *each) for s in studies.STUDIES for each in s.grid.items()):
        first = settings[0]
        counts = (str(n) for n in (len(settings), first.train.epochs, len(first.seeds)))
        table.add_row(name, group, type(first.data).__name__, *counts)
    print_table(table)
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "samples of", "examples N", "repetitions"):
        table.add_column(heading)
    for samples in (e for study in studies.STUDIES for e in study.experiments if not isinstance(e, Experiment)):
        of = f"{type(samples.experiment.data).__name__} layers" if isinstance(samples, Resampled) else "random units"
        table.add_row(samples.name, of, f"{min(samples.n)} to {max(samples.n)}", str(samples.repetitions))
    print()
    print_table(table)
    return 0


def show_experiment(options: argparse.Namespace) -> int:
    """jaxbnn show NAME."""
    experiment, *others = chosen_experiments(options)
    _, study = studies.find(experiment.name)
    devices = start(options)
    if others:
        print(f"the first of {1 + len(others)} settings:")
    if isinstance(experiment, Experiment):
        experiment = with_lanes(experiment, options, devices)
    print(config.to_json(experiment))
    print(f"\ndigest {config.digest(experiment)}\n\n{study.cite}\nAssumptions:")
    for assumption in study.assumptions:
        print(f"- {assumption}")
    if not isinstance(experiment, Experiment):
        return 0
    print(f"\nOn this machine: {cost_line(estimated([experiment], options, devices, TIMED_SECONDS))}")
    return 0
