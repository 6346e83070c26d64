"""The types that a config may name."""

import types
import typing
from typing import Any

from jaxbnn import data, info, nn, observe, train
from jaxbnn.config.experiment import Experiment, Resampled

FAMILIES: dict[Any, tuple[type, ...]] = {
    nn.Model: typing.get_args(nn.Model),
    nn.Surrogate: (nn.STE, nn.ApproxSign, nn.SwishSign, nn.PassThrough),
    nn.Activation: (nn.SignActivation, nn.Tanh, nn.HardTanh, nn.Relu, nn.SwishSignActivation),
    info.Estimator: (
        info.Exact,
        info.FixedBins,
        info.SoftOutput,
        info.ExactValues,
        info.OwnRangeBins,
    ),
    data.DataSpec: typing.get_args(data.DataSpec),
    train.Optimiser: typing.get_args(train.Optimiser),
}
SINGLE = (train.TrainSpec, observe.Schedule, observe.Probe)
SPECS = {
    spec.__name__: spec for spec in (*SINGLE, *(s for family in FAMILIES.values() for s in family))
}
UNIONS = (typing.Union, types.UnionType)
STUDIED: dict[str, Any] = {"Bernoulli": info.known_truth.Bernoulli, "Resampled": Resampled}
Runnable = Experiment | info.known_truth.Bernoulli | Resampled
