"""Information planes of binary neural networks: many seeds in one program, patterns counted
exactly.

Nothing is imported before it is asked for, so that `import jaxbnn` takes no time.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from jaxbnn.analysis.comparison import compare
    from jaxbnn.analysis.networks import load_networks
    from jaxbnn.analysis.reestimation import reestimate
    from jaxbnn.config.experiment import Experiment
    from jaxbnn.config.overrides import override
    from jaxbnn.config.registry import register
    from jaxbnn.engine.devices import use_cores
    from jaxbnn.engine.processes import use_processes
    from jaxbnn.engine.runner import run, run_together
    from jaxbnn.info.measurement import measure
    from jaxbnn.observe.probe import Probe, Schedule
    from jaxbnn.observe.record import observer
    from jaxbnn.storage.results import open_result
    from jaxbnn.studies.run_drawing import plot_run
    from jaxbnn.train.spec import Adam, AdamW, Bop, Sgd, TrainSpec

__all__ = [
    "Adam",
    "AdamW",
    "Bop",
    "Experiment",
    "Probe",
    "Schedule",
    "Sgd",
    "TrainSpec",
    "compare",
    "load_networks",
    "measure",
    "observer",
    "open_result",
    "override",
    "plot_run",
    "reestimate",
    "register",
    "run",
    "run_together",
    "use_cores",
    "use_processes",
]

_MODULES = {
    "Adam": "jaxbnn.train.spec",
    "AdamW": "jaxbnn.train.spec",
    "Bop": "jaxbnn.train.spec",
    "Experiment": "jaxbnn.config.experiment",
    "Probe": "jaxbnn.observe.probe",
    "Schedule": "jaxbnn.observe.probe",
    "Sgd": "jaxbnn.train.spec",
    "TrainSpec": "jaxbnn.train.spec",
    "compare": "jaxbnn.analysis.comparison",
    "load_networks": "jaxbnn.analysis.networks",
    "measure": "jaxbnn.info.measurement",
    "observer": "jaxbnn.observe.record",
    "open_result": "jaxbnn.storage.results",
    "override": "jaxbnn.config.overrides",
    "plot_run": "jaxbnn.studies.run_drawing",
    "reestimate": "jaxbnn.analysis.reestimation",
    "register": "jaxbnn.config.registry",
    "run": "jaxbnn.engine.runner",
    "run_together": "jaxbnn.engine.runner",
    "use_cores": "jaxbnn.engine.devices",
    "use_processes": "jaxbnn.engine.processes",
}
_ROOMS = (
    "analysis",
    "config",
    "data",
    "engine",
    "files",
    "info",
    "nn",
    "observe",
    "plots",
    "storage",
    "studies",
    "train",
)


def __getattr__(name: str) -> Any:
    """Imports a name of the package, or a room of it, when it is first asked for (PEP 562)."""
    if name in _ROOMS:
        return importlib.import_module(f"jaxbnn.{name}")
    if name not in _MODULES:
        raise AttributeError(f"module 'jaxbnn' has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_ROOMS, "__version__"])
