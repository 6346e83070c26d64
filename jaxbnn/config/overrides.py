"""One value of an experiment changed by text: key=value."""

import difflib
import json
import typing
from typing import Any

from jaxbnn.config.codec import build, refuse_constant
from jaxbnn.config.experiment import Experiment
from jaxbnn.config.registry import SPECS, STUDIED, UNIONS, Runnable, field_types


def override(experiment: Any, assignment: str) -> Any:
    """The experiment with one value changed, e.g. "train.epochs=10", "model.widths=50,10",
    "train.optimiser=AdamW".

    Values are JSON, words, or lists with commas; a specification is chosen by its type's name (with
    its defaults). An unknown key or a value of the wrong type raises ValueError.
    """
    path, equals, text = assignment.partition("=")
    if not equals or not path:
        raise ValueError(f"expected key=value, e.g. train.epochs=10, got {assignment!r}")
    keys = path.strip().split(".")
    return _replace(experiment, keys, text.strip(), path.strip())


def _replace(spec, keys, text, path) -> Any:
    if isinstance(spec, tuple):
        return _replace_item(spec, keys, text, path)
    hidden = ("name", "seeds") if isinstance(spec, Runnable) else ()
    types_of = {name: kind for name, kind in field_types(type(spec)).items() if name not in hidden}
    if keys[0] not in types_of:
        near = difflib.get_close_matches(keys[0], types_of, n=1)
        offer = f"expected one of {', '.join(types_of)}" if types_of else f"{spec!r} has no fields"
        raise ValueError(f"unknown key {path!r}: {offer}{f' (near: {near[0]})' if near else ''}")
    if len(keys) > 1:
        value = _replace(getattr(spec, keys[0]), keys[1:], text, path)
    else:
        value = build(_parse(text, types_of[keys[0]]), types_of[keys[0]], path)
    return _rebuild(spec, {keys[0]: value})


def _replace_item(items, keys, text, path):
    if not keys[0].isdigit() or int(keys[0]) >= len(items) or len(keys) < 2:
        raise ValueError(
            f"unknown key {path!r}: expected an index from 0 to {len(items) - 1} and a field, got {keys}"
        )
    i = int(keys[0])
    return (*items[:i], _replace(items[i], keys[1:], text, path), *items[i + 1 :])


def _rebuild(spec, changes):
    if type(spec) not in (Experiment, *SPECS.values(), *STUDIED.values()):
        raise ValueError(f"expected a specification with fields, got {spec!r}")
    return type(spec)(**{name: getattr(spec, name) for name in field_types(type(spec))} | changes)


def _parse(text, kind):
    """Command-line text as a JSON value: JSON if it is, "a,b" as a list where one is declared, else
    the word itself."""
    kinds = (kind, *typing.get_args(kind)) if typing.get_origin(kind) in UNIONS else (kind,)
    if text.lower() == "none" and type(None) in kinds:
        return None
    if str in kinds:
        return text
    if any(typing.get_origin(k) is tuple for k in kinds) and not text.startswith("["):
        return [_parse_word(word.strip()) for word in text.split(",") if word.strip()]
    return _parse_word(text)


def _parse_word(text):
    if text.lower() == "none":
        return None
    if text in ("True", "False"):
        return text == "True"
    try:
        return json.loads(text, parse_constant=refuse_constant)
    except (json.JSONDecodeError, RecursionError):
        return text
