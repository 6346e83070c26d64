"""The command line. The only print, argument parser, signal handler and exit code."""

import argparse
import dataclasses
import json
import math
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import jax
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from jaxbnn import analysis, calibration, comparison, config, data, figures, grid, info, report, store, studies, tables
from jaxbnn import result as results
from jaxbnn.autolanes import choose_lanes
from jaxbnn.config import Experiment, Resampled, Runnable
from jaxbnn.cores import use_cores
from jaxbnn.cost import Cost, estimate
from jaxbnn.info import reliability
from jaxbnn.info.host import ESTIMATORS as WITHOUT_ALPHABET
from jaxbnn.info.host import WITH_ALPHABET
from jaxbnn.info.regime import Bernoulli
from jaxbnn.observe import alphabets_of
from jaxbnn.programs import keep_programs
from jaxbnn.run import run

MOST_SEEDS = 10**6
ESTIMATORS = (*WITHOUT_ALPHABET, *WITH_ALPHABET)
GLANCE, ANNOUNCED = 0.3, 10.0  # seconds that a run is timed before it starts, and from which on it is told
FEW = 10  # epochs, below which a run is not timed before
BAD_INPUT, STOPPED = 2, 75  # 75 is EX_TEMPFAIL: run the same command again


class Parser(argparse.ArgumentParser):
    """argparse with its errors on one line."""

    def error(self, message: str):
        print(f"jaxbnn: error: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(BAD_INPUT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0, 2 for bad input, 75 for a run that was stopped and can go on."""
    options = parser().parse_args(arguments)
    try:
        return options.command(options)
    except (ValueError, TypeError, OSError, ImportError, MemoryError, jax.errors.JaxRuntimeError) as error:
        print(f"jaxbnn: error: {' '.join(str(error).split())}", file=sys.stderr)
        return BAD_INPUT


def parser() -> Parser:
    """The commands and their options."""
    top = Parser(prog="jaxbnn", description="Information planes of binary networks: many seeds, counted exactly.")
    reported = [study.name for study in studies.STUDIES if study.report]
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    add = commands.add_parser
    listing = add("list", help="the experiments that can be run")
    listing.set_defaults(command=list_experiments)
    show = add("show", help="an experiment's config, assumptions, and its time and memory here")
    show.set_defaults(command=show_experiment)
    train = add("run", help="train, measure, and write the result into a folder")
    train.set_defaults(command=run_experiment)
    for command in (show, train):
        command.add_argument("name", help="see jaxbnn list")
        command.add_argument("--seeds", type=seeds, metavar="N|A:B", help="seeds 0 to N-1, or A to B-1")
        changes = {"action": "append", "default": [], "metavar": "KEY=VALUE"}
        command.add_argument("--set", **changes, help="train.epochs=100; with a list, each of its values in turn")
        command.add_argument("--data-root", metavar="DIR", help="where data files are ($JAXBNN_DATA is asked next)")
        command.add_argument("--lanes", type=lanes, metavar="N|auto", help="seeds trained together; auto: fastest here")
        command.add_argument("--only", metavar="GROUP", help="of a grid: one group of its settings")
        command.add_argument("--scale", type=float, metavar="X", help="of a grid: X times the epochs and images")
    show.set_defaults(out="runs")
    train.add_argument("--out", default="runs", metavar="DIR", help="where runs are written (default: runs)")
    plot = add("plot", help="draw plane and curves into a finished run's folder")
    plot.set_defaults(command=plot_run)
    plot.add_argument("folder", help="the run's folder, the last line that run prints")
    measure = add("measure", help="information in activations of an .npz file, or a finished run estimated anew")
    measure.set_defaults(command=measure_path)
    measure.add_argument("path", help="an .npz with t [N, D] (or words [N, W] and bits) and y [N], or a run's folder")
    measure.add_argument("--population", action="store_true", help="of a file: these rows are all there are")
    measure.add_argument("--tolerance", type=float, metavar="BITS", help="of a file: what reliable allows (0.1)")
    measure.add_argument("--estimator", metavar="NAME", help=f"of a folder: {', '.join(ESTIMATORS)}")
    measure.add_argument("--json", action="store_true", help="print JSON")
    reporting = add("report", help="a paper's figures and the ledger of its claims, from finished runs")
    reporting.set_defaults(command=report_study)
    reporting.add_argument("study", help=f"one of {', '.join(reported)}")
    reporting.add_argument("--out", required=True, metavar="DIR", help="where report.md and its figures are written")
    reporting.add_argument("--runs", default="runs", metavar="DIR", help="where runs were written (default: runs)")
    reporting.add_argument("--data-root", metavar="DIR", help="where data files are ($JAXBNN_DATA is asked next)")
    compare = add("compare", help="are two finished runs' planes different, over seeds?")
    compare.set_defaults(command=compare_runs)
    for name in ("a", "b"):
        compare.add_argument(name, metavar=name.upper(), help="a run's folder")
    return top


def seeds(text: str) -> tuple[int, ...]:
    """ "10" -> 0 .. 9, "4:8" -> 4 .. 7."""
    first, colon, last = text.partition(":")
    try:
        chosen = range(int(first), int(last)) if colon else range(int(first))
    except ValueError:
        chosen = range(0)
    if not chosen or chosen.start < 0 or chosen.stop > 2**32:
        raise argparse.ArgumentTypeError(f"expected N (1 or more) or A:B (0 <= A < B <= 2**32), got {text!r}")
    if len(chosen) > MOST_SEEDS:
        raise argparse.ArgumentTypeError(f"expected at most {MOST_SEEDS} seeds at once, got {text!r}")
    return tuple(chosen)


def lanes(text: str) -> int | str:
    """ "8" -> 8; "auto"."""
    if text == "auto":
        return text
    if not text.isdecimal() or not 1 <= int(text) <= config.MOST_LANES:
        raise argparse.ArgumentTypeError(f"expected auto or a number from 1 to {config.MOST_LANES}, got {text!r}")
    return int(text)


def with_lanes(experiment: Experiment, options: argparse.Namespace) -> Experiment:
    """The experiment with the lanes asked for."""
    if options.lanes is None:
        return experiment
    say = partial(print, file=sys.stderr)
    chosen = options.lanes
    if chosen == "auto":
        chosen = choose_lanes(experiment, options.out, options.data_root, say)
    return dataclasses.replace(experiment, lanes=chosen)


def chosen_experiments(options: argparse.Namespace) -> tuple[Runnable, ...]:
    """The named experiment, or the settings of the named grid, with the options' seeds, scale and overrides."""
    settings = studies.settings(options.name, options.only)
    if not settings and options.only is not None:
        raise ValueError(f"expected --only with a grid such as nothnagel2026, got {options.name}")
    chosen = settings or (studies.find(options.name)[0],)
    if not isinstance(chosen[0], Experiment):
        return (chosen_study(chosen[0], options),)
    if options.scale is not None:
        chosen = tuple(grid.scaled(experiment, options.scale) for experiment in chosen)
    chosen = [made for experiment in chosen for made in grid.product(experiment, options.set)]
    return tuple(dataclasses.replace(each, seeds=options.seeds) for each in chosen) if options.seeds else tuple(chosen)


def chosen_study(study: Runnable, options: argparse.Namespace) -> Runnable:
    """The study of samples with the options' overrides."""
    if options.seeds:
        raise ValueError(f"expected no --seeds with {options.name}, a study of samples: --set repetitions=5, say")
    for assignment in options.set:
        study = config.override(study, assignment)
    return study


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
    use_cores()
    keep_programs()
    if others:
        print(f"the first of {1 + len(others)} settings:")
    if isinstance(experiment, Experiment):
        experiment = with_lanes(experiment, options)
    print(config.to_json(experiment))
    print(f"\ndigest {config.digest(experiment)}\n\n{study.cite}\nAssumptions:")
    for assumption in study.assumptions:
        print(f"- {assumption}")
    if not isinstance(experiment, Experiment):
        return 0
    print(f"\nOn this machine: {cost_line(estimate(experiment, options.data_root))}")
    return 0


def cost_line(cost: Cost) -> str:
    """A run's time and memory in words."""
    total = clock(cost.seconds + cost.compile_seconds)
    return f"about {total} ({cost.compile_seconds:.0f} s of it compiling), {cost.bytes / 2**20:.0f} MiB in the programs"


def run_experiment(options: argparse.Namespace) -> int:
    """jaxbnn run NAME."""
    experiment, *others = chosen_experiments(options)
    use_cores()
    keep_programs()
    if not isinstance(experiment, Experiment):
        return run_study(experiment, options)
    if others:
        return run_grid([experiment, *others], options)
    experiment = with_lanes(experiment, options)
    if unfinished(experiment, options):
        cost = estimate(experiment, options.data_root, GLANCE if experiment.train.epochs >= FEW else 0)
        if cost.seconds > ANNOUNCED:  # not where it is unknown
            print(f"{experiment.name}: {cost_line(cost)}", file=sys.stderr)
    with Meter() as meter:
        folder = run_one(experiment, options, meter)
    if folder is None:
        return STOPPED
    result = store.read_result(folder).sel(seed=sorted(experiment.seeds))
    print_table(tables.result_table(result))
    print(tables.result_words(result))
    if changed := studies.changed(experiment):
        print(f"changed: {changed}")
    print(folder)
    return 0


def run_one(experiment: Experiment, options: argparse.Namespace, meter: "Meter") -> Path | None:
    """The folder of the experiment once it is finished; None where a signal stopped it."""
    folder = run(experiment, options.out, options.data_root, report=meter.show, stop=meter.stopped)
    if meter.stopped() and set(experiment.seeds) - set(store.finished_seeds(folder)):
        print(f"stopped: the same command goes on from {folder}", file=sys.stderr)
        return None
    return folder


def run_grid(experiments: list[Experiment], options: argparse.Namespace) -> int:
    """Settings one after another, those of one program together; finished ones are not run again."""
    programs = []
    for group in grid.by_program(experiments):
        lanes = with_lanes(group[0], options).lanes
        programs.append([dataclasses.replace(each, lanes=lanes) for each in group])
        jax.clear_caches()  # a process has so many memory maps, a program takes hundreds
    with Meter() as meter:
        if not run_programs(programs, options, meter):
            print("stopped: the same command goes on", file=sys.stderr)
            return STOPPED
    every = [each for group in programs for each in group]
    labels, shared = grid.labels(every, [studies.all_changes(each) for each in every])
    last = (last_epoch(store.folder_of(options.out, each), each.seeds) for each in every)
    print_table(tables.grid_table(zip(labels, last, strict=True)))
    if shared:
        print(f"changed: {shared}")
    return 0


def run_programs(programs: list[list[Experiment]], options: argparse.Namespace, meter: "Meter") -> bool:
    """Whether every setting is finished: not where a signal asked to stop."""
    left = [[each for each in group if unfinished(each, options)] for group in programs]
    n_left, total, done = sum(map(len, left)), 0.0, 0
    for group in filter(None, left):
        total += len(group) * estimate(group[0], options.data_root, GLANCE).seconds
        jax.clear_caches()
        if meter.stopped():
            return False
    said = f"about {clock(total)} without compiling, one after another" if n_left else "nothing to do"
    print(f"{sum(map(len, programs))} settings, {n_left} to run, {len(programs)} programs: {said}", file=sys.stderr)
    for group in left:
        for experiment in group:
            done += 1
            print(f"[{done}/{n_left}] {experiment.name} {studies.changed(experiment)}".rstrip(), file=sys.stderr)
            if run_one(experiment, options, meter) is None or meter.stopped():
                return False
        jax.clear_caches()
    return True


def last_epoch(folder: Path, seeds: tuple[int, ...]):
    """A finished run's last epoch, of these seeds."""
    return store.read_result(folder).sel(seed=sorted(seeds)).isel(epoch=[-1])


def unfinished(experiment: Experiment, options: argparse.Namespace) -> bool:
    """Whether the experiment lacks seeds where its run is written."""
    return bool(set(experiment.seeds) - set(store.finished_seeds(store.folder_of(options.out, experiment))))


def run_study(study: Bernoulli | Resampled, options: argparse.Namespace) -> int:
    """jaxbnn run NAME of a study of estimators: a line for each piece on stderr, then how right the verdicts were."""
    with Meter() as meter:
        folder = calibration.calibrate(study, options.out, options.data_root, meter.say, meter.stopped)
    if meter.stopped():
        print(f"stopped: the same command goes on from {folder}", file=sys.stderr)
        return STOPPED
    result = store.read_result(folder)
    print_table(tables.score_table(calibration.scores(result)))
    for name, figure in figures.of_study(result).items():
        store.save_figure(folder, name, figure)
    print(folder)
    return 0


class Meter:
    """A progress bar on a terminal's stderr, quiet elsewhere; SIGINT and SIGTERM ask to stop at a checkpoint."""

    def __init__(self):
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
        self._bar = Progress(
            *columns, TextColumn("{task.fields[words]}"), console=console, disable=not console.is_terminal
        )
        self._task = self._bar.add_task("compiling", total=None, words="")
        self._stop = False

    def __enter__(self):
        self._before = {s: signal.signal(s, self._ask) for s in (signal.SIGINT, signal.SIGTERM)}
        self._bar.start()
        return self

    def __exit__(self, *error):
        self._bar.stop()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number, frame):
        self._stop = True
        signal.signal(number, signal.SIG_DFL)  # a second one ends the program at once
        print("stopping after this chunk; once more stops at once, without a checkpoint", file=sys.stderr)

    def stopped(self) -> bool:
        """Whether a signal asked to stop."""
        return self._stop

    def say(self, line: str) -> None:
        """One line on stderr."""
        self._bar.console.print(line, highlight=False)

    def show(self, progress) -> None:
        """One report of the run."""
        if progress.message:
            print(progress.message, file=sys.stderr)
        if not progress.epochs_total:
            return
        words = "measuring the untrained networks"
        if progress.epochs_per_second > 0:
            words = f"{progress.epochs_per_second:.0f} network epochs/s, {clock(progress.seconds_left)} left"
        if not math.isnan(progress.test_accuracy):
            words += f", test accuracy {progress.test_accuracy:.3f}"
        state = {"completed": progress.epochs_done, "total": progress.epochs_total, "words": words}
        self._bar.update(self._task, description="training", **state)


