"""The layers of a network over a data set, batch by batch: one forward pass an example."""

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen
from flax.traverse_util import flatten_dict
from jaxtyping import Float32

from jaxbnn.data import Split
from jaxbnn.observe.probe import (
    OUTPUT,
    PARTS,
    Probe,
    check_layer_names,
    estimator_of_each,
    estimators_of,
)
from jaxbnn.train.batches import LIMIT, in_batches

Named = dict[str, jax.Array]  # layer -> its activations [B, D]
Codes = dict[str, tuple]  # probe -> the codes of its layers


class View(NamedTuple):
    """What a network makes of a split, with its running statistics."""

    codes: Codes  # over the probe's sample, leaves [N, ...]
    logits: dict[str, Float32[jax.Array, "n c"]]  # of "train", "test", as far as asked for


def viewer(
    model: linen.Module, probes: Sequence[Probe], logits: Sequence[str] = ()
) -> Callable[[Split, Any], View]:
    """What applies a network to a split.

    There is one forward pass an example, however many probes measure it.

    Args:
        model: any Linen module that returns (logits, hidden).
        probes: what is measured.
        logits: the parts, "train" or "test", whose logits are wanted.

    Returns:
        A pure function (Split, variables) -> View.

    Raises:
        ValueError: when traced, for a layer that the model has not.
    """
    limit = getattr(model, "rows_at_once", LIMIT)
    return look_through(_forward(model, probes), probes, logits, _encode, limit)


def look_through(
    forward: Callable[[Any, jax.Array], tuple],
    probes: Sequence[Probe],
    logits: Sequence[str],
    encode: Callable[[Any, jax.Array], Any],
    limit: int = LIMIT,
) -> Callable[[Split, Any], View]:
    """A viewer of any forward pass.

    Args:
        forward: (variables, x) -> (logits, hidden, layers by name).
        probes: what is measured.
        logits: the parts whose logits are wanted.
        encode: (estimator, activations) -> codes.
        limit: the most rows of a batch.

    Returns:
        A pure function (Split, variables) -> View.
    """
    probes_of = {}
    for part in PARTS:
        probes_of[part] = [probe for probe in probes if probe.sample in (part, "all")]

    def view(split: Split, variables: Any) -> View:
        codes: dict[str, Codes] = {}
        wanted = {}
        for part in PARTS:
            if not probes_of[part] and part not in logits:
                continue
            look = partial(_look, forward, encode, probes_of[part], part in logits, variables)
            codes[part], wanted[part] = in_batches(look, getattr(split, part).x, limit)
        sampled = {probe.name: _over_sample(probe, codes) for probe in probes}
        return View(sampled, {part: wanted[part] for part in logits})

    return view


def _encode(estimator: Any, t: jax.Array) -> Any:
    return estimator.encode(t)


def _look(
    forward: Callable,
    encode: Callable,
    probes: Sequence[Probe],
    with_logits: bool,
    variables: Any,
    batch: jax.Array,
) -> tuple[Codes, jax.Array | None]:
    """The codes of one batch, and its logits where they are wanted."""
    logits, hidden, named = forward(variables, batch)
    codes = {probe.name: _codes(encode, probe, hidden, named) for probe in probes}
    return codes, logits if with_logits else None


def _over_sample(probe: Probe, codes: dict[str, Codes]) -> tuple:
    """The probe's codes of its whole sample, in the order of `choose`."""
    if probe.sample != "all":
        return codes[probe.sample][probe.name]
    parts = [codes[part][probe.name] for part in PARTS]
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *parts)


def _codes(encode: Callable, probe: Probe, hidden: tuple, named: Named) -> tuple:
    """The codes of a probe's layers, of one batch."""
    layers = [*hidden, named[OUTPUT]]
    if probe.layers:
        layers = [_layer(named, name) for name in probe.layers]
    estimators = estimators_of(probe)
    which = estimator_of_each(probe, len(layers))
    return tuple(encode(estimators[i], t) for i, t in zip(which, layers, strict=True))


def _layer(named: Named, name: str) -> jax.Array:
    if name not in named:
        raise ValueError(f"expected a probe's layers to be among {', '.join(named)}, got {name!r}")
    return named[name]


def _forward(model: linen.Module, probes: Sequence[Probe]) -> Callable[[Any, jax.Array], tuple]:
    """(variables, x) -> (logits, hidden, layers by name), each [B, D].

    Submodules are captured only where a probe asks for them.
    """
    parameters = inspect.signature(type(model).__call__).parameters
    flags = {"train": False} if "train" in parameters else {}
    capture = any(probe.layers for probe in probes)
    module: Any = model

    def forward(variables: Any, x: jax.Array) -> tuple[jax.Array, tuple, Named]:
        (logits, hidden), state = module.apply(
            variables, x, **flags, capture_intermediates=capture, mutable=["intermediates"]
        )
        hidden = tuple(_flat(t) for t in hidden)
        names = check_layer_names(model, len(hidden))
        named = dict(zip(names, hidden, strict=True)) | {OUTPUT: jax.nn.softmax(logits)}
        # A submodule that is called like a layer does not hide it.
        hidden_names = (*named, *getattr(model, "batch_last", ()))
        for name, t in _submodules(state).items():
            if name not in hidden_names:
                named[name] = t
        return logits, hidden, named

    return forward


def _submodules(state: Any) -> Named:
    """Submodule -> what its first call gave, [B, D]."""
    calls: dict[str, Any] = flatten_dict(state.get("intermediates", {}), sep="/")
    named = {}
    for path, value in calls.items():
        if path.endswith("/__call__") and isinstance(value[0], jax.Array):
            named[path.removesuffix("/__call__")] = _flat(value[0])
    return named


def _flat(t: jax.Array) -> jax.Array:
    return t.reshape(t.shape[0], -1)
