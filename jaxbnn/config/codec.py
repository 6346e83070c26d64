"""Experiments as JSON and back, their digests and differences."""

import dataclasses
import hashlib
import json
import math
import typing
from typing import Any, NoReturn

import numpy as np

from jaxbnn.config.experiment import Experiment
from jaxbnn.config.registry import (
    RESERVED,
    ROLES,
    SOURCES,
    SPECS,
    STUDIED,
    UNIONS,
    Runnable,
    field_types,
    members_of,
)
from jaxbnn.config.unregistered import Unregistered, register_line

UNHASHED = ("name", "seeds")  # fields that are no part of the digest


def to_json(experiment: Runnable) -> str:
    """The experiment as JSON text.

    Args:
        experiment: an Experiment, Bernoulli or Resampled.

    Returns:
        Text in which every specification is an object with its "type"; one of a registered class
        has the class's version as its "source" too.

    Raises:
        TypeError: for a specification whose class is not registered.
        ValueError: for numbers that are not finite.
    """
    return json.dumps(_normal_plain(experiment), indent=2)


def from_json(text: str, *, run: bool = True) -> Any:
    """The experiment written by `to_json`; types come from the registry alone.

    Args:
        text: JSON.
        run: whether it is to be run. False takes types that are not registered, and classes that
            have changed, as `Unregistered`: enough to show what a run was.

    Returns:
        The experiment.

    Raises:
        ValueError: for anything else; the message has the path in the JSON, what was expected and
            what came.
    """
    try:
        plain = json.loads(text, parse_constant=refuse_constant)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(
            f"expected an experiment as JSON, got text that is not JSON: {error}"
        ) from None
    kind = Experiment
    if isinstance(plain, dict):
        kind = STUDIED.get(str(plain.get("type")), Experiment)
    try:
        return build(plain, kind, "experiment", keep=not run)
    except RecursionError:
        raise ValueError("expected an experiment as JSON, got too deep a nesting") from None


def normal(experiment: Any) -> Any:
    """The experiment with each value of its field's declared type: 1 as 1.0, numpy's numbers as
    Python's. ValueError where one cannot be, or where a class is not registered."""
    return build(plain_of(experiment), type(experiment), "experiment")


def digest(experiment: Runnable) -> str:
    """What identifies an experiment: 12 hexadecimal digits of the sha256 of its JSON without its
    name and seeds."""
    plain = _without_unhashed(_normal_plain(experiment))
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def root_seed_of(experiment: Experiment) -> int:
    """A root seed that no other setting has: the first 32 bits of the sha256 of the experiment's
    JSON without its name, seeds and root seed.

    Args:
        experiment: the setting.

    Returns:
        0 to 2**32 - 1.
    """
    bare = dataclasses.replace(experiment, root_seed=0)
    plain = _without_unhashed(_normal_plain(bare))
    del plain["root_seed"]
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return int(hashlib.sha256(canonical.encode()).hexdigest()[:8], 16)


def changes(experiment: Runnable, base: Runnable) -> list[str]:
    """What the experiment has that its base has not, name and seeds apart.

    Args:
        experiment: the changed one.
        base: the one to compare with.

    Returns:
        Lines, ["train.epochs=30 (not 5000)", ...].
    """
    ours = _without_unhashed(_normal_plain(experiment))
    theirs = _without_unhashed(_normal_plain(base))
    return _differences(ours, theirs, "")


def _normal_plain(experiment: Any) -> dict[str, Any]:
    """The JSON value of the normal experiment."""
    return plain_of(build(plain_of(experiment), type(experiment), "experiment", keep=True))


def _without_unhashed(plain: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in plain.items() if key not in UNHASHED}


def _differences(ours: Any, theirs: Any, path: str) -> list[str]:
    if ours == theirs:
        return []
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        keys = list(ours)
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        keys = list(range(len(ours)))
    else:
        return [f"{path}={_brief(ours)} (not {_brief(theirs)})"]
    lines = []
    for key in keys:
        lines += _differences(ours[key], theirs[key], f"{path}.{key}" if path else str(key))
    return lines


def _brief(value: Any) -> str:
    """A value as a change shows it: a specification by its type's name."""
    return value["type"] if isinstance(value, dict) and "type" in value else json.dumps(value)


