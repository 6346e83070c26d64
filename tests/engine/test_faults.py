"""What goes wrong around a run: it says so, keeps what there was, and the same call ends with the
same bits."""

import dataclasses
import itertools
import os
import resource
from contextlib import contextmanager, nullcontext

import jax
import numpy as np
import pytest

from jaxbnn.storage import results
from jaxbnn import data, run
from jaxbnn.cli import main
from jaxbnn.engine import block_runner
from jaxbnn.storage import checkpoints, run_folder

ONE = jax.devices()[:1]


@pytest.fixture(scope="module")
def undisturbed(plain, tmp_path_factory):
    """(experiment of two blocks, its result)."""
    experiment = dataclasses.replace(plain, seeds=(0, 1, 2))
    return experiment, results.open_result(
        run(experiment, tmp_path_factory.mktemp("whole"), devices=ONE)
    )


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


def check_same(folder, whole):
    found = results.open_result(folder)
    assert set(found.variables) == set(whole.variables)
    for name in found.variables:
        np.testing.assert_array_equal(found[name].values, whole[name].values, err_msg=name)


@pytest.mark.parametrize(
    ("module", "what", "turn", "size"),
    [
        (run_folder, "write_config", 0, 300),
        (run_folder, "append_spectra", 0, 30_000),
        (run_folder, "append_spectra", 9, 100_000),
        (checkpoints, "save", 0, 300),
        (checkpoints, "save", 3, 10_000),
        (run_folder, "write_part", 1, 20_000),
        (run_folder, "write_provenance", 0, 100),
        (run_folder, "write_result", 0, 100_000),
    ],
)
def test_without_room_on_the_disk_the_run_says_so_and_goes_on_when_there_is(
    undisturbed, often, tmp_path, monkeypatch, module, what, turn, size
):
    experiment, whole = undisturbed
    folder = run_folder.folder_of(tmp_path, experiment)
    write, turns = getattr(module, what), itertools.count()

    def write_on_a_full_disk(*arguments):
        with no_file_past(size) if next(turns) == turn else nullcontext():
            return write(*arguments)

    monkeypatch.setattr(module, what, write_on_a_full_disk)
    with pytest.raises(OSError, match="File too large") as caught:
        run(experiment, tmp_path, devices=ONE)
    assert "no room left" in main.advice(caught.value)
    beside = [path for path in folder.rglob("*") if path.is_file() and path.name.startswith(".")]
    assert beside == [] and not (folder / run_folder.RESULT).exists()
    check_same(run(experiment, tmp_path, devices=ONE), whole)


def test_files_from_the_future_change_nothing(undisturbed, often, tmp_path):
    experiment, whole = undisturbed
    turns = []
    run(experiment, tmp_path, devices=ONE, stop=lambda: turns.append(0) or len(turns) > 12)
    for path in tmp_path.rglob("*"):
        os.utime(path, (2**33, 2**33))
    folder = run(experiment, tmp_path, devices=ONE)
    check_same(folder, whole)
    assert run_folder.read_provenance(folder)["wall_seconds"] >= 0


@pytest.mark.filterwarnings("ignore:these bits are not those of other runs")
def test_a_run_does_not_go_on_with_other_flags_of_xla_than_it_began_with(
    undisturbed, often, tmp_path, monkeypatch
):
    experiment, _ = undisturbed
    turns = []
    run(experiment, tmp_path, devices=ONE, stop=lambda: turns.append(0) or len(turns) > 12)
    monkeypatch.setenv("XLA_FLAGS", "")
    with pytest.raises(
        ValueError, match=r"another way to compute: expected XLA's own, got jaxbnn.use_cores\(\)"
    ):
        run(experiment, tmp_path, devices=ONE)


def test_data_that_change_between_start_and_resume_are_refused_and_given_back_go_on(
    undisturbed, often, tmp_path
):
    experiment, _ = undisturbed
    rng, path = np.random.default_rng(0), tmp_path / "x.npz"
    np.savez(path, x=rng.integers(0, 2, (600, 12)).astype(np.float32), y=rng.integers(0, 2, 600))
    original = path.read_bytes()
    own = dataclasses.replace(experiment, data=data.Npz(str(path)))
    whole = results.open_result(run(own, tmp_path / "whole", devices=ONE))
    turns = []
    folder = run(
        own, tmp_path / "out", devices=ONE, stop=lambda: turns.append(0) or len(turns) > 12
    )
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    np.savez(path, x=rng.integers(0, 2, (600, 12)).astype(np.float32), y=rng.integers(0, 2, 600))
    with pytest.raises(
        ValueError, match="belongs to another data: .*give back what it was made with"
    ):
        run(own, tmp_path / "out", devices=ONE)
    assert {p: p.read_bytes() for p in before} == before
    path.write_bytes(original)
    check_same(run(own, tmp_path / "out", devices=ONE), whole)
