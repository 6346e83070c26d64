"""The promise of lanes: a seed's bits depend on nothing but its experiment. Each row is a run
compared bit for bit.

    python benchmarks/promise.py

Two experiments: SZT (widths 10-8-6-4-2), and a 784-1024-10 network, whose products are large enough
to be split among the threads of XLA's pool (four, and in two rows 1 and 16); seven seeds in blocks
of two lanes. Every variable of every seed of a varied run is compared with that of one straight run
on one device (NaN equal to NaN). On a GPU the same script makes that platform's table.
"""

import dataclasses
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from jaxbnn import use_cores
from jaxbnn.storage import results

DEVICES = 4

CODE = """
import json, sys
from jaxbnn import config, processes, run, use_cores, use_processes
experiment, out, *which = json.loads(sys.argv[1])
use_cores(1)
if which:
    use_processes(*which)
run(config.from_json(experiment), out)
processes.leave()
"""


def experiments(folder: Path):
    """SZT, and a wide network on random images."""
    from jaxbnn import Experiment, Probe, Schedule, TrainSpec, data, nn

    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (3000, 784), dtype=np.uint8), rng.integers(0, 10, 3000)
    np.savez(folder / "wide.npz", x=x, y=y)
    shared = {
        "seeds": tuple(range(7)),
        "lanes": 2,
        "schedule": Schedule(every=2),
        "probes": (Probe(sample="all"),),
    }
    szt = TrainSpec(epochs=30, batch_size=64, learning_rate=1e-3)
    wide = TrainSpec(epochs=4, batch_size=128, learning_rate=1e-3)
    images = data.Npz(str(folder / "wide.npz"), value_range=(-1.0, 1.0))
    return (
        Experiment(
            name="szt", data=data.Szt(), model=nn.MLP((10, 8, 6, 4, 2), 2), train=szt, **shared
        ),
        Experiment(name="wide", data=images, model=nn.MLP((1024,), 10), train=wide, **shared),
    )


def differ(folder: Path, other: Path) -> list[str]:
    """The variables in which the seeds of a run differ from the same seeds of another."""
    from jaxbnn.engine import verdicts

    found, whole = results.open_result(folder), results.open_result(other)
    seeds = [whole.seed.values.tolist().index(seed) for seed in found.seed.values]
    pairs = {
        key: (verdicts.spectra(found, key), verdicts.spectra(whole, key)) for key in ("t", "ty")
    }
    wrong = [key for key, (one, other) in pairs.items() if _padded(one) != _padded(other, seeds)]
    entries = [name for name in found.dims if str(name).endswith("_entry")]
    found, whole = found.drop_dims(entries), whole.drop_dims(entries).isel(seed=seeds)
    same = (
        np.array_equal(found[n].values, whole[n].values, equal_nan=found[n].dtype.kind == "f")
        for n in found
    )
    return wrong + [str(name) for name, equal in zip(found, same, strict=True) if not equal]


def _padded(spectra, seeds=slice(None)) -> list:
    """The spectra [S, E, L] of these seeds, without the entries that only others have."""
    multiplicity, number = (leaf[seeds] for leaf in spectra)
    used = (number > 0).any(axis=(0, 1, 2))
    return [multiplicity[..., used].tolist(), number[..., used].tolist()]


def in_processes(experiment, out: Path, count: int) -> Path:
    """The run shared by so many processes."""
    from jaxbnn import config
    from jaxbnn.storage import run_folder

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{free.getsockname()[1]}"
    texts = [
        json.dumps([config.to_json(experiment), str(out), where, count, i]) for i in range(count)
    ]
    every = [
        subprocess.Popen([sys.executable, "-c", CODE, each], stderr=subprocess.PIPE)
        for each in texts
    ]
    if any(each.wait() for each in every):
        raise SystemExit(b"\n".join(each.stderr.read() for each in every).decode()[-2000:])
    return run_folder.folder_of(out, experiment)


def with_pool(experiment, out: Path, threads: int) -> Path:
    """The run on one device, XLA's thread pool of another size."""
    from jaxbnn import config
    from jaxbnn.storage import run_folder

    text = json.dumps([config.to_json(experiment), str(out)])
    inherited = {
        name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"
    }
    environment = inherited | {"PJRT_NPROC": str(threads)}
    done = subprocess.run(
        [sys.executable, "-c", CODE, text], stderr=subprocess.PIPE, text=True, env=environment
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return run_folder.folder_of(out, experiment)


def variations(devices) -> dict[str, Callable]:
    """What is varied -> (experiment, folder to run in) -> the run's folder."""
    from jaxbnn import run
    from jaxbnn.engine import block_runner

    def with_seeds(*seeds):
        return lambda e, out: run(dataclasses.replace(e, seeds=seeds), out, devices=devices[:1])

    def later(e, out):
        run(dataclasses.replace(e, seeds=(1, 4)), out, devices=devices[:1])
        return run(e, out, devices=devices[:1])

    def stopped(e, out):
        for _ in range(40):
            turns = []
            folder = run(
                e,
                out,
                devices=devices[:1],
                stop=lambda turns=turns: turns.append(0) or len(turns) > 6,
            )
            if (folder / "result.nc").exists():
                return folder
        raise SystemExit("expected a run that is stopped again and again to end")

    def chunks(e, out):
        block_runner.CHUNK_SECONDS, before = 0.0, block_runner.CHUNK_SECONDS
        try:
            return run(e, out, devices=devices[:1])
        finally:
            block_runner.CHUNK_SECONDS = before

    counts = [n for n in (1, 2, 4) if n <= len(devices)]
    pools = (1, 16) if devices[0].platform == "cpu" else ()
    return {
        **{
            f"{n} device{'s'[: n > 1]}": lambda e, out, n=n: run(e, out, devices=devices[:n])
            for n in counts
        },
        **{f"{n} processes": lambda e, out, n=n: in_processes(e, out, n) for n in (2, 4)},
        **{
            f"a pool of {n} thread{'s'[: n > 1]}": lambda e, out, n=n: with_pool(e, out, n)
            for n in pools
        },
        "seeds 3, 4 alone": with_seeds(3, 4),
        "seed 6 alone": with_seeds(6),
        "seeds 5, 0, 3 in that order": with_seeds(5, 0, 3),
        "seeds 1, 4 first, the others later": later,
        "stopped and resumed after every few chunks": stopped,
        "chunks of one epoch": chunks,
    }


def main() -> None:
    use_cores(DEVICES)
    import jax

    from jaxbnn import run

    devices, broken = jax.local_devices()[:DEVICES], []
    with tempfile.TemporaryDirectory() as place:
        made, rows = experiments(Path(place)), {}
        for e in made:
            whole = run(e, Path(place) / "whole", devices=devices[:1])
            for i, (name, vary) in enumerate(variations(devices).items()):
                wrong = differ(vary(e, Path(place) / f"{e.name}-{i}"), whole)
                rows.setdefault(name, []).append(
                    "equal" if not wrong else f"differ: {', '.join(wrong[:3])}"
                )
                broken += wrong
    print(f"{len(devices)} x {devices[0].device_kind}, jax {jax.__version__}\n")
    print("| run | " + " | ".join(("SZT 10-8-6-4-2", "784-1024-10")) + " |\n|---|---|---|")
    for name, cells in rows.items():
        print(f"| {name} | " + " | ".join(cells) + " |")
    if broken:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
