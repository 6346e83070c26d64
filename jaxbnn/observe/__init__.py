"""ONE seed observed: what is measured of a network, where and when. Knows nothing of files."""

from jaxbnn.observe.record import GROWTH as GROWTH
from jaxbnn.observe.record import OUTPUT as OUTPUT
from jaxbnn.observe.record import PARTS as PARTS
from jaxbnn.observe.record import Probe as Probe
from jaxbnn.observe.record import Sample as Sample
from jaxbnn.observe.record import Schedule as Schedule
from jaxbnn.observe.record import Spectra as Spectra
from jaxbnn.observe.record import View as View
from jaxbnn.observe.record import alphabets_of as alphabets_of
from jaxbnn.observe.record import choose as choose
from jaxbnn.observe.record import encoder as encoder
from jaxbnn.observe.record import layers_of as layers_of
from jaxbnn.observe.record import look_through as look_through
from jaxbnn.observe.record import observer as observer
from jaxbnn.observe.record import recorder as recorder
from jaxbnn.observe.record import viewer as viewer
