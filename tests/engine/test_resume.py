"""Killed at a random moment and started again, a run ends with the bits of an undisturbed one."""

import dataclasses
import random
import subprocess
import sys
import time

import jax
import numpy as np

from jaxbnn.storage import results
from jaxbnn import run
from jaxbnn.config.codec import to_json
from jaxbnn.engine import block_runner
from jaxbnn.storage import run_folder

SCRIPT = """
import sys
from jaxbnn import config, run, use_cores
from jaxbnn.engine import block_runner as worker
use_cores(1)
worker.CHUNK_SECONDS = worker.CHECKPOINT_SECONDS = 0.0
experiment = config.from_json(open(sys.argv[1]).read())
run(experiment, sys.argv[2], report=lambda p: print(p.epochs_done, p.message, flush=True))
"""


def started(tmp_path):
    command = [
        sys.executable,
        "-c",
        SCRIPT,
        str(tmp_path / "experiment.json"),
        str(tmp_path / "killed"),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill_after(process, lines, delay):
    """kill -9 a moment after so many reports."""
    for _ in range(lines):
        assert process.stdout.readline()
    time.sleep(delay)
    process.kill()
    process.communicate(timeout=60)


def test_killed_and_resumed(plain, tmp_path, monkeypatch):
    chance, one = random.Random(0), jax.devices()[:1]
    experiment = dataclasses.replace(plain, seeds=(0, 1, 2))
    (tmp_path / "experiment.json").write_text(to_json(experiment))
    undisturbed = results.open_result(run(experiment, tmp_path / "undisturbed", devices=one))
    kill_after(started(tmp_path), chance.randint(2, 8), chance.uniform(0, 0.2))
    assert not list((tmp_path / "killed").rglob("result.nc"))
    monkeypatch.setattr(block_runner, "CHUNK_SECONDS", 0.0)
    monkeypatch.setattr(block_runner, "CHECKPOINT_SECONDS", 0.0)
    said = []
    resumed = results.open_result(
        run(experiment, tmp_path / "killed", devices=one, report=lambda p: said.append(p.message))
    )
    assert any("go on from epoch" in message for message in said)
    assert set(resumed.variables) == set(undisturbed.variables)
    for name in resumed.variables:
        np.testing.assert_array_equal(resumed[name].values, undisturbed[name].values, err_msg=name)
