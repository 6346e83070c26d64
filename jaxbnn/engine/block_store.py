"""What a block stores: its arrays, how a chunk's rows become rows of them, and how they are
finished."""

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxbnn.config import codec
from jaxbnn.config.experiment import Experiment
from jaxbnn.engine import provenance
from jaxbnn.engine.program import Block, Inputs, Rows, activations
from jaxbnn.engine.run_plan import RunPlan, SeedRange
from jaxbnn.engine.verdicts import (
    Rules,
    Sample,
    needed_columns,
    of_layers,
    row_bits,
    trust_columns,
)
from jaxbnn.info import plane
from jaxbnn.info.plane import Point
from jaxbnn.info.spectrum import Spectrum, room
from jaxbnn.observe import kept
from jaxbnn.observe.diagnostics import Diagnostics
from jaxbnn.observe.probe import (
    Probe,
    alphabets_of,
    layers_of,
    log2_patterns_of,
    sample_size,
)
from jaxbnn.observe.record import SPECTRA, Series
from jaxbnn.storage import array_store, results, schema
from jaxbnn.storage.array_store import ArraySpec

QUANTITY = "quantity"  # the axis of columns
JUDGED_BYTES = 2**22  # of a seed's spectra that are judged at a time


def specs_of(plan: RunPlan, n_seeds: int, inputs: Inputs, block: Block) -> dict[str, ArraySpec]:
    """The arrays of a store of so many seeds, "group/array" -> its spec; block: shapes will do."""
    specs: dict[str, ArraySpec] = {}
    epochs = len(plan.experiment.epochs)
    for probe in plan.experiment.probes:
        specs |= _specs_of_probe(plan, probe, n_seeds, epochs)
    main = plan.experiment.probes[0]
    columns = len(Series._fields)
    specs[f"{main.name}/{schema.SERIES}"] = ArraySpec(
        (n_seeds, epochs, columns), "float32", (*schema.CURVE, QUANTITY)
    )
    if plan.program.passing is not None:
        n_layers = len(layers_of(plan.experiment.model, main))
        shape = (n_seeds, epochs, n_layers, len(Diagnostics._fields))
        dims = (*schema.PLANE, QUANTITY)
        specs[f"{main.name}/{schema.DIAGNOSTICS}"] = ArraySpec(shape, "float32", dims)
    if plan.kept_epochs:
        specs |= _specs_of_kept(plan, n_seeds, inputs, block)
    return specs


def _specs_of_probe(plan: RunPlan, probe: Probe, n_seeds: int, epochs: int) -> dict[str, ArraySpec]:
    n = sample_size(plan.split, probe.sample)
    plane_shape = (n_seeds, epochs, len(layers_of(plan.experiment.model, probe)))
    n_layers = plane_shape[-1]
    n_trust = len(schema.columns(schema.TRUST))
    n_needed = len(schema.columns(schema.NEEDED))
    n_sample = len(schema.columns(schema.SAMPLE)) + plan.program.classes
    columns = (*schema.PLANE, QUANTITY)
    arrays = {
        schema.POINTS: ArraySpec((*plane_shape, len(Point._fields)), "float32", columns),
        schema.SPECTRA: ArraySpec(
            (*plane_shape, len(SPECTRA), room(n)), "int32", (*columns, "entry")
        ),
        schema.TRUST: ArraySpec((*plane_shape, n_trust), "float64", columns),
        schema.NEEDED: ArraySpec(
            (n_seeds, n_layers, n_needed), "float64", (*schema.LAST, QUANTITY)
        ),
        schema.SAMPLE: ArraySpec((n_seeds, n_sample), "float64", (*schema.SEED, QUANTITY)),
    }
    return {f"{probe.name}/{name}": spec for name, spec in arrays.items()}


def _specs_of_kept(
    plan: RunPlan, n_seeds: int, inputs: Inputs, block: Block
) -> dict[str, ArraySpec]:
    """The arrays of what the probes keep, whose shapes are those of the packed activations."""
    probes = _keeping(plan)
    packed = jax.eval_shape(partial(activations, plan.program, probes), block, inputs)
    specs: dict[str, ArraySpec] = {}
    for probe in probes:
        for kind in kept.kinds(probe):
            n_epochs = len(kept.epochs_of(probe, kind, plan.experiment.train.epochs))
            group = f"{probe.name}_{kind}"
            layers = kept.layers(plan.experiment.model, probe)
            for layer, rows in zip(layers, packed[probe.name], strict=True):
                one = partial(_spec_of_kept, (n_seeds, n_epochs), kind, layer, rows)
                for name in kept.dims(kind, layer):
                    specs[f"{group}/{name}_{layer}"] = one(name)
            if kind == kept.ACTIVATIONS:
                n = sample_size(plan.split, probe.sample)
                specs[f"{group}/y"] = ArraySpec(
                    (n_seeds, n), "int32", ("seed", "example"), {"long_name": "label"}
                )
    return specs


