"""A study: what can be run under a name, and what its source leaves unsaid."""

from typing import NamedTuple

from jaxbnn.config import Runnable


class Study(NamedTuple):
    """Experiments that belong together."""

    cite: str
    experiments: tuple[Runnable, ...]
    assumptions: tuple[str, ...]  # choices that are ours, each a sentence
