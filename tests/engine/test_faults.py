"""What goes wrong around a run: it says so, keeps what there was, and the same call ends with the
same bits."""

import dataclasses
import errno
import itertools
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, nullcontext

import jax
import numpy as np
import pytest
from bitwise import check_same_runs, stopping_after

from jaxbnn import data, run
from jaxbnn.cli import main
from jaxbnn.config.codec import to_json
from jaxbnn.engine import block_runner, block_store
from jaxbnn.storage import array_store, checkpoints, orbax_writer, results, run_folder

ONE = jax.devices()[:1]


@pytest.fixture(scope="module")
def undisturbed(plain, tmp_path_factory):
    """(experiment of two blocks, its folder)."""
    experiment = dataclasses.replace(plain, seeds=(0, 1, 2))
    return experiment, run(experiment, tmp_path_factory.mktemp("whole"), devices=ONE)


@pytest.fixture
def often(monkeypatch):
    """Chunks of one epoch, a checkpoint after each."""
    monkeypatch.setattr(block_runner, "CHUNK_SECONDS", 0.0)
    monkeypatch.setattr(block_runner, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(block_runner, "CHECKPOINT_SHARE", 1e9)


@contextmanager
def no_file_past(size):
    """As a full disk, for files that grow past so many bytes (Python ignores the signal that comes
    with it)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def leftovers(folder):
    """Files and folders that were being written, and are not gone after some seconds: zarr writes
    files side by side, and where one fails the others end a moment later."""
    for _ in range(50):
        names = list(folder.rglob("*"))
        found = [p for p in names if p.name.startswith(".") or p.suffix == ".partial"]
        if not found:
            break
        time.sleep(0.1)
    return found


@pytest.mark.parametrize(
    ("module", "what", "turn", "size"),
    [
        (run_folder, "write_config", 0, 300),
        pytest.param(run_folder, "make_block_folder", 0, 1, marks=pytest.mark.slow),
        (array_store, "create", 0, 100),
        (array_store, "write_rows", 0, 100),
        pytest.param(array_store, "write_rows", 9, 200, marks=pytest.mark.slow),
        (array_store, "write_whole", 0, 10),
        pytest.param(array_store, "finish", 0, 300, marks=pytest.mark.slow),
        (checkpoints, "save", 0, 100),
        pytest.param(checkpoints, "save", 3, 1000, marks=pytest.mark.slow),
    ],
)
def test_without_room_on_the_disk_the_run_says_so_and_goes_on_when_there_is(
    undisturbed, often, tmp_path, monkeypatch, capfd, module, what, turn, size
):
    experiment, whole = undisturbed
    folder = run_folder.folder_of(tmp_path, experiment)
    write = getattr(module, what)
    turns = itertools.count()

    def write_on_a_full_disk(*arguments):
        with no_file_past(size) if next(turns) == turn else nullcontext():
            return write(*arguments)

    monkeypatch.setattr(module, what, write_on_a_full_disk)
    with pytest.raises(OSError, match="File too large") as caught:
        run(experiment, tmp_path, devices=ONE)
    assert "no room left" in main.error_line(caught.value)
    assert leftovers(folder) == [] and "Traceback" not in capfd.readouterr().err
    finished = results.finished_seeds(folder)  # nothing half-written counts as finished
    assert finished == {("write_rows", 9): (0, 1)}.get((what, turn), ())
    monkeypatch.undo()
    run(experiment, tmp_path, devices=ONE)
    check_same_runs(folder, whole)


def test_a_checkpoint_without_room_leaves_those_before_it(tmp_path, capfd):
    leaves = {"step": np.int32(1), "params/a/latent": np.random.default_rng(0).random((2, 3000))}
    for step in (1, 2):
        checkpoints.save(tmp_path, step, leaves, {})
    for size in (0, 100, 1000, 10_000, 30_000):
        with no_file_past(size), pytest.raises(OSError, match="File too large") as caught:
            checkpoints.save(tmp_path, 3, leaves, {})
        assert "no room left" in main.error_line(caught.value)
        assert [path.name for path in checkpoints.folders(tmp_path)] == ["00000001", "00000002"]
    assert leftovers(tmp_path) == [] and "Traceback" not in capfd.readouterr().err
    assert checkpoints.load(tmp_path)["step"] == 1
    checkpoints.save(tmp_path, 3, leaves, {})
    assert checkpoints.newest(tmp_path) == 3


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of its threads
@pytest.mark.parametrize("size", [100, 1000, 10_000])
def test_a_disk_that_fills_while_orbax_writes_is_named(tmp_path, monkeypatch, size):
    """Another program may take the room that was there a moment before."""
    monkeypatch.setattr(orbax_writer, "reserve", lambda path, size: None)
    tree = {"params": {"latent": np.random.default_rng(0).random((2, 3000))}}
    with no_file_past(size), pytest.raises(OSError, match="File too large") as caught:
        orbax_writer.save_tree(tmp_path / "state", tree)
    assert caught.value.errno == errno.EFBIG and "no room left" in main.error_line(caught.value)


def test_what_orbax_or_its_child_says_names_the_error_of_the_system(tmp_path):
    for words, number in (
        ("OUT_OF_RANGE: No space left on device [os_error_code='28'] [tensorstore]", errno.ENOSPC),
        ("[Errno 122] Disk quota exceeded", errno.EDQUOT),
        ("something else", None),
    ):
        error = orbax_writer._as_os_error(tmp_path / "state", words)
        assert error.errno == number and "state" in str(error) and "\n" not in str(error)
    assert "got: something else" in str(error)


@pytest.mark.parametrize("turn", [0, 5, 12])
def test_killed_between_rows_and_checkpoint(undisturbed, often, tmp_path, monkeypatch, turn):
    """The rows behind the last checkpoint are written again, the same."""
    experiment, whole = undisturbed
    save = checkpoints.save
    turns = itertools.count()

    def save_or_end(*arguments):
        if next(turns) == turn:
            raise KeyboardInterrupt
        save(*arguments)

    monkeypatch.setattr(checkpoints, "save", save_or_end)
    with pytest.raises(KeyboardInterrupt):
        run(experiment, tmp_path, devices=ONE)
    monkeypatch.undo()
    check_same_runs(run(experiment, tmp_path, devices=ONE), whole)


def test_verdicts_of_an_attempt_that_ended_are_written_anew(
    undisturbed, often, tmp_path, monkeypatch
):
    """Also where what was written of them is damaged, and epoch by epoch: their sums are then made
    in another order."""
    experiment, whole = undisturbed

    def end(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(array_store, "finish", end)
    with pytest.raises(KeyboardInterrupt):
        run(experiment, tmp_path, devices=ONE)
    monkeypatch.undo()
    store = run_folder.folder_of(tmp_path, experiment) / "blocks" / "0-1" / "arrays.zarr"
    for chunk in (store / "main" / "trust" / "c").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(b"")
    monkeypatch.setattr(block_store, "JUDGED_BYTES", 1)  # an epoch at a time
    found = results.open_result(run(experiment, tmp_path, devices=ONE))
    expected = results.open_result(whole)
    assert set(found.data_vars) == set(expected.data_vars)
    for name in found.data_vars:
        one, other = found[name].values, expected[name].values
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12, err_msg=name)


def test_what_a_kill_leaves_beside_a_chunk_is_cleared(undisturbed, often, tmp_path, monkeypatch):
    experiment, whole = undisturbed
    folder = run(experiment, tmp_path, devices=ONE, stop=stopping_after(4))
    store = folder / "blocks" / "0-1" / "arrays.zarr" / "main" / "points"
    (chunk,) = [path for path in (store / "c").rglob("*") if path.is_file()]
    shutil.copy(chunk, chunk.with_suffix(".0123.partial"))
    monkeypatch.undo()
    run(experiment, tmp_path, devices=ONE)
    assert leftovers(folder) == []
    check_same_runs(folder, whole)


@pytest.mark.slow
def test_files_from_the_future_change_nothing(undisturbed, often, tmp_path):
    experiment, whole = undisturbed
    run(experiment, tmp_path, devices=ONE, stop=stopping_after(12))
    for path in tmp_path.rglob("*"):
        os.utime(path, (2**33, 2**33))
    folder = run(experiment, tmp_path, devices=ONE)
    check_same_runs(folder, whole)


@pytest.mark.filterwarnings("ignore:these bits are not those of other runs")
def test_a_run_does_not_go_on_with_other_flags_of_xla_than_it_began_with(
    undisturbed, often, tmp_path, monkeypatch
):
    experiment, _ = undisturbed
    run(experiment, tmp_path, devices=ONE, stop=stopping_after(12))
    monkeypatch.setenv("XLA_FLAGS", "")
    with pytest.raises(ValueError, match="another XLA_FLAGS: expected , got --xla"):
        run(experiment, tmp_path, devices=ONE)


def contents(folder):
    """Path -> bytes of every file."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_data_that_change_between_start_and_resume_are_refused_and_given_back_go_on(
    undisturbed, often, tmp_path
):
    experiment, _ = undisturbed
    rng = np.random.default_rng(0)
    path = tmp_path / "x.npz"
    np.savez(path, x=rng.integers(0, 2, (600, 12)).astype(np.float32), y=rng.integers(0, 2, 600))
    original = path.read_bytes()
    own = dataclasses.replace(experiment, data=data.Npz(str(path)))
    whole = run(own, tmp_path / "whole", devices=ONE)
    folder = run(own, tmp_path / "out", devices=ONE, stop=stopping_after(12))
    before = contents(folder)
    np.savez(path, x=rng.integers(0, 2, (600, 12)).astype(np.float32), y=rng.integers(0, 2, 600))
    with pytest.raises(
        ValueError, match="belongs to another data: .*give back what it was made with"
    ):
        run(own, tmp_path / "out", devices=ONE)
    assert contents(folder) | before == contents(folder)
    path.write_bytes(original)
    check_same_runs(run(own, tmp_path / "out", devices=ONE), whole)


