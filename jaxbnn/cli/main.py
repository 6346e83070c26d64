"""The command line. It and `commands` hold the only print, argument parser, signal handler and exit
code."""

import argparse
import errno
import sys
from collections.abc import Callable, Sequence

import jax

from jaxbnn import config, studies
from jaxbnn.cli.compare import compare_runs
from jaxbnn.cli.examining import examine_machine
from jaxbnn.cli.list import list_experiments
from jaxbnn.cli.measure import measure_path
from jaxbnn.cli.plot import plot_run
from jaxbnn.cli.report import report_study
from jaxbnn.cli.run import run_experiment
from jaxbnn.cli.show import show_experiment
from jaxbnn.info.corrected_entropy import ESTIMATORS as WITHOUT_ALPHABET
from jaxbnn.info.corrected_entropy import WITH_ALPHABET

MAX_SEEDS = 10**6
MAX_DEVICES, MAX_PROCESSES = 1024, 10**4
ESTIMATORS = (*WITHOUT_ALPHABET, *WITH_ALPHABET)
BAD_INPUT, INTERRUPTED = 2, 130


class Parser(argparse.ArgumentParser):
    """argparse with its errors on one line."""

    def error(self, message: str):
        print(f"jaxbnn: error: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(BAD_INPUT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0, 2 for bad input, 75 for a run that was stopped and can go on,
    130 for Ctrl-C."""
    options = parser().parse_args(arguments)
    try:
        return options.command(options)
    except (
        ValueError,
        TypeError,
        OSError,
        ImportError,
        MemoryError,
        jax.errors.JaxRuntimeError,
    ) as error:
        print(f"jaxbnn: error: {' '.join(str(error).split())}{advice(error)}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("jaxbnn: interrupted", file=sys.stderr)
        return INTERRUPTED


def advice(error: BaseException) -> str:
    """What to do about an error that does not say so itself."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return ": the disk has no room left; make some, and the same command goes on"
    return ""


def parser() -> Parser:
    """The commands and their options."""
    top = Parser(
        prog="jaxbnn",
        description="Information planes of binary networks: many seeds, counted exactly.",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="the experiments that can be run")
    listing.set_defaults(command=list_experiments)
    add_running(commands.add_parser)
    add_reading(commands.add_parser)
    return top


def add_running(add: Callable[..., argparse.ArgumentParser]) -> None:
    """The commands that run something on this machine's devices."""
    show = add("show", help="an experiment's config, assumptions, and its time and memory here")
    show.set_defaults(command=show_experiment, out="runs")
    train = add("run", help="train, measure, and write the result into a folder")
    train.set_defaults(command=run_experiment)
    n_seeds, processes, devices = (
        number(config.MAX_SEEDS_PER_PROGRAM, "auto"),
        number(MAX_PROCESSES, "auto"),
        number(MAX_DEVICES),
    )
    for command in (show, train):
        command.add_argument("name", help="see jaxbnn list")
        command.add_argument(
            "--seeds", type=seeds, metavar="N|A:B", help="seeds 0 to N-1, or A to B-1"
        )
        changes = {"action": "append", "default": [], "metavar": "KEY=VALUE"}
        command.add_argument(
            "--set", **changes, help="train.epochs=100; with a list, each of its values in turn"
        )
        command.add_argument(
            "--data-root", metavar="DIR", help="where data files are ($JAXBNN_DATA is asked next)"
        )
        command.add_argument(
            "--seeds-per-program",
            type=n_seeds,
            metavar="N|auto",
            help="seeds trained together; auto: fastest here",
        )
        command.add_argument("--only", metavar="GROUP", help="of a grid: one group of its settings")
        command.add_argument(
            "--scale", type=float, metavar="X", help="of a grid: X times the epochs and images"
        )
    train.add_argument(
        "--out", default="runs", metavar="DIR", help="where runs are written (default: runs)"
    )
    together = train.add_argument_group("processes that share a run (see docs/clusters.md)")
    how_many = "how many; auto: SLURM or Open MPI knows"
    together.add_argument("--processes", type=processes, metavar="N|auto", help=how_many)
    together.add_argument(
        "--process-id", type=int, metavar="I", help="which of them this is, 0 to N - 1"
    )
    together.add_argument("--coordinator", metavar="HOST:PORT", help="where process 0 is")
    examine = add("doctor", help="is this machine ready: versions, memory, counts, bits, speed")
    examine.set_defaults(command=examine_machine)
    for command in (show, train, examine):
        command.add_argument(
            "--devices", type=devices, metavar="N", help="devices of this process (default: all)"
        )


def add_reading(add: Callable[..., argparse.ArgumentParser]) -> None:
    """The commands that read finished runs, or a file of activations."""
    plot = add("plot", help="draw plane and curves into a finished run's folder")
    plot.set_defaults(command=plot_run)
    plot.add_argument("folder", help="the run's folder, the last line that run prints")
    measure = add(
        "measure",
        help="information in activations of an .npz file, or a finished run estimated anew",
    )
    measure.set_defaults(command=measure_path)
    measure.add_argument(
        "path", help="an .npz with t [N, D] (or words [N, W] and bits) and y [N], or a run's folder"
    )
    measure.add_argument(
        "--population", action="store_true", help="of a file: these rows are all there are"
    )
    measure.add_argument(
        "--tolerance", type=float, metavar="BITS", help="of a file: what reliable allows (0.1)"
    )
    measure.add_argument(
        "--estimator", metavar="NAME", help=f"of a folder: {', '.join(ESTIMATORS)}"
    )
    measure.add_argument("--json", action="store_true", help="print JSON")
    reported = [study.name for study in studies.STUDIES if study.report]
    reporting = add(
        "report", help="a paper's figures and the ledger of its claims, from finished runs"
    )
    reporting.set_defaults(command=report_study)
    reporting.add_argument("study", help=f"one of {', '.join(reported)}")
    reporting.add_argument(
        "--out", required=True, metavar="DIR", help="where report.md and its figures are written"
    )
    reporting.add_argument(
        "--runs", default="runs", metavar="DIR", help="where runs were written (default: runs)"
    )
    reporting.add_argument(
        "--data-root", metavar="DIR", help="where data files are ($JAXBNN_DATA is asked next)"
    )
    compare = add("compare", help="are two finished runs' planes different, over seeds?")
    compare.set_defaults(command=compare_runs)
    for name in ("a", "b"):
        compare.add_argument(name, metavar=name.upper(), help="a run's folder")


def seeds(text: str) -> tuple[int, ...]:
    """ "10" -> 0 .. 9, "4:8" -> 4 .. 7."""
    first, colon, last = text.partition(":")
    try:
        chosen = range(int(first), int(last)) if colon else range(int(first))
    except ValueError:
        chosen = range(0)
    if not chosen or chosen.start < 0 or chosen.stop > 2**32:
        raise argparse.ArgumentTypeError(
            f"expected N (1 or more) or A:B (0 <= A < B <= 2**32), got {text!r}"
        )
    if len(chosen) > MAX_SEEDS:
        raise argparse.ArgumentTypeError(
            f"expected at most {MAX_SEEDS} seeds at once, got {text!r}"
        )
    return tuple(chosen)


def number(most: int, *words: str) -> Callable[[str], int | str]:
    """What reads "8" as 8, up to `most`, and each of the words as it is."""

    def read(text: str) -> int | str:
        if text in words:
            return text
        if not text.isdecimal() or not 1 <= int(text) <= most:
            expected = " or ".join((*words, "a number"))
            raise argparse.ArgumentTypeError(f"expected {expected} from 1 to {most}, got {text!r}")
        return int(text)

    read.__name__ = "number"  # for argparse, which names it where int says no
    return read
