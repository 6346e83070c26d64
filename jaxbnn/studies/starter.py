"""The experiments to start with: a demo, and one on each data set."""

from jaxbnn.config.experiment import Experiment
from jaxbnn.data import Mnist, Szt, TicTacToe
from jaxbnn.info import Exact
from jaxbnn.nn import MLP
from jaxbnn.observe.probe import Probe, Schedule
from jaxbnn.studies.study import Study
from jaxbnn.train.spec import Adam, TrainSpec

# Binary throughout: STE, sign(0) = -1, BatchNorm without scale.
CUBE = MLP(widths=(10, 8, 6, 4, 2), n_classes=2)

DEMO = Experiment(
    name="demo",
    data=Szt(),
    model=CUBE,
    train=TrainSpec(epochs=1000, batch_size=64, optimiser=Adam(), learning_rate=1e-3),
    probes=(Probe(sample="all"),),
    seeds=tuple(range(10)),
    seeds_per_program=5,
)

SZT = Experiment(
    name="szt",
    data=Szt(),
    model=CUBE,
    train=TrainSpec(epochs=8000, batch_size=64, optimiser=Adam(), learning_rate=1e-4),
    probes=(
        Probe(sample="all"),
        Probe(name="train", sample="train"),
        Probe(name="test", sample="test"),
    ),
    seeds=tuple(range(16)),
    seeds_per_program=8,
)

TICTACTOE = Experiment(
    name="tictactoe",
    data=TicTacToe(),
    model=CUBE,
    train=TrainSpec(epochs=5000, batch_size=64, optimiser=Adam(), learning_rate=1e-3),
    probes=(
        Probe(sample="all"),
        Probe(name="train", sample="train"),
        Probe(name="test", sample="test"),
    ),
    seeds=tuple(range(16)),
    seeds_per_program=8,
)

MNIST_SMALL = Experiment(
    name="mnist-small",
    data=Mnist(),
    model=MLP(widths=(50, 10, 10), n_classes=10),
    train=TrainSpec(epochs=50, batch_size=128, optimiser=Adam(), learning_rate=1e-3),
    schedule=Schedule(last_epochs=10),
    probes=(
        Probe(sample="train"),
        Probe(name="corrected", sample="train", estimator=Exact("miller_madow")),
        Probe(name="test", sample="test"),
    ),
    seeds=tuple(range(8)),
    seeds_per_program=4,
)

STARTER = Study(
    cite="after Raj, Nayak & Kalyani 2020 (arXiv 2006.07522) and Nothnagel & Geiger 2026 "
    "(arXiv 2605.03636)",
    experiments=(DEMO, SZT, TICTACTOE, MNIST_SMALL),
    assumptions=(
        "All weights and hidden activations are binary, first and last layer included; BatchNorm "
        "makes logits real.",
        "Both signs, of weights and of activations, use the straight-through estimator; sign(0) "
        "is -1.",
        "Latent weights start Glorot-uniform and are clipped to [-1, 1] after every step.",
        "BatchNorm has no scale, momentum 0.99 and epsilon 0.001, and stands before the softmax "
        "too.",
        "I(X;T) = H(T), counted over the sample with BatchNorm's running statistics.",
        "SZT (inputs 0/1) and tic-tac-toe are measured on the whole enumerated set: values of the "
        "population, not estimates.",
        "MNIST's pixels are in [-1, 1]; its training images are a sample, so its plug-in values "
        "are biased; the probe named corrected adds Miller-Madow's correction.",
        "Learning rates, batch sizes and epochs of demo, tictactoe and mnist-small are ours.",
    ),
)
