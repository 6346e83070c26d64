"""What is measured, where and when, for ONE seed: Schedule, Probe, observer."""

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
from flax import linen
from flax.traverse_util import flatten_dict

from jaxbnn.data import Dataset, Split
from jaxbnn.info.counting import Spectrum, room, spectrum
from jaxbnn.info.estimators.counted import Binned, Counting, Estimator, Exact, Rows, SoftOutput
from jaxbnn.info.plane import Point, stack
from jaxbnn.observe.words import mapped
from jaxbnn.train.batches import LIMIT, in_batches

Sample = Literal["train", "test", "all"]
PARTS = ("train", "test")  # of a split
OUTPUT = "output"
GROWTH = 1.05  # ratio of neighbouring epochs in the log-spaced part of the default schedule


@dataclass(frozen=True)
class Schedule:
    """The measured epochs. Always epoch 0 (untrained), each of the first and of the last few, and the very last.

    In between every `every` epochs; without `every`, spaced by 5 % of the epoch reached.
    """

    every: int | None = None
    first_epochs: int = 20
    last_epochs: int = 50

    def __post_init__(self):
        if self.every is not None and self.every < 1:
            raise ValueError(f"expected schedule.every >= 1 or none, got {self.every}")
        if self.first_epochs < 0 or self.last_epochs < 0:
            raise ValueError(f"expected first_epochs, last_epochs >= 0, got {self.first_epochs}, {self.last_epochs}")

    def epochs(self, total: int) -> tuple[int, ...]:
        """The measured epochs of a run of `total` epochs, rising, from 0 to `total`."""
        if total < 1:
            raise ValueError(f"expected 1 or more epochs, got {total}")
        first = range(min(self.first_epochs, total) + 1)
        last = range(max(0, total - self.last_epochs + 1), total + 1)
        return tuple(sorted({*first, *self._between(total), *last, total}))

    def _between(self, total):
        if self.every is not None:
            return range(0, total, self.every)
        epochs = [max(1, self.first_epochs)]
        while epochs[-1] < total:
            epochs.append(math.ceil(epochs[-1] * GROWTH))
        return epochs[:-1]


@dataclass(frozen=True)
class Probe:
    """Which layers are measured, by which estimator, over which sample.

    Without `layers`: every hidden layer by `estimator`, then `output` by SoftOutput. Named layers are measured by
    `estimator`: hidden_1, ..., `output` (the softmax) or any submodule (dense_1, norm_1: pre-activations). `population`
    declares that the sample is all there is; None leaves it to the data: true for "all" of an enumerated set. A value
    is called reliable when its bias and twice its standard error are estimated below `tolerance` bits together.

    At the epochs of `units` each unit's count of +1 is stored, and each two units' count of +1 together; at those of
    `keep` the packed activations themselves. -1 is the last epoch, -2 the one before. Both take layers of -1 and +1.
    """

    name: str = "main"
    layers: tuple[str, ...] = ()
    estimator: Estimator = Exact()
    sample: Sample = "train"
    population: bool | None = None
    tolerance: float = 0.1
    units: tuple[int, ...] = ()
    keep: tuple[int, ...] = ()

    def __post_init__(self):
        if not self.name.isidentifier():
            raise ValueError(f"expected a probe's name of letters, digits and _, got {self.name!r}")
        if not 0 < self.tolerance < math.inf:
            raise ValueError(f"expected a tolerance above 0 bits, got {self.tolerance}")
        if self.sample not in get_args(Sample):
            raise ValueError(f"expected sample to be one of {get_args(Sample)}, got {self.sample!r}")
        if not isinstance(self.layers, tuple):
            raise TypeError(f"expected layers as a tuple of names, got {self.layers!r}")
        if (self.units or self.keep) and not isinstance(self.estimator, Exact):
            raise ValueError(f"expected units and keep of a probe with the estimator Exact, got {self.estimator}")
        if len(set(self.layers)) != len(self.layers):
            raise ValueError(f"expected each layer once, got {self.layers}")

    def is_population(self, split: Split) -> bool:
        """Whether this probe's sample counts as the population, given the data it is measured on."""
        return self.population if self.population is not None else self.sample == "all" and split.population


def choose(split: Split, sample: Sample) -> Dataset:
    """The measured examples: the training set, the test set, or both, in that order."""
    if sample == "train":
        return split.train
    if sample == "test":
        return split.test
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), split.train, split.test)


