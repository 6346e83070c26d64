"""Files from strangers: every reader is given damaged and hostile files, and must read them or say
no in one line.

    python benchmarks/hostile.py [--tries 2000] [--seconds 60] [--reader NAME]

Each reader gets that many mutations of a valid file of its kind (bytes flipped, numbers made
extreme, pieces cut out, repeated or swapped), a hundred to a process, whose memory is bounded. What
counts as a failure: an error of another type than the reader promises, a crash, no answer within
twenty seconds. With --seconds, and atheris installed (pip install atheris), each reader is fuzzed
that long, too, with inputs that atheris chooses by what they reach in our readers and in the Python
libraries that they call.
"""

import argparse
import functools
import gc
import hashlib
import io
import json
import os
import pickle
import random
import resource
import signal
import struct
import subprocess
import sys
import tarfile
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxbnn import data, studies
from jaxbnn.config import codec, overrides
from jaxbnn.data import cifar_batches
from jaxbnn.data import idx as idx_format
from jaxbnn.data import npz as npz_data
from jaxbnn.files import npz
from jaxbnn.storage import array_store, checkpoints, integrity, results, run_folder

BATCH = 100  # mutations a process
ROOM = 2**33  # bytes that it may map beyond what it has
PATIENCE = 20  # seconds for one mutation
EXTREME = [
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x00",
    b"\x7f\xff\xff\xff",
    b"\xff" * 8,
    b"../../../",
    b"\x80",
]
PROMISED = (ValueError, TypeError, FileNotFoundError)
COVERED = (
    "jaxbnn",
    "json",
    "zipfile",
    "tarfile",
    "numpy.lib",
    "zarr",
    "orbax",
)
BLOCK = "blocks/0-1"
STATE = f"{BLOCK}/00000003/state"
RUN_FILES = {
    "store: array": f"{BLOCK}/arrays.zarr/main/points/zarr.json",
    "store: group": f"{BLOCK}/arrays.zarr/main/zarr.json",
    "store: chunk": f"{BLOCK}/arrays.zarr/main/points/c/0/0/0/0",
    "store: manifest": f"{BLOCK}/manifest.json",
    "store: seeds": f"{BLOCK}/seeds.json",
    "checkpoint: manifest": f"{BLOCK}/00000003/manifest.json",
    "checkpoint: metadata": f"{STATE}/_METADATA",
    "checkpoint: sharding": f"{STATE}/_CHECKPOINT_METADATA",
    "checkpoint: ocdbt": f"{STATE}/manifest.ocdbt",
}
# A process of its own makes the run: one that has used Orbax must not be forked.
MAKE_RUN = """
import sys
from pathlib import Path
import numpy as np
from jaxbnn.storage import array_store, checkpoints, results, run_folder
from jaxbnn.storage.array_store import ArraySpec
folder = Path(sys.argv[1])
block = run_folder.make_block_folder(folder, (0, 1))
points = np.arange(2 * 3 * 2 * 7, dtype=np.float32).reshape(2, 3, 2, 7)
sample = np.ones((2, 4))
specs = {
    "main/points": ArraySpec(points.shape, "float32", ("seed", "epoch", "layer", "quantity")),
    "main/sample": ArraySpec(sample.shape, "float64", ("seed", "quantity")),
}
about = {"coordinates": {"epoch": [0, 1, 5], "layer": ["a", "b"]}, "attributes": {"probe": "main"}}
array_store.create(block, specs, {"main": about})
array_store.write_whole(block, {"main/points": points, "main/sample": sample})
facts = {"version": results.VERSION, "main": "main", "seeds": [0, 1], results.DATA: "0" * 64}
array_store.finish(block, facts)
leaves = {"params/dense_1/latent": points[:, 0], "step": np.asarray(3, np.int32)}
checkpoints.save(block, 3, leaves, {"config": "c", "data": "d"})
"""


class Reader(NamedTuple):
    """What reads files of a kind."""

    name: str
    valid: bytes
    read: Callable[[bytes, Path], object]  # the bytes, and an empty folder


