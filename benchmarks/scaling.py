"""How runs scale: devices, processes, seeds beyond memory, checkpoints, start-up, a pinned thread
pool.

    python benchmarks/scaling.py [--quick] [--only NAME]

Speeds are medians of three programs of this script run in turn, and start-up is that of three, all
warm: each has compiled before. Checkpoints are those of one run, compiling included. SZT, widths
10-8-6-4-2, batch 64, measured at its schedule.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

CHILD = """
import time
begun = time.perf_counter()
import dataclasses, json, os, resource, sys
options = json.loads(sys.argv[1])
if options.get("cores"):
    os.sched_setaffinity(0, options["cores"])
import jax
import jaxbnn
from jaxbnn import run, studies
from jaxbnn.config.overrides import override
from jaxbnn.engine import block_runner, devices, processes, runner
imported = time.perf_counter()
jaxbnn.use_cores()
if options.get("processes"):
    jaxbnn.use_processes(*options["processes"])
devices.keep_programs()
experiment, _ = studies.find(options["name"])
for change in options["changes"]:
    experiment = override(experiment, change)
seeds = tuple(range(options["seeds"]))
experiment = dataclasses.replace(experiment, seeds=seeds, probes=experiment.probes[:1])
saved, marks = [], {"imported": imported - begun}

def timed(module, name):
    function = getattr(module, name)
    def wrapped(*arguments, **named):
        start = time.perf_counter()
        done = function(*arguments, **named)
        marks.setdefault(name, time.perf_counter() - start)
        return done
    setattr(module, name, wrapped)

save = block_runner._save
def saving(*arguments):
    start = time.perf_counter()
    save(*arguments)
    saved.append(time.perf_counter() - start)
block_runner._save = saving
jax.devices()
marks["JAX started"] = time.perf_counter() - imported
for name in ("make_run_plan", "try_program"):
    timed(runner, name)
timed(runner.run_folder, "check_libraries")
timed(block_runner, "advance")
told = []
def report(progress):
    if not told:
        processes.meet()  # the first to have compiled wait for the others
    told.append((time.time(), progress.epochs_done))
    marks.setdefault("first step", time.perf_counter() - begun)