def layers_of(model: linen.Module, probe: Probe) -> tuple[str, ...]:
    """The names of the layers a probe measures, in order. A model of one's own may say `layer_names`; MLP does."""
    return probe.layers or (*model.layer_names, OUTPUT)


def alphabets_of(model: Any, probe: Probe, shape: tuple[int, ...]) -> dict[str, int]:
    """How many patterns each hidden layer of a probe can show: 2**D of signs, bins**D of bins; shape: an example's."""
    each = {Exact: 2, Binned: getattr(getattr(probe.estimator, "grid", None), "bins", 0)}.get(type(probe.estimator))
    units = model.units(shape)
    return {name: each ** units[name] for name in layers_of(model, probe) if each and name in units}


class Spectra(NamedTuple):
    """Counts of counts of a probe's counted layers, leaves [L, M]: all 0 where a layer is not counted."""

    t: Spectrum
    ty: Spectrum


def observer(
    model: linen.Module, probes: Sequence[Probe], classes: int | None = None
) -> tuple[Callable[[Split], tuple], Callable[[tuple, Split, Any], tuple[Point, ...]]]:
    """Two pure functions, for any Linen module that returns (logits, hidden) and in anyone's own training loop.

    prepare: Split -> reference, once. measure: (reference, Split, variables) -> one Point a probe, leaves [L].
    The module is applied with its running statistics (train=False where it takes `train`), in batches; activations
    leave a batch only as codes. Both can be jitted, and vmapped or mapped over seeds. `classes`: all labels are below
    it; where it is given counting is faster, and a label past it makes the point NaN.
    """
    prepare, record = recorder(probes, classes)
    view = viewer(model, probes)

    def measure(reference: tuple, split: Split, variables: Any) -> tuple[Point, ...]:
        return record(reference, view(split, variables).codes)[0]

    return prepare, measure


class View(NamedTuple):
    """What a network makes of a split, with its running statistics."""

    codes: dict[str, tuple]  # probe -> its layers' codes over its sample
    logits: dict[str, jax.Array]  # "train", "test" -> [N, C]


def viewer(model: linen.Module, probes: Sequence[Probe], logits: Sequence[str] = ()) -> Callable[[Split, Any], View]:
    """A pure function (Split, variables) -> View: one forward pass an example, however many probes look at it.

    `logits`: which of "train" and "test" they are wanted of.
    """

    def encode(estimator, t):
        return estimator.encode(t)

    return look_through(_forward(model, probes), probes, logits, encode, getattr(model, "rows_at_once", LIMIT))


def look_through(
    forward: Callable, probes: Sequence[Probe], logits: Sequence[str], encode: Callable, limit: int = LIMIT
) -> Callable[[Split, Any], View]:
    """A viewer made of forward: (variables, x) -> (logits, hidden, layers by name) and encode: (estimator, t) -> codes.

    At most `limit` rows are looked at together.
    """
    probes = tuple(probes)
    parts = {part: [p for p in probes if p.sample in (part, "all")] for part in PARTS}

    def view(split: Split, variables: Any) -> View:
        seen = {}
        for part, looking in parts.items():
            if looking or part in logits:
                look = partial(_look, forward, encode, looking, part in logits, variables)
                seen[part] = in_batches(look, getattr(split, part).x, limit)
        codes = {p.name: _over_sample(p, {part: codes for part, (codes, _) in seen.items()}) for p in probes}
        return View(codes, {part: seen[part][1] for part in logits})

    return view


def recorder(probes: Sequence[Probe], classes: int | None = None) -> tuple[Callable, Callable]:
    """prepare as `observer`'s; record: (reference, View.codes) -> (one Point a probe, one Spectra a probe)."""
    probes = tuple(probes)
    if not probes or len({p.name for p in probes}) != len(probes):
        raise ValueError(f"expected one or more probes with different names, got {[p.name for p in probes]}")

    def prepare(split: Split) -> tuple:
        pairs = dict.fromkeys((p.sample, e) for p in probes for e in _estimators(p))
        prepared = {(s, e): e.prepare(*choose(split, s), classes) for s, e in pairs}
        return tuple(tuple(prepared[p.sample, e] for e in _estimators(p)) for p in probes)

    def record(reference: tuple, codes: dict[str, tuple]) -> tuple[tuple[Point, ...], tuple[Spectra, ...]]:
        recorded = [_record(_by_layer(p, r, codes[p.name])) for p, r in zip(probes, reference, strict=True)]
        points, spectra = zip(*recorded, strict=True)
        return points, spectra

    return prepare, record


