"""A run shared by processes on the loopback address: the bits of one process, or a word on what is
missing."""

import contextlib
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys

import jax
import numpy as np
import pytest
from bitwise import check_same_runs

from jaxbnn import config, nn, observe, run
from jaxbnn.cli import startup
from jaxbnn.cli.main import main, parser
from jaxbnn.engine import processes
from jaxbnn.storage import array_store, checkpoints, results, run_folder

CODE = """
import json, sys
from jaxbnn import config, run, use_cores, use_processes
from jaxbnn.engine import block_runner, processes
from jaxbnn.storage import results

experiment, out, *which = json.loads(sys.argv[1])
use_cores(1)
processes.HEARTBEAT = 3
use_processes(*which)
block_runner.CHUNK_SECONDS = block_runner.CHECKPOINT_SECONDS = 0.0
def report(progress):
    print(progress.epochs_done, progress.message, flush=True)
folder = run(config.from_json(experiment), out, report=report)
seeds = config.from_json(experiment).seeds
print("finished" if results.finished_seeds(folder) == seeds else "left", flush=True)
processes.leave()
"""


def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def job_of_slurm():
    """A job's number whose port, as JAX derives it, is free."""
    for number in range(1, 2**12):
        with socket.socket() as free, contextlib.suppress(OSError):
            free.bind(("127.0.0.1", number + 2**16 - 2**12))
            return str(number)
    raise AssertionError("expected a free port")


def started(experiment, out, count):
    """The processes of a run, each on one device."""
    where = f"127.0.0.1:{port()}"
    return [_started(experiment, out, where, count, i) for i in range(count)]


def started_by_slurm(experiment, out, count):
    """The same, told who they are by variables as SLURM sets them."""
    job = {
        "SLURM_JOB_ID": job_of_slurm(),
        "SLURM_STEP_NODELIST": "127.0.0.1",
        "SLURM_NTASKS": str(count),
    }
    each = [job | {"SLURM_PROCID": str(i), "SLURM_LOCALID": str(i)} for i in range(count)]
    return [_started(experiment, out, environment=os.environ | variables) for variables in each]


def _started(experiment, out, *which, environment=None):
    command = [
        sys.executable,
        "-c",
        CODE,
        json.dumps([config.to_json(experiment), str(out), *which]),
    ]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def ended(process):
    """The lines that a process printed, once it has ended."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out.splitlines()


@pytest.fixture(scope="module")
def alone(plain, tmp_path_factory):
    """(experiment of four blocks of small networks, which each process compiles anew; its folder by
    one process)."""
    small = {"model": nn.MLP((4,), 2), "probes": (observe.Probe(),)}
    experiment = dataclasses.replace(plain, seeds=tuple(range(7)), **small)
    return experiment, run(experiment, tmp_path_factory.mktemp("alone"), devices=jax.devices()[:1])


@pytest.mark.slow
def test_two_processes_give_the_bits_of_one(alone, tmp_path):
    experiment, whole = alone
    assert [ended(each)[-1] for each in started_by_slurm(experiment, tmp_path, 2)] == [
        "finished"
    ] * 2
    folder = run_folder.folder_of(tmp_path, experiment)
    check_same_runs(folder, whole)
    check_checkpoints(folder, whole)
    for block in results.finished_blocks(folder):
        assert block.facts["provenance"]["processes"] == 2


def check_checkpoints(folder, whole):
    """What the processes' children have written is what one process writes, leaf by leaf."""
    blocks = run_folder.block_folders(folder)
    assert len(blocks) == 4
    for block in blocks:
        other = whole / "blocks" / block.name
        ours = checkpoints.load(block)
        theirs = checkpoints.load(other)
        assert set(ours) == set(theirs) and ours["step"] == 13
        for name, leaf in ours.items():
            np.testing.assert_array_equal(leaf, theirs[name], err_msg=name)
            assert leaf.dtype == theirs[name].dtype
        assert not list(block.rglob("*.npz")) and not list(block.glob(".*"))


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_blocks_of_a_group_go_on_in_one_process(alone, tmp_path, count):
    """Each process checkpoints its own blocks; where all are killed one process restores them."""
    experiment, whole = alone
    group = started(experiment, tmp_path, count)
    for process in group:
        while int(process.stdout.readline().split()[0]) < 4:  # network epochs
            pass
    for process in group:
        process.kill()
    for process in group:
        process.communicate(timeout=60)
    folder = run_folder.folder_of(tmp_path, experiment)
    begun = [b for b in run_folder.block_folders(folder) if checkpoints.folders(b)]
    unfinished = [block for block in begun if not array_store.is_finished(block)]
    assert len(begun) >= count and unfinished
    messages = []
    one = jax.devices()[:1]
    run(experiment, tmp_path, devices=one, report=lambda p: messages.append(p.message))
    assert sum("go on from epoch" in message for message in messages) == len(unfinished)
    check_same_runs(folder, whole)