def readers() -> list[Reader]:
    """Every reader of files that may come from strangers, with a valid file."""
    experiment = codec.to_json(studies.find("szt")[0])
    return [
        Reader("IDX", idx(), lambda payload, folder: idx_format.read_idx(payload, "file")),
        Reader(
            "CIFAR-10 batch",
            bytes([3]) + bytes(3072),
            lambda payload, folder: cifar_batches.read_batch(payload, "file"),
        ),
        Reader(
            "CIFAR-10 archive",
            archive(),
            lambda payload, folder: cifar_batches.read_archive(payload, ("a", "b"), "file"),
        ),
        Reader(
            "CIFAR-10 pickle",
            pickle.dumps({"data": np.zeros((1, 3072), np.uint8), "labels": [3]}, protocol=2),
            lambda payload, folder: cifar_batches.read_pickled_batch(payload, "file"),
        ),
        Reader("npz data", archive_of(x=np.eye(5, dtype=np.float32), y=np.arange(5)), read_data),
        Reader("npz to measure", archive_of(t=np.ones((5, 3)), y=np.arange(5)), read_measured),
        Reader("npz of arrays", archive_of(a=np.eye(3), b=np.arange(4)), read_arrays),
        Reader(
            "experiment as JSON",
            experiment.encode(),
            lambda payload, folder: codec.from_json(text(payload)),
        ),
        Reader("override", b"train.epochs=10", lambda payload, folder: override(text(payload))),
        Reader("config.json", experiment.encode(), read_config),
        *(run_reader(name) for name in RUN_FILES),
    ]


def text(payload: bytes) -> str:
    return payload.decode("utf-8", "replace")


def idx() -> bytes:
    return b"\x00\x00\x08\x03" + struct.pack(">III", 4, 3, 2) + bytes(24)


def archive() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name in ("a", "b"):
            info = tarfile.TarInfo(name)
            info.size = 50
            tar.addfile(info, io.BytesIO(bytes(50)))
    return made.getvalue()


def archive_of(**contents: np.ndarray) -> bytes:
    made = io.BytesIO()
    np.savez(made, **contents)
    return made.getvalue()


