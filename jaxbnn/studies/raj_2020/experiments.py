"""The networks of Raj, Nayak & Kalyani 2020, with what their paper leaves unsaid as declared
assumptions."""

import dataclasses
from typing import Any, cast

from jaxbnn.config.experiment import Experiment
from jaxbnn.data import Mnist, Szt, TicTacToe
from jaxbnn.info import Estimator, Exact, ExactValues, FixedBins, OwnRangeBins
from jaxbnn.nn import (
    MLP,
    STE,
    Activation,
    ApproxSign,
    HardTanh,
    SignActivation,
    Surrogate,
    SwishSign,
    SwishSignActivation,
    Tanh,
)
from jaxbnn.observe.probe import Probe
from jaxbnn.studies.study import Report, Study
from jaxbnn.train.spec import Adam, Bop, TrainSpec

CUBE = (10, 8, 6, 4, 2)
IMAGES = (1024, 20, 20, 20)
SURROGATES: dict[str, Surrogate] = {
    "ste": STE(),
    "approx": ApproxSign(),
    "swish": SwishSign(5.0),
}
# Name -> (activation, learning rate).
REAL: dict[str, tuple[Activation, float]] = {
    "tanh": (Tanh(), 4e-4),
    "hard-tanh": (HardTanh(), 4e-4),
    "sign-swish": (SwishSignActivation(5.0), 1e-3),
}
SZT_RATE = 1e-4
MNIST_RATE = 1e-5
VARIED_EPOCHS = 2000
VARIED_PROBES = ("main", "test", "cube")
BINS = FixedBins()  # 30 equal bins on [-1, 1]


def binary(widths: tuple[int, ...], n_classes: int, surrogate: Surrogate) -> MLP:
    """Their binary network: one surrogate for the signs of weights and of activations."""
    return MLP(widths, n_classes, SignActivation(surrogate), kernel_surrogate=surrogate)


def real(widths: tuple[int, ...], n_classes: int, activation: Activation) -> MLP:
    """Their real-valued network."""
    return MLP(widths, n_classes, activation, kernel_surrogate=None, normalise=False)


def paper_probes(model: MLP, estimator: Estimator) -> tuple[Probe, ...]:
    """The training set and the test set, each as the population; where they are counted also in
    bins."""
    exact = (
        Probe(estimator=estimator, population=True),
        Probe("test", (), estimator, "test", population=True),
    )
    if estimator == BINS:
        return exact
    layers = (*model.layer_names, "output")
    binned = (
        Probe("bins", layers, BINS, population=True),
        Probe("test_bins", layers, BINS, "test", population=True),
    )
    return *exact, *binned


def norm_probes(model: MLP) -> tuple[Probe, ...]:
    """What a BatchNorm makes of information: every one in 30 bins, and the first seen in four ways,
    the sign apart."""
    norms = [name.replace("hidden", "norm") for name in model.layer_names]
    return (
        Probe("norms", (*norms, "norm_output"), BINS, population=True),
        Probe("first_dense", ("dense_1",), ExactValues(), population=True),
        Probe("first_norm", ("norm_1",), ExactValues(), population=True),
        Probe("first_norm_range", ("norm_1",), OwnRangeBins(30), population=True),
    )


def on_szt(name: str, model: MLP, rate: float, probes: tuple[Probe, ...]) -> Experiment:
    """A network on SZT, 50 seeds."""
    return Experiment(
        f"raj2020/szt-{name}",
        Szt(),
        model,
        TrainSpec(epochs=8000, batch_size=64, optimiser=Adam(), learning_rate=rate),
        probes=probes,
        seeds=tuple(range(50)),
        seeds_per_program=25,
    )


def binary_on_szt(name: str, surrogate: Surrogate) -> Experiment:
    """A binary network on SZT, measured on the whole cube too."""
    model = binary(CUBE, 2, surrogate)
    cube = Probe("cube", sample="all")
    probes = *paper_probes(model, Exact()), cube, *norm_probes(model)
    return on_szt(name, model, SZT_RATE, probes)


def real_on_szt(name: str, activation: Activation, rate: float) -> Experiment:
    """A real-valued network on SZT, in bins."""
    model = real(CUBE, 2, activation)
    return on_szt(name, model, rate, paper_probes(model, BINS))


def on_mnist(name: str, model: MLP, data: Mnist, rate: float) -> Experiment:
    """A network on MNIST with true or random labels."""
    estimator = Exact() if model.kernel_surrogate is not None else BINS
    return Experiment(
        f"raj2020/{name}",
        data,
        model,
        TrainSpec(epochs=5000, batch_size=128, optimiser=Adam(), learning_rate=rate),
        probes=(Probe(estimator=estimator), Probe("test", (), estimator, "test")),
        seeds=tuple(range(5)),
        seeds_per_program=1,
    )


