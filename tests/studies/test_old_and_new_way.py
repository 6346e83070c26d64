"""Every experiment on networks of signs is measured by tables and of bytes as it is by examples and
of numbers."""

import dataclasses

import numpy as np
import pytest
from two_ways import check_equal, variables_of

from jaxbnn import config, data, studies
from jaxbnn.data import Dataset, Split
from jaxbnn.data.images import pixel_values
from jaxbnn.engine.run_data import with_bytes
from jaxbnn.nn import Pixels

N_BOARDS = 1500  # of SZT's and tic-tac-toe's: above 2^10, so that all their layers are in tables
N_IMAGES = 240


def different(experiments):
    """The first experiment of each network, data set and choice of probes."""
    first = {}
    for e in experiments:
        if isinstance(e, config.Experiment) and getattr(e.model, "steps", None) is not None:
            first.setdefault((e.model, type(e.data), e.probes), e)
    return first.values()


EXPERIMENTS = different(e for study in studies.STUDIES for e in study.experiments)


def shrunk_split(experiment):
    if isinstance(experiment.data, data.Mnist):
        rng = np.random.default_rng(0)
        x = pixel_values(experiment.data.value_range)[rng.integers(0, 256, (N_IMAGES, 28, 28))]
        y = rng.integers(0, 10, N_IMAGES).astype(np.int32)
        return Split(Dataset(x[:180], y[:180]), Dataset(x[180:], y[180:]), 10, False)
    split = data.load(experiment.data)
    parts = []
    for part, n in ((split.train, N_BOARDS), (split.test, N_BOARDS // 4)):
        parts.append(Dataset(part.x[:n], part.y[:n]))
    return Split(*parts, split.n_classes, False)


CASES = [pytest.param(e, True, id=e.name) for e in EXPERIMENTS]
for e in EXPERIMENTS:
    if e.name in ("szt", "mnist-small", "raj2020/szt-swish"):
        CASES.append(pytest.param(e, False, id=f"{e.name}, untrained"))


@pytest.mark.slow
@pytest.mark.parametrize(("experiment", "trained"), CASES)
def test_an_experiment_is_measured_as_by_examples(experiment, trained):
    split = shrunk_split(experiment)
    model = experiment.model
    if max(model.widths) > 100:
        model = dataclasses.replace(model, widths=(100, *model.widths[1:]))
    variables = variables_of(model, split.train.x, 3, trained)
    new_split = with_bytes(split) if model.takes_pixels else None
    assert new_split is None or isinstance(new_split.train.x, Pixels)
    check_equal(model, experiment.probes, split, variables, new_split)
