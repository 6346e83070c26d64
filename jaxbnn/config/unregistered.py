"""A specification whose class is not at hand: read from a file to be shown, never run."""

import json
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Unregistered:
    """Stands for a specification of the user's own where its class is not registered.

    It is written as it was read, so that an experiment keeps its digest. Whatever else is asked of
    it raises AttributeError with the line that registers the class.

    Args:
        text: its JSON.
    """

    text: str
    decays: ClassVar[bool] = True  # an optimiser may; what was written was checked

    @property
    def plain(self) -> dict[str, Any]:
        """Its JSON value, an object with its "type"."""
        return json.loads(self.text)

    def __repr__(self) -> str:
        fields = [f"{name}={value!r}" for name, value in self.plain.items() if name != "type"]
        return f"{self.plain['type']}({', '.join(fields)})"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        kind = self.plain["type"]
        raise AttributeError(f"{kind} has no {name} here: {register_line(kind)}")


def register_line(name: str) -> str:
    """What to do where a class of this name is not registered."""
    return (
        f"a class of your own is registered first, by jaxbnn.register({name}) in Python or "
        "--import my_study.py on the command line"
    )