def short(experiment: Experiment) -> Experiment:
    """Fewer epochs and seeds, all else the same: it ends within two minutes on two CPU cores."""
    is_mnist = isinstance(experiment.data, Mnist)
    seeds = tuple(range(2 if is_mnist else 10))
    return dataclasses.replace(
        experiment,
        name=f"{experiment.name}-short",
        train=dataclasses.replace(experiment.train, epochs=2 if is_mnist else 500),
        seeds=seeds,
        seeds_per_program=min(experiment.seeds_per_program, len(seeds) // 2),
    )


def varied(name: str, base: Experiment, train: dict | None = None, **model: Any) -> Experiment:
    """A shorter run that differs from its base in one assumption: fields of its training or of its
    model."""
    spec = dataclasses.replace(base.train, epochs=VARIED_EPOCHS, **(train or {}))
    return dataclasses.replace(
        base,
        name=f"raj2020/vary-{name}",
        model=cast(MLP, base.model).clone(**model),
        train=spec,
        probes=tuple(probe for probe in base.probes if probe.name in VARIED_PROBES),
    )


def with_beta(beta: float, base: Experiment) -> Experiment:
    """The base with another beta of swish-sign, of weights and of activations."""
    surrogate = SwishSign(beta)
    activation = SignActivation(surrogate)
    return varied(f"beta-{beta:.0f}", base, activation=activation, kernel_surrogate=surrogate)


def variations() -> tuple[Experiment, ...]:
    """Each assumption of the binary networks on SZT varied alone, and the optimiser that has no
    latent weights."""
    ste = binary_on_szt("ste", STE())
    swish = binary_on_szt("swish", SwishSign(5.0))
    plus_one = SignActivation(STE(), sign_of_zero=1.0)
    signed_inputs = dataclasses.replace(ste, data=Szt(value_range=(-1.0, 1.0)))
    bop = {"optimiser": Bop(), "learning_rate": 1e-3, "latent_clip": None}
    return (
        varied("ste", ste),
        varied("zero", ste, activation=plus_one, kernel_sign_of_zero=1.0),
        varied("clip", ste, train={"latent_clip": None}),
        varied("first", ste, binary_first=False),
        varied("input", signed_inputs),
        varied("momentum", ste, momentum=0.9),
        varied("bop", ste, train=bop),
        varied("swish", swish),
        with_beta(1.0, swish),
        with_beta(10.0, swish),
    )


def binary_on_mnist(name: str, surrogate: Surrogate) -> Experiment:
    """A binary network on MNIST."""
    return on_mnist(f"mnist-{name}", binary(IMAGES, 10, surrogate), Mnist(), MNIST_RATE)


BOARDS = dataclasses.replace(
    binary_on_szt("ste", STE()), name="raj2020/tictactoe", data=TicTacToe()
)
RANDOM = Mnist(label_seed=0)
LONG = (
    *(binary_on_szt(name, surrogate) for name, surrogate in SURROGATES.items()),
    *(real_on_szt(name, activation, rate) for name, (activation, rate) in REAL.items()),
    BOARDS,
    *(binary_on_mnist(name, surrogate) for name, surrogate in SURROGATES.items()),
    on_mnist("random-ste", binary(IMAGES, 10, STE()), RANDOM, MNIST_RATE),
    on_mnist("random-tanh", real(IMAGES, 10, Tanh()), RANDOM, 4e-4),
)


def make_report() -> Report:
    """Its claims, tables and figures."""
    from jaxbnn.studies.raj_2020.report import REPORT

    return REPORT


RAJ_2020 = Study(
    name="raj2020",
    report=make_report,
    cite="Raj, Nayak & Kalyani 2020 (arXiv 2006.07522)",
    experiments=(*LONG, *map(short, LONG), *variations()),
    assumptions=(
        "Unsaid, so ours: beta of swish-sign and sign-swish is 5 (Larq's, Darabi et al.'s).",
        "Unsaid: latent weights start Glorot-uniform and are clipped to [-1, 1]; the weights' "
        "sign has the surrogate of the activations'; first and last layer are binary too; no bias.",
        "Unsaid: BatchNorm has Keras' momentum 0.99 and epsilon 0.001, and stands before the "
        "softmax too.",
        "Unsaid: the 30 bins are equal and on [-1, 1].",
        "Unsaid: the real-valued networks have the binary ones' widths, biases and no BatchNorm.",
        "Unsaid: tic-tac-toe has SZT's network, rate, batch and epochs.",
        "Unsaid: random labels are the training set's own in another order, so that class sizes "
        "stay; the test set keeps its labels; 5000 epochs; the tanh network's rate is SZT's, "
        "4e-4.",
        "SZT and tic-tac-toe: the training set, and for the test figures the test set, is taken "
        "as the population, as the paper does; the probe named cube measures all 4096 inputs "
        "(958 boards). MNIST's images are a sample: what is counted over them has verdicts.",
        "sign(0) is -1 (their eq. 1); SZT's inputs are 0 and 1, MNIST's pixels in [-1, 1]; "
        "Adam's other numbers are its defaults.",
        "SZT and tic-tac-toe have 50 seeds where the paper has 5.",
        "The variations (vary-...) are ours: the network with STE or swish-sign for 2000 epochs, "
        "one assumption changed in each: sign(0) = +1, no latent clip, a real first layer, "
        "inputs of -1 and +1, BatchNorm momentum 0.9, beta 1 and 10; and Bop with Larq's "
        "threshold and gamma, its other parameters moved by Adam at 1e-3.",
        "What ends in -short has 500 epochs and 10 seeds (MNIST: 2 and 2), all else being the "
        "same.",
    ),
)
