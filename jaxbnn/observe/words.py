"""Small arrays as one row of 32-bit words, so that a program moves and writes one array: it
compiles sooner."""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def pack(tree: Any) -> jax.Array:
    """The leaves, float32, int32 or bool, one behind the other: uint32 [F]."""
    words = [_words(jnp.asarray(leaf)).reshape(-1) for leaf in jax.tree.leaves(tree)]
    return jnp.concatenate(
        jax.lax.optimization_barrier(words)
    )  # else XLA may compute them all inside one kernel


def unpack(words: np.ndarray | jax.Array, like: Any) -> Any:
    """The tree that was packed: words [..., F] -> leaves [..., *shape], of the shapes and types of
    `like`'s.

    On the host where the words are a numpy array.
    """
    leaves, structure = jax.tree.flatten(like)
    ends = np.cumsum([0, *(math.prod(leaf.shape) for leaf in leaves)]).tolist()
    if words.shape[-1] != ends[-1]:
        raise ValueError(f"expected words [..., {ends[-1]}], got {words.shape}")
    found = [
        _values(words[..., start:end], leaf.dtype).reshape((*words.shape[:-1], *leaf.shape))
        for leaf, (start, end) in zip(leaves, itertools.pairwise(ends), strict=True)
    ]
    return jax.tree.unflatten(structure, found)


def mapped(one: Callable[[Any], Any], every: Sequence[Any]) -> list[Any]:
    """one(each), of trees of one structure and shape; several in a loop, which moves what `one`
    gives as words."""
    if len(every) == 1:
        return [one(every[0])]
    like = jax.eval_shape(lambda each: jax.tree.map(jnp.asarray, one(each)), every[0])
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *every)
    return [unpack(each, like) for each in jax.lax.map(lambda each: pack(one(each)), stacked)]


def _words(leaf):
    if leaf.dtype == jnp.bool_:
        return leaf.astype(jnp.uint32)
    if leaf.dtype not in (jnp.float32, jnp.int32):
        raise TypeError(f"expected leaves of float32, int32 or bool, got {leaf.dtype}")
    return jax.lax.bitcast_convert_type(leaf, jnp.uint32)


def _values(words, dtype):
    if dtype == np.bool_:
        return words != 0
    host = isinstance(words, np.ndarray)
    return (
        np.ascontiguousarray(words).view(dtype)
        if host
        else jax.lax.bitcast_convert_type(words, dtype)
    )
