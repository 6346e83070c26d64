"""What a network must have to be trained and measured: the protocol `MeasuredModel`."""

import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, Protocol, runtime_checkable

import jax

from jaxbnn.nn.steps import Step

OUTPUT = "output"  # the name of the softmax layer, which no hidden layer can have


@runtime_checkable
class MeasuredModel(Protocol):
    """A Linen module that can be trained and measured.

    It has the collections `params` and `batch_stats` alone and needs no random numbers after its
    initialisation. Only parameters called `latent` are clipped, and only they and those called
    `kernel` decay; `latent` holds the real weights whose signs are the binary ones.

    Optional members:
        units(shape): each hidden layer's number of units, {name: D}, for examples of this shape.
            Without it they are found by tracing the module.
        steps: None, or variables -> a function for each hidden layer and, last, the logits, as
            `nn.Step` describes it, of a network each of whose hidden layers holds -1 and +1 alone,
            [B, D]. With it the network is measured layer by layer instead of by `__call__`, and
            layers of few possible patterns by their counts (`info.tables`), which is faster.
        takes_pixels: whether `__call__` and `steps` take examples as `nn.Pixels` too, inputs held
            as bytes; without it they get float32.
        rows_at_once: how many examples are measured together; 4096 without it.
        batch_last: names of submodules whose values have the batch on the last axis; no probe can
            measure them.
    """

    @property
    def n_classes(self) -> int:
        """C, the number of logits."""
        ...

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The names of the hidden layers, input side first; all different, none "output"."""
        ...

    def __call__(self, x: jax.Array, *, train: bool) -> tuple[jax.Array, tuple[jax.Array, ...]]:
        """The network at x.

        Args:
            x: examples [B, ...] float32.
            train: whether BatchNorm takes the batch's statistics and moves the running ones.

        Returns:
            The logits [B, C], and the activations of each hidden layer, [B, ...].
        """
        ...

    def init(self, *args: Any, **kwargs: Any) -> Any:
        """The variables at the start of training, as of every Linen module."""
        ...

    def apply(self, variables: Any, *args: Any, **kwargs: Any) -> Any:
        """The network with these variables, as of every Linen module."""
        ...


def steps_of(model: Any) -> Callable[[Any], tuple[Step, ...]] | None:
    """The optional member `steps`.

    Args:
        model: any Linen module.

    Returns:
        Variables -> a function for each hidden layer and the output; None where the model has no
        such member, or no names for its layers.
    """
    if not hasattr(model, "layer_names") or not callable(getattr(model, "steps", None)):
        return None
    return model.steps


def check_model_class(cls: type) -> None:
    """Checks that a class is one of networks that can be trained and measured.

    Args:
        cls: a class of Linen modules.

    Raises:
        TypeError: where a member of `MeasuredModel` is missing; the message names it.
    """
    names = class_members(cls)
    if is_dataclass(cls):
        names |= {field.name for field in fields(cls)}
    for member in ("init", "apply", "n_classes", "layer_names", "__call__"):
        if member not in names:
            raise TypeError(f"expected a Linen module with {_MEMBERS}, got {_named(cls, member)}")
    parameters = inspect.signature(cls.__call__).parameters.values()
    if not any(p.name == "train" or p.kind is p.VAR_KEYWORD for p in parameters):
        got = _named(cls, "the argument train of __call__")
        raise TypeError(f"expected a Linen module with {_MEMBERS}, got {got}")


def check_model(model: Any) -> None:
    """Checks that a network can be trained and measured.

    Args:
        model: a Linen module.

    Raises:
        TypeError: where a member of `MeasuredModel` is missing; the message names it.
        ValueError: for layer names that are no tuple of different words, or n_classes below 1.
    """
    check_model_class(type(model))
    names = model.layer_names
    words = isinstance(names, tuple) and all(isinstance(name, str) and name for name in names)
    if not words or len({*names, OUTPUT}) <= len(names):
        expected = f'a tuple of different names, none of them "{OUTPUT}"'
        raise ValueError(f"expected {type(model).__name__}.layer_names as {expected}, got {names}")
    if model.n_classes < 1:
        raise ValueError(f"expected n_classes >= 1, got {model.n_classes}")


def class_members(cls: type) -> set[str]:
    """The names of a class's members, its own and those of its bases but `object`."""
    names = set()
    for base in cls.__mro__:
        if base is not object:
            names |= vars(base).keys()
    return names


_MEMBERS = "n_classes, layer_names and __call__(x, *, train)"


def _named(cls: type, member: str) -> str:
    return f"{cls.__name__} without {member}"
