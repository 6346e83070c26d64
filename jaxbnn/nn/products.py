"""Products whose bits do not depend on how many threads XLA has.

XLA:CPU gives a product whose first factor it finds transposed to Eigen, which may split the summed
axis among all threads of the pool, so that another pool gives other bits (`benchmarks/pools.py`).
No other product tried does so.
"""

import jax
import jax.numpy as jnp


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


stable_matmul.defvjp(_forward, _backward)
