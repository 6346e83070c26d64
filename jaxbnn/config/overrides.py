"""Values of an experiment changed by text: key=value, as people write it on a command line."""

import dataclasses
import difflib
import json
import math
import re
import typing
from collections.abc import Iterable
from typing import Any, NamedTuple, NoReturn

from jaxbnn.config.codec import build, normal, plain_of, refuse_constant
from jaxbnn.config.registry import FAMILIES, SINGLE, SPECS, UNIONS, Runnable, field_types

WHOLE = re.compile(r"[+-]?\d{1,4000}")
REAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
NOT_FINITE = ("nan", "inf", "infinity")
FIXED = ("name", "seeds")  # of an experiment: other options change them


class Draft(NamedTuple):
    """An experiment while it is changed: JSON values, which need not be complete."""

    kind: Any  # Experiment, or a study's class
    plain: dict[str, Any]


def override(experiment: Any, *assignments: str) -> Any:
    """The experiment with values changed, all of them together.

    Args:
        experiment: to be changed; it stays as it is.
        assignments: "train.epochs=1e3", "model.widths=50,10" or "(50,10)", "train.decay=.5",
            "train.optimiser=AdamW" (a type by its name, capital letters or not, with its defaults),
            "data=Npz" beside "data.path=mine.npz", 'train.optimiser={"type": "Sgd"}', "none".

    Returns:
        An experiment of the same class.

    Raises:
        ValueError: for an unknown key, or a value that does not fit it, with what was expected.
    """
    draft = draft_of(experiment)
    for assignment in assignments:
        draft = assign(draft, assignment)
    return built(draft)


def combinations(experiment: Any, assignments: Iterable[str]) -> list[Any]:
    """The experiment under every combination of the assignments' values, as `override` makes each.

    "train.decay=0,0.1,1" stands for three values; a field that takes a list gets it whole.

    Raises:
        ValueError: as `override`.
    """
    drafts = [draft_of(experiment)]
    for assignment in assignments:
        changed: list[Draft] = []
        for draft in drafts:
            changed += _variants(draft, assignment)
        drafts = changed
    return [built(draft) for draft in drafts]


def draft_of(experiment: Any) -> Draft:
    """The experiment as a draft."""
    return Draft(type(experiment), plain_of(normal(experiment)))


def assign(draft: Draft, assignment: str) -> Draft:
    """The draft with one value changed. ValueError as `override`."""
    path, equals, text = assignment.partition("=")
    path = path.strip()
    if not equals or not path:
        raise ValueError(f"expected key=value, e.g. train.epochs=10, got {assignment!r}")
    return draft._replace(
        plain=_changed(draft.plain, draft.kind, path.split("."), text.strip(), path)
    )


def built(draft: Draft) -> Any:
    """The experiment that a draft describes. ValueError where it lacks values, or has bad ones."""
    try:
        return build(draft.plain, draft.kind, "experiment")
    except ValueError as error:
        raise ValueError(str(error).removeprefix("experiment.")) from None


def _variants(draft: Draft, assignment: str) -> list[Draft]:
    """The draft with the whole text where the field takes it, else with each of its parts."""
    key, _, text = assignment.partition("=")
    try:
        return [assign(draft, assignment)]
    except ValueError:
        if "," not in text or text.strip().startswith(("{", "[", "(")):
            raise
    return [assign(draft, f"{key}={part}") for part in text.split(",")]


def _changed(node: Any, kind: Any, keys: list[str], text: str, path: str) -> Any:
    """A value of a draft, changed at `keys`; kind: its class, where it does not say so itself."""
    if isinstance(node, list):
        return _changed_item(node, keys, text, path)
    fields = _fields_of(node, kind)
    key = keys[0]
    if key not in fields:
        _refuse_key(path, key, fields, node)
    if len(keys) == 1:
        return node | {key: _value(text, fields[key], path)}
    return node | {key: _changed(node.get(key), fields[key], keys[1:], text, path)}


def _changed_item(items: list[Any], keys: list[str], text: str, path: str) -> list[Any]:
    if not keys[0].isdecimal() or int(keys[0]) >= len(items) or len(keys) < 2:
        raise ValueError(
            f"unknown key {path!r}: expected an index from 0 to {len(items) - 1} and a field, "
            f"got {'.'.join(keys)}"
        )
    i = int(keys[0])
    return [*items[:i], _changed(items[i], None, keys[1:], text, path), *items[i + 1 :]]