def encoder(model: linen.Module, probes: Sequence[Probe]) -> Callable[[Split, Any], dict[str, tuple[Rows, ...]]]:
    """A pure function (Split, variables) -> the packed activations of each probe's layers, without `output`."""
    view = viewer(model, probes)

    def encode(split: Split, variables: Any) -> dict[str, tuple[Rows, ...]]:
        codes = view(split, variables).codes
        return {name: tuple(code for code in each if isinstance(code, Rows)) for name, each in codes.items()}

    return encode


def _estimators(probe):
    """The estimators a probe uses: its own, and the output's where it measures all layers."""
    return (probe.estimator,) if probe.layers else (probe.estimator, SoftOutput())


def _by_layer(probe, per_estimator, per_layer):
    """[(estimator, what it has, what the layer has)], layer by layer: without named layers the last is the output."""
    which = [0] * len(per_layer) if probe.layers else [0] * (len(per_layer) - 1) + [1]
    estimators = _estimators(probe)
    return [(estimators[i], per_estimator[i], layer) for i, layer in zip(which, per_layer, strict=True)]


def _record(layers):
    """One probe's Point and Spectra, from (estimator, reference, codes) of each layer.

    Layers whose rows have one shape are mapped over: one program counts them all, which compiles sooner.
    """
    alike: dict[Any, list[int]] = {}
    for i, (estimator, _, codes) in enumerate(layers):
        alike.setdefault((estimator, codes.words.shape) if isinstance(codes, Rows) else i, []).append(i)
    recorded = {}
    for places in alike.values():
        estimator, reference, _ = layers[places[0]]
        codes = _with_one_bound([layers[i][2] for i in places])
        recorded |= zip(places, mapped(partial(_record_layer, estimator, reference), codes), strict=True)
    points, spectra = zip(*(recorded[i] for i in range(len(layers))), strict=True)
    return stack(points), jax.tree.map(lambda *leaves: jnp.stack(leaves), *spectra)


def _with_one_bound(codes):
    """The codes of layers; of several, whose rows then stack, all with the largest of their bounds."""
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
    return estimator.point(reference, counted), Spectra(spectrum(counted.t, n), spectrum(counted.ty, n))


def _look(forward, encode, probes, with_logits, variables, batch):
    """(probe -> its layers' codes, the logits or None) of one batch."""
    logits, hidden, named = forward(variables, batch)
    return {p.name: _codes(encode, p, hidden, named) for p in probes}, logits if with_logits else None


def _over_sample(probe, codes):
    """The probe's codes of its whole sample, in the order of `choose`."""
    if probe.sample != "all":
        return codes[probe.sample][probe.name]
    both = codes["train"][probe.name], codes["test"][probe.name]
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *both)


def _codes(encode, probe, hidden, named):
    layers = [_named(named, name) for name in probe.layers] if probe.layers else [*hidden, named[OUTPUT]]
    return tuple(encode(estimator, t) for estimator, _, t in _by_layer(probe, (None, None), layers))


def _named(named, name):
    if name not in named:
        raise ValueError(f"expected a probe's layers to be among {', '.join(named)}, got {name!r}")
    return named[name]


def _forward(model, probes):
    """(variables, x) -> (logits, hidden, layers by name), each [B, D]. Submodules are captured only if a probe asks."""
    flags = {"train": False} if "train" in inspect.signature(type(model).__call__).parameters else {}
    capture = any(probe.layers for probe in probes)

    def forward(variables, x):
        (logits, hidden), state = model.apply(
            variables, x, **flags, capture_intermediates=capture, mutable=["intermediates"]
        )
        hidden = tuple(_flat(t) for t in hidden)
        names = getattr(model, "layer_names", None) or [f"hidden_{i}" for i in range(1, len(hidden) + 1)]
        named = dict(zip(names, hidden, strict=True)) | {OUTPUT: jax.nn.softmax(logits)}
        # A submodule that is called like a layer does not hide it.
        hidden_names = (*named, *getattr(model, "batch_last", ()))
        return logits, hidden, named | {name: t for name, t in _submodules(state).items() if name not in hidden_names}

    return forward


def _submodules(state):
    calls: dict[str, Any] = flatten_dict(state.get("intermediates", {}), sep="/")
    return {
        path.removesuffix("/__call__"): _flat(value[0])
        for path, value in calls.items()
        if path.endswith("/__call__") and isinstance(value[0], jax.Array)
    }


def _flat(t):
    return t.reshape(t.shape[0], -1)
