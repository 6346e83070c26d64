"""What a network's layers say, as points of the information plane and spectra, for ONE seed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen

from jaxbnn.data import Split
from jaxbnn.info import plane
from jaxbnn.info.estimators.protocol import Counting, Rows, TableRows
from jaxbnn.info.plane import Point
from jaxbnn.info.spectrum import room, spectra, spectrum
from jaxbnn.nn import InputMoments, real_inputs
from jaxbnn.observe.normalisation import input_moments
from jaxbnn.observe.probe import Probe, choose, estimator_of_each, estimators_of
from jaxbnn.observe.view import viewer

SPECTRA = ("t_multiplicity", "t_number", "ty_multiplicity", "ty_number")  # the rows of a spectrum


class Series(NamedTuple):
    """One seed's scores at an epoch, leaves [] float32; NaN from divergence on."""

    train_loss: jax.Array  # nats, with BatchNorm's running statistics
    test_loss: jax.Array
    train_accuracy: jax.Array  # share of examples classified right
    test_accuracy: jax.Array
    gradient_norm_mean: jax.Array  # over the steps of the epoch; NaN at epoch 0
    gradient_norm_variance: jax.Array


class Recorded(NamedTuple):
    """What one probe records of L layers at an epoch."""

    values: jax.Array  # [L, F] float32: the point, as `plane.to_columns` gives it
    spectra: jax.Array  # [L, 4, M] int32: the rows are SPECTRA; all 0 where nothing is counted


def observer(
    model: linen.Module, probes: Sequence[Probe], classes: int | None = None
) -> tuple[Callable[[Split], tuple], Callable[[tuple, Split, Any], tuple[Point, ...]]]:
    """Two pure functions that measure a network inside anyone's own training loop.

    The module is applied with train=False, where it takes `train`, batch by batch, BatchNorm having
    the moments that each probe asks for; activations leave a batch only as codes. Both functions
    can be jitted, and vmapped or mapped over seeds.

    Args:
        model: any Linen module that returns (logits, hidden).
        probes: what is measured; their names differ.
        classes: all labels are below it. Where it is given counting is faster, a label past it
            makes the point NaN, and layers of few possible patterns are measured by tables, whose
            certificate is one for all parts of the data that are looked at.

    Returns:
        prepare: Split -> reference, once.
        measure: (reference, Split, variables) -> one Point a probe, leaves [L].

    Raises:
        ValueError: without a probe, for two of one name, and in prepare for too many examples.
    """
    prepare_probes, record = recorder(probes, classes)
    view = viewer(model, probes, classes=classes)

    def prepare(split: Split) -> tuple:
        return prepare_probes(split), input_moments(model, split)

    def measure(reference: tuple, split: Split, variables: Any) -> tuple[Point, ...]:
        of_probes, moments = reference
        recorded = record(of_probes, view(split, variables, moments).codes)
        return tuple(plane.from_columns(probe.values) for probe in recorded)

    return prepare, measure


def recorder(probes: Sequence[Probe], classes: int | None = None) -> tuple[Callable, Callable]:
    """prepare as `observer`'s; record: (reference, View.codes) -> a Recorded for each probe."""
    probes = tuple(probes)
    names = [probe.name for probe in probes]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"expected one or more probes with different names, got {names}")

    def prepare(split: Split) -> tuple:
        return _references(probes, split, classes)

    def record(reference: tuple, codes: dict[str, tuple]) -> tuple[Recorded, ...]:
        recorded = []
        for probe, references in zip(probes, reference, strict=True):
            recorded.append(_record_probe(probe, references, codes[probe.name]))
        return tuple(recorded)

    return prepare, record


def _references(probes: tuple[Probe, ...], split: Split, classes: int | None) -> tuple:
    """What each estimator of each probe needs of its sample, made once for each pair of both."""
    prepared: dict[Any, Any] = {}
    references = []
    for probe in probes:
        own = []
        for estimator in estimators_of(probe):
            key = probe.sample, estimator
            if key not in prepared:
                examples = choose(split, probe.sample)
                check_size(examples.y.shape[0])
                x = real_inputs(examples.x)
                prepared[key] = estimator.prepare(x, examples.y, classes)
            own.append(prepared[key])
        references.append(tuple(own))
    return tuple(references)


