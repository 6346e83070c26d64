"""Killed at random moments and started again, a run ends with the bits of an undisturbed one."""

import dataclasses
import random
import subprocess
import sys
import time

import numpy as np

from jaxbnn import run, store
from jaxbnn.config import to_json
from jaxbnn.nn import MLP

SCRIPT = """
import sys
from jaxbnn import config, run, use_cores, worker
use_cores(1)
worker.CHUNK_SECONDS = worker.CHECKPOINT_SECONDS = 0.0
experiment = config.from_json(open(sys.argv[1]).read())
run(experiment, sys.argv[2], report=lambda p: print(p.epochs_done, p.message, flush=True))
"""


def started(tmp_path):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "experiment.json"), str(tmp_path / "killed")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill_after(process, lines, delay):
    """kill -9 a moment after so many reports; returns what it said."""
    said = []
    for line in process.stdout:
        said.append(line)
        if len(said) == lines:
            time.sleep(delay)
            process.kill()
            break
    process.communicate(timeout=60)
    return said


def test_killed_and_resumed(tiny, tmp_path):
    chance = random.Random(0)
    longer = dataclasses.replace(tiny.train, epochs=14)
    experiment = dataclasses.replace(tiny, model=MLP((4,), 2), train=longer, probes=tiny.probes[:1])
    (tmp_path / "experiment.json").write_text(to_json(experiment))
    kill_after(started(tmp_path), chance.randint(2, 8), chance.uniform(0, 0.2))
    assert not list((tmp_path / "killed").rglob("result.nc"))
    last = started(tmp_path)
    said, errors = last.communicate(timeout=120)
    assert last.returncode == 0, errors
    assert "go on from epoch" in said
    (folder,) = (tmp_path / "killed" / "tiny").iterdir()
    undisturbed = store.read_result(run(experiment, tmp_path / "undisturbed"))
    resumed = store.read_result(folder)
    assert set(resumed.variables) == set(undisturbed.variables)
    for name in resumed.variables:
        np.testing.assert_array_equal(resumed[name].values, undisturbed[name].values, err_msg=name)
