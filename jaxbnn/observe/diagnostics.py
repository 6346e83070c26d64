"""How a binary network fares while it learns, layer by layer: weights that flip, weights at their
limit, idle units.

ONE seed, as `observe`.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn.info.estimators.exact import Exact
from jaxbnn.info.estimators.protocol import Rows
from jaxbnn.info.redundancy import redundant_units
from jaxbnn.nn import MLP, SignActivation, Surrogate
from jaxbnn.nn.layers import LATENT
from jaxbnn.observe.probe import Probe

EDGE = 1e-6  # of the limit: a clipped latent weight may stand one rounding step off it
PASSING = "gradient_passes"  # the name of what is seen beside the main probe


class Diagnostics(NamedTuple):
    """A network's layers, hidden ones and the output: leaves [L + 1]. NaN, -1: the layer has no
    such thing.

    Shares are of the binary weights into a layer. Units are counted over the main probe's sample.
    """

    flips: jax.Array  # float32, share of weights whose sign is not that before the epoch
    saturated: jax.Array  # float32, share of latent weights at the limit they are clipped to
    dead: jax.Array  # int32, units whose slope is 0 for every example: no gradient passes
    constant: jax.Array  # int32, units with one sign for all examples
    duplicate: jax.Array  # int32, further units that equal an earlier one on every example
    complementary: (
        jax.Array
    )  # int32, further units that are the opposite of an earlier one on every example


@dataclass(frozen=True)
class _Passing:
    """Packs where a slope is not 0."""

    slope: Surrogate

    def encode(self, t: jax.Array) -> Rows:
        return Exact().encode(self.slope(t) != 0)


def probe_of(model: Any, main: Probe) -> Probe | None:
    """What must be seen beside the main probe; None where a network's health is not recorded.

    It is for an MLP of sign activations whose hidden layers are all counted exactly by the main
    probe.
    """
    if not (isinstance(model, MLP) and isinstance(model.activation, SignActivation)):
        return None
    if main.layers or not isinstance(main.estimator, Exact):
        return None
    before = "norm" if model.normalise else "dense"
    names = tuple(name.replace("hidden", before) for name in model.layer_names)
    seen: Any = _Passing(model.activation.surrogate)  # it only encodes
    return Probe(PASSING, names, seen, main.sample)


def measure(
    model: MLP,
    hidden: tuple[Rows, ...],
    passing: tuple[Rows, ...],
    before: Any,
    params: Any,
    limit: float | None,
) -> Diagnostics:
    """The diagnostics of a network with these packed hidden layers and slopes, and with params `before`
    the last epoch."""
    layers = [f"dense_{i}" for i in (*range(1, len(model.widths) + 1), "output")]
    weights = [_weights(before[name], params[name], limit) for name in layers]
    units = [_units(*each) for each in zip(hidden, passing, model.widths, strict=True)]
    columns = zip(*units, [jnp.int32(-1)] * 4, strict=True)
    flips, saturated = (jnp.stack(column) for column in zip(*weights, strict=True))
    return Diagnostics(flips, saturated, *(jnp.stack(column) for column in columns))


def none(n_layers: int) -> Diagnostics:
    """Of a network that has diverged: leaves [n_layers]."""
    unknown, uncounted = np.full(n_layers, np.nan, np.float32), np.full(n_layers, -1, np.int32)
    return Diagnostics(unknown, unknown, *[uncounted] * 4)


def _weights(before, now, limit):
    """(flips, saturated) of one layer's parameters."""
    unknown = jnp.float32(jnp.nan)
    if LATENT not in now:
        return unknown, unknown
    old, new = before[LATENT], now[LATENT]
    flips = jnp.mean((old > 0) != (new > 0), dtype=jnp.float32)
    if limit is None:
        return flips, unknown
    return flips, jnp.mean(jnp.abs(new) >= limit * (1 - EDGE), dtype=jnp.float32)


def _units(hidden, passing, n_units):
    """(dead, constant, duplicate, complementary) of one layer."""
    seen = jax.lax.reduce(passing.words, jnp.uint32(0), jax.lax.bitwise_or, (0,))
    dead = n_units - jnp.sum(jax.lax.population_count(seen), dtype=jnp.int32)
    valid = jnp.all(hidden.valid) & jnp.all(passing.valid)
    return (jnp.where(valid, dead, -1), *redundant_units(hidden.words, hidden.valid, n_units))
