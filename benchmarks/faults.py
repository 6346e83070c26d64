"""Faults on purpose: whatever happens to a run, the same command ends with the bits of an
undisturbed one.

    python benchmarks/faults.py [--rounds 100] [--only NAME]

A small run (SZT, six seeds in three blocks, a checkpoint an epoch) is killed, starved of disk,
damaged and started twice, as a user's would be: by the command line, in a process of its own. After
each fault the same command is given again, without it. A round is survived when what came before
was kept or refused in one line, and the result is that of an undisturbed run bit for bit.
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from jaxbnn.storage import array_store, checkpoints, results, run_folder

COMMAND = [
    "szt",
    "--set",
    "model.widths=400,4",
    "--set",
    "train.epochs=12",
    "--set",
    "train.batch_size=256",
]
COMMAND += [
    "--set",
    'probes=[{"type":"Probe","sample":"all"}]',
    "--set",
    "schedule.every=3",
    "--set",
    "seeds_per_program=2",
]
CODE = """
import sys
from jaxbnn.cli import main
from jaxbnn.engine import block_runner
from jaxbnn.engine.progress import ProgressTracker
block_runner.CHUNK_SECONDS = block_runner.CHECKPOINT_SECONDS = 0.0
block_runner.CHECKPOINT_SHARE = 1e9
advance = ProgressTracker.advance
def advance_and_say(tracker, block, n_networks, epochs, *rest):
    print("chunk", epochs, flush=True)
    advance(tracker, block, n_networks, epochs, *rest)
ProgressTracker.advance = advance_and_say
sys.exit(main.main(sys.argv[1:]))
"""


LARGEST = 150_000  # bytes: a little more than the largest file, or a checkpoint's room, needs


class Bench:
    """A folder for runs, an undisturbed result, and a source of chance."""

    def __init__(self, folder: Path, chance: random.Random):
        self.folder = folder
        self.chance = chance
        self.n = 0
        self.whole = self.result(self.finished("undisturbed"))

    def fresh(self) -> Path:
        """A folder that no run has seen."""
        self.n += 1
        return self.folder / f"run-{self.n}"

    def started(
        self, out: str | Path, *more: str, seeds: int = 6, before: Callable | None = None
    ) -> subprocess.Popen:
        """A run of its own."""
        arguments = ["run", *COMMAND, "--seeds", str(seeds), "--out", str(self.folder / out), *more]
        pipe = subprocess.PIPE
        environment = os.environ | {"XDG_CACHE_HOME": str(self.folder / "cache")}
        command = [sys.executable, "-c", CODE, *arguments]
        return subprocess.Popen(
            command, stdout=pipe, stderr=pipe, text=True, preexec_fn=before, env=environment
        )

    def finished(self, out: str | Path, *more: str) -> Path:
        """The folder of a run that goes on to its end; SystemExit where it does not."""
        process = self.started(out, *more)
        said, wrong = process.communicate(timeout=600)
        if process.returncode:
            raise SystemExit(f"expected a run that ends, got {process.returncode}: {wrong[-800:]}")
        return Path(said.splitlines()[-1])

    def result(self, folder: Path) -> dict[str, bytes]:
        """The bytes of every variable."""
        found = results.open_result(folder)
        values = {str(name): found[name].values for name in found.variables}
        return {
            name: value.astype(str).tobytes() if value.dtype == object else value.tobytes()
            for name, value in values.items()
        }

    def same(self, out: str | Path, *more: str) -> str:
        """ "" where the same command, without a fault, ends with the undisturbed bits."""
        result = self.result(self.finished(out, *more))
        return "" if result == self.whole else "other bits"


def refused(process: subprocess.Popen, *words: str) -> str:
    """ "" where it ended with exit code 2 and one line that has these words."""
    _, wrong = process.communicate(timeout=600)
    lines = [line for line in wrong.splitlines() if line.startswith("jaxbnn: error: ")]
    if process.returncode != 2 or len(lines) != 1 or not all(word in lines[0] for word in words):
        return f"expected one line with {words}, got {process.returncode}: {wrong[-500:]}"
    return ""


def after(process: subprocess.Popen, chunks: int) -> bool:
    """Whether the process has told so many chunks; False where it ended before."""
    return all(_is_chunk(process.stdout.readline()) for _ in range(chunks))


def _is_chunk(line: str) -> bool:
    return line.startswith("chunk")


def killed(bench: Bench) -> str:
    """kill -9 at a random moment: while it starts, trains, saves or writes its result."""
    out = bench.fresh()
    for _ in range(bench.chance.choice([1, 1, 2, 3])):
        process = bench.started(out)
        if bench.chance.random() < 0.1:
            time.sleep(bench.chance.uniform(0, 5))
        else:
            after(process, bench.chance.randrange(1, 36))
            time.sleep(bench.chance.uniform(0, 0.1))
        process.kill()
        process.communicate()
    return bench.same(out)


def no_room(bench: Bench) -> str:
    """No file may grow past a size: as a full disk, whatever is written when it is reached."""
    out, most = bench.fresh(), bench.chance.randrange(LARGEST)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    (bench.folder / "cache").mkdir(exist_ok=True)
    process = bench.started(out, before=limit)
    _, wrong = process.communicate(timeout=600)
    if process.returncode not in (0, 2) or "Traceback" in wrong:
        return f"with {most} bytes: {process.returncode}: {wrong[-500:]}"
    if process.returncode == 2 and "no room left" not in wrong:
        return f"with {most} bytes: {wrong[-300:]}"
    return bench.same(out) or ("" if process.returncode else "skipped: there was room")


def mounted(bench: Bench, options: str) -> Path | None:
    """A small file system of a folder's own; None without root."""
    place = bench.fresh()
    place.mkdir(parents=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", place], capture_output=True
    )
    return None if made.returncode else place