def _spec_of_kept(
    leading: tuple[int, int], kind: str, layer: str, rows: Any, name: str
) -> ArraySpec:
    n_units = rows.bits or 0
    sizes = {
        "count": (n_units,),
        "together": (n_units, n_units),
        "words": rows.words.shape[1:],
        "bits": (),
        "valid": (),
    }
    dtypes = {"words": "uint32", "valid": "bool"}
    dims = ("seed", "epoch", *kept.dims(kind, layer)[name])
    about = {"long_name": kept.MEANINGS[name]}
    return ArraySpec((*leading, *sizes[name]), dtypes.get(name, "int32"), dims, about)


def attributes_of(plan: RunPlan, experiment: Experiment) -> dict[str, dict[str, Any]]:
    """The attributes of each group: its coordinates, and what its numbers were measured on."""
    attributes = {}
    for probe in experiment.probes:
        about = _about(plan, experiment, probe)
        layers = list(layers_of(experiment.model, probe))
        coordinates = {"epoch": list(experiment.epochs), "layer": layers}
        attributes[probe.name] = {"coordinates": coordinates, "attributes": about}
        for kind in kept.kinds(probe):
            epochs = list(kept.epochs_of(probe, kind, experiment.train.epochs))
            attributes[f"{probe.name}_{kind}"] = {
                "coordinates": {"epoch": epochs},
                "attributes": {"probe": probe.name},
            }
    return attributes


def _about(plan: RunPlan, experiment: Experiment, probe: Probe) -> dict[str, Any]:
    labels = np.concatenate([plan.split.train.y, plan.split.test.y])
    return {
        "experiment": experiment.name,
        "digest": codec.digest(experiment),
        "probe": probe.name,
        "estimator": repr(probe.estimator),
        "sample": probe.sample,
        "tolerance": probe.tolerance,
        "population": int(probe.is_population(plan.split)),
        "declared": int(probe.is_declared(plan.split)),
        "normalisation": probe.normalisation,
        "root_seed": experiment.root_seed,
        "n_examples": sample_size(plan.split, probe.sample),
        "example_shape": " ".join(str(n) for n in plan.split.train.x.shape[1:]),
        "labels_sha256": hashlib.sha256(labels.tobytes()).hexdigest(),
        results.DATA: plan.checksum,
    }


def arrays_of(plan: RunPlan, rows: Rows, n_rows: int) -> dict[str, np.ndarray]:
    """A chunk's rows as rows of the stored arrays, values [S, R, ...] of all seeds of the block."""
    arrays = {}
    probes = plan.experiment.probes
    for probe, measured, spectra in zip(probes, rows.planes, rows.spectra, strict=True):
        arrays[f"{probe.name}/{schema.POINTS}"] = np.asarray(measured.values)[:, :n_rows]
        arrays[f"{probe.name}/{schema.SPECTRA}"] = np.asarray(spectra)[:, :n_rows]
    main = probes[0].name
    arrays[f"{main}/{schema.SERIES}"] = np.asarray(rows.series)[:, :n_rows]
    if rows.diagnostics is not None:
        arrays[f"{main}/{schema.DIAGNOSTICS}"] = np.asarray(rows.diagnostics)[:, :n_rows]
    return arrays


def kept_arrays(
    plan: RunPlan, epoch: int, block: Block, inputs: Inputs
) -> list[tuple[int, dict[str, np.ndarray]]]:
    """What the probes keep of an epoch: (row among the kept epochs, arrays [S, 1, ...])."""
    probes = _keeping(plan)
    packed = jax.device_get(activations(plan.program, probes, block, inputs))
    kept_rows = []
    for probe in probes:
        for kind in kept.kinds(probe):
            epochs = kept.epochs_of(probe, kind, plan.experiment.train.epochs)
            if epoch not in epochs:
                continue
            arrays = {}
            layers = kept.layers(plan.experiment.model, probe)
            for layer, rows in zip(layers, packed[probe.name], strict=True):
                for name, values in kept.arrays(kind, rows).items():
                    arrays[f"{probe.name}_{kind}/{name}_{layer}"] = values[:, None]
            kept_rows.append((epochs.index(epoch), arrays))
    return kept_rows