def plain_of(value: Any) -> Any:
    """A specification, or a value of one of its fields, as a JSON value.

    Raises:
        TypeError: for what has no form in JSON, or a specification whose class is not registered.
        ValueError: for numbers that are not finite.
    """
    if isinstance(value, Unregistered):
        return value.plain
    if isinstance(value, Runnable) or type(value) in SPECS.values():
        return _plain_spec(value)
    if isinstance(value, np.ndarray | np.generic):
        return plain_of(value.tolist())
    if isinstance(value, tuple | list | range):
        return [plain_of(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"expected finite numbers in an experiment, got {value}")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    name = type(value).__name__
    known = f"a specification known to jaxbnn ({', '.join(SPECS)})"
    raise TypeError(f"expected {known}, got a {name}: {register_line(name)}")


def _plain_spec(spec: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    if not isinstance(spec, Experiment):
        plain["type"] = type(spec).__name__
    if type(spec) in SOURCES:
        plain["source"] = SOURCES[type(spec)]
    for name in field_types(type(spec)):
        plain[name] = plain_of(getattr(spec, name))
    return plain


def build(plain: Any, kind: Any, path: str, *, keep: bool = False) -> Any:
    """A JSON value as a value of a declared type.

    Args:
        plain: the JSON value.
        kind: the declared type of the field that it is for.
        path: of the field, for messages.
        keep: takes specifications of classes that are not at hand as `Unregistered`.

    Returns:
        The value.

    Raises:
        ValueError: where it does not fit; the message names the path, what was expected and what
            came.
    """
    if kind is Experiment:
        return _build_spec(Experiment, plain, path, keep)
    members = members_of(kind)
    if members:
        return _build_member(plain, members, path, keep)
    origin = typing.get_origin(kind)
    parts = typing.get_args(kind)
    if origin in UNIONS:
        return _build_union(plain, parts, path, keep)
    if origin is tuple:
        return _build_tuple(plain, parts, path, keep)
    if origin is typing.Literal:
        return plain if plain in parts else _refuse(path, f"one of {', '.join(parts)}", plain)
    return _build_scalar(plain, kind, path)


def _build_scalar(plain: Any, kind: type, path: str) -> Any:
    if kind is float and type(plain) is int and abs(plain) < 2**53:
        return float(plain)
    if type(plain) is not kind or (kind is float and not math.isfinite(plain)):
        return _refuse(path, kind.__name__, plain)
    return plain


def _build_union(plain: Any, parts: tuple, path: str, keep: bool) -> Any:
    """A value that may be none, or of one of several specifications."""
    others = [part for part in parts if part is not type(None)]
    if plain is None and len(others) < len(parts):
        return None
    members = sum((members_of(part) for part in others), ())
    if members:
        return _build_member(plain, members, path, keep)
    (other,) = others
    return build(plain, other, path, keep=keep)


def _build_tuple(plain: Any, parts: tuple, path: str, keep: bool) -> tuple:
    fixed = parts[-1] is not Ellipsis
    if not isinstance(plain, list) or (fixed and len(plain) != len(parts)):
        size = len(parts) if fixed else "any number of"
        return _refuse(path, f"a list of {size} values", plain)
    kinds = parts if fixed else [parts[0]] * len(plain)
    values = []
    for i, (item, kind) in enumerate(zip(plain, kinds, strict=True)):
        values.append(build(item, kind, f"{path}.{i}", keep=keep))
    return tuple(values)


def _build_member(plain: Any, members: tuple[type, ...], path: str, keep: bool) -> Any:
    """A specification of one of these classes, from an object with its "type", or from its type's
    name alone."""
    if isinstance(plain, str):
        plain = {"type": plain}
    by_name = {spec.__name__: spec for spec in members}
    name = plain.get("type") if isinstance(plain, dict) else None
    spec = by_name.get(name) if isinstance(name, str) else None
    if spec is None:
        if keep and _may_be_own(name, members):
            return Unregistered(json.dumps(plain))
        advice = f": {register_line(str(name))}" if _may_be_own(name, members) else ""
        return _refuse(path, f"one of {', '.join(by_name)}", plain, advice)
    if spec in SOURCES and plain.get("source", SOURCES[spec]) != SOURCES[spec]:
        if keep:
            return Unregistered(json.dumps(plain))
        _refuse_source(spec, plain["source"], path)
    hidden = RESERVED if spec in SOURCES else ("type",)
    fields = {key: value for key, value in plain.items() if key not in hidden}
    return _build_spec(spec, fields, path, keep)


def _may_be_own(name: Any, members: tuple[type, ...]) -> bool:
    """Whether a type's name may be that of a user's class that is not registered."""
    is_open = any(members_of(kind) == members for kind, _ in ROLES.values())
    return is_open and isinstance(name, str) and name.isidentifier() and name not in SPECS


def _build_spec(spec: type, plain: Any, path: str, keep: bool) -> Any:
    kinds = field_types(spec)
    name = spec.__name__
    if not isinstance(plain, dict):
        return _refuse(path, f"an object with the fields of {name}", plain)
    unknown = [key for key in plain if key not in kinds]
    if unknown:
        fields = ", ".join(kinds)
        raise ValueError(f"{path}: expected fields of {name} ({fields}), got {unknown[0]!r}")
    missing = [key for key in kinds if key not in plain and _is_needed(spec, key)]
    if missing:
        raise ValueError(f"{path}: expected the fields {', '.join(missing)} of {name} too")
    values = {}
    for key, value in plain.items():
        values[key] = build(value, kinds[key], f"{path}.{key}", keep=keep)
    try:
        return spec(**values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None


def _is_needed(spec: Any, name: str) -> bool:
    field = spec.__dataclass_fields__[name]
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _refuse(path: str, expected: str, came: Any, advice: str = "") -> NoReturn:
    raise ValueError(f"{path}: expected {expected}, got {came!r}{advice}")


def _refuse_source(spec: type, came: str, path: str) -> NoReturn:
    name = spec.__name__
    raise ValueError(
        f"{path}: expected {name} as it was run ({came}), got another {name} ({SOURCES[spec]}): "
        "its code has changed, so give it another name or run anew"
    )


def refuse_constant(name: str) -> NoReturn:
    """What JSON's reader calls for NaN and Infinity."""
    raise ValueError(f"expected finite numbers, got {name}")
