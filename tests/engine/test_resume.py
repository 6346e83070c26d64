"""Killed at a random moment and started again, a run ends with the bits of an undisturbed one."""

import dataclasses
import random
import subprocess
import sys
import time

import jax
import pytest
from bitwise import check_same_runs

from jaxbnn import run
from jaxbnn.config.codec import to_json
from jaxbnn.engine import block_runner
from jaxbnn.storage import results, run_folder

SCRIPT = """
import sys
from jaxbnn import config, run, use_cores
from jaxbnn.engine import block_runner
use_cores(1)
block_runner.CHUNK_SECONDS = block_runner.CHECKPOINT_SECONDS = 0.0
experiment = config.from_json(open(sys.argv[1]).read())
run(experiment, sys.argv[2], report=lambda p: print(p.epochs_done, p.message, flush=True))
"""


def started(tmp_path):
    paths = [str(tmp_path / "experiment.json"), str(tmp_path / "killed")]
    command = [sys.executable, "-c", SCRIPT, *paths]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill_after(process, lines, delay):
    """kill -9 a moment after so many reports."""
    for _ in range(lines):
        assert process.stdout.readline()
    time.sleep(delay)
    process.kill()
    process.communicate(timeout=60)


@pytest.mark.slow
def test_killed_and_resumed(plain, tmp_path, monkeypatch):
    chance = random.Random(0)
    one = jax.devices()[:1]
    experiment = dataclasses.replace(plain, seeds=(0, 1, 2))
    (tmp_path / "experiment.json").write_text(to_json(experiment))
    undisturbed = run(experiment, tmp_path / "undisturbed", devices=one)
    kill_after(started(tmp_path), chance.randint(2, 8), chance.uniform(0, 0.2))
    folder = run_folder.folder_of(tmp_path / "killed", experiment)
    assert results.finished_seeds(folder) != (0, 1, 2)
    monkeypatch.setattr(block_runner, "CHUNK_SECONDS", 0.0)
    monkeypatch.setattr(block_runner, "CHECKPOINT_SECONDS", 0.0)
    messages = []
    run(
        experiment,
        tmp_path / "killed",
        devices=one,
        report=lambda progress: messages.append(progress.message),
    )
    assert any("go on from epoch" in message for message in messages)
    check_same_runs(folder, undisturbed)
