"""What a network's layers say, as points of the information plane and spectra, for ONE seed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen

from jaxbnn.data import Split
from jaxbnn.info.estimators.protocol import Counting, Rows
from jaxbnn.info.plane import Point, stack
from jaxbnn.info.spectrum import Spectrum, room, spectrum
from jaxbnn.observe.forward import viewer
from jaxbnn.observe.probe import Probe, choose, estimator_of_each
from jaxbnn.observe.probe import estimators_of as _estimators
from jaxbnn.observe.words import mapped


class Spectra(NamedTuple):
    """Counts of counts of a probe's counted layers, leaves [L, M]: all 0 where a layer is not
    counted."""

    t: Spectrum
    ty: Spectrum


def observer(
    model: linen.Module, probes: Sequence[Probe], classes: int | None = None
) -> tuple[Callable[[Split], tuple], Callable[[tuple, Split, Any], tuple[Point, ...]]]:
    """Two pure functions, for any Linen module that returns (logits, hidden) and in anyone's own
    training loop.

    prepare: Split -> reference, once. measure: (reference, Split, variables) -> one Point a probe,
    leaves [L]. The module is applied with its running statistics (train=False where it takes
    `train`), in batches; activations leave a batch only as codes. Both can be jitted, and vmapped
    or mapped over seeds. `classes`: all labels are below it; where it is given counting is faster,
    and a label past it makes the point NaN.
    """
    prepare, record = recorder(probes, classes)
    view = viewer(model, probes)

    def measure(reference: tuple, split: Split, variables: Any) -> tuple[Point, ...]:
        return record(reference, view(split, variables).codes)[0]

    return prepare, measure


def recorder(probes: Sequence[Probe], classes: int | None = None) -> tuple[Callable, Callable]:
    """prepare as `observer`'s; record: (reference, View.codes) -> (one Point a probe, one Spectra a
    probe)."""
    probes = tuple(probes)
    if not probes or len({p.name for p in probes}) != len(probes):
        raise ValueError(
            f"expected one or more probes with different names, got {[p.name for p in probes]}"
        )

    def prepare(split: Split) -> tuple:
        pairs = dict.fromkeys((p.sample, e) for p in probes for e in _estimators(p))
        prepared = {(s, e): e.prepare(*choose(split, s), classes) for s, e in pairs}
        return tuple(tuple(prepared[p.sample, e] for e in _estimators(p)) for p in probes)

    def record(
        reference: tuple, codes: dict[str, tuple]
    ) -> tuple[tuple[Point, ...], tuple[Spectra, ...]]:
        recorded = [
            _record(_by_layer(p, r, codes[p.name])) for p, r in zip(probes, reference, strict=True)
        ]
        points, spectra = zip(*recorded, strict=True)
        return points, spectra

    return prepare, record


def encoder(
    model: linen.Module, probes: Sequence[Probe]
) -> Callable[[Split, Any], dict[str, tuple[Rows, ...]]]:
    """A pure function (Split, variables) -> the packed activations of each probe's layers, without
    `output`."""
    view = viewer(model, probes)

    def encode(split: Split, variables: Any) -> dict[str, tuple[Rows, ...]]:
        codes = view(split, variables).codes
        return {
            name: tuple(code for code in each if isinstance(code, Rows))
            for name, each in codes.items()
        }

    return encode


def _by_layer(probe, per_estimator, per_layer):
    """[(estimator, what it has, what the layer has)], layer by layer."""
    which = estimator_of_each(probe, len(per_layer))
    estimators = _estimators(probe)
    return [
        (estimators[i], per_estimator[i], layer) for i, layer in zip(which, per_layer, strict=True)
    ]


def _record(layers):
    """One probe's Point and Spectra, from (estimator, reference, codes) of each layer.

    Layers whose rows have one shape are mapped over: one program counts them all, which compiles
    sooner.
    """
    alike: dict[Any, list[int]] = {}
    for i, (estimator, _, codes) in enumerate(layers):
        alike.setdefault(
            (estimator, codes.words.shape) if isinstance(codes, Rows) else i, []
        ).append(i)
    recorded = {}
    for places in alike.values():
        estimator, reference, _ = layers[places[0]]
        codes = _with_one_bound([layers[i][2] for i in places])
        recorded |= zip(
            places, mapped(partial(_record_layer, estimator, reference), codes), strict=True
        )
    points, spectra = zip(*(recorded[i] for i in range(len(layers))), strict=True)
    return stack(points), jax.tree.map(lambda *leaves: jnp.stack(leaves), *spectra)


def _with_one_bound(codes):
    """The codes of layers; of several, whose rows then stack, all with the largest of their
    bounds."""
    if len(codes) == 1:
        return codes
    bits = [each.bits for each in codes]
    bits = None if None in bits else max(bits)
    return [replace(each, bits=bits) for each in codes]


def _record_layer(estimator, reference, codes):
    n = reference.y.shape[0]
    if not isinstance(estimator, Counting):
        nothing = jnp.zeros(room(n), jnp.int32)
        return estimator.estimate(reference, codes), Spectra(*[Spectrum(nothing, nothing)] * 2)
    counted = estimator.count(reference, codes)
    return estimator.point(reference, counted), Spectra(
        spectrum(counted.t, n), spectrum(counted.ty, n)
    )
