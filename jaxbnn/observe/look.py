"""What a network shows with one kind of moments: by examples, and by tables of counts."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxbnn.data import Split
from jaxbnn.info.estimators.exact import Exact
from jaxbnn.info.estimators.protocol import TableRows, WeightedRows
from jaxbnn.info.estimators.soft_output import SoftOutput
from jaxbnn.info.tables import PatternTable, pair_counts
from jaxbnn.observe import tabled
from jaxbnn.observe.forward import Layers
from jaxbnn.observe.layout import Layout
from jaxbnn.observe.passing import n_passing
from jaxbnn.observe.probe import (
    OUTPUT,
    Probe,
    Sample,
    estimator_of_each,
    estimators_of,
    layers_of,
    units_of,
)
from jaxbnn.observe.tabled import Chain, Linked
from jaxbnn.observe.wanted import Codes, View, Wanted, Ways, sampled


class Seen(NamedTuple):
    """What examples show; None where it is not wanted of them."""

    codes: Codes  # None for a layer that is measured by its table
    passing: tuple[jax.Array, ...]  # words of the hidden layers before the chain's first
    first_word: jax.Array | None  # of the chain's first layer, as `tabled.first_word` gives it
    logits: jax.Array | None


class Plan(NamedTuple):
    """How a network is looked at with one kind of moments; static."""

    wanted: Wanted
    chain: Chain | None
    ways: Ways

    @property
    def layout(self) -> Layout:
        """Where the seeds' axis is."""
        return self.ways.layout

    @property
    def limit(self) -> int:
        """The most examples of a batch."""
        return self.layout.limit if self.are_examples_coded else self.layout.pattern_limit

    @property
    def are_examples_coded(self) -> bool:
        """Whether a layer of a probe is measured by examples."""
        for probe in self.wanted.probes:
            n_layers = len(layers_of(self.wanted.model, probe)) if self.chain else 1
            if len(_in_tables(self, probe)) < n_layers:
                return True
        return False

    @property
    def depth(self) -> int | None:
        """How many layers examples go through; None: all."""
        if self.chain is None:
            return None
        depth = self.chain.first + 1
        for probe in self.wanted.probes:
            in_tables = _in_tables(self, probe)
            for i, name in enumerate(layers_of(self.wanted.model, probe)):
                if i in in_tables:
                    continue
                index = _index(self.wanted.model, name)
                if index < 0:
                    return None
                depth = max(depth, index + 1)
        return depth


def planned(wanted: Wanted, ways: Ways, split: Split) -> Plan:
    """How a network is looked at with one kind of moments."""
    chain = None
    if ways.classes is not None and ways.steps is not None:
        units = units_of(wanted.model, split.train.x.shape[1:])
        n = sum(getattr(split, part).y.shape[-1] for part in wanted.parts)
        chain = tabled.chain_of([units[name] for name in wanted.model.layer_names], n)
    return Plan(wanted, chain, ways)


def look(plan: Plan, variables: Any, part: str, x: jax.Array) -> Seen:
    """What is wanted of a batch of examples of one part of the data."""

    def layers(x: jax.Array) -> Layers:
        return plan.ways.forward(variables, x, plan.depth)

    if plan.are_examples_coded:  # several codes read each layer
        return _seen(plan, part, plan.layout.computed_once(variables, layers, x))
    return plan.layout.computed_once(variables, lambda x: _seen(plan, part, layers(x)), x)


def _seen(plan: Plan, part: str, layers: Layers) -> Seen:
    """What is wanted of the layers at a batch."""
    wanted = plan.wanted
    chain = plan.chain
    codes = {}
    for probe in wanted.probes:
        if part in sampled(probe.sample):
            codes[probe.name] = _codes(plan, probe, layers)
    words = ()
    if wanted.passing is not None and part in sampled(wanted.passing.sample):
        behind = None if chain is None else chain.first
        words = tuple(map(wanted.passing.words, layers.preactivations[:behind]))
    if chain is None:
        return Seen(codes, words, None, layers.logits if part in wanted.logits else None)
    return Seen(codes, words, tabled.first_word(layers, chain, wanted.passing), None)


def _codes(plan: Plan, probe: Probe, layers: Layers) -> tuple:
    """The codes of a probe's layers; None for those that are measured by tables."""
    n_hidden = len(layers.hidden) if plan.chain is None else len(plan.chain.units)
    n_layers = len(probe.layers) or n_hidden + 1
    estimators = estimators_of(probe)
    which = estimator_of_each(probe, n_layers)
    in_tables = _in_tables(plan, probe)
    codes = []
    for i in range(n_layers):
        code = None
        if i not in in_tables:
            code = plan.layout.encode(estimators[which[i]], _activations(layers, probe, i))
        codes.append(code)
    return tuple(codes)


def _activations(layers: Layers, probe: Probe, i: int) -> jax.Array:
    """Those of the probe's layer i."""
    if not probe.layers:
        return layers.hidden[i] if i < len(layers.hidden) else layers.named[OUTPUT]
    name = probe.layers[i]
    if name not in layers.named:
        names = ", ".join(layers.named)
        raise ValueError(f"expected a probe's layers to be among {names}, got {name!r}")
    return layers.named[name]


