"""The commands and their options. Nothing here needs JAX, so that help and errors come at once."""

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

from jaxbnn import __version__
from jaxbnn.cli import study_file
from jaxbnn.cli.argument_types import number, seeds
from jaxbnn.studies import catalogue

BAD_INPUT = 2
MAX_SEEDS_PER_PROGRAM = 2**16  # as an Experiment has it; a test compares them
MAX_DEVICES = 1024
MAX_PROCESSES = 10**4
# As jaxbnn.info.corrected_entropy has them; a test compares them.
ESTIMATORS = (
    "plugin",
    "miller_madow",
    "harris",
    "grassberger",
    "chao_shen",
    "chao_wang_jost",
    "jackknife",
    "james_stein",
    "nsb",
)
DATA_ROOT = "where data files are ($JAXBNN_DATA is asked next)"

Add = Callable[..., argparse.ArgumentParser]


class Parser(argparse.ArgumentParser):
    """argparse with its errors on one line."""

    def error(self, message: str) -> NoReturn:
        line = " ".join(message.split())
        print(f"jaxbnn: error: {line} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(BAD_INPUT)


def parser() -> Parser:
    """The command line; a command's options name the function that runs it, "module:function"."""
    top = Parser(
        prog="jaxbnn",
        description="Information planes of binary networks: many seeds, counted exactly.",
    )
    top.add_argument("--version", action="version", version=f"jaxbnn {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    add = commands.add_parser
    listing = add("list", help="the experiments that can be run")
    listing.set_defaults(command="jaxbnn.cli.list:list_experiments")
    _add_show(add)
    _add_run(add)
    _add_doctor(add)
    _add_plot(add)
    _add_measure(add)
    _add_report(add)
    _add_compare(add)
    _add_export(add)
    _add_check(add)
    return top


def check_names(options: argparse.Namespace) -> None:
    """ValueError for an unknown experiment, group, study or file, before anything is imported."""
    for path in getattr(options, "imports", ()):
        study_file.check(path)
    if hasattr(options, "name"):
        named = study_file.split(options.name)
        if named is None:
            catalogue.check(options.name, options.only)
        else:
            study_file.check(named.path)
            if options.only is not None:
                raise ValueError(f"expected --only with a grid, got {options.name}")
    reported = catalogue.read().reported
    if hasattr(options, "study") and options.study not in reported:
        raise ValueError(f"expected a study among {', '.join(reported)}, got {options.study!r}")


def _add_show(add: Add) -> None:
    command = add("show", help="an experiment's config and assumptions; --cost: what it takes here")
    command.set_defaults(command="jaxbnn.cli.show:show_experiment", out="runs")
    command.add_argument(
        "--cost", action="store_true", help="its time and memory here: it is compiled and timed"
    )
    _add_choice(command)
    _add_devices(command)


def _add_run(add: Add) -> None:
    command = add("run", help="train, measure, and write the result into a folder")
    command.set_defaults(command="jaxbnn.cli.run:run_experiment")
    _add_choice(command)
    _add_devices(command)
    command.add_argument(
        "--out", default="runs", metavar="DIR", help="where runs are written (default: runs)"
    )
    together = command.add_argument_group("processes that share a run (see docs/clusters.md)")
    together.add_argument(
        "--processes",
        type=number(MAX_PROCESSES, "auto"),
        metavar="N|auto",
        help="how many; auto: SLURM or Open MPI knows",
    )
    together.add_argument(
        "--process-id", type=int, metavar="I", help="which of them this is, 0 to N - 1"
    )
    together.add_argument("--coordinator", metavar="HOST:PORT", help="where process 0 is")


def _add_choice(command: argparse.ArgumentParser) -> None:
    """What chooses an experiment, and what changes it."""
    command.add_argument("name", help="see jaxbnn list; or FILE.py:NAME, an Experiment of yours")
    command.add_argument("--seeds", type=seeds, metavar="N|A:B", help="seeds 0 to N-1, or A to B-1")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="train.epochs=100; with a list, each of its values in turn",
    )
    command.add_argument("--data-root", metavar="DIR", help=DATA_ROOT)
    command.add_argument(
        "--seeds-per-program",
        type=number(MAX_SEEDS_PER_PROGRAM, "auto"),
        metavar="N|auto",
        help="seeds trained together; auto: fastest here",
    )
    command.add_argument("--only", metavar="GROUP", help="of a grid: one group of its settings")
    command.add_argument(
        "--scale", type=float, metavar="X", help="of a grid: X times the epochs and images"
    )
    command.add_argument(
        "--matched",
        action="store_true",
        help="all settings share first weights and batches; without it each has its own",
    )
    _add_import(command)


def _add_import(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--import",
        action="append",
        default=[],
        dest="imports",
        metavar="FILE.py",
        help="a file that registers types of your own (jaxbnn.register)",
    )


def _add_devices(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--devices",
        type=number(MAX_DEVICES),
        metavar="N",
        help="devices of this process, on a CPU cores (default: all)",
    )


def _add_doctor(add: Add) -> None:
    command = add("doctor", help="is this machine ready: versions, memory, counts, bits, speed")
    command.set_defaults(command="jaxbnn.cli.doctor:examine_machine")
    _add_devices(command)


def _add_plot(add: Add) -> None:
    command = add("plot", help="draw plane and curves into a finished run's folder")
    command.set_defaults(command="jaxbnn.cli.plot:plot_folder")
    command.add_argument("folder", help="the run's folder, the last line that run prints")


def _add_measure(add: Add) -> None:
    command = add(
        "measure",
        help="information in activations of an .npz file, or a finished run estimated anew",
    )
    command.set_defaults(command="jaxbnn.cli.measure:measure_path")
    command.add_argument(
        "path", help="an .npz with t [N, D] (or words [N, W] and bits) and y [N], or a run's folder"
    )
    command.add_argument(
        "--population", action="store_true", help="of a file: these rows are all there are"
    )
    command.add_argument(
        "--tolerance", type=float, metavar="BITS", help="of a file: what reliable allows (0.1)"
    )
    command.add_argument(
        "--estimator", metavar="NAME", help=f"of a folder: {', '.join(ESTIMATORS)}"
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    _add_import(command)


def _add_report(add: Add) -> None:
    reported = ", ".join(catalogue.read().reported)
    command = add(
        "report", help="a paper's figures and the ledger of its claims, from finished runs"
    )
    command.set_defaults(command="jaxbnn.cli.report:report_study")
    command.add_argument("study", help=f"one of {reported}")
    command.add_argument(
        "--out", required=True, metavar="DIR", help="where report.md and its figures are written"
    )
    command.add_argument(
        "--runs", default="runs", metavar="DIR", help="where runs were written (default: runs)"
    )
    command.add_argument("--data-root", metavar="DIR", help=DATA_ROOT)


def _add_compare(add: Add) -> None:
    command = add("compare", help="are two finished runs' planes different, over seeds?")
    command.set_defaults(command="jaxbnn.cli.compare:compare_runs")
    for name in ("a", "b"):
        command.add_argument(name, metavar=name.upper(), help="a run's folder")


def _add_export(add: Add) -> None:
    command = add("export", help="a finished run's result as one netCDF file")
    command.set_defaults(command="jaxbnn.cli.export:export_run")
    command.add_argument("folder", help="the run's folder")
    command.add_argument("file", metavar="FILE.nc", help="a new file")


def _add_check(add: Add) -> None:
    command = add("check", help="is what a run has left on disk whole?")
    command.set_defaults(command="jaxbnn.cli.check:check_run")
    command.add_argument("folder", help="the run's folder")
