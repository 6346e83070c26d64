"""Pictures of measured arrays, drawn on the Axes (or Figure) the caller passes; nothing is
returned, no file is named.

S seeds, E measured epochs, L layers; information in bits; NaN stands for a diverged seed or a layer
without a value. Legends stand below the Axes, off the data: make the Figure with
layout="constrained" (`overview` sets that itself). What cannot be trusted is drawn grey, dashed and
hollow, never in the colours of what can.
"""

from jaxbnn.plots.curves import curves as curves
from jaxbnn.plots.curves import overview as overview
from jaxbnn.plots.forest import intervals as intervals
from jaxbnn.plots.lines import functions as functions
from jaxbnn.plots.maps import rightness as rightness
from jaxbnn.plots.maps import verdicts as verdicts
from jaxbnn.plots.plane import plane as plane
from jaxbnn.plots.regime import errors as errors
from jaxbnn.plots.regime import variances as variances
from jaxbnn.plots.scatter import against as against
from jaxbnn.plots.strip import dots as dots
from jaxbnn.plots.swarm import swarm as swarm
