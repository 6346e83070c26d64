"""Layers measured by tables of counts: the first is counted by examples, each deeper one follows
from the table of the one before."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn.info.tables import (
    PatternTable,
    count_patterns,
    is_enumerable,
    patterns_of,
    push,
)
from jaxbnn.nn import LayerValues, Step
from jaxbnn.observe.forward import Layers
from jaxbnn.observe.layout import Layout
from jaxbnn.observe.passing import Passing


class Chain(NamedTuple):
    """The hidden layers that are measured by tables: those from `first` on; static."""

    first: int  # index of a hidden layer
    units: tuple[int, ...]  # of every hidden layer


class Linked(NamedTuple):
    """A chain's tables, and its layers at all patterns; leaves of all seeds have them in front."""

    tables: tuple[PatternTable, ...]  # of the hidden layers from `first` on
    values: tuple[LayerValues, ...]  # of the layers behind `first`, the output last: [P, F], P the
    # patterns of the layer before; of all seeds [P, F, S]


def chain_of(units: Sequence[int], n_examples: int) -> Chain | None:
    """The longest run of last hidden layers each of which has few enough patterns for a table.

    Args:
        units: of every hidden layer, each of -1 and +1.
        n_examples: that are measured.

    Returns:
        The chain; None where the last hidden layer has too many patterns.
    """
    first = len(units)
    while first > 0 and is_enumerable(units[first - 1], n_examples):
        first -= 1
    return Chain(first, tuple(units)) if first < len(units) else None


def first_word(layers: Layers, chain: Chain, passing: Passing | None) -> jax.Array:
    """What examples show of the chain's first layer, in one number each: its pattern and, above it,
    the units whose gradient passes. XLA:CPU would compute the layer for each of two arrays.

    Args:
        layers: of the examples.
        chain: the chain.
        passing: what is asked of gradients.

    Returns:
        int32 [B] or [B, S]; -1 where there is no pattern.
    """
    word = patterns_of(layers.hidden[chain.first])
    if passing is None:
        return word
    passes = passing.words(layers.preactivations[chain.first])[:, 0].astype(jnp.int32)
    return jnp.where(word < 0, word, word | (passes << chain.units[chain.first]))


def pattern_in(word: jax.Array, chain: Chain) -> jax.Array:
    """The pattern in a `first_word`, -1 of none."""
    return jnp.where(word < 0, word, word & (2 ** chain.units[chain.first] - 1))


def passing_in(word: jax.Array, chain: Chain) -> jax.Array:
    """The passing units in a `first_word`, as words: uint32 [B, 1] or [B, 1, S]."""
    passes = jnp.where(word < 0, 0, word >> chain.units[chain.first])
    return passes.astype(jnp.uint32)[:, None]


def linked(
    chain: Chain,
    steps: Sequence[Step],
    pattern: jax.Array,
    labels: Sequence[jax.Array],
    classes: int,
    layout: Layout,
) -> Linked:
    """The tables of a chain's layers.

    Args:
        chain: the layers.
        steps: of the whole network.
        pattern: of the chain's first layer, [N] or [S, N], of all parts of the data behind each
            other.
        labels: of each part, [N_part] or each seed's [S, N_part].
        classes: all labels are below it.
        layout: where the seeds' axis is.

    Returns:
        Tables with a part for each of `labels`.
    """
    values = []
    deeper = []
    for i in range(chain.first + 1, len(steps)):
        values.append(steps[i](layout.patterns(chain.units[i - 1])))
        if i < len(chain.units):
            deeper.append(layout.last_to_first(patterns_of(values[-1].activation)))
    sizes = [one.shape[-1] for one in labels]
    part = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    label = jnp.concatenate(labels, axis=-1).astype(jnp.int32)
    n_patterns = [2**units for units in chain.units[chain.first :]]
    shape = (n_patterns[0], len(sizes), classes)

    def of_seed(label: jax.Array, pattern: jax.Array, deeper: list[jax.Array]) -> tuple:
        tables = [count_patterns(pattern, part, label, shape)]
        for n, behind in zip(n_patterns[1:], deeper, strict=True):
            tables.append(push(tables[-1], behind, n))
        return tuple(tables)

    of_seeds = layout.per_seed(of_seed, label.ndim > 1)
    return Linked(of_seeds(label, pattern, deeper), tuple(values))
