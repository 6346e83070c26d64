"""Experiments as JSON and back, their digests and differences."""

import dataclasses
import hashlib
import json
import math
import typing
from typing import Any

import numpy as np

from jaxbnn import nn
from jaxbnn.config.experiment import Experiment
from jaxbnn.config.registry import FAMILIES, SINGLE, SPECS, STUDIED, UNIONS, Runnable


def to_json(experiment: Runnable) -> str:
    """The experiment as JSON text; every specification is an object with its "type"."""
    return json.dumps(_plain(normal(experiment)), indent=2)


def from_json(text: str) -> Any:
    """The experiment written by `to_json`. ValueError for anything else; types come from a closed
    table."""
    try:
        plain = json.loads(text, parse_constant=_refuse_constant)
        kind = (
            STUDIED.get(str(plain.get("type")), Experiment)
            if isinstance(plain, dict)
            else Experiment
        )
        return _build(plain, kind, "experiment")
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(
            f"expected an experiment as JSON, got text that is not JSON: {error}"
        ) from None


def normal(experiment: Any) -> Any:
    """The experiment with each value of its field's declared type (1 as 1.0, say). ValueError where
    one cannot be."""
    return _build(_plain(experiment), type(experiment), "experiment")


def digest(experiment: Runnable) -> str:
    """12 hexadecimal digits of the sha256 of the experiment without its name and seeds."""
    plain = _plain(normal(experiment))
    plain = {key: value for key, value in plain.items() if key not in ("name", "seeds")}
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def changes(experiment: Runnable, base: Runnable) -> list[str]:
    """What the experiment has that its base has not, name and seeds apart: ["train.epochs=30 (not
    5000)", ...]."""
    pair = [_plain(normal(each)) for each in (experiment, base)]
    ours, theirs = (
        {key: each[key] for key in each if key not in ("name", "seeds")} for each in pair
    )
    return _differences(ours, theirs, "")


def _differences(ours, theirs, path):
    if ours == theirs:
        return []
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        pairs = [
            (value, theirs[key], f"{path}.{key}" if path else key) for key, value in ours.items()
        ]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = [(*both, f"{path}.{i}") for i, both in enumerate(zip(ours, theirs, strict=True))]
    else:
        return [f"{path}={_brief(ours)} (not {_brief(theirs)})"]
    return [line for pair in pairs for line in _differences(*pair)]


def _brief(value):
    """A value as a change shows it: a specification by its type's name."""
    return value["type"] if isinstance(value, dict) and "type" in value else json.dumps(value)


def _field_types(spec: type) -> dict[str, Any]:
    """Field name -> declared type; Linen's own `parent` and `name` are no part of a
    specification."""
    if not dataclasses.is_dataclass(spec):
        return {}
    hints = typing.get_type_hints(spec)
    linen = ("parent", "name") if spec in typing.get_args(nn.Model) else ()
    return {f.name: hints[f.name] for f in dataclasses.fields(spec) if f.name not in linen}


def _plain(value: Any) -> Any:
    if isinstance(value, Runnable) or type(value) in SPECS.values():
        tag = {} if isinstance(value, Experiment) else {"type": type(value).__name__}
        return tag | {name: _plain(getattr(value, name)) for name in _field_types(type(value))}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, tuple | list | range):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"expected finite numbers in an experiment, got {value}")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(
        f"expected a specification known to jaxbnn ({', '.join(SPECS)}), got a {type(value).__name__}"
    )


def _build(plain: Any, kind: Any, path: str) -> Any:
    """A JSON value as a value of the declared type; ValueError names the path, what was expected
    and what came."""
    origin, members = typing.get_origin(kind), typing.get_args(kind)
    if kind is Experiment:
        return _build_spec(Experiment, plain, path)
    if kind in FAMILIES or kind in SINGLE or kind in STUDIED.values():
        return _build_member(plain, FAMILIES.get(kind, (kind,)), path)
    if origin in UNIONS:
        (other,) = [m for m in members if m is not type(None)]
        return None if plain is None else _build(plain, other, path)
    if origin is tuple:
        return _build_tuple(plain, members, path)
    if origin is typing.Literal:
        return plain if plain in members else _refuse(path, f"one of {', '.join(members)}", plain)
    return _build_scalar(plain, kind, path)


def _build_scalar(plain, kind, path):
    if kind is float and type(plain) is int and abs(plain) < 2**53:
        return float(plain)
    if type(plain) is not kind or (kind is float and not math.isfinite(plain)):
        return _refuse(path, kind.__name__, plain)
    return plain


def _build_tuple(plain, members, path):
    fixed = members[-1] is not Ellipsis
    if not isinstance(plain, list) or (fixed and len(plain) != len(members)):
        return _refuse(
            path, f"a list of {len(members) if fixed else 'any number of'} values", plain
        )
    kinds = members if fixed else [members[0]] * len(plain)
    return tuple(
        _build(item, kind, f"{path}.{i}")
        for i, (item, kind) in enumerate(zip(plain, kinds, strict=True))
    )


def _build_member(plain, family, path):
    """A specification of the family, from an object with its "type", or from its type's name
    alone."""
    fitting = {spec.__name__: spec for spec in family}
    if isinstance(plain, str):
        plain = {"type": plain}
    if not isinstance(plain, dict) or str(plain.get("type")) not in fitting:
        return _refuse(path, f"one of {', '.join(fitting)}", plain)
    fields = {name: value for name, value in plain.items() if name != "type"}
    return _build_spec(fitting[plain["type"]], fields, path)


def _build_spec(spec, plain, path):
    kinds = _field_types(spec)
    if not isinstance(plain, dict):
        return _refuse(path, f"an object with the fields of {spec.__name__}", plain)
    unknown = [name for name in plain if name not in kinds]
    if unknown:
        raise ValueError(
            f"{path}: expected fields of {spec.__name__} ({', '.join(kinds)}), got {unknown[0]!r}"
        )
    missing = [name for name in kinds if name not in plain and _is_needed(spec, name)]
    if missing:
        raise ValueError(f"{path}: expected the fields {', '.join(missing)} of {spec.__name__} too")
    return spec(
        **{name: _build(value, kinds[name], f"{path}.{name}") for name, value in plain.items()}
    )


def _is_needed(spec, name):
    field = spec.__dataclass_fields__[name]
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _refuse(path, expected, came):
    raise ValueError(f"{path}: expected {expected}, got {came!r}")


def _refuse_constant(name):
    raise ValueError(f"expected finite numbers, got {name}")
