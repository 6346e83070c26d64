"""The names of what can be run, known without JAX: catalogue.json, which is made from the studies.

`python -m jaxbnn.studies.catalogue` writes it anew; a test compares it with the studies.
"""

import difflib
import functools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).with_suffix(".json")


class Network(NamedTuple):
    """An experiment that trains networks."""

    name: str
    data: str  # the data specification's type
    hidden: str  # widths of the hidden layers: "10-8-6-4-2"
    epochs: int
    seeds: int


class Group(NamedTuple):
    """A group of a grid's settings."""

    grid: str
    name: str
    data: str
    settings: list[str]  # names of experiments
    epochs: int
    seeds: int


class Samples(NamedTuple):
    """A study of samples whose entropy is known."""

    name: str
    source: str  # what the samples are of
    least: int  # examples of the smallest sample
    most: int
    repetitions: int


class Catalogue(NamedTuple):
    """All that can be named on the command line."""

    networks: list[Network]
    groups: list[Group]
    samples: list[Samples]
    reported: list[str]  # the studies that `jaxbnn report` knows

    def names(self) -> list[str]:
        """Every experiment, also the settings of grids."""
        names = [network.name for network in self.networks]
        names += [study.name for study in self.samples]
        for group in self.groups:
            names += group.settings
        return names

    def groups_of(self, grid: str) -> list[str]:
        """The groups of a grid; none where it is no grid."""
        return [group.name for group in self.groups if group.grid == grid]


@functools.cache
def read() -> Catalogue:
    """The catalogue as it is kept beside this module."""
    plain = json.loads(FILE.read_text(encoding="utf-8"))
    return Catalogue(
        [Network(**row) for row in plain["networks"]],
        [Group(**row) for row in plain["groups"]],
        [Samples(**row) for row in plain["samples"]],
        plain["reported"],
    )


def check(name: str, only: str | None = None) -> None:
    """ValueError for a name that is neither an experiment's nor a grid's, and for groups (`only`,
    "a,b") that it has not."""
    known = read()
    groups = known.groups_of(name)
    if groups:
        chosen_groups(name, groups, only)
    elif name not in known.names():
        raise ValueError(unknown(name, known.names()))
    elif only is not None:
        raise ValueError(f"expected --only with a grid such as nothnagel2026, got {name}")


def chosen_groups(grid: str, groups: list[str], only: str | None) -> list[str]:
    """The groups that "a,b" names, each once; all without `only`. ValueError for an unknown one."""
    if only is None:
        return groups
    chosen = list(dict.fromkeys(only.split(",")))
    strange = [group for group in chosen if group not in groups]
    if strange:
        raise ValueError(f"expected a group of {grid} ({', '.join(groups)}), got {strange[0]!r}")
    return chosen


def unknown(name: str, names: Iterable[str]) -> str:
    """What is said of an unknown name: it offers the nearest."""
    known = list(names)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or known[:4]
    return f"unknown experiment {name!r}: expected {' or '.join(near)} (all: jaxbnn list)"


def text_of(catalogue: Catalogue) -> str:
    """The catalogue as catalogue.json has it, one row a line."""
    parts = []
    for key in ("networks", "groups", "samples"):
        rows = [json.dumps(row._asdict()) for row in getattr(catalogue, key)]
        parts.append(_lines(key, rows))
    parts.append(f' "reported": {json.dumps(catalogue.reported)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines(key: str, rows: list[Any]) -> str:
    return f' "{key}": [\n  ' + ",\n  ".join(rows) + "\n ]"


def main() -> None:
    """Writes catalogue.json anew."""
    from jaxbnn.studies.named import make_catalogue

    FILE.write_text(text_of(make_catalogue()), encoding="utf-8")


if __name__ == "__main__":
    main()
