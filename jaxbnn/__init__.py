"""Information planes of binary neural networks: many seeds in one program, patterns counted
exactly."""

__version__ = "0.1.0"

from jaxbnn.config.experiment import Experiment as Experiment
from jaxbnn.engine.devices import use_cores as use_cores
from jaxbnn.engine.processes import use_processes as use_processes
from jaxbnn.engine.runner import run as run
from jaxbnn.engine.runner import run_together as run_together
from jaxbnn.info import measure as measure
from jaxbnn.observe.probe import Probe as Probe
from jaxbnn.observe.probe import Schedule as Schedule
from jaxbnn.observe.record import observer as observer
from jaxbnn.storage.results import open_result as open_result
from jaxbnn.train.spec import TrainSpec as TrainSpec
