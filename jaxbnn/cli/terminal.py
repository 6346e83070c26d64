"""What a terminal shows: tables, times in words, a progress bar; and the signals that ask a run to
stop."""

import math
import signal
import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from jaxbnn.engine.cost import Cost


class Meter:
    """A progress bar on a terminal's stderr, quiet elsewhere; SIGINT and SIGTERM ask to stop at a
    checkpoint."""

    def __init__(self):
        console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
        )
        self._bar = Progress(
            *columns,
            TextColumn("{task.fields[words]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("compiling", total=None, words="")
        self._stop, self._chunk = False, math.nan

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
        takes = "" if math.isnan(self._chunk) else f" (about {clock(max(self._chunk, 1))})"
        print(
            f"stopping after this chunk{takes}; once more stops at once, without a checkpoint",
            file=sys.stderr,
        )

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
        self._chunk = progress.chunk_seconds
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


def cost_line(cost: Cost) -> str:
    """A run's time and memory in words."""
    total = clock(cost.seconds + cost.compile_seconds)
    return f"about {total} ({cost.compile_seconds:.0f} s of it compiling), {cost.bytes / 2**20:.0f} MiB in the programs"


def print_table(table: Table) -> None:
    """Prints a table; where there is no terminal to fit it to, 100 columns wide."""
    console = Console()
    Console(width=None if console.is_terminal else 100).print(table)
