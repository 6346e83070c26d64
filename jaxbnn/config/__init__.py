"""An Experiment: the specs composed; JSON, digest, overrides. Knows nothing of devices or files."""

from jaxbnn.config.experiment import FAMILIES as FAMILIES
from jaxbnn.config.experiment import MOST_LANES as MOST_LANES
from jaxbnn.config.experiment import SINGLE as SINGLE
from jaxbnn.config.experiment import SPECS as SPECS
from jaxbnn.config.experiment import STUDIED as STUDIED
from jaxbnn.config.experiment import UNIONS as UNIONS
from jaxbnn.config.experiment import Experiment as Experiment
from jaxbnn.config.experiment import Resampled as Resampled
from jaxbnn.config.experiment import Runnable as Runnable
from jaxbnn.config.experiment import changes as changes
from jaxbnn.config.experiment import digest as digest
from jaxbnn.config.experiment import from_json as from_json
from jaxbnn.config.experiment import normal as normal
from jaxbnn.config.experiment import override as override
from jaxbnn.config.experiment import to_json as to_json
