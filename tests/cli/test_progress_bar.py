"""Signals, and what the bar shows of runs and downloads."""

import io
import math
import signal
import threading
import time

import pytest
from rich.console import Console

from jaxbnn.cli import interruption
from jaxbnn.cli.progress_bar import ProgressBar, Stopped
from jaxbnn.engine.progress import Progress

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def signals_are_python_s_own():
    before = {number: signal.getsignal(number) for number in HANDLED}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def progress(done=50, rate=10.0, chunk=4.0, message=""):
    return Progress(done, 100, rate, 5.0, 0.75, message, chunk)


@pytest.mark.parametrize("number", HANDLED)
def test_a_first_signal_asks_to_stop_and_a_second_ends_the_program(number, capsys):
    with ProgressBar() as bar:
        bar.show(progress())
        assert not bar.stopped()
        signal.raise_signal(number)
        assert bar.stopped() and signal.getsignal(number) == signal.SIG_DFL
    assert capsys.readouterr().err == (
        "stopping after this chunk (about 4 s); once more stops at once, without a checkpoint\n"
    )
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_a_signal_before_the_first_chunk_is_told_otherwise(capsys):
    with ProgressBar() as bar:
        bar.show(progress(rate=math.nan))
        signal.raise_signal(signal.SIGTERM)
        assert not bar.begun()
    assert capsys.readouterr().err == "stopping; once more stops at once\n"


def test_a_hangup_that_was_ignored_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
    with ProgressBar() as bar:
        signal.raise_signal(signal.SIGHUP)
        assert not bar.stopped()


def test_a_download_is_shown_with_bytes_and_time_left():
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with ProgressBar(console) as bar, console.capture() as shown:
        bar.show_download(("train-images", 3_140_000, 9_912_422, 12.3))
        bar._bar.refresh()
        bar.show_download(("train-images", 3_140_000, None, None))
        bar._bar.refresh()
    assert "downloading train-images" in shown.get() and "3.1 of 9.9 MB, 12 s left" in shown.get()
    assert "3.1 MB" in shown.get()
    with ProgressBar(console) as bar, console.capture() as after:
        bar.show_download(("train-images", 9_912_422, 9_912_422, 0.0))
        bar._bar.refresh()
    assert "compiling" in after.get() and "MB" not in after.get()


def test_a_download_ends_at_the_first_signal():
    with ProgressBar() as bar:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(Stopped, match="stopped while a.gz was downloaded"):
            bar.show_download(("a.gz", 1, 2, 3.0))


def test_a_call_gives_its_value_or_its_error():
    with ProgressBar() as bar:
        assert (
            interruption.call(lambda: threading.current_thread().name, bar) == interruption.THREAD
        )
        with pytest.raises(ZeroDivisionError):
            interruption.call(lambda: 1 / 0, bar)
    assert not interruption.has_left_calls()


def test_a_call_in_which_nothing_is_begun_is_left_at_a_signal(monkeypatch):
    monkeypatch.setattr(interruption, "GRACE", 0.1)
    ended = threading.Event()
    with ProgressBar() as bar, pytest.raises(Stopped):
        threading.Timer(0.2, signal.raise_signal, [signal.SIGTERM]).start()
        interruption.call(lambda: ended.wait(60), bar)
    assert interruption.has_left_calls()
    ended.set()
    while interruption.has_left_calls():
        time.sleep(0.01)


def test_a_call_that_ends_by_itself_at_a_signal_is_waited_for():
    def download():
        while True:
            bar.show_download(("a.gz", 1, 2, 3.0))
            time.sleep(0.05)

    with ProgressBar() as bar, pytest.raises(Stopped, match=r"a\.gz"):
        threading.Timer(0.2, signal.raise_signal, [signal.SIGTERM]).start()
        interruption.call(download, bar)
    assert not interruption.has_left_calls()


def test_a_call_in_which_a_chunk_is_done_is_waited_for(monkeypatch):
    monkeypatch.setattr(interruption, "GRACE", 0.1)

    def train():
        bar.show(progress())
        signal.raise_signal(signal.SIGTERM)
        time.sleep(1)
        return "checkpoint"

    with ProgressBar() as bar:
        assert interruption.call(train, bar) == "checkpoint"
