"""Calls that a signal can end while they compile, which Python itself cannot interrupt."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from jaxbnn.cli.progress_bar import ProgressBar, Stopped

THREAD = "jaxbnn call"
TURN = 0.1  # seconds between two looks at the signals
GRACE = 1.0  # seconds that a call has to end by itself

Value = TypeVar("Value")


def call(function: Callable[[], Value], bar: ProgressBar) -> Value:
    """The function's value, computed in a thread of its own.

    Once a signal asked to stop, the call is left to itself where nothing of it is begun: it
    compiles, and would not end for long. What is begun is waited for, and ends at its checkpoint.

    Raises:
        Stopped: where the call was left.
    """
    bar.restart()
    future: Future[Value] = Future()
    threading.Thread(target=_fill, args=(future, function), name=THREAD, daemon=True).start()
    while not wait([future], timeout=TURN).done:
        if bar.stopped() and not bar.begun() and not wait([future], timeout=GRACE).done:
            raise Stopped("stopped before anything was begun")
    return future.result()


def has_left_calls() -> bool:
    """Whether a call that was left still runs: the program must not wait for it at its end."""
    return any(thread.name == THREAD for thread in threading.enumerate())


def _fill(future: Future[Value], function: Callable[[], Value]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:
        future.set_exception(error)