def clock(seconds: float) -> str:
    """Seconds as words: "42 s", "3 min 5 s", "2 h 10 min"."""
    if math.isnan(seconds):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def print_table(table: Table) -> None:
    """Prints a table; where there is no terminal to fit it to, 100 columns wide."""
    console = Console()
    Console(width=None if console.is_terminal else 100).print(table)


def plot_run(options: argparse.Namespace) -> int:
    """jaxbnn plot FOLDER."""
    result = store.read_result(options.folder)
    if "study" in result.attrs:
        drawn = figures.of_study(result)
    else:
        changed = studies.changed(store.read_config(options.folder))
        drawn = figures.of_run(result, f"changed: {changed}" if changed else "")
    for name, figure in drawn.items():
        for path in store.save_figure(Path(options.folder), name, figure):
            print(path)
    return 0


def compare_runs(options: argparse.Namespace) -> int:
    """jaxbnn compare A B."""
    a, b = (store.read_result(folder) for folder in (options.a, options.b))
    found = {quantity: comparison.compare(a, b, quantity) for quantity in ("i_xt", "i_ty")}
    print_table(tables.comparison_table(found, a.attrs["experiment"], b.attrs["experiment"]))
    for name, folder in (("A", options.a), ("B", options.b)):
        if changed := studies.changed(store.read_config(folder)):
            print(f"{name} changed: {changed}")
    print(tables.comparison_words(found))
    return 0


