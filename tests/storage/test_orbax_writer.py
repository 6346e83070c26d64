"""Orbax checkpoints are written, also by a process of a group, or an OSError says why not."""

import logging
import os
import resource
import socket
import subprocess
import sys

import jax
import numpy as np
import pytest

from jaxbnn.storage import checkpoints, orbax_writer

RNG = np.random.default_rng(0)
TREE = {
    "params": {"dense_1": {"latent": RNG.normal(size=(3, 4)).astype(np.float32)}},
    "key": np.array([[7, 2**32 - 1]], np.uint32),
    "step": np.asarray(5, np.int32),
}


@pytest.fixture
def group(monkeypatch):
    """As if two processes shared this run; the child that writes is ended after the test."""
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    children = []
    monkeypatch.setattr(orbax_writer, "_CHILD", children)
    yield children
    for child in children:
        orbax_writer._end(child)


GROUP = """
import os, sys, time
from pathlib import Path
import jax
import numpy as np
from jaxbnn.storage import checkpoints
address, number, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
jax.distributed.initialize(address, 2, number)
assert jax.process_count() == 2
for step in range(1, 3 + 2 * number):  # one saves and reads more often than the other
    leaves = {"params/a": np.full(3, 10.0 * number + step), "step": np.asarray(step)}
    checkpoints.save(folder / str(number), step, leaves, {"data": "d"})
    assert checkpoints.load(folder / str(number))["step"] == step
(folder / f"{number}.done").touch()
while not (folder / f"{1 - number}.done").exists():  # the first process serves the other
    time.sleep(0.05)
print("done", flush=True)
os._exit(0)
"""


@pytest.mark.slow
def test_processes_of_a_group_save_and_read_without_each_other(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    alone = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    members = []
    for number in range(2):
        command = [sys.executable, "-c", GROUP, address, str(number), str(tmp_path)]
        pipe = subprocess.PIPE
        members.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=alone))
    for member in members:
        out, err = member.communicate(timeout=120)
        assert out == "done\n", err
    for number, last in ((0, 2), (1, 4)):
        leaves = checkpoints.load(tmp_path / str(number), {"data": "d"})
        assert leaves["step"] == last
        assert leaves["params/a"].tolist() == [10.0 * number + last] * 3


def read_back(path):
    return checkpoints.restore_tree(path)


def assert_equal(tree):
    assert tree["params"]["dense_1"]["latent"].tobytes() == (
        TREE["params"]["dense_1"]["latent"].tobytes()
    )
    assert tree["key"].dtype == np.uint32 and tree["key"].tolist() == TREE["key"].tolist()
    assert tree["step"] == 5 and tree["step"].shape == () and tree["step"].dtype == np.int32


def test_a_process_of_its_own_writes_itself(tmp_path):
    orbax_writer.save_tree(tmp_path / "state", TREE)
    assert_equal(read_back(tmp_path / "state"))
    assert orbax_writer._CHILD == []


def test_a_process_of_a_group_has_a_child_that_writes(tmp_path, group, monkeypatch):
    def save(path, tree):
        raise AssertionError("a process of a group does not write itself")

    monkeypatch.setattr(orbax_writer, "_save", save)
    for name in ("one", "two"):
        orbax_writer.save_tree(tmp_path / name, TREE)
    (child,) = group
    assert child.poll() is None
    monkeypatch.undo()
    for name in ("one", "two"):
        assert_equal(read_back(tmp_path / name))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


@pytest.mark.slow
def test_checkpoints_of_a_group_are_those_of_one_process(tmp_path, group):
    leaves = {"params/a": np.arange(4.0), "step": np.asarray(2, np.int32)}
    for step in (1, 2, 3):
        checkpoints.save(tmp_path, step, leaves, {"data": "d"})
    assert [path.name for path in checkpoints.folders(tmp_path)] == ["00000002", "00000003"]
    loaded = checkpoints.load(tmp_path, {"data": "d"})
    assert loaded["params/a"].tolist() == [0, 1, 2, 3] and loaded["step"] == 2


def test_a_child_that_cannot_write_says_why_and_writes_on(tmp_path, group):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_text("")
    with pytest.raises(
        OSError, match="expected .*there to be written as a checkpoint, got: .*exist"
    ):
        orbax_writer.save_tree(tmp_path / "there", TREE)
    orbax_writer.save_tree(tmp_path / "new", TREE)
    assert_equal(read_back(tmp_path / "new"))
    assert len(group) == 1 and not list(tmp_path.glob("*.npz"))


@pytest.mark.slow
def test_a_child_that_has_ended_is_started_again(tmp_path, group):
    orbax_writer.save_tree(tmp_path / "one", TREE)
    first = group[0]
    first.kill()
    first.wait()
    first.stdout.close()
    orbax_writer.save_tree(tmp_path / "two", TREE)
    assert group[0].pid != first.pid
    assert_equal(read_back(tmp_path / "two"))


def test_a_full_disk_is_an_oserror_and_nothing_is_logged(tmp_path, caplog, capfd):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            orbax_writer.save_tree(tmp_path / "state", {"a": RNG.normal(size=30_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "state").exists()
    assert caplog.records == [] and capfd.readouterr() == ("", "")


def test_a_place_that_is_taken_is_an_oserror(tmp_path):
    orbax_writer.save_tree(tmp_path / "state", TREE)
    with pytest.raises(OSError, match="expected .*state to be written as a checkpoint, got"):
        orbax_writer.save_tree(tmp_path / "state", TREE)


def test_the_logger_has_its_level_again_when_the_last_thread_is_done():
    logger = logging.getLogger("absl")
    before = logger.level
    first, second = orbax_writer.quiet(), orbax_writer.quiet()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert logger.level == logging.CRITICAL
    second.__exit__(None, None, None)
    assert logger.level == before