def put(folder: Path, name: str, payload: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(payload)
    return path


def read_data(payload: bytes, folder: Path):
    return npz_data.load_npz(data.Npz(str(put(folder, "x.npz", payload))))


def read_measured(payload: bytes, folder: Path):
    return data.read_npz(put(folder, "x.npz", payload), [("t", "y"), ("words", "bits", "y")])


def read_arrays(payload: bytes, folder: Path):
    return npz.read(put(folder, "x.npz", payload))


def read_config(payload: bytes, folder: Path):
    put(folder, "config.json", payload)
    return run_folder.read_config(folder)


def override(assignment: str):
    return overrides.override(studies.find("szt")[0], assignment)


@functools.cache
def run_files() -> dict[str, bytes]:
    """A finished run with one block and its checkpoint, each file by its path."""
    with tempfile.TemporaryDirectory() as made:
        subprocess.run([sys.executable, "-c", MAKE_RUN, made], check=True)
        paths = [path for path in Path(made).rglob("*") if path.is_file()]
        return {path.relative_to(made).as_posix(): path.read_bytes() for path in paths}


def run_reader(kind: str) -> Reader:
    """Reads a run of which one file is another; a stranger's checksums fit his files."""
    name = RUN_FILES[kind]

    def read(payload: bytes, folder: Path):
        for path, content in (run_files() | {name: payload}).items():
            put(folder, path, content)
        if kind.startswith("checkpoint"):
            if kind != "checkpoint: manifest":
                fit_checkpoint(folder / BLOCK / "00000003")
            return checkpoints.load(folder / BLOCK, {"config": "c", "data": "d"})
        if kind == "store: chunk":  # without its crc32c no mutation would come to Zstandard
            put(folder, name, sealed(payload))
        if kind != "store: manifest":
            fit_store(folder / BLOCK)
        integrity.check(folder)
        results.finished_seeds(folder)
        return results.open_result(folder).load()

    return Reader(kind, run_files()[name], read)


def sealed(chunk: bytes) -> bytes:
    """The bytes of a chunk with the crc32c that fits them in place of their last four."""
    import google_crc32c

    return chunk[:-4] + google_crc32c.value(chunk[:-4]).to_bytes(4, "little")


def fit_store(block: Path) -> None:
    """Sizes and checksums of a manifest, made anew for the files that are there."""
    path = block / array_store.MANIFEST
    manifest = json.loads(path.read_text())
    for name in manifest["files"]:
        content = (block / name).read_bytes()
        manifest["files"][name] = [len(content), hashlib.sha256(content).hexdigest()]
    path.write_text(json.dumps(manifest))


def fit_checkpoint(checkpoint: Path) -> None:
    path = checkpoint / checkpoints.MANIFEST
    manifest = json.loads(path.read_text())
    for name in manifest["files"]:
        content = (checkpoint / name).read_bytes()
        manifest["files"][name] = hashlib.sha256(content).hexdigest()
    path.write_text(json.dumps(manifest))


def mutated(valid: bytes, chance: random.Random) -> bytes:
    """The file with one to eight things done to it."""
    content = bytearray(valid)
    for _ in range(chance.choice([1, 1, 1, 2, 4, 8])):
        at, end = (
            (sorted(chance.randrange(len(content) + 1) for _ in range(2))) if content else (0, 0)
        )
        kind = chance.randrange(7)
        if kind == 0 and content:
            content[min(at, len(content) - 1)] ^= 1 << chance.randrange(8)
        elif kind == 1:
            extreme = chance.choice(EXTREME)
            content[at : at + len(extreme)] = extreme
        elif kind == 2:
            del content[at : min(end, at + chance.choice([1, 4, 64, 4096]))]
        elif kind == 3:
            content[at:at] = content[at : min(end, at + 256)]
        elif kind == 4:
            content[at:at] = chance.randbytes(chance.choice([1, 4, 16]))
        elif kind == 5:
            content[at : at + 8] = chance.randbytes(8)
        elif chance.random() < 0.2:
            del content[at:]
    return bytes(content)


def failure(reader: Reader, payload: bytes, folder: Path) -> str:
    """What is wrong with how the reader takes these bytes; "" where all is well."""
    try:
        reader.read(payload, folder)
    except PROMISED as error:
        # The command line puts every message on one line; numpy's and JSON's may have several.
        return "" if str(error).strip() else f"an empty {type(error).__name__}"
    except MemoryError:
        return "allocated what it had not checked"
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return ""


def run_batch(reader: Reader, seed: int, tries: int) -> list[str]:
    """The failures of the mutations of a seed, and of those after one that ended its process."""
    failures = []
    first = 0
    while first < tries:
        first, more = _run_tries(reader, seed, first, tries)
        failures += more
    return failures


def _run_tries(reader: Reader, seed: int, first: int, tries: int) -> tuple[int, list[str]]:
    """Where a process came to that is left alone with mutations from the first on, for a reader may
    crash; failures."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        resource.setrlimit(resource.RLIMIT_AS, (ROOM + 4 * used, ROOM + 4 * used))
        try:
            for i in range(first, tries):
                signal.alarm(
                    PATIENCE
                )  # a reader that does not come back is ended, and named by its signal
                with tempfile.TemporaryDirectory() as folder:
                    payload = mutated(reader.valid, random.Random(f"{seed} {i}"))
                    what = failure(reader, payload, Path(folder))
                os.write(write_end, json.dumps(what).encode() + b"\n")
            os._exit(0)
        finally:
            os._exit(1)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        answers = [json.loads(line) for line in pipe]
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        answers.append(f"ended by signal {-code}" if code < 0 else f"ended with {code}")
    return first + len(answers), [
        f"seed {seed}, try {i}: {what}" for i, what in enumerate(answers, first) if what
    ]


def with_coverage(reader: Reader, seconds: int) -> tuple[int, list[str]]:
    """How many inputs atheris tried, in a process of its own, and the failure that ended it."""
    import atheris

    tried = 0
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        for function in [each for each in gc.get_objects() if isinstance(each, types.FunctionType)]:
            if str(function.__module__).startswith(COVERED):
                atheris.instrument_func(function)
        with tempfile.TemporaryDirectory() as corpus, tempfile.TemporaryDirectory() as place:
            put(Path(corpus), "valid", reader.valid)

            def once(payload):
                nonlocal tried
                tried += 1
                if tried % 100 == 0:
                    os.write(write_end, b".")
                what = failure(reader, bytes(payload), Path(place))
                if what:
                    raise RuntimeError(what)

            limits = (f"-max_total_time={seconds}", f"-timeout={PATIENCE}", "-rss_limit_mb=8192")
            atheris.Setup(
                [sys.argv[0], *limits, "-verbosity=0", f"-artifact_prefix={place}/", corpus], once
            )
            atheris.Fuzz()
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        tried = 100 * len(pipe.read())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return tried, [
        f"atheris ended with {code} after about {tried} inputs, see above"
    ] if code else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--tries", type=int, default=2000, metavar="N", help="mutations for each reader"
    )
    parser.add_argument(
        "--seconds",
        type=int,
        default=0,
        metavar="S",
        help="of fuzzing with coverage for each reader",
    )
    every = readers()
    parser.add_argument(
        "--reader", choices=[reader.name for reader in every], help="this one alone"
    )
    options = parser.parse_args()
    failures = []
    print(
        f"{'reader':<22}{'mutations':>10}{'failures':>10}"
        + (f"{'with coverage':>16}{'failures':>10}" if options.seconds else "")
    )
    for reader in (each for each in every if options.reader in (None, each.name)):
        sizes = [min(BATCH, options.tries - start) for start in range(0, options.tries, BATCH)]
        found = [each for seed, size in enumerate(sizes) for each in run_batch(reader, seed, size)]
        tried, ended = with_coverage(reader, options.seconds) if options.seconds else (0, [])
        failures += [f"{reader.name}, {each}" for each in found + ended]
        covered = f"{tried:>16}{len(ended):>10}" if options.seconds else ""
        print(f"{reader.name:<22}{options.tries:>10}{len(found):>10}{covered}", flush=True)
    print("\n".join(failures[:40]))
    if failures:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