def report_study(options: argparse.Namespace) -> int:
    """jaxbnn report STUDY."""
    named = {study.name: (study, study.report) for study in studies.STUDIES if study.report}
    if options.study not in named:
        raise ValueError(f"expected a study among {', '.join(named)}, got {options.study!r}")
    use_cores()
    study, make = named[options.study]
    made = make()
    runs = report.find_runs(study, made.needs, options.runs, options.data_root)
    print(report.write(study, made, runs, options.out))
    return 0


def measure_path(options: argparse.Namespace) -> int:
    """jaxbnn measure FILE.npz, jaxbnn measure FOLDER."""
    return measure_folder(options) if Path(options.path).is_dir() else measure_file(options)


def measure_folder(options: argparse.Namespace) -> int:
    """A finished run's last epoch, by another estimator of entropy."""
    if options.population or options.tolerance is not None:
        raise ValueError("expected --population and --tolerance with an .npz file; a run's probes have their own")
    experiment, name = store.read_config(options.path), options.estimator or "plugin"
    found = {}
    for probe in experiment.probes:
        whole = store.read_result(options.path, None if probe is experiment.probes[0] else probe.name)
        if "example_shape" not in whole.attrs:
            raise ValueError(f"expected a run of this version in {options.path}, got an earlier one's: run it again")
        shape = tuple(int(n) for n in whole.attrs["example_shape"].split())
        alphabets = alphabets_of(experiment.model, probe, shape)
        found[probe.name] = analysis.reestimate(results.at_epoch(whole, -1), name, alphabets).isel(epoch=0)
    if options.json:
        print(json.dumps({probe: estimated_json(last) for probe, last in found.items()}))
        return 0
    for probe, last in found.items():
        print_table(tables.estimate_table(last, f"{probe}, epoch {int(last.epoch)}, {name}"))
        if last.attrs["population"]:
            print("a population: its plug-in values are exact, the others estimate what is known")
    return 0


