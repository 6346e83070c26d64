"""The figures of Raj et al. 2020 drawn from finished runs, those the paper has and those it has
not, and two tables."""

from collections import Counter
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from jaxbnn import plots
from jaxbnn.analysis import trajectories
from jaxbnn.nn import STE, ApproxSign, HardTanh, SwishSign, SwishSignActivation, Tanh
from jaxbnn.studies.panels import draw_plane, trusted_points
from jaxbnn.studies.intervals import words
from jaxbnn.studies.raj_2020 import runs as evidence, information, learning
from jaxbnn.studies.raj_2020.claims import CLAIMS
from jaxbnn.studies.study import Picture, Report, Run, Runs, Table

HEALTH = ("flips", "saturated", "dead", "constant", "duplicate", "complementary")
HEIGHTS = {"flips": "share of weights that flipped", "saturated": "share of weights at the limit"}
ALL = {**evidence.BNN, **evidence.DNN, "tic-tac-toe": evidence.BOARDS}
SURROGATES = {
    "STE": (lambda x: np.clip(x, -1, 1), STE()),
    "approx-sign": (lambda x: np.sign(x) * (1 - np.maximum(1 - abs(x), 0) ** 2), ApproxSign()),
    "swish-sign": (SwishSignActivation(5.0), SwishSign(5.0)),
}
ACTIVATIONS = {"tanh": Tanh(), "hard-tanh": HardTanh(), "sign-swish": SwishSignActivation(5.0)}


