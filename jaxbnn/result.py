"""What a run's result says: the seeds' records as named variables with dimensions, units and attributes."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from jaxbnn import config
from jaxbnn.block import Record, Series
from jaxbnn.config import Experiment
from jaxbnn.data import Split
from jaxbnn.observe import choose, layers_of
from jaxbnn.store import DATA, Group, Variable

PLANE = ("i_xt", "i_ty", "h_t", "n_patterns", "n_singletons", "exact", "h_x", "h_y")
SEED_ROWS, SEED_CURVES = ("seed", "epoch", "layer"), ("seed", "epoch")


class Finished(NamedTuple):
    """What a block leaves; leaves [n_seeds, ...] on the host, without the padding lanes."""

    record: Record
    h_x: np.ndarray  # [n_seeds, probes] bits
    h_y: np.ndarray  # [n_seeds, probes] bits


def check_names(experiment: Experiment) -> None:
    """ValueError where a further probe's name, which is to name a group, already names a variable or a dimension."""
    for probe in experiment.probes[1:]:
        if probe.name in (*SEED_ROWS, *Series._fields, *PLANE):
            raise ValueError(f"expected a probe's name that is no variable of a result, got {probe.name!r}")


def groups(
    experiment: Experiment, split: Split, checksum: str, seeds: Sequence[int], finished: Sequence[Finished]
) -> dict[str, Group]:
    """The main probe's group under "", with the curves of training; each further probe's under its name."""
    whole = jax.tree.map(lambda *leaves: np.concatenate(leaves), *finished)
    named = {}
    for i, probe in enumerate(experiment.probes):
        variables = _plane(whole.record.planes[i].points, whole.h_x[:, i], whole.h_y[:, i])
        coordinates = {
            "seed": np.asarray(seeds, np.int64),
            "epoch": np.asarray(experiment.epochs, np.int64),
            "layer": np.asarray(layers_of(experiment.model, probe), dtype=object),
        }
        named[probe.name] = Group(coordinates, variables, {**_attributes(experiment, probe, split), DATA: checksum})
    main = named.pop(experiment.probes[0].name)
    return {"": main._replace(variables={**main.variables, **_curves(whole.record.series)}), **named}


def _plane(points, h_x, h_y):
    bit = {"units": "bit"}
    return {
        "i_xt": Variable(SEED_ROWS, points.xt, bit | {"long_name": "I(X;T)"}),
        "i_ty": Variable(SEED_ROWS, points.ty, bit | {"long_name": "I(T;Y)"}),
        "h_t": Variable(SEED_ROWS, points.h_t, bit | {"long_name": "H(T)"}),
        "n_patterns": Variable(SEED_ROWS, points.n_patterns, {"long_name": "patterns seen; -1: not counted"}),
        "n_singletons": Variable(SEED_ROWS, points.n_singletons, {"long_name": "patterns seen once; -1: not counted"}),
        "exact": Variable(SEED_ROWS, points.exact, {"long_name": "the counts are certified"}),
        "h_x": Variable(("seed",), h_x, bit | {"long_name": "H(X) of the measured sample"}),
        "h_y": Variable(("seed",), h_y, bit | {"long_name": "H(Y) of the measured sample"}),
    }


def _curves(series: Series):
    nat = {"units": "nat"}
    units = {"train_loss": nat, "test_loss": nat}
    return {name: Variable(SEED_CURVES, values, units.get(name, {})) for name, values in series._asdict().items()}


def _attributes(experiment, probe, split):
    return {
        "experiment": experiment.name,
        "digest": config.digest(experiment),
        "probe": probe.name,
        "estimator": repr(probe.estimator),
        "sample": probe.sample,
        "population": int(probe.is_population(split)),
        "n_examples": len(choose(split, probe.sample).y),
    }
