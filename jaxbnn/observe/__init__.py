"""ONE seed observed: what is measured of a network, where and when. Knows nothing of files."""

from jaxbnn.observe.normalisation import with_training_moments as with_training_moments
from jaxbnn.observe.probe import GROWTH as GROWTH
from jaxbnn.observe.probe import OUTPUT as OUTPUT
from jaxbnn.observe.probe import PARTS as PARTS
from jaxbnn.observe.probe import Probe as Probe
from jaxbnn.observe.probe import Sample as Sample
from jaxbnn.observe.probe import Schedule as Schedule
from jaxbnn.observe.probe import alphabets_of as alphabets_of
from jaxbnn.observe.probe import choose as choose
from jaxbnn.observe.probe import layers_of as layers_of
from jaxbnn.observe.probe import log2_patterns_of as log2_patterns_of
from jaxbnn.observe.record import SPECTRA as SPECTRA
from jaxbnn.observe.record import Recorded as Recorded
from jaxbnn.observe.record import Series as Series
from jaxbnn.observe.record import encoder as encoder
from jaxbnn.observe.record import observer as observer
from jaxbnn.observe.record import recorder as recorder
from jaxbnn.observe.view import viewer as viewer
from jaxbnn.observe.wanted import View as View
