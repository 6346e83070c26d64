"""jaxbnn list: what can be run."""

import argparse

from rich.table import Table

from jaxbnn import studies
from jaxbnn.cli.terminal import print_table
from jaxbnn.config.experiment import Experiment, Resampled


def list_experiments(options: argparse.Namespace) -> int:
    """jaxbnn list."""
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "data", "hidden layers", "epochs", "seeds"):
        table.add_column(heading)
    for experiment in (e for study in studies.STUDIES for e in study.experiments):
        if not isinstance(experiment, Experiment):
            continue
        widths = "-".join(
            map(str, (*getattr(experiment.model, "channels", ()), *experiment.model.widths))
        )
        epochs, n = str(experiment.train.epochs), str(len(experiment.seeds))
        table.add_row(experiment.name, type(experiment.data).__name__, widths, epochs, n)
    print_table(table)
    table = Table(box=None, pad_edge=False)
    for heading in ("grid", "group (--only)", "data", "settings", "epochs", "seeds"):
        table.add_column(heading)
    for name, group, settings in (
        (s.name, *each) for s in studies.STUDIES for each in s.grid.items()
    ):
        first = settings[0]
        counts = (str(n) for n in (len(settings), first.train.epochs, len(first.seeds)))
        table.add_row(name, group, type(first.data).__name__, *counts)
    print_table(table)
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "samples of", "examples N", "repetitions"):
        table.add_column(heading)
    for samples in (
        e for study in studies.STUDIES for e in study.experiments if not isinstance(e, Experiment)
    ):
        of = (
            f"{type(samples.experiment.data).__name__} layers"
            if isinstance(samples, Resampled)
            else "random units"
        )
        table.add_row(
            samples.name, of, f"{min(samples.n)} to {max(samples.n)}", str(samples.repetitions)
        )
    print()
    print_table(table)
    return 0
