"""An Experiment: the specs composed. JSON both ways, digest, override."""

import dataclasses
import difflib
import hashlib
import json
import math
import types
import typing
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxbnn import data, info, nn, observe, train

FAMILIES: dict[Any, tuple[type, ...]] = {
    nn.Model: typing.get_args(nn.Model),
    nn.Slope: (nn.Ste, nn.ApproxSign, nn.SwishSign, nn.Identity),
    nn.Activation: (nn.SignActivation, nn.Tanh, nn.HardTanh, nn.Relu, nn.SwishSignActivation),
    info.Estimator: (info.Exact, info.Binned, info.SoftOutput, info.Values, info.OwnRange),
    data.DataSpec: typing.get_args(data.DataSpec),
    train.Optimiser: typing.get_args(train.Optimiser),
}
SINGLE = (train.TrainSpec, observe.Schedule, observe.Probe, info.FixedGrid)
SPECS = {spec.__name__: spec for spec in (*SINGLE, *(s for family in FAMILIES.values() for s in family))}
UNIONS = (typing.Union, types.UnionType)
MOST_LANES = 2**16


@dataclass(frozen=True)
class Experiment:
    """What a run is, whole: the same value is shown, hashed for the run's folder, written to JSON and run.

    `seeds` are the ids of the networks; `lanes` (part of the digest) is how many seeds one program trains together.
    Seed k's key is fold_in(key(root_seed), k).
    """

    name: str
    data: data.DataSpec
    model: nn.Model
    train: train.TrainSpec
    schedule: observe.Schedule = observe.Schedule()
    probes: tuple[observe.Probe, ...] = (observe.Probe(),)
    seeds: tuple[int, ...] = tuple(range(8))
    lanes: int = 8
    root_seed: int = 0

    def __post_init__(self):
        if not all(part and all(c.isalnum() or c in "-_" for c in part) for part in self.name.split("/")):
            raise ValueError(f"expected a name of letters, digits, - and _, with / between parts, got {self.name!r}")
        for name in ("seeds", "probes"):
            if isinstance(getattr(self, name), str) or not hasattr(getattr(self, name), "__iter__"):
                raise TypeError(f"expected {name} as a sequence, got {getattr(self, name)!r}")
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not self.seeds or min(self.seeds) < 0 or max(self.seeds) >= 2**32 or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"expected one or more different seeds from 0 to 2**32 - 1, got {self.seeds}")
        if not 1 <= self.lanes <= MOST_LANES:
            raise ValueError(f"expected lanes from 1 to {MOST_LANES}, got {self.lanes}")
        if not 0 <= self.root_seed < 2**32:
            raise ValueError(f"expected root_seed from 0 to 2**32 - 1, got {self.root_seed}")
        if not self.probes or len({p.name for p in self.probes}) != len(self.probes):
            raise ValueError(f"expected one or more probes with different names, got {[p.name for p in self.probes]}")
        for epoch in (epoch for probe in self.probes for epoch in (*probe.units, *probe.keep)):
            if not -self.train.epochs - 1 <= epoch <= self.train.epochs:
                raise ValueError(f"expected units and keep at epochs from 0 to {self.train.epochs}, got {epoch}")

    @property
    def epochs(self) -> tuple[int, ...]:
        """The measured epochs, rising."""
        return self.schedule.epochs(self.train.epochs)


@dataclass(frozen=True)
class Resampled:
    """Samples of `n` rows drawn from the activations that an experiment keeps: their entropy is known."""

    name: str
    experiment: Experiment
    n: tuple[int, ...]
    repetitions: int = 20
    root_seed: int = 0

    def __post_init__(self):
        if not self.n or min(self.n) < 1 or list(self.n) != sorted(set(self.n)):
            raise ValueError(f"expected n >= 1, rising, got {self.n}")
        if self.repetitions < 1 or not 0 <= self.root_seed < 2**32:
            raise ValueError(
                f"expected repetitions >= 1 and a root_seed >= 0, got {self.repetitions}, {self.root_seed}"
            )
        if not self.experiment.probes[0].keep:
            raise ValueError("expected an experiment whose first probe keeps activations, got one that keeps none")


STUDIED: dict[str, Any] = {"Bernoulli": info.known_truth.Bernoulli, "Resampled": Resampled}
Runnable = Experiment | info.known_truth.Bernoulli | Resampled


def to_json(experiment: Runnable) -> str:
    """The experiment as JSON text; every specification is an object with its "type"."""
    return json.dumps(_plain(normal(experiment)), indent=2)


def from_json(text: str) -> Any:
    """The experiment written by `to_json`. ValueError for anything else; types come from a closed table."""
    try:
        plain = json.loads(text, parse_constant=_refuse_constant)
        kind = STUDIED.get(str(plain.get("type")), Experiment) if isinstance(plain, dict) else Experiment
        return _build(plain, kind, "experiment")
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"expected an experiment as JSON, got text that is not JSON: {error}") from None


