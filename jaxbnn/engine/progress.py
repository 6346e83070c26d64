"""Where a run stands, as values: what the devices' threads have done, and whether they go on."""

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
    chunk_seconds: float = math.nan  # of a chunk: a run that is asked to stop ends after it


class ProgressTracker:
    """Shared by the threads of a run; hands a Progress to `report` after every chunk.

    Args:
        n_networks: of this run.
        n_epochs: of each network.
        report: gets one Progress at a time.
        stop: says True once the run shall stop.
    """

    def __init__(
        self,
        n_networks: int,
        n_epochs: int,
        report: Callable[[Progress], None],
        stop: Callable[[], bool],
    ):
        self._lock = threading.Lock()
        self._halt = threading.Event()
        self._report = report
        self._stop = stop
        self._total = n_networks * n_epochs
        self._began = time.monotonic()
        self._done: dict[Hashable, int] = {}  # block -> network epochs
        self._accuracy: dict[Hashable, np.ndarray] = {}
        self._resumed = 0
        self._chunk = math.nan

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
            self._hand_out(f"{name} go on from epoch {epochs}")

    def say(self, message: str) -> None:
        """Something other than progress has happened."""
        with self._lock:
            self._hand_out(message)

    def advance(
        self, block: Hashable, n_networks: int, epochs: int, accuracy: np.ndarray, chunk: float
    ) -> None:
        """A block has reached an epoch.

        Args:
            block: which.
            n_networks: in it.
            epochs: done.
            accuracy: [n_networks], of the latest measured epoch; NaN where none was measured.
            chunk: seconds that its next chunk will take.
        """
        with self._lock:
            self._chunk = chunk
            self._done[block] = epochs * n_networks
            if not np.isnan(accuracy).all():
                self._accuracy[block] = accuracy
            self._hand_out()

    def _hand_out(self, message: str = "") -> None:
        done = sum(self._done.values())
        seconds = time.monotonic() - self._began
        rate = (done - self._resumed) / seconds if done > self._resumed else math.nan
        left = (self._total - done) / rate
        self._report(
            Progress(done, self._total, rate, left, self._mean_accuracy(), message, self._chunk)
        )

    def _mean_accuracy(self) -> float:
        known = [values[~np.isnan(values)] for values in self._accuracy.values()]
        accuracies = np.concatenate(known) if known else np.empty(0)
        return float(accuracies.mean()) if accuracies.size else math.nan
