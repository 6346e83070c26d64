"""Pictures of measured arrays, drawn on the Axes (or Figure) the caller passes; nothing is
returned, no file is named.

S seeds, E measured epochs, L layers; information in bits; NaN stands for a diverged seed or a layer
without a value. Legends stand below the Axes, off the data: make the Figure with
layout="constrained" (`overview` sets that itself). What cannot be trusted is drawn grey, dashed and
hollow, never in the colours of what can.
"""

from jaxbnn.plots.curve_plots import curves as curves
from jaxbnn.plots.curve_plots import overview as overview
from jaxbnn.plots.estimator_plots import errors as errors
from jaxbnn.plots.estimator_plots import variances as variances
from jaxbnn.plots.forest_plot import forest as forest
from jaxbnn.plots.line_plot import lines as lines
from jaxbnn.plots.plane_plot import plane as plane
from jaxbnn.plots.scatter_plot import scatter as scatter
from jaxbnn.plots.strip_plot import strip as strip
from jaxbnn.plots.swarm_plot import swarm as swarm
from jaxbnn.plots.verdict_maps import rightness as rightness
from jaxbnn.plots.verdict_maps import verdicts as verdicts
