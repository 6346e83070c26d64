"""Networks x epochs a second: many seeds in one program, beside PyTorch and a textbook JAX loop.

Ours trains and measures every layer at every epoch, scores both parts of the data and records the
networks' diagnostics, on all CPU cores as devices; the others do what their rows say. PyTorch is in
the extra `bench`.
"""

import argparse
import dataclasses
import importlib.util
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median

import jax
import jax.numpy as jnp
import numpy as np
import optax
import timing

from jaxbnn import data, plot_run, run, studies
from jaxbnn.config.codec import normal
from jaxbnn.config.experiment import Experiment
from jaxbnn.engine.devices import use_cores, workers
from jaxbnn.engine.program import advance
from jaxbnn.engine.run_plan import initial_block, inputs_of, make_run_plan, of_first
from jaxbnn.nn import MLP

SZT, MNIST = "raj2020/szt-ste", "raj2020/mnist-ste"
TARGETS = {
    "loop": (140, 300),
    "batched": (4.5, 10),
    "many": (5, 10),
    "textbook": (4, 8),
    "mnist": (2.5, 4),
}


def ours(
    experiment: Experiment, n_seeds: int, n_epochs: int, data_root: str | None
) -> Callable[[], None]:
    """A call that takes every block of the seeds through `n_epochs` measured epochs, blocks spread
    over the devices."""
    spec = dataclasses.replace(experiment.train, epochs=n_epochs)
    schedule = dataclasses.replace(experiment.schedule, every=1)
    experiment = normal(
        dataclasses.replace(experiment, train=spec, schedule=schedule, seeds=tuple(range(n_seeds)))
    )
    devices = workers()
    plan = make_run_plan([experiment], [], data_root, devices)
    blocks = [
        of_first(experiment.seeds[i : i + experiment.seeds_per_program])
        for i in range(0, n_seeds, experiment.seeds_per_program)
    ]
    inputs = {device: inputs_of(plan, blocks[0], device) for device in set(devices)}

    def take(device, seeds):
        with jax.default_device(device):
            block = initial_block(plan, seeds, inputs[device], device)
            block, _ = advance(
                plan.program, block, np.int32(1), inputs[device]
            )  # the untrained network

            def go(block):
                step = 1
                while step <= n_epochs:
                    until = plan.chunk_end(step, n_epochs)
                    block, _ = advance(plan.program, block, np.int32(until), inputs[device])
                    step = until
                return jax.block_until_ready(block)

        return partial(go, block)

    def prepare():
        return [take(devices[i % len(devices)], seeds) for i, seeds in enumerate(blocks)]

    def timed() -> float:
        goers = prepare()
        began = time.perf_counter()
        with ThreadPoolExecutor(len(devices)) as pool:
            list(pool.map(lambda go: go(), goers))
        return time.perf_counter() - began

    return timed


