"""A random order of N examples without a sort, in a hundredth of an epoch's time."""

import jax
import jax.numpy as jnp

# Rounds of the network: neighbours, pairs and triples are then as in a uniform order.
ROUNDS = 4
# Examples up to which numbers are sorted: so narrow a network shuffles badly, and a sort is quick.
MAX_SORTED = 512


def permutation(key: jax.Array, n: int) -> jax.Array:
    """A random permutation of 0 .. n - 1.

    A Feistel network with keyed, hashed rounds permutes 0 .. 2**b - 1, the smallest such range that
    holds n. An index that is mapped to n or more is mapped again until it is below n, which leaves
    a permutation of n. Up to MAX_SORTED examples are sorted by random numbers instead.

    Args:
        key: typed key.
        n: number of examples, static.

    Returns:
        int32 [n].

    Raises:
        ValueError: unless n >= 1.

    Sources: Black & Rogaway 2002 (cycle walking); Mitchell et al. 2022 (shuffles on GPUs).
    """
    if n < 1:
        raise ValueError(f"expected n >= 1 examples, got {n}")
    if n <= MAX_SORTED:
        return jnp.argsort(jax.random.bits(key, (n,), jnp.uint32)).astype(jnp.int32)
    keys = jax.random.bits(key, (ROUNDS,), jnp.uint32)
    n_bits = (n - 1).bit_length()

    def any_outside(index: jax.Array) -> jax.Array:
        return jnp.any(index >= n)

    def mapped_again(index: jax.Array) -> jax.Array:
        return jnp.where(index >= n, _feistel(keys, n_bits, index), index)

    first = _feistel(keys, n_bits, jnp.arange(n, dtype=jnp.uint32))
    return jax.lax.while_loop(any_outside, mapped_again, first).astype(jnp.int32)


def _feistel(keys: jax.Array, n_bits: int, index: jax.Array) -> jax.Array:
    """A permutation of 0 .. 2**n_bits - 1.

    The two parts of an index exchange their roles, and widths, in every round.
    """
    low = n_bits // 2
    high = n_bits - low
    left = index >> low
    right = index & jnp.uint32((1 << low) - 1)
    for i in range(ROUNDS):
        mixed = (right + keys[i]) * jnp.uint32(0x9E3779B1)
        mixed = (mixed ^ (mixed >> 15)) * jnp.uint32(0x85EBCA6B)
        width = high if i % 2 == 0 else low
        new = left ^ ((mixed >> 16) & jnp.uint32((1 << width) - 1))
        left = right
        right = new
    return (left << low) | right
