"""jaxbnn list: what can be run."""

import argparse
from collections.abc import Iterable, Sequence

from rich.table import Table

from jaxbnn.cli.terminal import print_table
from jaxbnn.studies import catalogue

NETWORKS = ("name", "data", "hidden layers", "epochs", "seeds")
GROUPS = ("grid", "group (--only)", "data", "settings", "epochs", "seeds")
SAMPLES = ("name", "samples of", "examples N", "repetitions")


def list_experiments(options: argparse.Namespace) -> int:
    """jaxbnn list."""
    known = catalogue.read()
    print_table(_table(NETWORKS, known.networks))
    print_table(_table(GROUPS, [_group_row(group) for group in known.groups]))
    samples = [(s.name, s.source, f"{s.least} to {s.most}", s.repetitions) for s in known.samples]
    print()
    print_table(_table(SAMPLES, samples))
    return 0


def _group_row(group: catalogue.Group) -> tuple[object, ...]:
    n_settings = len(group.settings)
    return group.grid, group.name, group.data, n_settings, group.epochs, group.seeds


def _table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    return table
