"""What the size of XLA's thread pool changes on a CPU: bits of products, of sums, and of whole
runs.

    python benchmarks/pools.py [--quick]

The same work is done with pools of 1, 2, 4, 8 and 16 threads, a process each. A row tells how many
of the products, the sums, or the variables of a run are the same bits with each of them. Nothing is
timed: `scaling.py --only pool`.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from promise import experiments

from jaxbnn import data, nn, run, use_cores
from jaxbnn.config.experiment import Experiment
from jaxbnn.storage import results

POOLS = (1, 2, 4, 8, 16)


def digest(values: np.ndarray) -> str:
    """A name for the bits of an array, NaN = NaN."""
    return hashlib.sha256(np.asarray(values).tobytes()).hexdigest()[:16]


def array(*shape: int) -> jax.Array:
    """Numbers that are the same in every process."""
    return jnp.asarray(np.random.default_rng(len(shape)).standard_normal(shape, dtype=np.float32))


@jax.jit
def gradients(a: jax.Array, b: jax.Array) -> jax.Array:
    """Those of the sum of squares of `nn.stable_matmul(a, b)`, flat."""
    both = jax.grad(lambda a, b: jnp.sum(nn.stable_matmul(a, b) ** 2), (0, 1))(a, b)
    return jnp.concatenate([each.ravel() for each in both])


def operations(quick: bool) -> Iterator[tuple[str, str, str]]:
    """(kind, which, its bits): products [M, K] [K, N] with one of the two transposed or none,
    alone or four at once; gradients; sums."""
    stable_matmul, first = jax.jit(lambda a, b: a @ b), jax.jit(lambda a, b: a.T @ b)
    second, four = jax.jit(lambda a, b: a @ b.T), jax.jit(jax.vmap(lambda a, b: a @ b))
    for m, k, n in product(
        (8, 64, 256, 1024), (128, 784, 4096, 60000)[: 2 if quick else 4], (2, 10, 128, 1024)
    ):
        which = f"{m} x {k} x {n}"
        yield "product", which, digest(stable_matmul(array(m, k), array(k, n)))
        yield "product, first transposed", which, digest(first(array(k, m), array(k, n)))
        yield "product, second transposed", which, digest(second(array(m, k), array(n, k)))
        if k < 60000:
            yield "four products by vmap", which, digest(four(array(4, m, k), array(4, k, n)))
            yield (
                "gradients of nn.stable_matmul",
                which,
                digest(gradients(array(m, k), array(k, n))),
            )
    shapes = ((100_000,), (64, 1024), (784, 1024), (60000, 10), (16, 784, 1024))
    for shape in shapes[: 2 if quick else 5]:
        for axis in (None, *range(len(shape))):
            squares = jax.jit(lambda a, axis=axis: jnp.sum(a * a, axis=axis))
            yield "sum of squares", f"{shape} along {axis}", digest(squares(array(*shape)))


def runs(folder: Path, quick: bool) -> Iterator[Experiment]:
    """SZT with seeds in front and last, wide networks in batches and in a full batch, and
    LeNet-5."""
    small, wide = experiments(folder)
    images = np.load(folder / "wide.npz")
    np.savez(folder / "square.npz", x=images["x"].reshape(-1, 28, 28)[:256], y=images["y"][:256])
    square = data.Npz(str(folder / "square.npz"), value_range=(-1.0, 1.0))
    lenet = dataclasses.replace(wide, name="lenet", data=square, model=nn.ConvNet(), seeds=(0, 1))
    last = dataclasses.replace(
        small, name="szt-16-seeds", seeds=tuple(range(16)), seeds_per_program=16
    )
    full = dataclasses.replace(wide.train, batch_size=None, learning_rate=1e-2)
    whole = dataclasses.replace(wide, name="wide-full-batch", train=full, seeds=(0, 1))
    chosen = (small,) if quick else (small, last, wide, whole, lenet)
    return (
        dataclasses.replace(e, train=dataclasses.replace(e.train, epochs=4 if quick else 30))
        for e in chosen
    )


def measured(folder: Path, quick: bool) -> dict[str, dict[str, str]]:
    """Kind -> which -> its bits, with the pool of this process."""
    found: dict[str, dict[str, str]] = {}
    for kind, which, bits in operations(quick):
        found.setdefault(kind, {})[which] = bits
    for experiment in runs(folder, quick):
        result = results.open_result(run(experiment, folder))
        numbers = {
            str(name): value
            for name, value in result.variables.items()
            if value.dtype.kind in "fiub"
        }
        found[f"run of {experiment.name}"] = {
            name: digest(value.values) for name, value in numbers.items()
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    parser.add_argument("--in", dest="folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder:
        use_cores(1)
        print(json.dumps(measured(Path(options.folder), options.quick)))
        return
    found = []
    for pool in POOLS:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-W", "ignore", __file__, "--in", folder, *sys.argv[1:]]
            inherited = {
                name: value
                for name, value in os.environ.items()
                if name != "JAX_COMPILATION_CACHE_DIR"
            }
            environment = inherited | {"PJRT_NPROC": str(pool)}
            done = subprocess.run(
                command, env=environment, stdout=subprocess.PIPE, text=True, check=True
            )
        found.append(json.loads(done.stdout.splitlines()[-1]))
    print(f"jax {jax.__version__}, pools of {', '.join(map(str, POOLS))} threads\n")
    print("| of | the same bits with every pool | other bits |\n|---|---|---|")
    for kind, each in found[0].items():
        other = [which for which in each if len({pool[kind][which] for pool in found}) > 1]
        told = (
            f"{len(other)}: {'; '.join(other[:3])}{', ...' if len(other) > 3 else ''}"
            if other
            else "none"
        )
        print(f"| {kind} | {len(each) - len(other)} of {len(each)} | {told} |")


if __name__ == "__main__":
    main()
