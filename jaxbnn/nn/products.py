"""Products whose bits do not depend on how many threads XLA has.

XLA:CPU gives a product whose first factor it finds transposed to Eigen, which may split the summed
axis among all threads of the pool, so that another pool gives other bits (`benchmarks/pools.py`).
No other product tried does so.

Products of whole numbers are exact in float32 while no sum passes 2^24, in whatever order they are
summed, and stay so with bfloat16 factors, which hold whole numbers up to 256. So the type of the
factors is chosen by speed alone, for each kind of device.
"""

from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp

Factors = Literal["float32", "bfloat16"]
MAX_SUM = 2**24  # float32 holds all whole numbers up to it
MAX_FACTOR = 2**8  # bfloat16 does
MIN_WEIGHTS = 4096  # below them a CPU's bfloat16 unit does not pay


@jax.custom_vjp
def stable_matmul(a: jax.Array, b: jax.Array) -> jax.Array:
    """a @ b, with the gradients d @ b.T and transposed(a) @ d; not for forward mode.

    Args:
        a: [..., K].
        b: [K, N].

    Returns:
        [..., N].
    """
    return jnp.matmul(a, b)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def whole_matmul(a: jax.Array, b: jax.Array, limit: int) -> jax.Array:
    """a @ b of whole numbers, exact where `is_exact` says so; its gradients are `stable_matmul`'s.

    Args:
        a: [..., K] float32, whole numbers of at most `limit` in size.
        b: [K, N] float32, -1 and +1.
        limit: static.

    Returns:
        [..., N] float32. NaN where a row or a column holds one.
    """

    on_cpu = partial(whole_product, factors=factors_for("cpu", limit, b.shape))
    elsewhere = partial(whole_product, factors=factors_for("gpu", limit, b.shape))
    return jax.lax.platform_dependent(a, b, cpu=on_cpu, default=elsewhere)


def whole_product(a: jax.Array, b: jax.Array, factors: Factors) -> jax.Array:
    """a @ b with factors of this type and sums in float32, [..., K] [K, N] -> float32 [..., N]."""
    kind = jnp.dtype(factors)
    return jnp.matmul(a.astype(kind), b.astype(kind), preferred_element_type=jnp.float32)


def is_exact(limit: int, n_terms: int) -> bool:
    """Whether sums of so many whole numbers of at most `limit` in size are exact in float32."""
    return limit * n_terms <= MAX_SUM


def factors_for(platform: str, limit: int, shape: tuple[int, ...]) -> Factors:
    """The type of a product's factors: on CPUs as measured (`benchmarks/products.py`), on others by
    what their makers say of bfloat16.

    Args:
        platform: "cpu", "gpu" or "tpu".
        limit: the largest whole number.
        shape: of the weights, [K, N].
    """
    if limit > MAX_FACTOR:
        return "float32"
    if platform != "cpu":
        return "bfloat16"
    n_weights = shape[-1] * shape[-2]
    return "bfloat16" if n_weights >= MIN_WEIGHTS and _has_bfloat16_unit() else "float32"


def whole_factors(platform: str) -> Factors:
    """The type that large products of whole numbers get on a platform: a fact of a run."""
    return factors_for(platform, 1, (MIN_WEIGHTS, 1))


@cache
def _has_bfloat16_unit() -> bool:
    """Whether this CPU multiplies matrices of bfloat16 by itself (AMX)."""
    info = Path("/proc/cpuinfo")
    return info.exists() and "amx_bf16" in info.read_text().split()


def transposed(a: jax.Array) -> jax.Array:
    """a.T; on a CPU as an array of its own, which XLA does not take back into a product.

    Args:
        a: [M, N].

    Returns:
        [N, M].
    """
    return jax.lax.platform_dependent(
        a, cpu=lambda a: jax.lax.optimization_barrier(a.T), default=jnp.transpose
    )


def _forward(a: jax.Array, b: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return stable_matmul(a, b), (a, b)


def _backward(factors: tuple[jax.Array, jax.Array], d: jax.Array) -> tuple[jax.Array, jax.Array]:
    a, b = factors
    rows = a.reshape(-1, a.shape[-1])
    return jnp.matmul(d, b.T), jnp.matmul(transposed(rows), d.reshape(-1, d.shape[-1]))


def _whole_forward(a: jax.Array, b: jax.Array, limit: int) -> tuple[jax.Array, tuple[Any, Any]]:
    return whole_matmul(a, b, limit), (a, b)


def _whole_backward(limit: int, factors: tuple[Any, Any], d: jax.Array) -> tuple[Any, Any]:
    return _backward(factors, d)


stable_matmul.defvjp(_forward, _backward)
whole_matmul.defvjp(_whole_forward, _whole_backward)