workers = devices.workers(options["devices"])
folder = run(experiment, options["out"], options.get("data"), workers, report)
processes.leave()
whole = time.perf_counter() - begun
print(json.dumps({"told": told, "saved": sum(saved), "saves": len(saved), "marks": marks,
    "whole": whole, "kB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""


def child(folder: Path, **options) -> dict:
    """What a run of its own says of itself."""
    return ended(started(folder, **options))


def started(folder: Path, **options) -> subprocess.Popen:
    settings = {
        "name": "szt",
        "devices": 1,
        "seeds": 32,
        "changes": ["seeds_per_program=32"],
    } | options
    settings.setdefault("out", tempfile.mkdtemp(dir=folder))
    inherited = {name: value for name, value in os.environ.items() if name != "PJRT_NPROC"}
    environment = (
        inherited | {"XDG_CACHE_HOME": str(folder / "cache")} | settings.pop("environment", {})
    )
    command = [sys.executable, "-c", CHILD, json.dumps(settings)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def ended(process: subprocess.Popen) -> dict:
    said, wrong = process.communicate(timeout=3600)
    if process.returncode:
        raise SystemExit(f"expected a run that ends, got {process.returncode}: {wrong[-1000:]}")
    return json.loads(said.splitlines()[-1])


def rate(found: list[dict]) -> float:
    """Network epochs a second of processes that ran together, while all of them trained."""
    told = [np.array(each["told"]) for each in found]
    between = max(each[0, 0] for each in told), min(each[-1, 0] for each in told)
    if between[0] >= between[1]:
        raise SystemExit(
            "expected processes that train at the same time, got one that ended "
            "before another began"
        )
    return sum(np.diff(np.interp(between, *each.T))[0] for each in told) / (between[1] - between[0])


def in_turn(times: int, *programs: Callable[[], float]) -> list[float]:
    """The median of each, run in turn, after a first time that does not count."""
    for program in programs:
        program()
    found = [[program() for program in programs] for _ in range(times)]
    return [statistics.median(each) for each in zip(*found, strict=True)]


def devices(folder: Path, quick: bool) -> str:
    """Two cores against one, a block each; and what two runs get that have nothing to do
    with each other."""
    changes = ["seeds_per_program=32", f"train.epochs={20 if quick else 300}"]
    one, two, apart = in_turn(
        1 if quick else 3,
        lambda: rate([child(folder, devices=1, seeds=32, changes=changes)]),
        lambda: rate([child(folder, devices=2, seeds=64, changes=changes)]),
        lambda: rate(
            [
                ended(each)
                for each in [started(folder, devices=1, changes=changes) for _ in range(2)]
            ]
        ),
    )
    return (
        f"two cores {two:.0f} networks x epochs a second, one {one:.0f}: "
        f"{two / one:.2f} times (aim 1.8); "
        f"two runs apart {apart:.0f}: {apart / one:.2f} times"
    )


def processes(folder: Path, quick: bool) -> str:
    """Four processes of a core each against one process of four: free, and each bound to one
    core, as SLURM does."""
    changes = ["seeds_per_program=16", f"train.epochs={20 if quick else 300}"]
    cores = sorted(os.sched_getaffinity(0))

    def four(bound=False):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            where = f"127.0.0.1:{free.getsockname()[1]}"
        out = tempfile.mkdtemp(dir=folder)
        return rate(
            [
                ended(each)
                for each in [
                    started(
                        folder,
                        devices=1,
                        seeds=64,
                        changes=changes,
                        out=out,
                        processes=[where, 4, i],
                        cores=[cores[i * len(cores) // 4]] if bound else cores,
                    )
                    for i in range(4)
                ]
            ]
        )

    one, many, bound = in_turn(
        1 if quick else 3,
        lambda: rate([child(folder, devices=4, seeds=64, changes=changes)]),
        four,
        lambda: four(bound=True),
    )
    return (
        f"four processes {many:.0f}, one process with four cores {one:.0f}: "
        f"{many / one:.2f} times (aim 0.95); "
        f"each bound to one core {bound:.0f}: {bound / one:.2f} times"
    )


def checkpoints(folder: Path, quick: bool) -> str:
    """The share of a run that its checkpoints take."""
    found = child(
        folder,
        devices=2,
        seeds=64,
        changes=["seeds_per_program=32", f"train.epochs={20 if quick else 1000}"],
    )
    share = found["saved"] / 2 / found["whole"]  # two threads save beside each other
    return (
        f"{found['saves']} checkpoints take {100 * share:.1f} % of {found['whole']:.0f} "
        "s (aim 2 % or less)"
    )


def seeds(folder: Path, quick: bool) -> str:
    """Memory of many rounds of blocks against that of one round."""
    changes, many = ["seeds_per_program=64", "train.epochs=2"], 600 if quick else 10_000
    child(folder, devices=2, seeds=128, changes=changes)  # what compiling takes is not meant
    one = child(folder, devices=2, seeds=128, changes=changes)["kB"]
    all_of_them = child(folder, devices=2, seeds=many, changes=changes)
    return (
        f"{many} seeds {all_of_them['kB'] / 2**10:.0f} MiB in "
        f"{all_of_them['whole']:.0f} s, one round of 128 "
        f"{one / 2**10:.0f} MiB: {all_of_them['kB'] / one:.2f} times (aim 1.2 or less)"
    )


def start_up(folder: Path, quick: bool) -> str:
    """From the start of Python to the first step, and where the seconds go."""
    changes = ["train.epochs=2"]
    child(folder, devices=2, seeds=16, changes=changes)
    found = [child(folder, devices=2, seeds=16, changes=changes) for _ in range(1 if quick else 3)]
    marks = {
        name: statistics.median(each["marks"][name] for each in found) for name in found[0]["marks"]
    }
    first = marks.pop("first step")
    rest = first - sum(marks.values())
    parts = ", ".join(
        f"{name} {seconds:.1f}" for name, seconds in (marks | {"the rest": rest}).items()
    )
    return f"first step after {first:.1f} s (aim 8): {parts}"


def pool(folder: Path, quick: bool) -> str:
    """A thread pool pinned to eight, against one of as many as there are cores."""
    changes = ["seeds_per_program=32", f"train.epochs={20 if quick else 300}"]
    eight, free = in_turn(
        1 if quick else 3,
        lambda: rate(
            [child(folder, devices=2, seeds=64, changes=changes, environment={"PJRT_NPROC": "8"})]
        ),
        lambda: rate([child(folder, devices=2, seeds=64, changes=changes)]),
    )
    return f"a pool of eight {eight:.0f}, of the cores {free:.0f}: {eight / free:.2f} times"


MEASURED = {
    each.__name__: each for each in (devices, processes, checkpoints, seeds, start_up, pool)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    parser.add_argument("--only", choices=MEASURED, help="one of them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, measure in MEASURED.items():
            if options.only in (None, name):
                print(f"{name}: {measure(Path(folder), options.quick)}", flush=True)


if __name__ == "__main__":
    main()
