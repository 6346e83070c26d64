"""The progress bar of a run and of a download, and the signals that ask both to stop."""

import math
import signal
from collections.abc import Iterable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from jaxbnn.cli.terminal import clock, size, tell

if TYPE_CHECKING:
    from jaxbnn.engine import progress

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # SIGHUP: the terminal was closed


class Stopped(Exception):
    """A signal asked to stop before anything was begun that could be lost."""


class ProgressBar:
    """A progress bar on a terminal's stderr, quiet elsewhere.

    While it is shown, the first SIGINT, SIGTERM or SIGHUP asks to stop at a checkpoint, and the
    second ends the program. A SIGHUP that was ignored before (nohup) stays ignored.
    """

    def __init__(self, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[words]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("compiling", total=None, words="")
        self._stopped = False
        self._begun = False
        self._chunk_seconds = math.nan
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> "ProgressBar":
        for number in _numbers(SIGNALS):
            if not (number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN):
                self._handlers[number] = signal.signal(number, self._ask)
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        """The handler of a first signal."""
        self._stopped = True
        signal.signal(number, signal.SIG_DFL)  # a second one ends the program at once
        if not self._begun:
            tell("stopping; once more stops at once")
            return
        known = not math.isnan(self._chunk_seconds)
        takes = f" (about {clock(max(self._chunk_seconds, 1))})" if known else ""
        tell(f"stopping after this chunk{takes}; once more stops at once, without a checkpoint")

    def stopped(self) -> bool:
        """Whether a signal asked to stop."""
        return self._stopped

    def begun(self) -> bool:
        """Whether a chunk of the run is done, which would be lost without a checkpoint."""
        return self._begun

    def restart(self) -> None:
        """Another program is compiled: nothing of it is begun."""
        self._begun = False
        self._bar.update(self._task, description="compiling", completed=0, total=None, words="")

    def say(self, line: str) -> None:
        """One line on stderr, above the bar."""
        self._bar.console.print(line, highlight=False)

    def show(self, progress: "progress.Progress") -> None:
        """One report of the run, for `jaxbnn.run(report=...)`."""
        if progress.message:
            tell(progress.message)
        if not progress.epochs_total:
            return
        self._begun = self._begun or progress.epochs_per_second > 0
        self._chunk_seconds = progress.chunk_seconds
        self._bar.update(
            self._task,
            description="training",
            completed=progress.epochs_done,
            total=progress.epochs_total,
            words=_training_words(progress),
        )

    def show_download(self, download: Iterable[Any]) -> None:
        """One report of a download, for the `report` of jaxbnn.data.fetch.

        Args:
            download: (name, bytes done, bytes in all or None, seconds left or None).

        Raises:
            Stopped: once a signal asked to stop, so that the download ends.
        """
        name, done, total, seconds_left = download
        if self._stopped:
            raise Stopped(f"stopped while {name} was downloaded")
        words = size(done, total)
        if seconds_left is not None:
            words += f", {clock(seconds_left)} left"
        self._bar.update(
            self._task, description=f"downloading {name}", completed=done, total=total, words=words
        )
        if total and done >= total:
            self.restart()


def _training_words(progress: "progress.Progress") -> str:
    words = "measuring the untrained networks"
    if progress.epochs_per_second > 0:
        rate = f"{progress.epochs_per_second:.0f} network epochs/s"
        words = f"{rate}, {clock(progress.seconds_left)} left"
    if not math.isnan(progress.test_accuracy):
        words += f", test accuracy {progress.test_accuracy:.3f}"
    return words


def _numbers(names: Iterable[str]) -> list[int]:
    """The signals that this system has."""
    return [getattr(signal, name) for name in names if hasattr(signal, name)]