KILLED_WHILE = """
import os, signal, sys
from jaxbnn import config, run, use_cores
from jaxbnn.engine import block_runner, block_store
from jaxbnn.storage import array_store, checkpoints
use_cores(1)
block_runner.CHUNK_SECONDS = block_runner.CHECKPOINT_SECONDS = 0.0
block_runner.CHECKPOINT_SHARE = 1e9
module = {"array_store": array_store, "checkpoints": checkpoints}[sys.argv[3]]
name = sys.argv[4]
turn = 4
write = getattr(module, name)
def kill(*arguments):
    global turn
    turn -= 1
    if turn < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return write(*arguments)
setattr(module, name, kill)
run(config.from_json(open(sys.argv[1]).read()), sys.argv[2])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "what"), [("array_store", "write_rows"), ("checkpoints", "save")]
)
def test_kill_9_before_rows_and_between_rows_and_checkpoint(undisturbed, tmp_path, module, what):
    experiment, whole = undisturbed
    (tmp_path / "experiment.json").write_text(to_json(experiment))
    paths = [str(tmp_path / "experiment.json"), str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-c", KILLED_WHILE, *paths, module, what], check=False)
    assert done.returncode == -signal.SIGKILL
    messages = []
    folder = run(experiment, paths[1], devices=ONE, report=lambda p: messages.append(p.message))
    assert any("go on from epoch" in message for message in messages)
    check_same_runs(folder, whole)
