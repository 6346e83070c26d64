"""The layers of a network over a data set, batch by batch: one forward pass an example."""

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen
from flax.traverse_util import flatten_dict

from jaxbnn.data import Split
from jaxbnn.observe.probe import OUTPUT, PARTS, Probe, estimator_of_each, estimators_of
from jaxbnn.train.batches import LIMIT, in_batches


class View(NamedTuple):
    """What a network makes of a split, with its running statistics."""

    codes: dict[str, tuple]  # probe -> its layers' codes over its sample
    logits: dict[str, jax.Array]  # "train", "test" -> [N, C]


def viewer(
    model: linen.Module, probes: Sequence[Probe], logits: Sequence[str] = ()
) -> Callable[[Split, Any], View]:
    """A pure function (Split, variables) -> View: one forward pass an example, however many probes
    look at it.

    `logits`: which of "train" and "test" they are wanted of.
    """

    def encode(estimator, t):
        return estimator.encode(t)

    return look_through(
        _forward(model, probes), probes, logits, encode, getattr(model, "rows_at_once", LIMIT)
    )


def look_through(
    forward: Callable,
    probes: Sequence[Probe],
    logits: Sequence[str],
    encode: Callable,
    limit: int = LIMIT,
) -> Callable[[Split, Any], View]:
    """A viewer made of forward: (variables, x) -> (logits, hidden, layers by name) and encode:
    (estimator, t) -> codes.

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
        codes = {
            p.name: _over_sample(p, {part: codes for part, (codes, _) in seen.items()})
            for p in probes
        }
        return View(codes, {part: seen[part][1] for part in logits})

    return view


def _look(forward, encode, probes, with_logits, variables, batch):
    """(probe -> its layers' codes, the logits or None) of one batch."""
    logits, hidden, named = forward(variables, batch)
    return {
        p.name: _codes(encode, p, hidden, named) for p in probes
    }, logits if with_logits else None


def _over_sample(probe, codes):
    """The probe's codes of its whole sample, in the order of `choose`."""
    if probe.sample != "all":
        return codes[probe.sample][probe.name]
    both = codes["train"][probe.name], codes["test"][probe.name]
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *both)


def _codes(encode, probe, hidden, named):
    layers = (
        [_named(named, name) for name in probe.layers] if probe.layers else [*hidden, named[OUTPUT]]
    )
    estimators = estimators_of(probe)
    which = estimator_of_each(probe, len(layers))
    return tuple(encode(estimators[i], t) for i, t in zip(which, layers, strict=True))


def _named(named, name):
    if name not in named:
        raise ValueError(f"expected a probe's layers to be among {', '.join(named)}, got {name!r}")
    return named[name]


def _forward(model, probes):
    """(variables, x) -> (logits, hidden, layers by name), each [B, D]. Submodules are captured only
    if a probe asks."""
    flags = (
        {"train": False} if "train" in inspect.signature(type(model).__call__).parameters else {}
    )
    capture = any(probe.layers for probe in probes)

    def forward(variables, x):
        (logits, hidden), state = model.apply(
            variables, x, **flags, capture_intermediates=capture, mutable=["intermediates"]
        )
        hidden = tuple(_flat(t) for t in hidden)
        names = getattr(model, "layer_names", None) or [
            f"hidden_{i}" for i in range(1, len(hidden) + 1)
        ]
        named = dict(zip(names, hidden, strict=True)) | {OUTPUT: jax.nn.softmax(logits)}
        # A submodule that is called like a layer does not hide it.
        hidden_names = (*named, *getattr(model, "batch_last", ()))
        return (
            logits,
            hidden,
            named | {name: t for name, t in _submodules(state).items() if name not in hidden_names},
        )

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
