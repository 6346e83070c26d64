"""What tells one version of a user's class from another: a checksum of its source."""

import hashlib
import inspect
import textwrap

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
    texts = [_text_of(base) for base in cls.__mro__ if _is_own(base)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def _is_own(cls: type) -> bool:
    return cls.__module__.partition(".")[0] not in SHARED


def _text_of(cls: type) -> str:
    """The source of a class; of its methods where Python keeps no more, as in a notebook."""
    try:
        return textwrap.dedent(inspect.getsource(cls))
    except (OSError, TypeError):
        methods = [value for value in vars(cls).values() if inspect.isfunction(value)]
    try:
        texts = [textwrap.dedent(inspect.getsource(method)) for method in methods]
    except (OSError, TypeError):
        texts = []
    if not texts:
        name = cls.__name__
        raise ValueError(
            f"expected a class whose source can be read, got {name}: give its version, "
            f'jaxbnn.register({name}, version="1")'
        )
    return "\n".join(texts)
