"""What a run stores at a few named epochs: counts of units and of pairs of units, and packed
activations."""

from collections.abc import Mapping, Sequence

import jax
import numpy as np

from jaxbnn.config.experiment import Experiment
from jaxbnn.info.estimators.protocol import Rows
from jaxbnn.info.pairwise import count_units
from jaxbnn.observe.probe import OUTPUT, Probe, layers_of
from jaxbnn.storage.run_folder import Group, Variable

KINDS = ("units", "keep")


def epochs_of(experiment: Experiment, probe: Probe, kind: str) -> tuple[int, ...]:
    """The epochs a probe names for "units" or "keep", rising; -1 is the last."""
    total = experiment.train.epochs
    return tuple(
        sorted({epoch if epoch >= 0 else total + 1 + epoch for epoch in getattr(probe, kind)})
    )


def epochs(experiment: Experiment) -> tuple[int, ...]:
    """All epochs at which something is stored, rising."""
    named = (epochs_of(experiment, probe, kind) for probe in experiment.probes for kind in KINDS)
    return tuple(sorted({epoch for each in named for epoch in each}))


def arrays(
    experiment: Experiment, epoch: int, rows: Mapping[str, Sequence[Rows]]
) -> dict[str, np.ndarray]:
    """What is stored of an epoch, "<probe>/<kind>/<variable>" -> [n_seeds, ...]; rows: leaves
    [n_seeds, N, ...]."""
    found = {}
    for probe in (probe for probe in experiment.probes if probe.name in rows):
        for layer, packed in zip(_layers(experiment, probe), rows[probe.name], strict=True):
            for i in range(packed.words.shape[0]):
                one = jax.tree.map(lambda leaf, i=i: leaf[i], packed)
                for kind in KINDS:
                    if epoch in epochs_of(experiment, probe, kind):
                        for name, value in _of_layer(kind, one).items():
                            found.setdefault(f"{probe.name}/{kind}/{name}_{layer}", []).append(
                                np.asarray(value)
                            )
    return {name: np.stack(values) for name, values in found.items()}


def groups(
    experiment: Experiment,
    seeds: Sequence[int],
    stored: Mapping[int, Mapping[str, np.ndarray]],
    labels: list,
) -> dict[str, Group]:
    """The groups "<probe>_units" and "<probe>_keep"; stored: epoch -> arrays, labels: of each probe
    [S, N]."""
    found = {}
    for probe, y in zip(experiment.probes, labels, strict=True):
        for kind in KINDS:
            if named := epochs_of(experiment, probe, kind):
                variables = {}
                for layer in _layers(experiment, probe):
                    variables |= _variables(probe, kind, layer, [stored[epoch] for epoch in named])
                if kind == "keep":
                    variables["y"] = Variable(("seed", "example"), y, {"long_name": "label"})
                coordinates = {
                    "seed": np.asarray(seeds, np.int64),
                    "epoch": np.asarray(named, np.int64),
                }
                found[f"{probe.name}_{kind}"] = Group(coordinates, variables, {"probe": probe.name})
    return found


def _layers(experiment, probe):
    return [name for name in layers_of(experiment.model, probe) if probe.layers or name != OUTPUT]


def _of_layer(kind, rows):
    if kind == "units":
        return count_units(rows.words, rows.valid, rows.bits)._asdict()
    return {"words": rows.words, "bits": np.int32(rows.bits), "valid": rows.valid.all()}


def _variables(probe, kind, layer, stored):
    """name -> Variable of one layer, from the arrays of each epoch."""
    unit, other, word = f"unit_{layer}", f"other_{layer}", f"word_{layer}"
    dims = {
        "count": ("seed", "epoch", unit),
        "together": ("seed", "epoch", unit, other),
        "words": ("seed", "epoch", "example", word),
        "bits": ("seed", "epoch"),
        "valid": ("seed", "epoch"),
    }
    names = {
        "count": "examples in which the unit is +1; -1: not a layer of -1 and +1",
        "together": "examples in which both units are +1",
        "words": "packed activations: unit d is bit d % 32 of word d // 32, set where it is +1",
        "bits": "units in a row of words",
        "valid": "the layer is of -1 and +1",
    }
    prefix = f"{probe.name}/{kind}/"
    keys = [key for key in dims if f"{prefix}{key}_{layer}" in stored[0]]
    values = {
        key: np.stack([each[f"{prefix}{key}_{layer}"] for each in stored], axis=1) for key in keys
    }
    return {
        f"{key}_{layer}": Variable(dims[key], values[key], {"long_name": names[key]})
        for key in keys
    }
