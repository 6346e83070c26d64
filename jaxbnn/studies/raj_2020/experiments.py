"""The networks of Raj, Nayak & Kalyani 2020, with what their paper leaves unsaid as declared
assumptions."""

import dataclasses

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

CUBE, IMAGES = (10, 8, 6, 4, 2), (1024, 20, 20, 20)
SLOPES: dict[str, Surrogate] = {"ste": STE(), "approx": ApproxSign(), "swish": SwishSign(5.0)}
REAL: dict[str, tuple[Activation, float]] = {
    "tanh": (Tanh(), 4e-4),
    "hard-tanh": (HardTanh(), 4e-4),
    "sign-swish": (SwishSignActivation(5.0), 1e-3),
}
VARIED_EPOCHS = 2000
BINS = FixedBins()  # 30 equal bins on [-1, 1]


def binary(widths: tuple[int, ...], n_classes: int, slope: Surrogate) -> MLP:
    """Their binary network: one surrogate for the signs of weights and of activations."""
    return MLP(widths, n_classes, SignActivation(slope), kernel_surrogate=slope)


def real(widths: tuple[int, ...], n_classes: int, activation: Activation) -> MLP:
    """Their real-valued network."""
    return MLP(widths, n_classes, activation, kernel_surrogate=None, normalise=False)


def as_the_paper(model: MLP, estimator: Estimator) -> tuple[Probe, ...]:
    """The training set and the test set, each as the population; where they are counted also in
    bins."""
    layers = (*model.layer_names, "output")
    exact = (
        Probe(estimator=estimator, population=True),
        Probe("test", (), estimator, "test", population=True),
    )
    if estimator == BINS:
        return exact
    binned = (
        Probe("bins", layers, BINS, population=True),
        Probe("test_bins", layers, BINS, "test", population=True),
    )
    return *exact, *binned


def around_the_norm(model: MLP) -> tuple[Probe, ...]:
    """What a BatchNorm makes of information: every one in 30 bins, and the first seen in four ways,
    the sign apart."""
    norms = (*(name.replace("hidden", "norm") for name in model.layer_names), "norm_output")
    return (
        Probe("norms", norms, BINS, population=True),
        Probe("first_dense", ("dense_1",), ExactValues(), population=True),
        Probe("first_norm", ("norm_1",), ExactValues(), population=True),
        Probe("first_norm_range", ("norm_1",), OwnRangeBins(30), population=True),
    )


def on_szt(name: str, slope: Surrogate) -> Experiment:
    """A binary network on SZT, measured on the whole cube too."""
    model = binary(CUBE, 2, slope)
    probes = *as_the_paper(model, Exact()), Probe("cube", sample="all"), *around_the_norm(model)
    spec = TrainSpec(epochs=8000, batch_size=64, optimiser=Adam(), learning_rate=1e-4)
    return Experiment(
        f"raj2020/szt-{name}",
        Szt(),
        model,
        spec,
        probes=probes,
        seeds=tuple(range(50)),
        seeds_per_program=25,
    )


def on_mnist(name: str, model: MLP, data: Mnist, epochs: int, rate: float) -> Experiment:
    """A network on MNIST with true or random labels."""
    estimator = Exact() if model.kernel_surrogate is not None else BINS
    spec = TrainSpec(epochs=epochs, batch_size=128, optimiser=Adam(), learning_rate=rate)
    probes = Probe(estimator=estimator), Probe("test", (), estimator, "test")
    return Experiment(
        f"raj2020/{name}",
        data,
        model,
        spec,
        probes=probes,
        seeds=tuple(range(5)),
        seeds_per_program=1,
    )


def real_on_szt(name: str, activation: Activation, rate: float) -> Experiment:
    """A real-valued network on SZT, in bins."""
    model = real(CUBE, 2, activation)
    spec = TrainSpec(epochs=8000, batch_size=64, optimiser=Adam(), learning_rate=rate)
    probes = as_the_paper(model, BINS)
    return Experiment(
        f"raj2020/szt-{name}",
        Szt(),
        model,
        spec,
        probes=probes,
        seeds=tuple(range(50)),
        seeds_per_program=25,
    )


