"""Where a count of patterns can be trusted: entropies that are known, drawn from again and
again."""

import dataclasses

from jaxbnn.config.experiment import Resampled
from jaxbnn.info.known_truth import Bernoulli, LongTails
from jaxbnn.observe.probe import Probe
from jaxbnn.studies.starter import MNIST_SMALL, SZT
from jaxbnn.studies.study import Study

CUBE = dataclasses.replace(
    SZT,
    name="regime-szt",
    train=dataclasses.replace(SZT.train, epochs=400, learning_rate=1e-3),
    probes=(Probe(sample="all", activations_at=(0, -1)),),
    seeds=tuple(range(8)),
)
IMAGES = dataclasses.replace(
    MNIST_SMALL,
    name="regime-mnist",
    train=dataclasses.replace(MNIST_SMALL.train, epochs=5),
    probes=(Probe(sample="train", population=True, activations_at=(0, -1)),),
    seeds=tuple(range(4)),
)

REGIME = Study(
    cite="after the estimator study of Nothnagel & Geiger 2026 (arXiv 2605.03636)",
    experiments=(
        Bernoulli(),
        LongTails(),
        LongTails("regime-tails-aside", kept_aside=True, root_seed=1),
        Resampled("regime-szt", CUBE, n=(100, 300, 1000, 3000, 10000)),
        Resampled("regime-mnist", IMAGES, n=(1000, 3000, 10000, 30000, 60000)),
    ),
    assumptions=(
        "Units are independent, 1 with probability p; each sample is drawn anew.",
        "NSB and the curve N = (k/log2 k)^2 take k = 2^D patterns as possible.",
        "A verdict is right where the plug-in is within 0.1 bit of the truth and it says "
        "reliable, or neither.",
        "regime-szt and regime-mnist take the measured examples as the population: its counted "
        "values are the truth, and samples are drawn from it with replacement, at the untrained "
        "and at the last epoch.",
        "regime-tails draws from distributions with rare patterns, which a sample cannot show; "
        "regime-tails-aside from others, that the rule was not chosen with. The rule is told how "
        "many patterns are possible, or 2^64.",
        "Epochs and rates of the trained networks are ours.",
    ),
)
