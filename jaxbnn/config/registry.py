"""The types that an experiment may name: this package's, and those that a user registers."""

import dataclasses
import types
import typing
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from flax import linen

from jaxbnn import data, info, nn, observe, train
from jaxbnn.config.experiment import Experiment, Resampled
from jaxbnn.config.source import source_of
from jaxbnn.nn.models import check_model_class, class_members

Class = TypeVar("Class", bound=type)

# What a field is declared as -> the classes it may have; `register` adds to them.
FAMILIES: dict[Any, tuple[type, ...]] = {
    nn.MeasuredModel: (nn.MLP, nn.ConvNet),
    nn.Surrogate: (nn.STE, nn.ApproxSign, nn.SwishSign, nn.PassThrough),
    nn.Activation: (nn.SignActivation, nn.Tanh, nn.HardTanh, nn.Relu, nn.SwishSignActivation),
    info.Estimator: (
        info.Exact,
        info.FixedBins,
        info.SoftOutput,
        info.ExactValues,
        info.OwnRangeBins,
    ),
    data.DataSpec: (
        data.Szt,
        data.TicTacToe,
        data.Mnist,
        data.FashionMnist,
        data.Cifar10,
        data.Npz,
    ),
    train.Optimiser: (train.Adam, train.AdamW, train.Sgd, train.Bop),
}
SINGLE = (train.TrainSpec, observe.Schedule, observe.Probe)
STUDIED: dict[str, Any] = {
    "Bernoulli": info.known_truth.Bernoulli,
    "LongTails": info.known_truth.LongTails,
    "Resampled": Resampled,
}
SPECS: dict[str, type] = {spec.__name__: spec for spec in SINGLE}
for _family in FAMILIES.values():
    SPECS |= {spec.__name__: spec for spec in _family}
SOURCES: dict[type, str] = {}  # registered class -> what identifies its version

Sampled = info.known_truth.Bernoulli | info.known_truth.LongTails | Resampled
Runnable = Experiment | Sampled
UNIONS = (typing.Union, types.UnionType)
SCALARS = (bool, int, float, str)
RESERVED = ("type", "source")  # keys of a registered specification's JSON beside its fields

# What a user's class can be: what a field of it is declared as, and its methods.
ROLES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "model": (nn.MeasuredModel, ()),
    "data": (data.DataSpec, ("load",)),
    "estimator": (info.Estimator, ("prepare", "encode", "estimate")),
    "optimiser": (train.Optimiser, ("transform",)),
    "surrogate": (nn.Surrogate, ("__call__",)),
    "activation": (nn.Activation, ("__call__",)),
}


@typing.overload
def register(cls: Class, *, role: str | None = None, version: str | None = None) -> Class: ...
@typing.overload
def register(
    cls: None = None, *, role: str | None = None, version: str | None = None
) -> Callable[[Class], Class]: ...
def register(cls: Any = None, *, role: str | None = None, version: str | None = None) -> Any:
    """Makes a class of one's own usable in an Experiment.

    Its specifications are then written, hashed, run, resumed, judged, drawn and overridden like
    this package's. Files hold the class's name and its version, never where it is imported from.
    It is also a decorator: `@register`, or `@register(version="2")`.

    Args:
        cls: a Linen module with the members of `MeasuredModel`, or a frozen dataclass that is a
            data specification (`load`), an estimator (`prepare`, `encode`, `estimate`), an
            optimiser (`transform`), a surrogate or an activation (`__call__`). Its fields are
            numbers, words, tuples of them, or other specifications.
        role: what it is: "model", "data", "estimator", "optimiser", "surrogate" or "activation";
            needed for a surrogate or activation that derives from neither class of `jaxbnn.nn`.
        version: the word that identifies this version of the class; its source does without it.

    Returns:
        The class.

    Raises:
        TypeError: where it is no such class, or a member is missing; the message names it.
        ValueError: for a name that another class has, or a class whose source cannot be read.
    """
    if cls is None:
        return partial(register, role=role, version=version)
    _check_class(cls)
    role = role or _role_of(cls)
    _check_role(cls, role)
    _check_fields(cls)
    _check_name(cls)
    source = source_of(cls, version)
    _forget(SPECS.get(cls.__name__))
    kind, _ = ROLES[role]
    FAMILIES[kind] += (cls,)
    SPECS[cls.__name__] = cls
    SOURCES[cls] = source
    return cls


def members_of(kind: Any) -> tuple[type, ...]:
    """The classes that a field of this declared type may have; () where it is no specification."""
    if kind in FAMILIES:
        return FAMILIES[kind]
    is_spec = kind in (*SPECS.values(), *STUDIED.values())
    return (kind,) if is_spec else ()