def textbook(
    model: MLP, x: np.ndarray, y: np.ndarray, n_seeds: int, size: int, rate: float
) -> Callable[[], None]:
    """A call that trains and measures `n_seeds` networks for an epoch: vmap over Flax, Optax and
    jnp.bincount."""
    optimiser, n, steps = optax.adam(rate), len(y), -(-len(y) // size)

    def init(key):
        variables = model.init(key, x[:1], train=False)
        return variables, optimiser.init(variables["params"])

    def loss(params, statistics, xs, ys):
        variables = {"params": params, "batch_stats": statistics}
        (logits, _), state = model.apply(variables, xs, train=True, mutable=["batch_stats"])
        return optax.softmax_cross_entropy_with_integer_labels(logits, ys).mean(), state[
            "batch_stats"
        ]

    def step(carry, index):
        variables, memory = carry
        gradient, statistics = jax.grad(loss, has_aux=True)(
            variables["params"], variables["batch_stats"], x[index], y[index]
        )
        update, memory = optimiser.update(gradient, memory)
        params = optax.apply_updates(variables["params"], update)
        params = jax.tree_util.tree_map_with_path(
            lambda path, p: jnp.clip(p, -1, 1) if path[-1].key == "latent" else p, params
        )
        return ({"params": params, "batch_stats": statistics}, memory), None

    def entropy(counts):
        p = counts / counts.sum()
        return -jnp.sum(jnp.where(p > 0, p * jnp.log2(jnp.where(p > 0, p, 1)), 0))

    def information(variables):
        _, hidden = model.apply(variables, x, train=False)
        found = []
        for t in hidden:
            codes = ((t > 0) * (1 << jnp.arange(t.shape[1]))).sum(axis=1)
            both = jnp.bincount(2 * codes + y, length=2 ** (t.shape[1] + 1))
            found.append((entropy(both.reshape(-1, 2).sum(axis=1)), entropy(both)))
        return found

    def epoch(key, carry):
        order = jax.random.permutation(key, n)
        batches = jnp.resize(order, steps * size).reshape(steps, size)
        carry, _ = jax.lax.scan(step, carry, batches)
        return carry, information(carry[0])

    many = jax.jit(jax.vmap(epoch))
    state = {
        "carry": jax.vmap(init)(jax.random.split(jax.random.key(0), n_seeds)),
        "key": jax.random.key(1),
    }
    x, y = jnp.asarray(x), jnp.asarray(y)

    def one():
        state["key"], key = jax.random.split(state["key"])
        state["carry"], found = many(jax.random.split(key, n_seeds), state["carry"])
        jax.block_until_ready(found)

    return one


def rate(call: Callable[[], object], networks: int, rounds: int) -> float:
    """Networks x epochs a second of a call that is one epoch; the first is a warm-up."""
    call()
    seconds = [timing.once(call) for _ in range(rounds)]
    return networks / median(seconds)


def szt(rounds: int, n_epochs: int) -> list[tuple[str, float]]:
    """Rows of (what, networks x epochs a second), ours first."""
    experiment, _ = studies.find(SZT)
    spec, model = experiment.train, experiment.model
    rows = []
    for n_seeds, together in ((64, 32), (64, 8), (256, 32), (256, 64), (256, 128)):
        one = dataclasses.replace(
            experiment, probes=experiment.probes[:1], seeds_per_program=together
        )
        timed = ours(one, n_seeds, n_epochs, None)
        timed()
        seconds = median(timed() for _ in range(rounds))
        name = f"jaxbnn, {n_seeds} seeds, {together} a program, MI every epoch"
        rows.append((name, n_seeds * n_epochs / seconds))
    train = data.load(experiment.data).train
    x, y, size, step = train.x.astype(np.float32), train.y, spec.batch_size, spec.learning_rate
    rows.append(
        (
            "plain jax.vmap, 64 seeds, MI every epoch",
            rate(textbook(model, x, y, 64, size, step), 64, rounds),
        )
    )
    if importlib.util.find_spec("torch") is None:
        return [*rows, ("PyTorch: not installed", float("nan"))]
    import torch
    import torch_networks as peer

    widths, xs, ys = (x.shape[1], *model.widths, 2), torch.tensor(x), torch.tensor(y).long()
    for threads in (1, os.cpu_count() or 1):
        torch.set_num_threads(threads)
        how = f"{threads} thread{'s' * (threads > 1)}"
        rows.append(
            (
                f"PyTorch, one by one, MI by np.unique, {how}",
                rate(peer.loop(widths, xs, ys, size, step), 1, 2 * rounds),
            )
        )
        for n in (64, 256):
            for compiled in (False, True):
                call = partial(peer.Batched(widths, n, size, step, compiled).epoch, xs, ys)
                kind = "compiled" if compiled else "eager"
                rows.append((f"PyTorch, {n} by bmm, {kind}, no MI, {how}", rate(call, n, rounds)))
    return rows


def mnist(rounds: int, data_root: str | None) -> list[tuple[str, float]]:
    """The same on MNIST, 8 seeds."""
    experiment, _ = studies.find(MNIST)
    rows = []
    for n_seeds in (1, 4):
        one = dataclasses.replace(
            experiment, probes=experiment.probes[:1], seeds_per_program=n_seeds
        )
        timed = ours(one, 8, 1, data_root)
        timed()
        rows.append(
            (
                f"jaxbnn, 8 seeds, {n_seeds} a program, MI every epoch",
                8 / median(timed() for _ in range(rounds)),
            )
        )
    if importlib.util.find_spec("torch") is None:
        return [*rows, ("PyTorch: not installed", float("nan"))]
    import torch
    import torch_networks as peer

    train = data.load(experiment.data, data_root).train
    x, y = torch.tensor(train.x.reshape(len(train.y), -1)), torch.tensor(train.y).long()
    for threads in (1, os.cpu_count() or 1):
        torch.set_num_threads(threads)
        call = peer.loop(
            (784, *experiment.model.widths, 10), x, y, 128, experiment.train.learning_rate
        )
        rows.append(
            (f"PyTorch, one by one, MI by np.unique, {threads} threads", rate(call, 1, rounds))
        )
    return rows


def figure(n_epochs: int) -> list[tuple[str, float]]:
    """Seconds from the start to the pictures: 3 slopes x 5 seeds, MI every epoch, on an empty
    folder. A slope is a program: they run side by side, each on one core."""
    began = time.perf_counter()
    rows = []

    def train(name: str, out: str) -> tuple[str, Path, float]:
        experiment, _ = studies.find(f"raj2020/{name}")
        changed = {
            "train": dataclasses.replace(experiment.train, epochs=n_epochs),
            "schedule": dataclasses.replace(experiment.schedule, every=1),
            "probes": experiment.probes[:2],
            "seeds": tuple(range(5)),
            "seeds_per_program": 5,
        }
        folder = run(dataclasses.replace(experiment, **changed), out, devices=workers(1))
        return name, folder, time.perf_counter() - began

    names = ("szt-ste", "szt-approx", "szt-swish")
    with tempfile.TemporaryDirectory() as out, ThreadPoolExecutor(len(workers())) as pool:
        for name, folder, seconds in pool.map(partial(train, out=out), names):
            rows.append((f"{name} trained, s", seconds))
            plot_run(folder)
        return [*rows, ("all drawn, s", time.perf_counter() - began)]


def ratios(
    rows: list[tuple[str, float]], targets: dict[str, tuple[str, tuple[float, float]]]
) -> list[tuple[str, ...]]:
    """Ours over the best of each kind, beside its target; 256 networks against 256 of ours."""
    lines = []
    for start, (words, (least, aim)) in targets.items():
        is_many = start.startswith("PyTorch, 256")
        ours = [(name, value) for name, value in rows if name.startswith("jaxbnn")]
        best = max(value for name, value in ours if ("256 seeds" in name) == is_many)
        theirs = [value for name, value in rows if name.startswith(start)]
        if theirs:
            reached = best / max(theirs)
            lines.append(
                (
                    words,
                    timing.ratio(reached),
                    f"{least} x",
                    f"{aim} x",
                    "yes" if reached >= least else "NO",
                )
            )
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke test: its times mean nothing")
    parser.add_argument("--data-root", help="where MNIST is; without it MNIST is left out")
    parser.add_argument(
        "--figure", action="store_true", help="the whole SZT figure alone: some minutes"
    )
    arguments = parser.parse_args()
    use_cores()
    if arguments.figure:
        timing.heading(
            "The SZT figure: 3 slopes x 5 seeds x 8000 epochs, MI every epoch (at "
            "most 150 s, aim 60 s)"
        )
        rows = figure(20 if arguments.quick else 8000)
        rows = [(name, timing.number(v)) for name, v in rows]
        print(timing.table(("since the start", "s"), rows), flush=True)
        return
    rounds, n_epochs = (1, 2) if arguments.quick else (5, 30)
    timing.heading("Training with measurement, SZT 10-8-6-4-2, batch 64")
    print(timing.device(), "\n")
    rows = szt(rounds, n_epochs)
    print(
        timing.table(
            ("SZT", "networks x epochs a second"), [(name, timing.number(v)) for name, v in rows]
        ),
        "\n",
    )
    targets = {
        "PyTorch, one": ("the best PyTorch loop", TARGETS["loop"]),
        "PyTorch, 64": ("the best batched PyTorch, 64 networks", TARGETS["batched"]),
        "PyTorch, 256": ("the best batched PyTorch, 256 networks", TARGETS["many"]),
        "plain": ("plain jax.vmap", TARGETS["textbook"]),
    }
    header = ("jaxbnn against", "reached", "at least", "aim", "at least?")
    print(timing.table(header, ratios(rows, targets)), flush=True)
    if arguments.data_root:
        timing.heading("MNIST 1024-20-20-20, batch 128, 8 seeds, one epoch with MI on 60,000")
        rows = mnist(1 if arguments.quick else 3, arguments.data_root)
        print(
            timing.table(
                ("MNIST", "networks x epochs a second"),
                [(name, timing.number(v)) for name, v in rows],
            ),
            "\n",
        )
        print(
            timing.table(
                header, ratios(rows, {"PyTorch": ("the best PyTorch loop", TARGETS["mnist"])})
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
