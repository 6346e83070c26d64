"""What tells one version of a user's class from another: a checksum of its source."""

import hashlib
import inspect
import textwrap
from typing import Any

SHARED = ("jaxbnn", "flax", "jax", "optax", "builtins", "typing", "abc")


def source_of(cls: type, version: str | None) -> str:
    """What identifies a class's version in an experiment's JSON and digest.

    Functions and classes that it uses but does not derive from are not looked at: give `version`
    where they matter.

    Args:
        cls: a class of the user's own.
        version: the user's own word for its version, or None.

    Returns:
        "version VERSION" where one is given; else the first 12 hexadecimal digits of the sha256 of
        the source of the class and of those of the user's own that it derives from.

    Raises:
        ValueError: where the source cannot be read.
    """
    if version is not None:
        return f"version {version}"
    texts = [_text_of(base) for base in cls.__mro__ if base is cls or _is_own(base)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def _is_own(cls: type) -> bool:
    return cls.__module__.partition(".")[0] not in SHARED


def _text_of(cls: type) -> str:
    """The source of a class; that of its methods where Python has no more, as in a notebook."""
    text = _readable(cls)
    if text is None:
        texts = [_readable(value) for value in vars(cls).values() if _is_method(cls, value)]
        text = "\n".join(text for text in texts if text is not None)
    if not text:
        name = cls.__name__
        raise ValueError(
            f"expected a class whose source can be read, got {name}: give its version, "
            f'jaxbnn.register({name}, version="1")'
        )
    return text


def _is_method(cls: type, value: Any) -> bool:
    """Whether a member is a function that the class's author wrote."""
    return inspect.isfunction(value) and value.__module__ == cls.__module__


def _readable(part: Any) -> str | None:
    """The source of a class or function, None where it cannot be read."""
    try:
        return textwrap.dedent(inspect.getsource(part))
    except (OSError, TypeError):
        return None
