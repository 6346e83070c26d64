"""The layers of a network at a batch of examples."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
from flax import linen
from flax.traverse_util import flatten_dict

from jaxbnn.nn import LayerValues, Step, inputs_for
from jaxbnn.nn.models import steps_of
from jaxbnn.observe.probe import OUTPUT, Probe, check_layer_names

Named = dict[str, jax.Array]  # layer -> its activations [B, D]


class Layers(NamedTuple):
    """A network at B examples; a function may leave out the layers behind those asked for."""

    hidden: tuple[jax.Array, ...]  # [B, D_l]
    preactivations: tuple[jax.Array, ...]  # [B, D_l], what each hidden layer is the activation of;
    # empty where the network does not say
    logits: jax.Array | None  # [B, C]
    named: Named  # hidden layers, submodules, OUTPUT: the softmax


# (variables, x, how many layers are wanted: None is all)
Forward = Callable[[Any, Any, int | None], Layers]


def forward_of(model: linen.Module, probes: Sequence[Probe]) -> Forward:
    """What applies a network to a batch of examples, with BatchNorm's running statistics.

    Layer by layer where the network has `steps`, else by the module; submodules always by the
    module, and only where a probe measures one.

    Args:
        model: any Linen module that returns (logits, hidden).
        probes: what is measured.

    Returns:
        The function.
    """
    names = {*(getattr(model, "layer_names", None) or ()), OUTPUT}
    capture = any(set(probe.layers) - names for probe in probes)
    by_module = _by_module(model, capture)
    steps = steps_of(model)
    if steps is None:
        return by_module
    hidden_names = check_layer_names(model, len(names) - 1)

    def forward(variables: Any, x: Any, n_layers: int | None) -> Layers:
        values = through(steps(variables)[:n_layers], inputs_for(model, x))
        layers = layers_of_values(values, hidden_names)
        if not capture:
            return layers
        return layers._replace(named=by_module(variables, x, n_layers).named | layers.named)

    return forward


def through(steps: Sequence[Step], x: jax.Array) -> list[LayerValues]:
    """The first layers of a network, one after the other.

    Args:
        steps: of these layers.
        x: examples.

    Returns:
        Each layer's values.
    """
    values = []
    t = x
    for step in steps:
        values.append(step(t))
        t = values[-1].activation
    return values


def layers_of_values(values: Sequence[LayerValues], names: Sequence[str]) -> Layers:
    """The layers that `through` gave, by their names.

    Args:
        values: of the first layers.
        names: of all hidden layers; one more value is the output.

    Returns:
        The layers; the softmax is over the second axis.
    """
    n_hidden = len(names)
    hidden = tuple(value.activation for value in values[:n_hidden])
    preactivations = tuple(value.preactivation for value in values[:n_hidden])
    named = dict(zip(names, hidden, strict=False))
    logits = None
    if len(values) > n_hidden:
        logits = values[-1].activation
        named[OUTPUT] = jax.nn.softmax(logits, axis=1)
    return Layers(hidden, preactivations, logits, named)


def _by_module(model: linen.Module, capture: bool) -> Forward:
    """All layers, and with `capture` all submodules."""
    parameters = inspect.signature(type(model).__call__).parameters
    flags = {"train": False} if "train" in parameters else {}
    module: Any = model

    def forward(variables: Any, x: Any, n_layers: int | None) -> Layers:
        (logits, hidden), state = module.apply(
            variables,
            inputs_for(model, x),
            **flags,
            capture_intermediates=capture,
            mutable=["intermediates"],
        )
        hidden = tuple(_flat(t) for t in hidden)
        names = check_layer_names(model, len(hidden))
        named = dict(zip(names, hidden, strict=True)) | {OUTPUT: jax.nn.softmax(logits)}
        # A submodule that is called like a layer does not hide it.
        hidden_names = (*named, *getattr(model, "batch_last", ()))
        for name, t in _submodules(state).items():
            if name not in hidden_names:
                named[name] = t
        return Layers(hidden, (), logits, named)

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
