"""What a run's result says: the seeds' records as named variables with dimensions, units and
attributes."""

import hashlib
import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from jaxbnn import config
from jaxbnn.config.experiment import Experiment
from jaxbnn.data import Split
from jaxbnn.engine.program import Record, Series
from jaxbnn.info import ragged, reliability
from jaxbnn.info.ragged import Ragged
from jaxbnn.info.reliability import UNJUDGED, VERDICTS
from jaxbnn.info.spectrum import Spectrum, room
from jaxbnn.observe.diagnostics import PASSING, Diagnostics
from jaxbnn.observe.probe import alphabets_of, choose, layers_of
from jaxbnn.storage.run_folder import DATA, Group, Variable, ragged_variables

PLANE = (
    "i_xt",
    "i_ty",
    "h_t",
    "n_patterns",
    "n_singletons",
    "certified",
    "h_x",
    "h_y",
    "class_size",
)
SPECTRA = tuple(
    f"{key}_{of}" for key in ("t", "ty") for of in ("size", "multiplicity", "number", "entry")
)
SEED_ROWS, SEED_CURVES = ("seed", "epoch", "layer"), ("seed", "epoch")
BIT = {"units": "bit"}
FLAGS = {
    "flag_values": np.arange(UNJUDGED, len(VERDICTS), dtype=np.int8),
    "flag_meanings": " ".join(("unjudged", *VERDICTS)),
}
TRUST = {
    "n_doubletons": {"long_name": "patterns seen twice; -1: not counted"},
    "coverage": {"long_name": "probability of the patterns seen, Good-Turing"},
    "coverage_chao_jost": {"long_name": "probability of the patterns seen, Chao and Jost"},
    "se_xt": BIT | {"long_name": "standard error of the plug-in I(X;T)"},
    "bias_xt": BIT | {"long_name": "what the plug-in I(X;T) lacks, estimated"},
    "low_xt": BIT | {"long_name": "lower end of the 95 % interval of I(X;T)"},
    "high_xt": BIT | {"long_name": "upper end of the 95 % interval of I(X;T)"},
    "gap_x": BIT | {"long_name": "H(X) - I(X;T)"},
    "verdict_xt": FLAGS | {"long_name": "how far the plug-in I(X;T) can be trusted"},
    "null_ty": BIT | {"long_name": "I(T;Y) expected if the labels were permuted"},
    "se_ty": BIT | {"long_name": "standard error of the plug-in I(T;Y)"},
    "gap_y": BIT | {"long_name": "H(Y) - I(T;Y)"},
    "verdict_ty": FLAGS | {"long_name": "how far the plug-in I(T;Y) can be trusted"},
    "n_needed": {
        "long_name": "examples at which the expected plug-in H(T) is within the tolerance; -1: more than N"
    },
    "guess_chao1": {
        "long_name": "a guess of n_needed where that is -1: (Chao1 - 1)/(2 tolerance ln 2)"
    },
    "guess_units": {
        "long_name": "another: (k / log2 k)^2, k the patterns possible, 2^D of D signs"
    },
}
HEALTH = {
    "flips": "share of the binary weights into the layer whose sign is not that of the epoch before",
    "saturated": "share of the latent weights into the layer at the limit they are clipped to",
    "dead": "units whose slope is 0 for every example; -1: not counted",
    "constant": "units with one sign for every example; -1: not counted",
    "duplicate": "further units that equal an earlier one on every example; -1: not counted",
    "complementary": "further units opposite to an earlier one on every example; -1: not counted",
}
OF_LAST_EPOCH = ("n_needed", "guess_chao1", "guess_units")


class Sample(NamedTuple):
    """What a probe measured one seed's network on."""

    class_sizes: np.ndarray  # [C] int, examples of each label
    h_x: np.ndarray  # [] bits
    h_y: np.ndarray  # [] bits


class Finished(NamedTuple):
    """What a block leaves on the host, without the padding lanes."""

    record: Record  # leaves [n_seeds, E, ...]
    samples: list[list[Sample]]  # of each probe, of each seed
    spectra: dict[str, dict[str, Ragged]]  # probe -> "t", "ty" -> spectra of points [E, n_seeds, L]


