"""`jaxbnn run demo` with and without programs that were compiled before, and where the seconds of a
cold start go.

Each run is a process of its own with a new folder; a cold one has a new cache too. At least: 20 s
cold, 8 s of them XLA's; aim: 12 s.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import timing

AT_LEAST, AIM, COMPILING = 20, 12, 8  # seconds
PHASES = {
    "/jax/core/compile/jaxpr_trace_duration": "tracing",
    "/jax/core/compile/jaxpr_to_mlir_module_duration": "lowering",
    "/jax/core/compile/backend_compile_duration": "XLA",
}
# A process that runs the command line and says at its end what JAX reports of its phases.
LISTENING = """
import sys
import jax
from collections import Counter
taken = Counter()
jax.monitoring.register_event_duration_secs_listener(
    lambda name, seconds, **_: taken.update({name: seconds}))
from jaxbnn.cli.main import main
try:
    main(sys.argv[1:])
finally:
    for name, seconds in taken.items():
        print("PHASE", name, seconds, file=sys.stderr)
"""


def timed(cache: Path, *options: str) -> tuple[float, dict[str, float]]:
    """Seconds of a run in a new folder, and of its phases."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", LISTENING, "run", "demo", "--out", folder, *options]
        environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
        began = time.perf_counter()
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - began
    return seconds, _phases(ended.stderr)


def _phases(said: str) -> dict[str, float]:
    """Name -> seconds; phases of other names are left out."""
    phases = {}
    for line in said.splitlines():
        if not line.startswith("PHASE "):
            continue
        _, name, seconds = line.split()
        if name in PHASES:
            phases[PHASES[name]] = float(seconds)
    return phases


def rows(n_rounds: int, *options: str) -> list[tuple[str, ...]]:
    """The table: cold, and with the same cache again; medians."""
    taken: dict[str, list] = {"cold": [], "programs compiled before": []}
    for _ in range(n_rounds):
        with tempfile.TemporaryDirectory() as cache:
            for each in taken.values():
                each.append(timed(Path(cache), *options))
    table = []
    for name, each in taken.items():
        parts = [f"{median(seconds for seconds, _ in each):.1f} s"]
        for phase in PHASES.values():
            parts.append(f"{median(phases.get(phase, 0.0) for _, phases in each):.1f} s")
        table.append((name, *parts))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test in seconds: its times mean nothing"
    )
    arguments = parser.parse_args()
    n_rounds, options = (1, ("--set", "train.epochs=2")) if arguments.quick else (3, ())
    timing.heading("`jaxbnn run demo` in a new folder")
    print(timing.device(), "; the sum over threads of each phase\n", sep="")
    header = ("", "whole run", *PHASES.values())
    print(timing.table(header, rows(n_rounds, *options)))
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"\nMost memory of a run: {most:.1f} GiB. At least: {AT_LEAST} s cold, {COMPILING} s of")
    print(f"them XLA's; aim: {AIM} s.", flush=True)


if __name__ == "__main__":
    main()