def normal(experiment: Any) -> Any:
    """The experiment with each value of its field's declared type (1 as 1.0, say). ValueError where one cannot be."""
    return _build(_plain(experiment), type(experiment), "experiment")


def digest(experiment: Runnable) -> str:
    """12 hexadecimal digits of the sha256 of the experiment without its name and seeds."""
    plain = _plain(normal(experiment))
    plain = {key: value for key, value in plain.items() if key not in ("name", "seeds")}
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def changes(experiment: Runnable, base: Runnable) -> list[str]:
    """What the experiment has that its base has not, name and seeds apart: ["train.epochs=30 (not 5000)", ...]."""
    pair = [_plain(normal(each)) for each in (experiment, base)]
    ours, theirs = ({key: each[key] for key in each if key not in ("name", "seeds")} for each in pair)
    return _differences(ours, theirs, "")


def _differences(ours, theirs, path):
    if ours == theirs:
        return []
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        pairs = [(value, theirs[key], f"{path}.{key}" if path else key) for key, value in ours.items()]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = [(*both, f"{path}.{i}") for i, both in enumerate(zip(ours, theirs, strict=True))]
    else:
        return [f"{path}={_brief(ours)} (not {_brief(theirs)})"]
    return [line for pair in pairs for line in _differences(*pair)]


def _brief(value):
    """A value as a change shows it: a specification by its type's name."""
    return value["type"] if isinstance(value, dict) and "type" in value else json.dumps(value)


def override(experiment: Any, assignment: str) -> Any:
    """The experiment with one value changed, e.g. "train.epochs=10", "model.widths=50,10", "train.optimiser=AdamW".

    Values are JSON, words, or lists with commas; a specification is chosen by its type's name (with its defaults). An
    unknown key or a value of the wrong type raises ValueError.
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
    types_of = {name: kind for name, kind in _field_types(type(spec)).items() if name not in hidden}
    if keys[0] not in types_of:
        near = difflib.get_close_matches(keys[0], types_of, n=1)
        offer = f"expected one of {', '.join(types_of)}" if types_of else f"{spec!r} has no fields"
        raise ValueError(f"unknown key {path!r}: {offer}{f' (near: {near[0]})' if near else ''}")
    if len(keys) > 1:
        value = _replace(getattr(spec, keys[0]), keys[1:], text, path)
    else:
        value = _build(_parse(text, types_of[keys[0]]), types_of[keys[0]], path)
    return _rebuild(spec, {keys[0]: value})


def _replace_item(items, keys, text, path):
    if not keys[0].isdigit() or int(keys[0]) >= len(items) or len(keys) < 2:
        raise ValueError(f"unknown key {path!r}: expected an index from 0 to {len(items) - 1} and a field, got {keys}")
    i = int(keys[0])
    return (*items[:i], _replace(items[i], keys[1:], text, path), *items[i + 1 :])


def _rebuild(spec, changes):
    if type(spec) not in (Experiment, *SPECS.values(), *STUDIED.values()):
        raise ValueError(f"expected a specification with fields, got {spec!r}")
    return type(spec)(**{name: getattr(spec, name) for name in _field_types(type(spec))} | changes)


def _field_types(spec: type) -> dict[str, Any]:
    """Field name -> declared type; Linen's own `parent` and `name` are no part of a specification."""
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
    raise TypeError(f"expected a specification known to jaxbnn ({', '.join(SPECS)}), got a {type(value).__name__}")


def _build(plain: Any, kind: Any, path: str) -> Any:
    """A JSON value as a value of the declared type; ValueError names the path, what was expected and what came."""
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
        return _refuse(path, f"a list of {len(members) if fixed else 'any number of'} values", plain)
    kinds = members if fixed else [members[0]] * len(plain)
    return tuple(_build(item, kind, f"{path}.{i}") for i, (item, kind) in enumerate(zip(plain, kinds, strict=True)))


def _build_member(plain, family, path):
    """A specification of the family, from an object with its "type", or from its type's name alone."""
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
        raise ValueError(f"{path}: expected fields of {spec.__name__} ({', '.join(kinds)}), got {unknown[0]!r}")
    missing = [name for name in kinds if name not in plain and _is_needed(spec, name)]
    if missing:
        raise ValueError(f"{path}: expected the fields {', '.join(missing)} of {spec.__name__} too")
    return spec(**{name: _build(value, kinds[name], f"{path}.{name}") for name, value in plain.items()})


def _is_needed(spec, name):
    field = spec.__dataclass_fields__[name]
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _parse(text, kind):
    """Command-line text as a JSON value: JSON if it is, "a,b" as a list where one is declared, else the word itself."""
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
        return json.loads(text, parse_constant=_refuse_constant)
    except (json.JSONDecodeError, RecursionError):
        return text


def _refuse(path, expected, came):
    raise ValueError(f"{path}: expected {expected}, got {came!r}")


def _refuse_constant(name):
    raise ValueError(f"expected finite numbers, got {name}")