def full_disk(bench: Bench) -> str:
    """A file system of 40 to 1500 kB, which the run may fill."""
    size = bench.chance.randrange(40, 1500)
    place = mounted(bench, f"size={size}k")
    if place is None:
        return "skipped: no root"
    try:
        process = bench.started(place)
        _, wrong = process.communicate(timeout=600)
        if (
            process.returncode not in (0, 2)
            or "Traceback" in wrong
            or (process.returncode and "no room" not in wrong)
        ):
            return f"with {size} kB: {process.returncode}: {wrong[-500:]}"
        subprocess.run(["mount", "-o", "remount,size=50m", place], check=True)
        return bench.same(place) or ("" if process.returncode else "skipped: there was room")
    finally:
        subprocess.run(["umount", place], check=True)


def begun(bench: Bench, *more: str) -> tuple[Path, list[Path]]:
    """A run that was killed with checkpoints, and its unfinished blocks that have two."""
    while True:
        out = bench.fresh()
        process = bench.started(out, *more)
        after(process, 16)
        process.kill()
        process.communicate()
        blocks = [path for path in out.glob("*/*/blocks/*") if not array_store.is_finished(path)]
        with_two = [block for block in blocks if len(checkpoints.folders(block)) == 2]
        if with_two:
            return out, with_two


def harm(bench: Bench, path: Path) -> None:
    """A bit of a file flipped, or the file cut short."""
    content = bytearray(path.read_bytes())
    if bench.chance.random() < 0.5:
        content = content[: bench.chance.randrange(len(content))]
    else:
        content[bench.chance.randrange(len(content))] ^= 1 << bench.chance.randrange(8)
    path.write_bytes(content)


