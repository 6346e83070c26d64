"""How a binary network fares while it learns, layer by layer.

Weights that flip, weights at their limit, idle units; of ONE seed.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32, Int32

from jaxbnn.info import redundancy, tables
from jaxbnn.info.estimators.exact import Exact
from jaxbnn.info.estimators.protocol import Rows, TableRows
from jaxbnn.nn import MLP, SignActivation
from jaxbnn.nn.layers import LATENT
from jaxbnn.observe.passing import Passing
from jaxbnn.observe.probe import Probe

EDGE = 1e-6  # of the limit: a clipped latent weight may stand one rounding step off it
Scalar = Float32[jax.Array, ""]
Count = Int32[jax.Array, ""]


class Diagnostics(NamedTuple):
    """Of a network's hidden layers and its output; leaves [L]. NaN, -1: there is no such number.

    Shares are of the binary weights into a layer. Units are counted over the main probe's sample.
    """

    flips: Float32[Any, " l"]  # share of weights whose sign is not that before the epoch
    saturated: Float32[Any, " l"]  # share of latent weights at the limit they are clipped to
    dead: Int32[Any, " l"]  # units whose surrogate is 0 for every example: no gradient passes
    constant: Int32[Any, " l"]  # units with one sign for all examples
    duplicate: Int32[Any, " l"]  # further units that equal an earlier one on every example
    complementary: Int32[Any, " l"]  # further units opposite to an earlier one on every example


def passing_of(model: Any, main: Probe) -> Passing | None:
    """What must be seen of a network's gradients for its diagnostics.

    Args:
        model: a network.
        main: the main probe.

    Returns:
        None where there are no diagnostics: they are of an MLP of sign activations whose hidden
        layers are all counted exactly by the main probe.
    """
    if type(model) is not MLP or type(model.activation) is not SignActivation:
        return None
    if main.layers or not isinstance(main.estimator, Exact):
        return None
    return Passing(model.activation.surrogate, main.sample, main.normalisation)


def measure(
    model: MLP,
    hidden: tuple[Rows | TableRows, ...],
    n_passing: tuple[jax.Array, ...],
    before: Any,
    params: Any,
    limit: float | None,
) -> Diagnostics:
    """The diagnostics of a network.

    Args:
        model: one that `passing_of` takes.
        hidden: its packed hidden layers, leaves [N, ...], or their tables.
        n_passing: units of each hidden layer whose gradient passes, as `View` has them.
        before: the params before the last epoch.
        params: the params now.
        limit: what latent weights are clipped to; None: they are not.

    Returns:
        Leaves [L], the hidden layers and the output.
    """
    names = [f"dense_{i}" for i in (*range(1, len(model.widths) + 1), "output")]
    weights = [_weights(before[name], params[name], limit) for name in names]
    units = []
    for t, n, width in zip(hidden, n_passing, model.widths, strict=True):
        units.append(_units(t, n, width))
    units.append((jnp.int32(-1),) * 4)  # the output has no units that count
    flips, saturated = map(jnp.stack, zip(*weights, strict=True))
    dead, constant, duplicate, complementary = map(jnp.stack, zip(*units, strict=True))
    return Diagnostics(flips, saturated, dead, constant, duplicate, complementary)


def none(n_layers: int) -> Diagnostics:
    """The diagnostics of a network that has diverged: NaN and -1, leaves [n_layers]."""
    unknown = np.full(n_layers, np.nan, np.float32)
    uncounted = np.full(n_layers, -1, np.int32)
    return Diagnostics(unknown, unknown, uncounted, uncounted, uncounted, uncounted)


def _weights(before: dict, now: dict, limit: float | None) -> tuple[Scalar, Scalar]:
    """(flips, saturated) of one layer's parameters."""
    unknown = jnp.float32(jnp.nan)
    if LATENT not in now:
        return unknown, unknown
    old = before[LATENT]
    new = now[LATENT]
    flips = jnp.mean((old > 0) != (new > 0), dtype=jnp.float32)
    if limit is None:
        return flips, unknown
    return flips, jnp.mean(jnp.abs(new) >= limit * (1 - EDGE), dtype=jnp.float32)


def _units(
    hidden: Rows | TableRows, n_passing: jax.Array, n_units: int
) -> tuple[Count, Count, Count, Count]:
    """(dead, constant, duplicate, complementary) of one layer."""
    if isinstance(hidden, TableRows):
        valid = hidden.table.certified
        redundant = tables.redundant_units(hidden.table, hidden.parts)
    else:
        valid = jnp.all(hidden.valid)
        redundant = redundancy.redundant_units(hidden.words, hidden.valid, n_units)
    dead = jnp.where(valid, n_units - n_passing, -1)
    return dead, redundant.constant, redundant.duplicate, redundant.complementary
