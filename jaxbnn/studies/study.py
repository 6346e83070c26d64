"""A study: what can be run under a name, what its source leaves unsaid, what it claims, and its
figures."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from jaxbnn.config.experiment import Experiment
from jaxbnn.config.registry import Runnable
from jaxbnn.data import Split

Verdict = Literal["confirmed", "contradicted", "too weak to say", "not attempted"]


class Run(NamedTuple):
    """A finished run as a study's claims and figures see it."""

    experiment: Experiment
    label: str  # what sets it apart from the study's experiment of that name; "" where nothing does
    results: Mapping[str, Any]  # probe -> its group as an xarray.Dataset; the main one under "" too
    networks: Callable[[], Mapping[int, Any]]  # seed -> trained variables
    split: Callable[[], Split]  # the data of seed 0


Runs = Mapping[str, Run]


class Finding(NamedTuple):
    """What our runs say of a claim."""

    verdict: Verdict
    number: str  # ours, with its 95 % interval over seeds and its unit


class Claim(NamedTuple):
    """One sentence of a paper that runs can test."""

    id: str
    statement: str
    definition: str  # what is computed, and when the claim counts as confirmed or contradicted
    judge: Callable[[Runs], Finding]
    needs: tuple[str, ...] = ()  # the experiments it is judged by


class Picture(NamedTuple):
    """A figure of a report."""

    name: str
    caption: str
    needs: tuple[str, ...]  # the experiments it shows; drawn where one of them has a run
    draw: Callable[[Runs], Any]  # a matplotlib Figure


class Table(NamedTuple):
    """A table of a report."""

    name: str  # of its files
    heading: str
    rows: list[list[str]]  # the first of them names the columns
    note: str = ""  # what the columns are


class Report(NamedTuple):
    """What `jaxbnn report` makes of a study's finished runs."""

    needs: tuple[str, ...]  # the experiments it cannot be made without
    claims: tuple[Claim, ...]
    pictures: tuple[Picture, ...]
    tables: tuple[Callable[[Runs], Table], ...]
    takes: tuple[str, ...] = ()  # the experiments it takes where they have a run


class Study(NamedTuple):
    """Experiments that belong together."""

    cite: str
    experiments: tuple[Runnable, ...]
    assumptions: tuple[str, ...]  # choices that are ours, each a sentence
    name: str = ""  # what `jaxbnn report` calls it
    # Made when it is asked for: its figures need matplotlib.
    report: Callable[[], Report] | None = None
    # Group -> many settings, run by the study's name.
    grid: Mapping[str, tuple[Experiment, ...]] = MappingProxyType({})
