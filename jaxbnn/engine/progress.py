"""Where a run stands, as values: what the devices' threads have done, and whether they shall go
on."""

import math
import threading
import time
from collections.abc import Callable, Hashable
from typing import NamedTuple

import numpy as np


class Progress(NamedTuple):
    """Where a run stands, handed to `report` after every chunk."""

    epochs_done: int  # network epochs, summed over the seeds
    epochs_total: int
    epochs_per_second: float  # network epochs a second of this call; NaN before the first
    seconds_left: float
    test_accuracy: float  # mean over the seeds measured last, NaN before the first
    message: str = ""
    chunk_seconds: float = math.nan  # what a chunk takes: a run that is asked to stop ends after it


class Board:
    """Shared by the threads of a run; hands a Progress to `report` after every chunk, one at a
    time."""

    def __init__(
        self,
        n_networks: int,
        n_epochs: int,
        report: Callable[[Progress], None],
        stop: Callable[[], bool],
    ):
        self._lock, self._halt, self._report, self._stop = (
            threading.Lock(),
            threading.Event(),
            report,
            stop,
        )
        self._total, self._began = n_networks * n_epochs, time.monotonic()
        self._done: dict[Hashable, int] = {}  # block -> network epochs
        self._accuracy: dict[Hashable, np.ndarray] = {}
        self._resumed, self._chunk = 0, math.nan

    def halt(self) -> None:
        """Ends every thread after its chunk."""
        self._halt.set()

    def halted(self) -> bool:
        """Whether a thread shall not begin another chunk."""
        return self._halt.is_set() or self._stop()

    def resume(self, block: Hashable, n_networks: int, epochs: int, name: str) -> None:
        """A block of so many networks goes on from a checkpoint."""
        with self._lock:
            self._done[block] = epochs * n_networks
            self._resumed += self._done[block]
            self._tell(f"{name} go on from epoch {epochs}")

    def say(self, message: str) -> None:
        """Something other than progress has happened."""
        with self._lock:
            self._tell(message)

    def tell(
        self, block: Hashable, n_networks: int, epochs: int, accuracy: np.ndarray, chunk: float
    ) -> None:
        """A block has reached an epoch; accuracy [n_networks]: the latest; chunk: seconds of its
        next."""
        with self._lock:
            self._chunk = chunk
            self._done[block], self._accuracy[block] = epochs * n_networks, accuracy
            self._tell()

    def _tell(self, message=""):
        done, seconds = sum(self._done.values()), time.monotonic() - self._began
        rate = (done - self._resumed) / seconds if done > self._resumed else float("nan")
        seen = [a for accuracy in self._accuracy.values() for a in accuracy if not np.isnan(a)]
        mean = float(np.mean(seen)) if seen else float("nan")
        self._report(
            Progress(
                done, self._total, rate, (self._total - done) / rate, mean, message, self._chunk
            )
        )