def _fields_of(node: Any, kind: Any) -> dict[str, Any]:
    """Field -> declared type of the specification that a value of a draft describes."""
    if not isinstance(node, dict):
        return {}
    spec: Any = SPECS.get(str(node.get("type")), kind)
    fields = field_types(spec)
    if isinstance(spec, type) and issubclass(spec, Runnable):
        for name in FIXED:
            fields.pop(name, None)
    return fields


def _refuse_key(path: str, key: str, fields: dict[str, Any], node: Any) -> NoReturn:
    if not fields:
        raise ValueError(f"unknown key {path!r}: {node!r} has no fields")
    near = difflib.get_close_matches(key, fields, n=1)
    offer = f" (near: {near[0]})" if near else ""
    raise ValueError(f"unknown key {path!r}: expected one of {', '.join(fields)}{offer}")


def _value(text: str, declared: Any, path: str) -> Any:
    """The text as a JSON value of the declared type."""
    kinds = _kinds(declared)
    if type(None) in kinds and text.lower() == "none":
        return None
    for kind in kinds:
        family = FAMILIES.get(kind) or ((kind,) if kind in SINGLE else ())
        if family:
            return _specification(text, family, path)
    value = _parsed(text, kinds, path)
    build(value, declared, path)  # refuses what does not fit, with its path
    return value


def _kinds(declared: Any) -> tuple[Any, ...]:
    """The members of an optional type; a family of specifications is one."""
    if declared in FAMILIES or typing.get_origin(declared) not in UNIONS:
        return (declared,)
    return typing.get_args(declared)


def _specification(text: str, family: tuple[type, ...], path: str) -> dict[str, Any]:
    """A specification of the family, by its type's name or as a JSON object, with its defaults."""
    given: dict[str, Any] = {"type": text}
    if text.startswith("{"):
        given = _object(text, path)
    names = {spec.__name__: spec for spec in family}
    name = _spelled(str(given.get("type")), names, path)
    return {"type": name} | _defaults(names[name]) | (given | {"type": name})


def _object(text: str, path: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text, parse_constant=refuse_constant))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(
            f"{path}: expected a JSON object, got text that is none: {error}"
        ) from None


def _spelled(text: str, names: Iterable[str], path: str) -> str:
    """The name as it is spelled; capital letters do not matter."""
    spelled = {name.lower(): name for name in names}
    if text.lower() in spelled:
        return spelled[text.lower()]
    near = difflib.get_close_matches(text.lower(), spelled, n=1)
    offer = f" (near: {spelled[near[0]]})" if near else ""
    raise ValueError(f"{path}: expected one of {', '.join(spelled.values())}, got {text!r}{offer}")


def _defaults(spec: Any) -> dict[str, Any]:
    """Field -> its default as a JSON value, of the fields that have one."""
    defaults = {}
    for name in field_types(spec):
        field = spec.__dataclass_fields__[name]
        if field.default is not dataclasses.MISSING:
            defaults[name] = plain_of(field.default)
        elif field.default_factory is not dataclasses.MISSING:
            defaults[name] = plain_of(field.default_factory())
    return defaults


def _parsed(text: str, kinds: tuple[Any, ...], path: str) -> Any:
    """Text as a JSON value: as it is where the field takes text, a list where it takes one."""
    if str in kinds:
        return text
    for kind in kinds:
        if typing.get_origin(kind) is tuple:
            return _list(text, typing.get_args(kind), path)
    return _scalar(text, kinds, path)


def _list(text: str, members: tuple[Any, ...], path: str) -> list[Any]:
    """ "50,10", "(50, 10)" and "[50, 10]" as [50, 10]."""
    if text.startswith("["):
        try:
            return json.loads(text, parse_constant=refuse_constant)
        except (json.JSONDecodeError, RecursionError):
            pass  # [.5, 1.] is no JSON
    inner = text[1:-1] if (text[:1], text[-1:]) in (("(", ")"), ("[", "]")) else text
    words = [word.strip() for word in inner.split(",") if word.strip()]
    if str in members:
        return words
    return [_scalar(word, members, path) for word in words]


def _scalar(word: str, kinds: tuple[Any, ...], path: str) -> Any:
    """A word as a number, a truth value or None where it is one, else as it is."""
    if word.lower() == "none":
        return None
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    if word.lower().lstrip("+-") in NOT_FINITE:
        raise ValueError(f"{path}: expected finite numbers, got {word}")
    if WHOLE.fullmatch(word):
        return int(word)
    if REAL.fullmatch(word) and math.isfinite(float(word)):
        return _number(float(word), int in kinds)
    return word


def _number(value: float, is_whole: bool) -> float | int:
    """1e3 as 1000 where a whole number is expected."""
    return int(value) if is_whole and value.is_integer() else value