def estimated_json(last) -> dict:
    """One probe's estimates, [seed][layer]; null where there is none."""
    values = {key: [[plain(v) for v in seed] for seed in last[key].values.tolist()] for key in ("i_xt", "i_ty")}
    return {"epoch": int(last.epoch), "seed": last.seed.values.tolist(), "layer": list(last.layer.values)} | values


def plain(value):
    """A value as JSON knows it: None for NaN and infinity."""
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def measure_file(options: argparse.Namespace) -> int:
    """What an .npz file of activations and labels says."""
    if options.estimator:
        raise ValueError(f"expected a run's folder with --estimator, got {options.path}")
    arrays = data.read_npz(options.path, [("t", "y"), ("words", "bits", "y")])
    tolerance = reliability.TOLERANCE if options.tolerance is None else options.tolerance
    bits = int(arrays["bits"]) if "bits" in arrays else None
    t = arrays["t"] if "t" in arrays else arrays["words"]
    found = info.measure(t, arrays["y"], options.population, bits=bits, tolerance=tolerance)
    if options.json:
        print(json.dumps({key: plain(value) for key, value in found._asdict().items()}))
        return 0
    table = Table(box=None, show_header=False, pad_edge=False)
    for label, value in tables.measured_rows(found):
        table.add_row(label, value)
    print_table(table)
    return 0