def one_file(bench: Bench, folder: Path) -> Path:
    """A file that is not empty."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size]
    return bench.chance.choice(sorted(files))


def damaged(bench: Bench) -> str:
    """A file of a checkpoint harmed: refused; the one before goes on to the same bits."""
    out, blocks = begun(bench)
    newest = checkpoints.folders(bench.chance.choice(blocks))[-1]
    path = one_file(bench, newest)
    harm(bench, path)
    process = bench.started(out)
    wrong = refused(process, str(newest), "remove it to")
    if wrong and path.name == checkpoints.MANIFEST and "belongs to another" in wrong:
        wrong = ""  # the flip made another word of it
    shutil.rmtree(newest)
    return wrong or bench.same(out)


def damaged_rows(bench: Bench) -> str:
    """A chunk that holds rows behind a checkpoint removed or harmed: never other bits; where it is
    refused, the block without its folder is made again."""
    out, blocks = begun(bench)
    block = bench.chance.choice(blocks)
    chunks = [path for path in (block / array_store.ARRAYS).glob("*/*/c/**/*") if path.is_file()]
    path = bench.chance.choice(sorted(chunks))
    if bench.chance.random() < 0.5:
        path.unlink()
    else:
        harm(bench, path)
    wrong = refused(bench.started(out), str(block))
    if wrong:
        return wrong
    shutil.rmtree(block)
    return bench.same(out)


def damaged_result(bench: Bench) -> str:
    """A file of a finished block removed, cut or flipped: refused when the run is opened or the
    variable is read, or found by `damaged_files`; the block without its folder is made again."""
    out = bench.fresh()
    folder = bench.finished(out)
    block = bench.chance.choice(run_folder.block_folders(folder))
    path = one_file(bench, block / array_store.ARRAYS)
    name = path.relative_to(block).as_posix()
    if bench.chance.random() < 0.3:
        path.unlink()
    else:
        harm(bench, path)
    try:
        found = array_store.damaged_files(block)
    except ValueError as error:
        found = [name] if name in str(error) else []
    if found != [name]:
        return f"expected {name} to be found, got {found}"
    try:
        if path.name != "zarr.json" and bench.result(folder) != bench.whole:
            return f"other values were read after {name} was harmed"
    except Exception as error:  # any reason will do, so long as no value is read
        if "\n" in str(error):
            return f"expected one line, got {error}"
    shutil.rmtree(block)
    return bench.same(out)


def damaged_manifest(bench: Bench) -> str:
    """The manifest of a finished block removed, cut or flipped: refused, or the same bits."""
    out = bench.fresh()
    folder = bench.finished(out)
    block = bench.chance.choice(run_folder.block_folders(folder))
    path = block / array_store.MANIFEST
    if bench.chance.random() < 0.3:
        path.unlink()
        return bench.same(out)  # it goes on from its last checkpoint
    harm(bench, path)
    process = bench.started(out)
    _, wrong = process.communicate(timeout=600)
    if process.returncode not in (0, 2) or "Traceback" in wrong:
        return f"{process.returncode}: {wrong[-500:]}"
    path.unlink()
    return bench.same(out)


def foreign(bench: Bench) -> str:
    """A checkpoint of another config, other data or another version of JAX: refused by name; kept
    as it was."""
    out, blocks = begun(bench)
    key = bench.chance.choice(["config", "data", "jax", "layout"])
    path = checkpoints.folders(blocks[0])[-1] / checkpoints.MANIFEST
    whole = path.read_text()
    manifest = json.loads(whole)
    manifest["identity"][key] = "another"
    path.write_text(json.dumps(manifest))
    wrong = refused(bench.started(out), f"belongs to another {key}")
    path.write_text(whole)
    return wrong or bench.same(out)


def changed_data(bench: Bench) -> str:
    """The data file changes between start and resume: refused; given back, the run goes on."""
    path = bench.folder / f"data-{bench.n}.npz"
    made = np.random.default_rng(0)
    np.savez(path, x=made.integers(0, 2, (600, 12)).astype(np.float32), y=made.integers(0, 2, 600))
    whole, spec = path.read_bytes(), ("--set", f'data={{"type":"Npz","path":"{path}"}}')
    expected = bench.result(bench.finished(bench.fresh(), *spec))
    out, _ = begun(bench, *spec)
    np.savez(path, x=made.integers(0, 2, (600, 12)).astype(np.float32), y=made.integers(0, 2, 600))
    wrong = refused(bench.started(out, *spec), "belongs to another data")
    path.write_bytes(whole)
    return wrong or ("" if bench.result(bench.finished(out, *spec)) == expected else "other bits")


def clock_back(bench: Bench) -> str:
    """Files from the future: a clock that was set back a day."""
    out, _ = begun(bench)
    for path in (bench.folder / out).rglob("*"):
        os.utime(path, (time.time() + 86400,) * 2)
    return bench.same(out)


def twice(bench: Bench) -> str:
    """Two runs into one folder at once: one works, the other says so and stops."""
    out = bench.fresh()
    first = bench.started(out)
    after(first, 1)
    first.send_signal(signal.SIGSTOP)
    wrong = refused(bench.started(out), "another run is working in")
    first.send_signal(signal.SIGCONT)
    first.communicate(timeout=600)
    return wrong or bench.same(out)


def read_only(bench: Bench) -> str:
    """A file system that may not be written to."""
    place = mounted(bench, "size=50m,ro")
    if place is None:
        return "skipped: no root"
    try:
        wrong = refused(bench.started(place), "output folder that can be written")
        subprocess.run(["mount", "-o", "remount,rw", place], check=True)
        return wrong or bench.same(place)
    finally:
        subprocess.run(["umount", place], check=True)


def one_of_four(bench: Bench) -> str:
    """One of four processes is killed; the rest end, and two processes go on."""
    out = bench.fresh()
    everyone = shared(bench, out, 4)
    victim = bench.chance.randrange(4)
    after(everyone[victim], bench.chance.randrange(1, 8))
    everyone[victim].kill()
    for i, process in enumerate(everyone):
        _, wrong = process.communicate(timeout=600)
        expected = (
            (0, 75) if victim else (0, 75, -signal.SIGABRT)
        )  # JAX ends those that lose process 0
        if i != victim and process.returncode not in expected:
            return f"process {i} of 4, {victim} killed: {process.returncode}: {wrong[-500:]}"
    for process in shared(bench, out, 2):
        _, wrong = process.communicate(timeout=600)
        if process.returncode:
            return f"going on with two: {process.returncode}: {wrong[-500:]}"
    return bench.same(out)


def shared(bench: Bench, out: Path, count: int) -> list[subprocess.Popen]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{free.getsockname()[1]}"
    each = ("--processes", str(count), "--coordinator", where, "--devices", "1", "--process-id")
    return [bench.started(out, *each, str(i)) for i in range(count)]


FAULTS = {
    "kill -9": (killed, 1.0),
    "no file past a size": (no_room, 0.2),
    "full disk": (full_disk, 0.1),
    "damaged checkpoint": (damaged, 0.2),
    "damaged or lost rows": (damaged_rows, 0.1),
    "damaged result": (damaged_result, 0.1),
    "damaged manifest": (damaged_manifest, 0.1),
    "foreign checkpoint": (foreign, 0.08),
    "changed data": (changed_data, 0.03),
    "clock set back": (clock_back, 0.03),
    "two runs at once": (twice, 0.05),
    "read-only folder": (read_only, 0.02),
    "one process of four dies": (one_of_four, 0.08),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rounds",
        type=int,
        default=100,
        metavar="N",
        help="of kill -9; the others get a share of it",
    )
    parser.add_argument("--only", choices=FAULTS, metavar="NAME", help=", ".join(FAULTS))
    parser.add_argument("--seed", type=int, default=0, help="of chance")
    options = parser.parse_args()
    lost = []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        bench = Bench(Path(folder), random.Random(options.seed))
        print(f"{'fault':<26}{'rounds':>7}{'survived':>10}{'skipped':>9}")
        for name, (fault, share) in FAULTS.items():
            if options.only not in (None, name):
                continue
            found = []
            for _ in range(max(1, round(share * options.rounds))):
                found.append(fault(bench))
                print(
                    f"{name}, round {len(found)}: {found[-1] or 'survived'}",
                    file=sys.stderr,
                    flush=True,
                )
            skipped = [each for each in found if each.startswith("skipped")]
            bad = [each for each in found if each and each not in skipped]
            lost += [f"{name}: {each}" for each in bad]
            survived = len(found) - len(skipped) - len(bad)
            print(
                f"{name:<26}{len(found):>7}{survived:>10}{len(skipped):>9}",
                flush=True,
            )
    print("\n".join(lost))
    if lost:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
