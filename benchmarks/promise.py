"""The promise of bits: a seed's result depends on nothing but its experiment. Each row is a run
compared bit for bit.

    python benchmarks/promise.py [--quick]

Two experiments: SZT (widths 10-8-6-4-2), and a 784-1024-10 network, whose products are large enough
to be split among the threads of XLA's pool (four, and in two rows 1 and 16); seven seeds in blocks
of two. Every variable of every seed of a varied run is compared with that of one straight run
on one device (NaN equal to NaN). On a GPU the same script makes that platform's table.
"""

import argparse
import dataclasses
import json
import operator
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from jaxbnn import use_cores
from jaxbnn.analysis.networks import load_networks
from jaxbnn.storage import results
from jaxbnn.storage.leaves import flat

DEVICES = 4

CODE = """
import json, sys
from jaxbnn import config, run, use_cores, use_processes
from jaxbnn.engine import processes
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
    x = rng.integers(0, 256, (3000, 784), dtype=np.uint8)
    y = rng.integers(0, 10, 3000)
    np.savez(folder / "wide.npz", x=x, y=y)
    shared = {
        "seeds": tuple(range(7)),
        "seeds_per_program": 2,
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
    """The variables in which the seeds of a run differ from the same seeds of another, and the
    leaves of their trained networks."""
    found = results.open_result(folder)
    whole = results.open_result(other).sel(seed=found.seed.values)
    wrong = [str(name) for name in found if not _same(found[name].values, whole[name].values)]
    theirs = load_networks(other)
    for seed, network in load_networks(folder).items():
        leaves = flat(theirs[seed])
        for name, leaf in flat(network).items():
            if not _same(leaf, leaves[name]):
                wrong.append(f"{name} of seed {seed}")
    return wrong


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    if one.dtype != other.dtype:
        return False
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


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
            if results.finished_seeds(folder) == e.seeds:
                return folder
        raise SystemExit("expected a run that is stopped again and again to end")

    def chunks(e, out):
        before = block_runner.CHUNK_SECONDS
        block_runner.CHUNK_SECONDS = 0.0
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
        "2 blocks at once on a device": lambda e, out: run(e, out, devices=2 * devices[:1]),
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


def forward_bits(experiment, folder: Path) -> dict[str, str]:
    """What is varied -> whether the packed hidden layers of the trained networks are the same bits
    as one network after the other, 100 examples at a time."""
    import jax

    from jaxbnn.engine.run_data import load_split, split_for_devices
    from jaxbnn.observe import view

    split = split_for_devices(experiment, None, load_split(experiment, None, 0))
    networks = load_networks(folder)
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *networks.values())
    # The training set's moments are sums of real numbers, which have an order.
    probes = tuple(replace(probe, normalisation="running") for probe in experiment.probes)

    def layers(size: int, limit: int) -> list[np.ndarray]:
        model = experiment.model
        layout = view.ONE_SEED._replace(limit=limit, pattern_limit=limit)
        normalise = view.normaliser_of(model, layout)
        forward = view.forward_of(model, probes)
        ways = view.Ways(forward, normalise, model.steps, layout, None)
        look = partial(view.view_of(view.Wanted(model, probes), ways), inputs=None)
        found = []
        for first in range(0, len(networks), size):
            some = jax.tree.map(operator.itemgetter(slice(first, first + size)), stacked)
            codes = jax.jit(jax.vmap(look, (None, 0)))(split, some).codes["main"][:-1]
            found.append([np.asarray(code.words) for code in codes])
        return [np.concatenate(layer) for layer in zip(*found, strict=True)]

    plain = layers(1, 100)
    rows = {}
    for size, limit in ((1, 4096), (2, 100), (7, 4096)):
        same = all(map(np.array_equal, layers(size, limit), plain))
        name = f"{size} network{'s'[: size > 1]} together, at most {limit} examples"
        rows[name] = "equal" if same else "differ"
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="SZT with few epochs alone")
    options = parser.parse_args()
    use_cores(DEVICES)
    import jax

    from jaxbnn import run

    devices = jax.local_devices()[:DEVICES]
    broken = []
    rows = {}
    forward = {}
    with tempfile.TemporaryDirectory() as place:
        made = experiments(Path(place))
        if options.quick:
            spec = dataclasses.replace(made[0].train, epochs=6)
            made = (dataclasses.replace(made[0], train=spec),)
        for e in made:
            whole = run(e, Path(place) / "whole", devices=devices[:1])
            for i, (name, vary) in enumerate(variations(devices).items()):
                wrong = differ(vary(e, Path(place) / f"{e.name}-{i}"), whole)
                rows.setdefault(name, []).append(
                    "equal" if not wrong else f"differ: {', '.join(wrong[:3])}"
                )
                broken += wrong
            for name, cell in forward_bits(e, whole).items():
                forward.setdefault(name, []).append(cell)
                broken += [name] if cell != "equal" else []
    print(f"{len(devices)} x {devices[0].device_kind}, jax {jax.__version__}\n")
    names = ("SZT 10-8-6-4-2", "784-1024-10")[: len(made)]
    print("| run | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
    for name, cells in rows.items():
        print(f"| {name} | " + " | ".join(cells) + " |")
    print("\n| the same networks, looked at by | " + " | ".join(names) + " |")
    print("|---|" + "---|" * len(names))
    for name, cells in forward.items():
        print(f"| {name} | " + " | ".join(cells) + " |")
    if broken:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
