"""Products of whole numbers with factors of float32, bfloat16 and int8: how fast, and exact or not.

Which type `nn.products.factors_for` takes on a platform is decided by the first table: no bit of a
result depends on it. The second is the backward pass, whose one factor is real: cut into one, two
or three bfloat16 parts it is another number, by so much.
"""

import argparse
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import timing

from jaxbnn.engine.devices import use_cores
from jaxbnn.nn.products import whole_factors, whole_product

# (seeds, rows, inputs, units, largest whole number)
FORWARD = (
    (1, 128, 784, 1024, 255),
    (1, 4096, 784, 1024, 255),
    (8, 128, 784, 1024, 255),
    (1, 128, 1024, 1024, 1),
    (1, 4096, 1024, 20, 1),
    (32, 64, 12, 10, 1),
)
BACKWARD = ((128, 784, 1024), (128, 1024, 1024))


def int8_product(shift: int, a: jax.Array, b: jax.Array) -> jax.Array:
    """a @ b with factors a - shift and b of int8, and sums of int32."""
    shifted = (a - shift).astype(jnp.int8)
    sums = jnp.matmul(shifted, b.astype(jnp.int8), preferred_element_type=jnp.int32)
    return sums.astype(jnp.float32) + shift * jnp.sum(b, axis=-2, keepdims=True)


def parts_of(x: jax.Array, n: int) -> list[jax.Array]:
    """x as the sum of n bfloat16 numbers, up to what they cannot hold."""
    parts = []
    for _ in range(n):
        parts.append(x.astype(jnp.bfloat16))
        x = x - parts[-1].astype(jnp.float32)
    return parts


def in_parts(n: int, a: jax.Array, d: jax.Array) -> jax.Array:
    """a.T @ d, whole numbers a and d in n parts."""
    left = a.T.astype(jnp.bfloat16)
    products = [
        jnp.matmul(left, part, preferred_element_type=jnp.float32) for part in parts_of(d, n)
    ]
    return sum(products[::-1])


def forward(quick: bool, **turns) -> list[tuple[str, ...]]:
    """A row a shape: milliseconds with each type, and whether all are exact."""
    rows = []
    rng = np.random.default_rng(0)
    for seeds, n_rows, n_inputs, n_units, largest in FORWARD[:: 3 if quick else 1]:
        a = rng.integers(0 if largest > 1 else -1, largest + 1, (n_rows, n_inputs))
        b = rng.choice([-1, 1], (seeds, n_inputs, n_units))
        factors = jnp.asarray(a, jnp.float32), jnp.asarray(b, jnp.float32)
        ways: dict[str, Callable] = {
            "float32": partial(whole_product, factors="float32"),
            "bfloat16": partial(whole_product, factors="bfloat16"),
            "int8": partial(int8_product, 128 if largest > 127 else 0),
        }
        calls = {}
        exact = True
        for name, way in ways.items():
            product = jax.jit(jax.vmap(way, (None, 0)))
            calls[name] = partial(product, *factors)
            exact = exact and np.array_equal(calls[name](), a @ b)
        seconds = timing.in_turn(calls, **turns)
        shape = f"{seeds} x ({n_rows} x {n_inputs} @ {n_inputs} x {n_units}), to {largest}"
        times = (timing.number(1e3 * each) for each in seconds.values())
        rows.append((shape, *times, "yes" if exact else "NO"))
    return rows


def backward(quick: bool, **turns) -> list[tuple[str, ...]]:
    """A row a shape and a way: milliseconds, and the largest error as a share of the largest."""
    rows = []
    rng = np.random.default_rng(0)
    for n_rows, n_inputs, n_units in BACKWARD[: 1 if quick else 2]:
        a = rng.integers(-255, 256, (n_rows, n_inputs))
        d = rng.normal(size=(n_rows, n_units)).astype(np.float32)
        true = a.T @ d.astype(np.float64)
        ways = {"float32": lambda a, d: a.T @ d}
        ways |= {f"{n} bfloat16 part{'s'[: n > 1]}": partial(in_parts, n) for n in (1, 2, 3)}
        given = jnp.asarray(a, jnp.float32), jnp.asarray(d)
        calls = {name: partial(jax.jit(way), *given) for name, way in ways.items()}
        for name, seconds in timing.in_turn(calls, **turns).items():
            error = np.abs(np.asarray(calls[name]()) - true).max() / np.abs(true).max()
            shape = f"{n_inputs} x {n_rows} @ {n_rows} x {n_units}"
            rows.append((shape, name, timing.number(1e3 * seconds), f"{error:.1e}"))
    return rows


def run(quick: bool) -> None:
    """Both tables."""
    turns = {"rounds": 1, "burst": 1, "share": 0.05} if quick else {}
    platform = jax.default_backend()
    timing.heading("Products of whole numbers, ms")
    print(f"{timing.device()}; {platform} takes {whole_factors(platform)}\n")
    header = ("seeds x (examples @ weights)", "float32", "bfloat16", "int8", "all exact?")
    print(timing.table(header, forward(quick, **turns)), flush=True)
    timing.heading("The gradient of weights: whole numbers times real ones")
    header = ("product", "the real factor", "ms", "error")
    print(timing.table(header, backward(quick, **turns)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke test: its times mean nothing")
    arguments = parser.parse_args()
    use_cores()
    run(arguments.quick)


if __name__ == "__main__":
    main()
