"""Information: packed patterns, exact counts, entropies, estimators, planes. Knows nothing of
networks or files."""

from jaxbnn.info import corrected_entropy as corrected_entropy
from jaxbnn.info import known_truth as known_truth
from jaxbnn.info import plane as plane
from jaxbnn.info import reliability as reliability
from jaxbnn.info.counting import Counts as Counts
from jaxbnn.info.counting import count as count
from jaxbnn.info.entropy import miller_madow as miller_madow
from jaxbnn.info.entropy import plugin as plugin
from jaxbnn.info.estimators.bins import FixedBins as FixedBins
from jaxbnn.info.estimators.bins import OwnRangeBins as OwnRangeBins
from jaxbnn.info.estimators.exact import Exact as Exact
from jaxbnn.info.estimators.exact import ExactValues as ExactValues
from jaxbnn.info.estimators.protocol import Estimator as Estimator
from jaxbnn.info.estimators.soft_output import SoftOutput as SoftOutput
from jaxbnn.info.measurement import Measurement as Measurement
from jaxbnn.info.measurement import measure as measure
from jaxbnn.info.packing import pack_codes as pack_codes
from jaxbnn.info.packing import pack_signs as pack_signs
from jaxbnn.info.spectrum import Spectrum as Spectrum
from jaxbnn.info.total_correlation import Dependence as Dependence
from jaxbnn.info.total_correlation import dependence as dependence
