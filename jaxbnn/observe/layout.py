"""Where the axis of the seeds is while a network is looked at."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from jaxbnn.info.tables import all_patterns
from jaxbnn.train.batches import LIMIT


class Layout(NamedTuple):
    """How rows are encoded and counted, of ONE seed or of all seeds at once."""

    encode: Callable[
        [Any, jax.Array], Any
    ]  # (estimator, activations) -> codes [B, ...] or [B, S, ...]
    second_to_first: Callable[[Any], Any]  # a tree of arrays [B, S, ...] -> [S, B, ...]
    last_to_first: Callable[[Any], Any]  # a tree of arrays [..., S] -> [S, ...]
    # f(shared, *own) -> f of every seed; bool: `shared` is each seed's own too.
    per_seed: Callable[[Callable, bool], Callable]
    over_seeds: Callable[[Callable], Callable]  # f -> f of all seeds at once
    # (variables, f, x) -> f(x), which XLA does not compute again in each reader.
    computed_once: Callable
    patterns: Callable[[int], jax.Array]  # D -> all patterns of D units, as a step takes them
    limit: int = LIMIT  # the most rows of a batch
    pattern_limit: int = LIMIT  # the same, of which nothing but patterns is wanted


def encode(estimator: Any, t: jax.Array) -> Any:
    """The estimator's codes of a layer."""
    return estimator.encode(t)


def _same(values: Any) -> Any:
    return values


def _directly(variables: Any, f: Callable, x: jax.Array) -> Any:
    return f(x)


def _of_one(f: Callable, own: bool) -> Callable:
    return f


ONE_SEED = Layout(encode, _same, _same, _of_one, _same, _directly, all_patterns)
