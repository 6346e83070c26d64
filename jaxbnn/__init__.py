"""Information planes of binary neural networks: many seeds in one program, patterns counted exactly."""

__version__ = "0.1.0"

from jaxbnn.config import Experiment as Experiment
from jaxbnn.cores import use_cores as use_cores
from jaxbnn.info import measure as measure
from jaxbnn.observe import Probe as Probe
from jaxbnn.observe import Schedule as Schedule
from jaxbnn.observe import observer as observer
from jaxbnn.processes import use_processes as use_processes
from jaxbnn.run import run as run
from jaxbnn.run import run_together as run_together
from jaxbnn.store import read_result as read_result
from jaxbnn.train import TrainSpec as TrainSpec