def surrogates(runs: Runs) -> Figure:
    """Figure 1: what stands in for the sign going back, and its derivative."""
    figure = Figure((9.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    x = np.linspace(-2, 2, 801, dtype=np.float32)
    plots.functions(
        left,
        x,
        {k: f(x) for k, (f, _) in SURROGATES.items()} | {"sign": np.where(x > 0, 1.0, -1.0)},
        "x",
        "g(x)",
    )
    plots.functions(
        right, x, {k: slope(x) for k, (_, slope) in SURROGATES.items()}, "x", "slope used for dg/dx"
    )
    return figure


def activations(runs: Runs) -> Figure:
    """Figure 4: the real networks' activations and their derivatives."""
    import jax

    figure = Figure((9.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    x = np.linspace(-2, 2, 801).astype(np.float32)
    plots.functions(left, x, {k: f(x) for k, f in ACTIVATIONS.items()}, "x", "f(x)")
    plots.functions(
        right, x, {k: jax.vmap(jax.grad(f))(x) for k, f in ACTIVATIONS.items()}, "x", "f'(x)"
    )
    return figure


def planes(names: dict[str, str], runs: Runs) -> Figure:
    """A column a network, the training set above and the test set below."""
    figure = Figure((6.0 * len(names), 10.4), layout="constrained")
    for column, (label, name) in zip(
        np.reshape(figure.subplots(2, len(names)), (2, -1)).T, names.items(), strict=True
    ):
        for ax, group in zip(column, ("", "test"), strict=True):
            draw_plane(ax, runs[name].results[group])
            ax.set_title(f"{label}, {'test' if group else 'training'} set{_changed(runs[name])}")
    return figure


def layer_wise(names: dict[str, str], runs: Runs) -> Figure:
    """I(X;T) and I(T;Y) of each layer against the epoch, the mean over seeds with its 95 %
    interval."""
    figure = Figure((5.4 * len(names), 8.4), layout="constrained")
    for column, (label, name) in zip(
        np.reshape(figure.subplots(2, len(names)), (2, -1)).T, names.items(), strict=True
    ):
        result = runs[name].results[""]
        layers = [str(layer) for layer in result.layer.values]
        for ax, of, unit in zip(
            column, ("xt", "ty"), ("I(X;T) [bit]", "I(T;Y) [bit]"), strict=True
        ):
            plots.curves(
                ax,
                result.epoch.values,
                result[f"i_{of}"].values,
                layers,
                unit,
                trusted=trusted_points(result, of),
            )
        column[0].set_title(f"{label}{_changed(runs[name])}")
    return figure


def training(names: dict[str, str], runs: Runs) -> Figure:
    """Loss, accuracy, and the gradient norm's mean and variance, a column a network."""
    figure = Figure((5.0 * len(names), 14.0), layout="constrained")
    rows = (("loss", "loss [nat]"), ("accuracy", "accuracy"))
    for column, (label, name) in zip(
        np.reshape(figure.subplots(4, len(names)), (4, -1)).T, names.items(), strict=True
    ):
        result = runs[name].results[""]
        for ax, (of, unit) in zip(column, rows, strict=False):
            both = np.stack([result[f"{part}_{of}"].values for part in ("train", "test")], axis=-1)
            plots.curves(ax, result.epoch.values, both, ["training", "test"], unit, trusted=True)
        for ax, of in zip(column[2:], ("mean", "variance"), strict=True):
            values = np.log10(np.maximum(result[f"gradient_norm_{of}"].values[:, 1:, None], 1e-30))
            plots.curves(
                ax,
                result.epoch.values[1:],
                values,
                [label],
                f"log10 gradient norm, {of}",
                trusted=True,
            )
        column[0].set_title(f"{label}{_changed(runs[name])}")
    return figure


def health(names: dict[str, str], runs: Runs) -> Figure:
    """Flips, saturation and idle units of each layer against the epoch."""
    figure = Figure((5.2 * len(names), 24.0), layout="constrained")
    for column, (label, name) in zip(
        np.reshape(figure.subplots(len(HEALTH), len(names)), (len(HEALTH), -1)).T,
        names.items(),
        strict=True,
    ):
        result = runs[name].results[""]
        for ax, of in zip(column, HEALTH, strict=True):
            values = result[of].values.astype(np.float64)[:, 1:]
            values = np.where(values < 0, np.nan, values)
            layers = [i for i in range(values.shape[2]) if np.isfinite(values[..., i]).any()]
            shown = [str(result.layer.values[i]) for i in layers]
            plots.curves(
                ax,
                result.epoch.values[1:],
                values[..., layers],
                shown,
                HEIGHTS.get(of, f"{of} units"),
                trusted=True,
            )
        column[0].set_title(f"{label}{_changed(runs[name])}")
    return figure


def around_the_norm(runs: Runs) -> Figure:
    """I(T;Y) of the first layer, seen in five ways."""
    run = runs[evidence.BNN["STE"]]
    epochs = run.results[""].epoch.values
    seen = [information.around_the_norm(run, i) for i in range(len(epochs))]
    values = np.stack([np.stack(list(each.values()), axis=-1) for each in seen], axis=1)
    figure = Figure((8.0, 5.6), layout="constrained")
    plots.curves(
        figure.subplots(),
        epochs,
        values,
        list(information.PROBES),
        "I(T;Y) of the first layer [bit]",
        trusted=True,
    )
    return figure


def _changed(run: Run) -> str:
    return f"\n({run.label})" if run.label else ""


def path_table(runs: Runs) -> Table:
    """How many seeds take which path of I(X;T)."""
    rows = [["network", "layer", "path of I(X;T): seeds"]]
    for label, name in ALL.items():
        result = runs[name].results[""]
        for i, layer in enumerate(result.layer.values):
            taken = Counter(trajectories.paths(result.epoch, result.i_xt[..., i], evidence.FALL))
            most = taken.most_common(4)
            others = sum(taken.values()) - sum(n for _, n in most)
            told = [f"{path}: {n}" for path, n in most] + ([f"others: {others}"] if others else [])
            rows.append([label, str(layer), "; ".join(told)])
    return Table("paths", "The paths single seeds take", rows)


def plateau_table(runs: Runs) -> Table:
    """When seeds leave the plateau, and where they end."""
    rows = [
        [
            "network",
            "seeds",
            "never leave it",
            "median epoch (quartiles)",
            "final test accuracy, mean",
            "lowest to highest",
        ]
    ]
    for label, name in ALL.items():
        result, left = runs[name].results[""], learning.left_plateau(runs[name])
        quarters = np.quantile(left, [0.25, 0.75], method="nearest")
        final = result.test_accuracy.values[:, -1]
        rows.append(
            [
                label,
                str(len(left)),
                f"{100 * np.isinf(left).mean():.0f} %",
                f"{np.median(left):.0f} ({quarters[0]:.0f} to {quarters[1]:.0f})",
                words(final, 3).replace("+", ""),
                f"{final.min():.3f} to {final.max():.3f}",
            ]
        )
    return Table(
        "plateau",
        f"Leaving the plateau (training loss {learning.MARGIN} nat or more below H(Y))",
        rows,
    )


VARIED = {
    "sign(0) = +1": ("zero", "ste"),
    "no latent clip": ("clip", "ste"),
    "first layer real": ("first", "ste"),
    "inputs -1 and +1": ("input", "ste"),
    "BatchNorm momentum 0.9": ("momentum", "ste"),
    "Bop": ("bop", "ste"),
    "beta 1": ("beta-1", "swish"),
    "beta 10": ("beta-10", "swish"),
}


def variation_table(runs: Runs) -> Table:
    """What each assumption, varied alone, changes."""
    rows = [
        [
            "network",
            "never leave the plateau",
            "median epoch of leaving it",
            "final test accuracy",
            "I(X;T) of hidden_1 at the end, its fall",
            "I(T;Y) of hidden_5 at the end",
            "I(X;T): where it differs most surely [simultaneous band], p",
        ]
    ]
    for label, (name, base) in {"STE": ("ste", ""), "swish-sign": ("swish", ""), **VARIED}.items():
        run = runs[f"raj2020/vary-{name}"]
        result, left = run.results[""], learning.left_plateau(run)
        fall = trajectories.fall(result.epoch, result.i_xt[..., 0])
        i_ty = trajectories.smooth(result.epoch, result.i_ty[..., -2])[:, -1]
        rows.append(
            [
                f"{label}{f' (against {base})' if base else ''}{_changed(run)}",
                f"{100 * np.isinf(left).mean():.0f} %",
                f"{np.median(left):.0f}",
                words(result.test_accuracy.values[:, -1], 3).replace("+", ""),
                f"{np.mean(fall.at + fall.change):.2f}, {words(fall.change)}",
                words(i_ty).replace("+", ""),
                information.difference(run, runs[f"raj2020/vary-{base}"])[1] if base else "-",
            ]
        )
    return Table(
        "variations", "Assumptions varied alone (2000 epochs, SZT, training set; bits)", rows
    )


BNNS, DNNS = tuple(evidence.BNN.values()), tuple(evidence.DNN.values())
BOARD = {"tic-tac-toe": evidence.BOARDS}
RANDOM = {"real (tanh)": evidence.RANDOM_DNN, "binary (STE)": evidence.RANDOM_BNN}
MNIST = {"MNIST, STE": evidence.MNIST}
RANDOMS = tuple(RANDOM.values())
PICTURES = (
    Picture(
        "surrogates",
        "Figure 1: the surrogates of the sign, beta 5, and their derivatives.",
        (),
        surrogates,
    ),
    Picture(
        "activations",
        "Figure 4: the real networks' activations and their derivatives.",
        (),
        activations,
    ),
    Picture(
        "szt_planes",
        "Information planes of the binary networks on SZT.",
        BNNS,
        partial(planes, evidence.BNN),
    ),
    Picture(
        "szt_layers",
        "Layer by layer: the binary networks on SZT.",
        BNNS,
        partial(layer_wise, evidence.BNN),
    ),
    Picture(
        "szt_training",
        "Loss, accuracy and gradient norm: the binary networks on SZT.",
        BNNS,
        partial(training, evidence.BNN),
    ),
    Picture(
        "real_planes",
        "Information planes of the real-valued networks on SZT, 30 bins.",
        DNNS,
        partial(planes, evidence.DNN),
    ),
    Picture(
        "real_training",
        "Loss, accuracy and gradient norm: the real-valued networks on SZT.",
        DNNS,
        partial(training, evidence.DNN),
    ),
    Picture(
        "boards_planes",
        "Information planes on tic-tac-toe.",
        (evidence.BOARDS,),
        partial(planes, BOARD),
    ),
    Picture(
        "mnist_planes", "Information planes on MNIST.", (evidence.MNIST,), partial(planes, MNIST)
    ),
    Picture("random_planes", "Random labels on MNIST.", RANDOMS, partial(planes, RANDOM)),
    Picture(
        "random_training",
        "Random labels on MNIST: loss, accuracy, gradient norm.",
        RANDOMS,
        partial(training, RANDOM),
    ),
    Picture(
        "batch_norm",
        "What a BatchNorm does to I(T;Y): the first layer (STE) in five ways.",
        BNNS[:1],
        around_the_norm,
    ),
    Picture(
        "health",
        "Not in the paper: weights that flip, weights at their limit, idle units.",
        BNNS,
        partial(health, evidence.BNN),
    ),
)
VARIATIONS = tuple(
    f"raj2020/vary-{name}" for name in ("ste", "swish", *(name for name, _ in VARIED.values()))
)
NEEDS = (*ALL.values(), evidence.MNIST, evidence.RANDOM_BNN, evidence.RANDOM_DNN, *VARIATIONS)
REPORT = Report(NEEDS, CLAIMS, PICTURES, (plateau_table, path_table, variation_table))
