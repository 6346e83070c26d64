"""Information: packed patterns, exact counts, entropies, estimators, planes. Knows nothing of networks or files."""

from jaxbnn.info import host as host
from jaxbnn.info import plane as plane
from jaxbnn.info import regime as regime
from jaxbnn.info import reliability as reliability
from jaxbnn.info.bits import pack_codes as pack_codes
from jaxbnn.info.bits import pack_signs as pack_signs
from jaxbnn.info.counts import Counts as Counts
from jaxbnn.info.counts import Spectrum as Spectrum
from jaxbnn.info.counts import count as count
from jaxbnn.info.dependence import Dependence as Dependence
from jaxbnn.info.dependence import dependence as dependence
from jaxbnn.info.entropy import miller_madow as miller_madow
from jaxbnn.info.entropy import plugin as plugin
from jaxbnn.info.estimators import Binned as Binned
from jaxbnn.info.estimators import Estimator as Estimator
from jaxbnn.info.estimators import Exact as Exact
from jaxbnn.info.estimators import FixedGrid as FixedGrid
from jaxbnn.info.estimators import SoftOutput as SoftOutput
from jaxbnn.info.measurement import Measurement as Measurement
from jaxbnn.info.measurement import measure as measure
from jaxbnn.info.values import OwnRange as OwnRange
from jaxbnn.info.values import Values as Values