def field_types(spec: type) -> dict[str, Any]:
    """Field name -> declared type.

    Linen's own `parent` and `name` are no part of a specification.
    """
    if not dataclasses.is_dataclass(spec):
        return {}
    hints = typing.get_type_hints(spec)
    linens = ("parent", "name") if issubclass(spec, linen.Module) else ()
    names = [field.name for field in dataclasses.fields(spec) if field.init]
    return {name: hints[name] for name in names if name not in linens}


def _check_class(cls: Any) -> None:
    if isinstance(cls, type) and issubclass(cls, linen.Module):
        return
    if not isinstance(cls, type) or not dataclasses.is_dataclass(cls):
        raise TypeError(f"expected a class, a Linen module or a frozen dataclass, got {cls!r}")
    if not cls.__dataclass_params__.frozen or cls.__hash__ is None:  # pyright: ignore
        raise TypeError(f"expected a frozen dataclass, got {cls.__name__}: dataclass(frozen=True)")


def _role_of(cls: type) -> str:
    """What the class is, by its methods; ValueError where it may be either of two."""
    if issubclass(cls, linen.Module):
        return "model"
    for role, (kind, methods) in ROLES.items():
        if kind in cls.__mro__ or (methods and methods != ("__call__",) and _has(cls, *methods)):
            return role
    name = cls.__name__
    if not _has(cls, "__call__"):
        methods = "load, transform, __call__, or prepare, encode and estimate"
        raise TypeError(f"expected a class with {methods}, got {name} without them")
    raise ValueError(
        f"expected a role for {name}, which may be a surrogate or an activation: "
        f'jaxbnn.register({name}, role="surrogate") or role="activation"'
    )


def _check_role(cls: type, role: str) -> None:
    if role not in ROLES:
        raise ValueError(f"expected role as one of {', '.join(ROLES)}, got {role!r}")
    if role == "model":
        check_model_class(cls)
    missing = [method for method in ROLES[role][1] if not _has(cls, method)]
    if missing:
        raise TypeError(f"expected {role} classes with {missing[0]}, got {cls.__name__} without it")


def _has(cls: type, *methods: str) -> bool:
    """Whether the class has methods of its own or of a base."""
    return class_members(cls).issuperset(methods)


def _check_name(cls: type) -> None:
    """ValueError where another class has the name. The same class made anew, as in a notebook's
    cell that is run again, takes the place of the earlier one."""
    name = cls.__name__
    earlier = SPECS.get(name) or STUDIED.get(name) or {"Experiment": Experiment}.get(name)
    if earlier is None or earlier is cls:
        return
    same = (cls.__module__, cls.__qualname__) == (earlier.__module__, earlier.__qualname__)
    if earlier not in SOURCES or not same:
        owner = f"the registered {earlier.__module__}.{earlier.__qualname__}"
        owner = owner if earlier in SOURCES else "one of jaxbnn's own"
        raise ValueError(f"expected a class with a name of its own, got {name}: {owner} has it")


def _check_fields(cls: type) -> None:
    try:
        kinds = field_types(cls)
    except NameError as error:
        raise TypeError(f"expected {cls.__name__} with declared types at hand: {error}") from None
    for name, kind in kinds.items():
        if name in RESERVED:
            raise ValueError(f"expected {cls.__name__} without a field {name!r}: JSON needs it")
        if not _is_written(kind):
            expected = "numbers, words, tuples of them, or specifications"
            raise TypeError(f"expected {expected} as {cls.__name__}'s fields, got {name}: {kind}")


def _is_written(kind: Any) -> bool:
    """Whether values of a declared type can be written as JSON and read back."""
    if kind in SCALARS or members_of(kind):
        return True
    origin = typing.get_origin(kind)
    parts = [part for part in typing.get_args(kind) if part not in (types.NoneType, Ellipsis)]
    if origin is typing.Literal:
        return all(isinstance(part, str) for part in parts)
    if origin in UNIONS:
        return all(map(members_of, parts)) or (len(parts) == 1 and _is_written(parts[0]))
    return origin is tuple and bool(parts) and all(map(_is_written, parts))


def _forget(earlier: type | None) -> None:
    """Takes a registered class out of the tables."""
    if earlier in SOURCES:
        del SPECS[earlier.__name__], SOURCES[earlier]
        for kind, family in FAMILIES.items():
            FAMILIES[kind] = tuple(spec for spec in family if spec is not earlier)