@pytest.mark.slow
def test_where_one_of_four_dies_the_others_say_so_and_two_go_on_to_the_same_bits(alone, tmp_path):
    experiment, whole = alone
    *others, last = started(experiment, tmp_path, 4)
    while last.stdout.readline().split()[0] != "3":
        pass
    last.kill()
    last.communicate(timeout=60)
    for each in others:
        lines = ended(each)
        assert lines[-1] == "left" and lines[-2].endswith(
            "of 4 processes number 3 ended early: the same command goes on"
        )
    lines = [ended(each) for each in started(experiment, tmp_path, 2)]
    assert lines[0][-1] == lines[1][-1] == "finished"
    # The others' blocks are finished: the one that is left goes on in process 0.
    assert any("seeds 6 to 6 go on from epoch" in line for line in lines[0])
    check_same_runs(run_folder.folder_of(tmp_path, experiment), whole)


@pytest.mark.slow
def test_while_a_process_of_a_group_trains_no_other_run_takes_the_folder(alone, tmp_path):
    """Also when process 0, which took it first, has died."""
    experiment, _ = alone
    first, second = started(experiment, tmp_path, 2)
    try:
        while (line := second.stdout.readline()) and line.split()[0] != "4":
            pass
        assert line, second.communicate()
        os.kill(second.pid, signal.SIGSTOP)  # it has not seen yet that the first is gone
        first.kill()
        with pytest.raises(ValueError, match="another run is working in"):
            run(experiment, tmp_path, devices=jax.devices()[:1])
        said = [each.communicate(timeout=300) for each in started(experiment, tmp_path, 2)]
    finally:
        for each in (first, second):
            each.kill()
            each.communicate(timeout=60)
    assert [out for out, _ in said] == ["", ""] and "another run is working in" in said[0][1]


def test_where_process_0_is_not_found_that_is_said(monkeypatch):
    monkeypatch.setattr(processes, "PATIENCE", 0.3)
    with pytest.raises(
        ValueError, match=r"expected process 0 at 127.0.0.1:\d+ within 0.3 s, got: .*refused"
    ):
        processes.use_processes(f"127.0.0.1:{port()}", 2, 1)


def test_one_process_meets_nobody_and_leaves_nobody():
    assert (processes.index(), processes.count(), processes.meet()) == (0, 1, ())
    processes.leave()


def test_auto_leaves_it_to_the_cluster_who_this_process_is(monkeypatch):
    asked = []
    monkeypatch.setattr(processes, "use_processes", lambda *which: asked.append(which))
    for options in (
        ["--processes", "auto"],
        ["--processes", "3", "--process-id", "1", "--coordinator", "a:1"],
    ):
        startup.join(parser().parse_args(["run", "szt", *options]))
    assert asked == [(), ("a:1", 3, 1)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--processes", "2"], "--processes N with --process-id I and --coordinator HOST:PORT"),
        (["--process-id", "0"], "expected --processes auto, or"),
        (["--processes", "auto", "--process-id", "0"], "expected --processes auto, or"),
        (
            ["--processes", "2", "--process-id", "2", "--coordinator", "a:1"],
            "--process-id from 0 to 1, got 2",
        ),
        (
            ["--processes", "2", "--process-id", "0", "--coordinator", "here"],
            "HOST:PORT, got 'here'",
        ),
        (
            ["--processes", "2", "--process-id", "0", "--coordinator", "a:99999"],
            "HOST:PORT, got 'a:99999'",
        ),
        (["--processes", "many"], "expected auto or a number from 1 to"),
        (["--devices", "0"], "expected a number from 1 to 1024, got '0'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    options, message, capsys, monkeypatch, tmp_path
):
    monkeypatch.setattr("jaxbnn.cli.startup.use_cores", lambda: None)
    try:
        code = main(["run", "szt", "--out", str(tmp_path), *options])
    except SystemExit as end:
        code = end.code
    out, err = capsys.readouterr()
    assert code == 2 and out == "" and err.count("\n") == 1 and message in err