def short(experiment: Experiment) -> Experiment:
    """Fewer epochs and seeds, all else the same: it ends within two minutes on two CPU cores."""
    epochs, seeds = (2, (0, 1)) if isinstance(experiment.data, Mnist) else (500, tuple(range(10)))
    spec = dataclasses.replace(experiment.train, epochs=epochs)
    n_seeds = min(experiment.seeds_per_program, len(seeds) // 2)
    return dataclasses.replace(
        experiment,
        name=f"{experiment.name}-short",
        train=spec,
        seeds=seeds,
        seeds_per_program=n_seeds,
    )


def varied(
    name: str, base: Experiment, data: Szt | None = None, train: dict | None = None, **model
) -> Experiment:
    """A shorter run that differs from its base in one assumption: fields of its data, its model or
    its training."""
    spec = dataclasses.replace(base.train, epochs=VARIED_EPOCHS, **(train or {}))
    changed = {"data": data or base.data, "model": base.model.clone(**model), "train": spec}
    probes = [probe for probe in base.probes if probe.name in ("main", "test", "cube")]
    return dataclasses.replace(base, name=f"raj2020/vary-{name}", probes=tuple(probes), **changed)


def variations() -> tuple[Experiment, ...]:
    """Each assumption of the binary networks on SZT varied alone, and the optimiser that has no
    latent weights."""
    ste, swish = on_szt("ste", STE()), on_szt("swish", SwishSign(5.0))
    betas = (
        varied(
            f"beta-{b:.0f}",
            swish,
            activation=SignActivation(SwishSign(b)),
            kernel_surrogate=SwishSign(b),
        )
        for b in (1.0, 10.0)
    )
    return (
        varied("ste", ste),
        varied(
            "zero", ste, activation=SignActivation(STE(), sign_of_zero=1.0), kernel_sign_of_zero=1.0
        ),
        varied("clip", ste, train={"latent_clip": None}),
        varied("first", ste, binary_first=False),
        varied("input", ste, data=Szt(value_range=(-1.0, 1.0))),
        varied("momentum", ste, momentum=0.9),
        varied("bop", ste, train={"optimiser": Bop(), "learning_rate": 1e-3, "latent_clip": None}),
        varied("swish", swish),
        *betas,
    )


BOARDS = dataclasses.replace(on_szt("ste", STE()), name="raj2020/tictactoe", data=TicTacToe())
RANDOM = Mnist(label_seed=0)
LONG = (
    *(on_szt(name, slope) for name, slope in SLOPES.items()),
    *(real_on_szt(name, *each) for name, each in REAL.items()),
    BOARDS,
    *(
        on_mnist(f"mnist-{name}", binary(IMAGES, 10, slope), Mnist(), 5000, 1e-5)
        for name, slope in SLOPES.items()
    ),
    on_mnist("random-ste", binary(IMAGES, 10, STE()), RANDOM, 5000, 1e-5),
    on_mnist("random-tanh", real(IMAGES, 10, Tanh()), RANDOM, 5000, 4e-4),
)


def report() -> Report:
    """Its claims and figures."""
    from jaxbnn.studies.raj_2020.figures import REPORT

    return REPORT


RAJ_2020 = Study(
    name="raj2020",
    report=report,
    cite="Raj, Nayak & Kalyani 2020 (arXiv 2006.07522)",
    experiments=(*LONG, *map(short, LONG), *variations()),
    assumptions=(
        "Unsaid, so ours: beta of swish-sign and sign-swish is 5 (Larq's, Darabi et al.'s).",
        "Unsaid: latent weights start Glorot-uniform and are clipped to [-1, 1]; the weights' sign has the slope of "
        "the activations'; first and last layer are binary too; no bias.",
        "Unsaid: BatchNorm has Keras' momentum 0.99 and epsilon 0.001, and stands before the softmax too.",
        "Unsaid: the 30 bins are equal and on [-1, 1].",
        "Unsaid: the real-valued networks have the binary ones' widths, biases and no BatchNorm.",
        "Unsaid: tic-tac-toe has SZT's network, rate, batch and epochs.",
        "Unsaid: random labels are the training set's own in another order, so that class sizes stay; the test set "
        "keeps its labels; 5000 epochs; the tanh network's rate is SZT's, 4e-4.",
        "SZT and tic-tac-toe: the training set, and for the test figures the test set, is taken as the population, as "
        "the paper does; the probe named cube measures all 4096 inputs (958 boards). MNIST's images are a sample: what "
        "is counted over them has verdicts.",
        "sign(0) is -1 (their eq. 1); SZT's inputs are 0 and 1, MNIST's pixels in [-1, 1]; Adam's other numbers are "
        "its defaults.",
        "SZT and tic-tac-toe have 50 seeds where the paper has 5.",
        "The variations (vary-...) are ours: the network with STE or swish-sign for 2000 epochs, one assumption "
        "changed in each: sign(0) = +1, no latent clip, a real first layer, inputs of -1 and +1, BatchNorm momentum "
        "0.9, beta 1 and 10; and Bop with Larq's threshold and gamma, its other parameters moved by Adam at 1e-3.",
        "What ends in -short has 500 epochs and 10 seeds (MNIST: 2 and 2), all else being the same.",
    ),
)