def _in_tables(plan: Plan, probe: Probe) -> dict[int, int]:
    """Which of a probe's layers are measured by tables: position in the probe -> index among the
    hidden layers and the output."""
    wanted = plan.wanted
    chain = plan.chain
    if chain is None:
        return {}
    names = layers_of(wanted.model, probe)
    estimators = estimators_of(probe)
    indices = {}
    for i, which in enumerate(estimator_of_each(probe, len(names))):
        index = _index(wanted.model, names[i])
        kind = SoftOutput if index == len(chain.units) else Exact
        if index >= chain.first and type(estimators[which]) is kind:
            indices[i] = index
    return indices


def _index(model: Any, name: str) -> int:
    """The index of a layer among the hidden ones and the output; -1 of a submodule."""
    names = (*model.layer_names, OUTPUT)
    return names.index(name) if name in names else -1


def _by_examples(plan: Plan, seen: dict[str, Seen]) -> View:
    """What is measured by examples, over each probe's sample."""
    wanted = plan.wanted
    layout = plan.layout
    codes = {}
    for probe in wanted.probes:
        of_parts = [seen[part].codes[probe.name] for part in sampled(probe.sample)]
        codes[probe.name] = layout.second_to_first(_concatenated(of_parts))
    numbers = ()
    if wanted.passing is not None:
        of_parts = [seen[part].passing for part in sampled(wanted.passing.sample)]
        words = layout.last_to_first(_concatenated(of_parts))
        numbers = tuple(map(layout.over_seeds(n_passing), words))
    return View(codes, {part: seen[part].logits for part in wanted.logits}, numbers)


def _with_tables(plan: Plan, seen: dict[str, Seen], linked: Linked) -> View:
    """What is measured by examples, and what follows from the tables."""
    wanted = plan.wanted
    layout = plan.layout
    view = _by_examples(plan, seen)
    logits = layout.last_to_first(linked.values[-1].activation)
    softmax = jax.nn.softmax(logits, axis=-1)
    n_hidden = len(wanted.model.layer_names)
    codes = {}
    for probe in wanted.probes:
        parts = _part_indices(wanted, probe.sample)
        filled = list(view.codes[probe.name])
        for i, index in _in_tables(plan, probe).items():
            if index < n_hidden:
                filled[i] = TableRows(linked.tables[index - n_hidden], parts)
            else:
                filled[i] = _weighted(softmax, linked.tables[-1], parts, layout)
        codes[probe.name] = tuple(filled)
    weighted = {}
    for part in wanted.logits:
        indices = _part_indices(wanted, part)
        weighted[part] = _weighted(logits, linked.tables[-1], indices, layout)
    return View(codes, weighted, (*view.n_passing, *_passing_in_tables(plan, seen, linked)))


def _passing_in_tables(plan: Plan, seen: dict[str, Seen], linked: Linked) -> tuple[jax.Array, ...]:
    """The units whose gradient passes, of the chain's hidden layers."""
    wanted = plan.wanted
    layout = plan.layout
    if wanted.passing is None or plan.chain is None:
        return ()
    of_parts: Any = [seen[part].first_word for part in sampled(wanted.passing.sample)]
    words = layout.last_to_first(tabled.passing_in(_concatenated(of_parts), plan.chain))
    numbers = [layout.over_seeds(n_passing)(words)]
    parts = _part_indices(wanted, wanted.passing.sample)

    def of_seed(table: PatternTable, words: jax.Array) -> jax.Array:
        is_seen = jnp.any(pair_counts(table, parts) > 0, axis=1)
        return n_passing(jnp.where(is_seen[:, None], words, 0))

    # The values of a layer are at the patterns of the layer before.
    for table, values in zip(linked.tables[:-1], linked.values[:-1], strict=True):
        words = layout.last_to_first(wanted.passing.words(values.preactivation))
        numbers.append(layout.over_seeds(of_seed)(table, words))
    return tuple(numbers)


def _weighted(
    values: jax.Array, table: PatternTable, parts: tuple[int, ...], layout: Layout
) -> WeightedRows:
    """A row of values for each pattern of the table, and how often it was seen in some parts."""
    count = layout.over_seeds(partial(pair_counts, parts=parts))(table)
    return WeightedRows(values, count, table.certified)


def _part_indices(wanted: Wanted, sample: Sample) -> tuple[int, ...]:
    """The indices of a sample's parts among those that are looked at."""
    return tuple(wanted.parts.index(part) for part in sampled(sample))


def _concatenated(trees: Sequence[Any]) -> Any:
    """Trees of arrays [N_i, ...] as one with leaves [sum N_i, ...]."""
    if len(trees) == 1:
        return trees[0]
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *trees)


def finished(plan: Plan, variables: Any, split: Split, seen: dict[str, Seen]) -> View:
    """The view of what examples have shown."""
    chain = plan.chain
    ways = plan.ways
    if chain is None or ways.steps is None or ways.classes is None:
        return _by_examples(plan, seen)
    of_parts: Any = [seen[part].first_word for part in plan.wanted.parts]
    pattern = ways.layout.last_to_first(tabled.pattern_in(_concatenated(of_parts), chain))
    labels = [getattr(split, part).y for part in plan.wanted.parts]
    steps = ways.steps(variables)
    linked = tabled.linked(chain, steps, pattern, labels, ways.classes, ways.layout)
    return _with_tables(plan, seen, linked)