def check_names(experiment: Experiment) -> None:
    """ValueError where a further probe's name, which is to name a group, already names a variable
    or a dimension."""
    for probe in experiment.probes[1:]:
        if probe.name in (
            PASSING,
            "label",
            *SEED_ROWS,
            *Series._fields,
            *PLANE,
            *TRUST,
            *HEALTH,
            *SPECTRA,
        ) or probe.name.endswith(("_units", "_keep")):
            raise ValueError(
                f"expected a probe's name that is no variable of a result, got {probe.name!r}"
            )


def groups(
    experiment: Experiment, split: Split, checksum: str, seeds: Sequence[int], finished: Finished
) -> dict[str, Group]:
    """The main probe's group under "", with the curves of training; each further probe's under its
    name."""
    named = {}
    for i, probe in enumerate(experiment.probes):
        n = len(choose(split, probe.sample).y)
        spectra = {key: _by_seed(each, n) for key, each in finished.spectra[probe.name].items()}
        population = probe.is_population(split)
        points = finished.record.points[i]
        samples = finished.samples[i]
        names = layers_of(experiment.model, probe)
        alphabets = alphabets_of(experiment.model, probe, split.train.x.shape[1:])
        units = [math.log2(alphabets[name]) if name in alphabets else math.nan for name in names]
        variables = _plane(points, samples) | _trust(
            points, samples, spectra, population, probe.tolerance, units
        )
        for key, each in spectra.items():  # the entries of all points, one after another
            variables |= ragged_variables(key, ragged.pack(each), SEED_ROWS)
        coordinates = {
            "seed": np.asarray(seeds, np.int64),
            "epoch": np.asarray(experiment.epochs, np.int64),
            "layer": np.asarray(names, dtype=object),
        }
        named[probe.name] = Group(
            coordinates, variables, {**_attributes(experiment, probe, split), DATA: checksum}
        )
    main = named.pop(experiment.probes[0].name)
    curves = {**_curves(finished.record.series), **_health(finished.record.health)}
    return {"": main._replace(variables={**main.variables, **curves}), **named}


def spectra(result, key: str = "t") -> Spectrum:
    """The spectra of T ("t") or (T, Y) ("ty") of a result as `store.read_result` gives it, leaves
    [S, E, L, M]; numpy.

    ValueError where seeds, epochs or layers were selected before: the entries belong to the whole.
    """
    size = result[f"{key}_size"].values
    if size.sum() != result.sizes[f"{key}_entry"]:
        raise ValueError(
            "expected the whole result, got one of which seeds, epochs or layers were selected"
        )
    return ragged.unpack(
        Ragged(size, result[f"{key}_multiplicity"].values, result[f"{key}_number"].values)
    )


def at_epochs(result, places: Sequence[int]):
    """A whole result with the epochs at these places alone, and only their spectra."""
    one, entries = result.isel(epoch=list(places)), {}
    for key in ("t", "ty"):
        each = ragged.pack(Spectrum(*(leaf[:, list(places)] for leaf in spectra(result, key))))
        values = {"multiplicity": each.multiplicity, "number": each.number}
        entries |= {f"{key}_{name}": ((f"{key}_entry",), value) for name, value in values.items()}
    return one.drop_dims(["t_entry", "ty_entry"]).assign(entries)


def _by_seed(spectra: Ragged, n: int) -> Spectrum:
    """Spectra of n examples, points [E, S, L] -> padded to room(n), points [S, E, L]."""
    return Spectrum(*(np.moveaxis(leaf, 0, 1).copy() for leaf in ragged.unpack(spectra, room(n))))