def kept_rows_before(plan: RunPlan, step: int) -> dict[str, int]:
    """Of each group of what probes keep, how many rows the first `step` steps have written."""
    counts = {}
    for probe in _keeping(plan):
        for kind in kept.kinds(probe):
            epochs = kept.epochs_of(probe, kind, plan.experiment.train.epochs)
            counts[f"{probe.name}_{kind}"] = sum(epoch < step for epoch in epochs)
    return counts


def _keeping(plan: RunPlan) -> tuple[Probe, ...]:
    """The probes that keep something."""
    return tuple(probe for probe in plan.experiment.probes if kept.kinds(probe))


def finish(
    plan: RunPlan, folder: Path, seed_range: SeedRange, places: slice, inputs: Inputs
) -> None:
    """Judges every point of a seed range, and finishes its store.

    Args:
        plan: the run's.
        folder: of the seed range's store.
        seed_range: whose it is.
        places: the seeds' places in the block.
        inputs: the block's.
    """
    experiment = plan.experiments[seed_range.number]
    for probe, references in zip(experiment.probes, inputs.reference, strict=True):
        _judge(plan, folder, probe, references[0], places)
    facts = {
        "version": results.VERSION,
        "main": experiment.probes[0].name,
        "seeds": list(seed_range.seeds),
        "digest": codec.digest(experiment),
        results.DATA: plan.checksum,
        results.SETTINGS: dict(plan.settings),
        "provenance": {**plan.provenance, "finished": provenance.now()},
    }
    array_store.finish(folder, facts)


def _judge(plan: RunPlan, folder: Path, probe: Probe, reference: Any, places: slice) -> None:
    """Writes what is known of a probe once all its rows are: the sample and the verdicts."""
    labels = _own(plan, reference.y, places)
    h_x = _own(plan, reference.h_x, places)
    h_y = _own(plan, reference.h_y, places)
    sizes = np.stack([np.bincount(y, minlength=plan.program.classes) for y in labels])
    samples = [Sample(*seed) for seed in zip(sizes, h_x, h_y, strict=True)]
    columns = np.column_stack([h_x, h_y, sizes]).astype(np.float64)
    array_store.write_whole(folder, {f"{probe.name}/{schema.SAMPLE}": columns})
    if kept.ACTIVATIONS in kept.kinds(probe):
        array_store.write_whole(folder, {f"{probe.name}_{kept.ACTIVATIONS}/y": labels})
    array_store.clear(folder, f"{probe.name}/{schema.TRUST}")
    layers = layers_of(plan.experiment.model, probe)
    patterns = log2_patterns_of(plan.experiment.model, probe, plan.split)
    rules = Rules(probe.is_population(plan.split), probe.tolerance, of_layers(patterns, layers))
    n_rows = len(plan.experiment.epochs)
    size = _rows_judged_at_once(plan, probe)
    for first in range(0, n_rows, size):
        rows = (slice(None), slice(first, first + size))
        points = array_store.read(folder, f"{probe.name}/{schema.POINTS}", rows)
        spectra = array_store.read(folder, f"{probe.name}/{schema.SPECTRA}", rows)
        trust = []
        for own_points, own_spectra, sample in zip(points, spectra, samples, strict=True):
            t = _spectrum_of_t(own_spectra)
            trust.append(trust_columns(plane.from_columns(own_points), t, sample, rules))
        array_store.write_rows(folder, first, {f"{probe.name}/{schema.TRUST}": np.stack(trust)})
    shape = plan.split.train.x.shape[1:]
    units = row_bits(alphabets_of(plan.experiment.model, probe, shape), layers)
    last = array_store.read(folder, f"{probe.name}/{schema.SPECTRA}", (slice(None), n_rows - 1))
    needed = np.stack([needed_columns(_spectrum_of_t(own), units, rules) for own in last])
    array_store.write_whole(folder, {f"{probe.name}/{schema.NEEDED}": needed})


def _rows_judged_at_once(plan: RunPlan, probe: Probe) -> int:
    """How many epochs: whichever seeds a block has, so that no bit depends on them."""
    n_layers = len(layers_of(plan.experiment.model, probe))
    row = 4 * n_layers * len(SPECTRA) * room(sample_size(plan.split, probe.sample))
    return max(1, JUDGED_BYTES // row)


def _spectrum_of_t(columns: np.ndarray) -> Spectrum:
    """The spectra of T, leaves [..., M], among the stored columns [..., 4, M]."""
    return Spectrum(columns[..., 0, :].copy(), columns[..., 1, :].copy())


def _own(plan: RunPlan, leaf: Any, places: slice) -> np.ndarray:
    """What belongs to the seeds at these places: [S, ...]."""
    values = np.asarray(leaf)
    if plan.program.split_per_seed:
        return values[places]
    return np.stack([values] * (places.stop - places.start))
