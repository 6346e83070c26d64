"""A random order of N examples, without a sort: an epoch's shuffle takes a hundredth of the
epoch."""

import jax
import jax.numpy as jnp

ROUNDS = 4  # of the network: neighbours, pairs and triples are then as in a uniform order (tests/test_shuffle.py)
FEW = 512  # examples, below which a network this narrow is no good shuffle and a sort takes no time


def permutation(key: jax.Array, n: int) -> jax.Array:
    """A random permutation of 0 .. n - 1 (static), int32 [n].

    A Feistel network with keyed, hashed rounds permutes 0 .. 2**b - 1, the smallest such range that
    holds n; a place that is sent past the end is sent on until it is not, which leaves a
    permutation of n. Up to FEW examples are sorted by random numbers instead. Sources: Black &
    Rogaway 2002 (cycle walking); Mitchell et al. 2022 (shuffles on GPUs).
    """
    if n < 1:
        raise ValueError(f"expected n >= 1 examples, got {n}")
    if n <= FEW:
        return jnp.argsort(jax.random.bits(key, (n,), jnp.uint32)).astype(jnp.int32)
    keys, bits = jax.random.bits(key, (ROUNDS,), jnp.uint32), (n - 1).bit_length()

    def sent(place):
        return _network(keys, bits, place)

    def outside(place):
        return jnp.any(place >= n)

    def onward(place):
        return jnp.where(place >= n, sent(place), place)

    return jax.lax.while_loop(outside, onward, sent(jnp.arange(n, dtype=jnp.uint32))).astype(
        jnp.int32
    )


def _network(keys, bits, place):
    """A permutation of 0 .. 2**bits - 1; the two parts of a place change their roles, and widths,
    every round."""
    low = bits // 2
    high = bits - low
    left, right = place >> low, place & jnp.uint32((1 << low) - 1)
    for i in range(ROUNDS):
        mixed = (right + keys[i]) * jnp.uint32(0x9E3779B1)
        mixed = (mixed ^ (mixed >> 15)) * jnp.uint32(0x85EBCA6B)
        left, right = (
            right,
            left ^ ((mixed >> 16) & jnp.uint32((1 << (high if i % 2 == 0 else low)) - 1)),
        )
    return (left << low) | right