def check_size(n: int) -> None:
    """ValueError for more examples than a point's counts can be of."""
    if n > plane.MAX_EXAMPLES:
        limit = f"at most {plane.MAX_EXAMPLES} examples (counts are held in float32)"
        raise ValueError(f"expected a sample of {limit}, got {n}: measure a part of them")


def encoder(
    model: linen.Module, probes: Sequence[Probe]
) -> Callable[..., dict[str, tuple[Rows, ...]]]:
    """A pure function (Split, variables, InputMoments) -> the packed activations of each probe's
    layers, without `output`; the last argument as of `viewer`."""
    view = viewer(model, probes)

    def encode(
        split: Split, variables: Any, inputs: InputMoments | None = None
    ) -> dict[str, tuple[Rows, ...]]:
        packed = {}
        for name, codes in view(split, variables, inputs).codes.items():
            packed[name] = tuple(code for code in codes if isinstance(code, Rows))
        return packed

    return encode


def _record_probe(probe: Probe, references: tuple, codes: tuple) -> Recorded:
    """One probe's record of all its layers.

    Layers whose rows have one shape are mapped over: one program counts them all, which compiles
    sooner.
    """
    which = estimator_of_each(probe, len(codes))
    estimators = estimators_of(probe)
    groups: dict[Any, list[int]] = {}
    for layer, code in enumerate(codes):
        shape: Any = layer
        if isinstance(code, Rows):
            shape = code.words.shape
        elif isinstance(code, TableRows):
            shape = TableRows
        groups.setdefault((which[layer], shape), []).append(layer)
    recorded: dict[int, Recorded] = {}
    for (i, shape), layers in groups.items():
        of_group = [codes[layer] for layer in layers]
        if shape is TableRows:
            recorded |= _record_tables(estimators[i], references[i], layers, of_group)
        else:
            one = partial(_record_layer, estimators[i], references[i])
            recorded |= _record_alike(one, layers, of_group)
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *map(recorded.get, range(len(codes))))


def _record_tables(
    estimator: Counting, reference: Any, layers: list[int], codes: list[TableRows]
) -> dict[int, Recorded]:
    """Layer -> its record, of layers whose codes are tables."""
    points = []
    counts = []
    for code in codes:
        counted = estimator.count(reference, code)
        points.append(plane.to_columns(estimator.point(reference, counted)))
        counts += [counted.t, counted.ty]
    # Each layer's rows stand behind those of the layer before, in the order of SPECTRA.
    rows = jnp.stack(spectra(counts, reference.y.shape[0]), axis=1)
    rows = rows.reshape(len(layers), len(SPECTRA), -1)
    recorded = {}
    for i, layer in enumerate(layers):
        recorded[layer] = _recorded(points[i], rows[i])
    return recorded


def _record_alike(
    one: Callable[[Any], Recorded], layers: list[int], codes: list
) -> dict[int, Recorded]:
    """Layer -> its record, of layers whose codes have one shape."""
    if len(layers) == 1:
        return {layers[0]: one(codes[0])}
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *_with_one_bound(codes))
    recorded = jax.lax.map(one, stacked)
    by_layer = {}
    for i, layer in enumerate(layers):
        by_layer[layer] = Recorded(recorded.values[i], recorded.spectra[i])
    return by_layer


def _with_one_bound(codes: list[Rows]) -> list[Rows]:
    """The codes of several layers, all with the largest of their bounds, so that they stack."""
    bits = [code.bits for code in codes]
    bound = None if None in bits else max(bit for bit in bits if bit is not None)
    return [replace(code, bits=bound) for code in codes]


def _record_layer(estimator: Any, reference: Any, codes: Any) -> Recorded:
    """One layer's record: values [F], spectra [4, M]."""
    n = reference.y.shape[0]
    if not isinstance(estimator, Counting):
        point = estimator.estimate(reference, codes)
        return _recorded(plane.to_columns(point), jnp.zeros((len(SPECTRA), room(n)), jnp.int32))
    counted = estimator.count(reference, codes)
    point = estimator.point(reference, counted)
    rows = jnp.stack([*spectrum(counted.t, n), *spectrum(counted.ty, n)])
    return _recorded(plane.to_columns(point), rows)


def _recorded(values: jax.Array, spectra: jax.Array) -> Recorded:
    """A record that XLA does not compute inside the kernels that read it."""
    return Recorded(*jax.lax.optimization_barrier((values, spectra)))
