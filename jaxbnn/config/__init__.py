"""An Experiment: the specifications composed; JSON, digest, overrides, types of one's own.

Knows nothing of devices or files.
"""

from jaxbnn.config.codec import changes as changes
from jaxbnn.config.codec import digest as digest
from jaxbnn.config.codec import from_json as from_json
from jaxbnn.config.codec import normal as normal
from jaxbnn.config.codec import to_json as to_json
from jaxbnn.config.experiment import MAX_SEEDS_PER_PROGRAM as MAX_SEEDS_PER_PROGRAM
from jaxbnn.config.experiment import Experiment as Experiment
from jaxbnn.config.experiment import Resampled as Resampled
from jaxbnn.config.overrides import override as override
from jaxbnn.config.registry import FAMILIES as FAMILIES
from jaxbnn.config.registry import SINGLE as SINGLE
from jaxbnn.config.registry import SPECS as SPECS
from jaxbnn.config.registry import STUDIED as STUDIED
from jaxbnn.config.registry import UNIONS as UNIONS
from jaxbnn.config.registry import Runnable as Runnable
from jaxbnn.config.registry import register as register
from jaxbnn.config.unregistered import Unregistered as Unregistered
