"""What can be run by name.

Nothing is imported before it is asked for: `jaxbnn.studies.catalogue` needs no JAX.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxbnn.studies.known_truth.experiments import REGIME
    from jaxbnn.studies.named import STUDIES, all_changes, changed, changed_in, find, settings
    from jaxbnn.studies.nothnagel_2026.experiments import NOTHNAGEL_2026
    from jaxbnn.studies.raj_2020.experiments import RAJ_2020
    from jaxbnn.studies.starter import STARTER
    from jaxbnn.studies.study import Study

__all__ = [
    "NOTHNAGEL_2026",
    "RAJ_2020",
    "REGIME",
    "STARTER",
    "STUDIES",
    "Study",
    "all_changes",
    "changed",
    "changed_in",
    "find",
    "settings",
]

_MODULES = {
    "NOTHNAGEL_2026": "jaxbnn.studies.nothnagel_2026.experiments",
    "RAJ_2020": "jaxbnn.studies.raj_2020.experiments",
    "REGIME": "jaxbnn.studies.known_truth.experiments",
    "STARTER": "jaxbnn.studies.starter",
    "Study": "jaxbnn.studies.study",
}


def __getattr__(name: str) -> Any:
    """Imports a name of the room when it is first asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'jaxbnn.studies' has no attribute {name!r}")
    module = importlib.import_module(_MODULES.get(name, "jaxbnn.studies.named"))
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
