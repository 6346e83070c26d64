"""What the report of Raj et al. 2020 is made of."""

from functools import partial

from jaxbnn.studies.raj_2020 import figures
from jaxbnn.studies.raj_2020.claims import CLAIMS
from jaxbnn.studies.raj_2020.runs import BNN, BOARDS, DNN, MNIST, RANDOM_BNN, RANDOM_DNN
from jaxbnn.studies.raj_2020.tables import (
    BASES,
    NETWORKS,
    VARIED,
    path_table,
    plateau_table,
    variation_table,
)
from jaxbnn.studies.study import Picture, Report

BINARY_RUNS = tuple(BNN.values())
REAL_RUNS = tuple(DNN.values())
RANDOM = {"real (tanh)": RANDOM_DNN, "binary (STE)": RANDOM_BNN}
RANDOM_RUNS = tuple(RANDOM.values())
PICTURES = (
    Picture(
        "surrogates",
        "Figure 1: the surrogates of the sign, beta 5, and their derivatives.",
        (),
        figures.surrogates,
    ),
    Picture(
        "activations",
        "Figure 4: the real networks' activations and their derivatives.",
        (),
        figures.activations,
    ),
    Picture(
        "szt_planes",
        "Information planes of the binary networks on SZT.",
        BINARY_RUNS,
        partial(figures.planes, BNN),
    ),
    Picture(
        "szt_layers",
        "Layer by layer: the binary networks on SZT.",
        BINARY_RUNS,
        partial(figures.layer_wise, BNN),
    ),
    Picture(
        "szt_training",
        "Loss, accuracy and gradient norm: the binary networks on SZT.",
        BINARY_RUNS,
        partial(figures.training, BNN),
    ),
    Picture(
        "real_planes",
        "Information planes of the real-valued networks on SZT, 30 bins.",
        REAL_RUNS,
        partial(figures.planes, DNN),
    ),
    Picture(
        "real_training",
        "Loss, accuracy and gradient norm: the real-valued networks on SZT.",
        REAL_RUNS,
        partial(figures.training, DNN),
    ),
    Picture(
        "boards_planes",
        "Information planes on tic-tac-toe.",
        (BOARDS,),
        partial(figures.planes, {"tic-tac-toe": BOARDS}),
    ),
    Picture(
        "mnist_planes",
        "Information planes on MNIST.",
        (MNIST,),
        partial(figures.planes, {"MNIST, STE": MNIST}),
    ),
    Picture(
        "random_planes",
        "Random labels on MNIST.",
        RANDOM_RUNS,
        partial(figures.planes, RANDOM),
    ),
    Picture(
        "random_training",
        "Random labels on MNIST: loss, accuracy, gradient norm.",
        RANDOM_RUNS,
        partial(figures.training, RANDOM),
    ),
    Picture(
        "batch_norm",
        "What a BatchNorm does to I(T;Y): the first layer (STE) in five ways.",
        BINARY_RUNS[:1],
        figures.around_the_norm,
    ),
    Picture(
        "diagnostics",
        "Not in the paper: weights that flip, weights at their limit, idle units.",
        BINARY_RUNS,
        partial(figures.diagnostics, BNN),
    ),
)
VARIATIONS = (*BASES.values(), *(name for name, _ in VARIED.values()))
VARIATION_RUNS = tuple(f"raj2020/vary-{name}" for name in VARIATIONS)
NEEDS = (*NETWORKS.values(), MNIST, RANDOM_BNN, RANDOM_DNN, *VARIATION_RUNS)
REPORT = Report(NEEDS, CLAIMS, PICTURES, (plateau_table, path_table, variation_table))
