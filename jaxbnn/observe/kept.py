"""What a probe keeps at named epochs: counts of units and of pairs of units, and activations."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jaxbnn.info.estimators.protocol import Rows
from jaxbnn.info.pairwise import count_units
from jaxbnn.observe.probe import OUTPUT, Probe, layers_of

UNIT_COUNTS = "unit_counts"
ACTIVATIONS = "activations"
MEANINGS = {
    "count": "examples in which the unit is +1; -1: not a layer of -1 and +1",
    "together": "examples in which both units are +1",
    "words": "packed activations: unit d is bit d % 32 of word d // 32, set where it is +1",
    "bits": "units in a row of words",
    "valid": "the layer is of -1 and +1",
}


def kinds(probe: Probe) -> dict[str, tuple[int, ...]]:
    """What the probe keeps, "unit_counts" or "activations" -> the epochs as they were named."""
    named = {UNIT_COUNTS: probe.unit_counts_at, ACTIVATIONS: probe.activations_at}
    return {kind: epochs for kind, epochs in named.items() if epochs}


def epochs_of(probe: Probe, kind: str, total: int) -> tuple[int, ...]:
    """The epochs at which the probe keeps it, rising; -1 is the last of `total`."""
    named = kinds(probe).get(kind, ())
    return tuple(sorted({epoch if epoch >= 0 else total + 1 + epoch for epoch in named}))


def epochs(probes: Sequence[Probe], total: int) -> tuple[int, ...]:
    """All epochs at which something is kept, rising."""
    union: set[int] = set()
    for probe in probes:
        for kind in kinds(probe):
            union |= set(epochs_of(probe, kind, total))
    return tuple(sorted(union))


def layers(model: Any, probe: Probe) -> list[str]:
    """The layers that a probe can keep: all that it measures but the softmax output."""
    return [name for name in layers_of(model, probe) if probe.layers or name != OUTPUT]


def dims(kind: str, layer: str) -> dict[str, tuple[str, ...]]:
    """The dimensions of each variable of a layer, behind ("seed", "epoch")."""
    if kind == UNIT_COUNTS:
        return {"count": (f"unit_{layer}",), "together": (f"unit_{layer}", f"other_{layer}")}
    return {"words": ("example", f"word_{layer}"), "bits": (), "valid": ()}


def arrays(kind: str, rows: Rows) -> dict[str, np.ndarray]:
    """The variables of one layer at one epoch.

    Args:
        kind: "unit_counts" or "activations".
        rows: the layer's packed rows, leaves [S, N, ...].

    Returns:
        Name -> values [S, ...].
    """
    if kind == ACTIVATIONS:
        n_seeds = rows.words.shape[0]
        bits = np.full(n_seeds, rows.bits or 0, np.int32)
        valid = np.asarray(np.asarray(rows.valid).all(axis=1))
        return {"words": np.asarray(rows.words), "bits": bits, "valid": valid}
    seeds = []
    for i in range(rows.words.shape[0]):
        words, valid = jax.tree.map(lambda leaf, i=i: leaf[i], (rows.words, rows.valid))
        seeds.append(jax.device_get(count_units(words, valid, rows.bits or 0)))
    count = np.stack([units.count for units in seeds])
    return {"count": count, "together": np.stack([units.together for units in seeds])}