def _plane(points, samples):
    h_x, h_y = (
        np.asarray([getattr(sample, name) for sample in samples]) for name in ("h_x", "h_y")
    )
    sizes = np.stack([sample.class_sizes for sample in samples])
    return {
        "i_xt": Variable(SEED_ROWS, points.xt, BIT | {"long_name": "I(X;T)"}),
        "i_ty": Variable(SEED_ROWS, points.ty, BIT | {"long_name": "I(T;Y)"}),
        "h_t": Variable(SEED_ROWS, points.h_t, BIT | {"long_name": "H(T)"}),
        "n_patterns": Variable(
            SEED_ROWS, points.n_patterns, {"long_name": "patterns seen; -1: not counted"}
        ),
        "n_singletons": Variable(
            SEED_ROWS, points.n_singletons, {"long_name": "patterns seen once; -1: not counted"}
        ),
        "certified": Variable(
            SEED_ROWS, points.certified, {"long_name": "the counts are certified"}
        ),
        "h_x": Variable(("seed",), h_x, BIT | {"long_name": "H(X) of the measured sample"}),
        "class_size": Variable(
            ("seed", "label"), sizes, {"long_name": "examples of each label in the sample"}
        ),
        "h_y": Variable(("seed",), h_y, BIT | {"long_name": "H(Y) of the measured sample"}),
    }


def _trust(points, samples, spectra, population, tolerance, units):
    """How far each point can be trusted; nothing where the seed has diverged.

    Seed by seed, so that a seed's bits do not depend on the others through the order of sums.
    """
    seeds = [
        jax.tree.map(lambda leaf, i=i: leaf[i], (points, spectra)) for i in range(len(samples))
    ]
    trusts = [
        _trust_of_seed(p, sample, s["t"], population, tolerance, units)
        for (p, s), sample in zip(seeds, samples, strict=True)
    ]
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *trusts)
    return {
        name: Variable(
            ("seed", "layer") if name in OF_LAST_EPOCH else SEED_ROWS, values, TRUST[name]
        )
        for name, values in stacked.items()
    }


def _trust_of_seed(points, sample, t, population, tolerance, units):
    """The variables of TRUST of one seed, [E, L]; those of the last epoch [L]. units [L]: the bits
    of a row, or NaN."""
    trust = reliability.judge(t, population, tolerance)
    null = reliability.null_information(t, sample.class_sizes)
    verdict_ty = reliability.judge_label(null, points.se_ty, sample.h_y, population, tolerance)
    there = np.isfinite(points.xt) & np.isfinite(points.ty)
    last_t, last_trust = jax.tree.map(lambda leaf: leaf[-1], (t, trust))
    needed, guesses = (
        reliability.needed(last_t, last_trust, tolerance),
        reliability.guesses(last_t, units, tolerance),
    )
    by_patterns, by_units = (np.where(needed < 0, guess, np.nan) for guess in guesses)
    return {
        "n_doubletons": trust.n_doubletons,
        "coverage": trust.coverage,
        "coverage_chao_jost": trust.coverage_chao_jost,
        "se_xt": trust.standard_error,
        "bias_xt": trust.bias,
        "low_xt": trust.low,
        "high_xt": trust.high,
        "gap_x": sample.h_x - points.xt,
        "verdict_xt": np.where(there, trust.verdict, UNJUDGED).astype(np.int8),
        "null_ty": null,
        "se_ty": points.se_ty,
        "gap_y": sample.h_y - points.ty,
        "verdict_ty": np.where(there, verdict_ty, UNJUDGED).astype(np.int8),
        "n_needed": needed,
        "guess_chao1": by_patterns,
        "guess_units": by_units,
    }


def _curves(series: Series):
    nat = {"units": "nat"}
    units = {"train_loss": nat, "test_loss": nat}
    return {
        name: Variable(SEED_CURVES, values, units.get(name, {}))
        for name, values in series._asdict().items()
    }


def _health(health: Diagnostics | None):
    if health is None:
        return {}
    return {
        name: Variable(SEED_ROWS, values, {"long_name": HEALTH[name]})
        for name, values in health._asdict().items()
    }


def _attributes(experiment, probe, split):
    return {
        "experiment": experiment.name,
        "digest": config.digest(experiment),
        "probe": probe.name,
        "estimator": repr(probe.estimator),
        "sample": probe.sample,
        "tolerance": probe.tolerance,
        "population": int(probe.is_population(split)),
        "n_examples": len(choose(split, probe.sample).y),
        "example_shape": " ".join(str(n) for n in split.train.x.shape[1:]),
        "labels_sha256": hashlib.sha256(
            np.concatenate([part.y for part in split[:2]]).tobytes()
        ).hexdigest(),
    }
