"""The figures of Nothnagel & Geiger 2026 drawn from finished runs: theirs, and the same over all
seeds and settings."""

from functools import partial

import numpy as np
from matplotlib.figure import Figure

from jaxbnn import plots
from jaxbnn.info.expectation import expected_plugin
from jaxbnn.studies.drawing import draw_plane, panels_for
from jaxbnn.studies.evidence import TRUSTED, interval
from jaxbnn.studies.nothnagel_2026.claims import CLAIMS
from jaxbnn.studies.nothnagel_2026.experiments import BEYOND, GRID
from jaxbnn.studies.nothnagel_2026.runs import (
    LINKS,
    by_depth,
    control,
    factor,
    i_xt,
    joined,
    linked,
    shown,
    trusted_of,
)
from jaxbnn.studies.nothnagel_2026.tables import (
    cause_table,
    compression_table,
    correlation_table,
    differences,
    end_table,
    estimator_table,
    groups,
    missing_table,
    trait_table,
)
from jaxbnn.studies.nothnagel_2026.units import unit_figure, unit_table
from jaxbnn.studies.study import Picture, Report, Runs

DRAWN = (0.0, 0.2, 0.5, 0.7, 1.0, 2.0)  # the decays whose planes the authors draw
SIZES = (1000, 4096, 60000)


def regime(runs: Runs) -> Figure:
    """What the plug-in entropy of D independent fair units is expected to be, and what the runs'
    layers have."""
    figure = Figure((8.6, 6.0), layout="constrained")
    ax = figure.subplots()
    depths = np.arange(1, 33)
    for n, style in zip(SIZES, ("-", "--", ":"), strict=True):
        expected = [expected_plugin([2.0**-d], n, [2.0**d]) for d in depths]
        ax.plot(
            depths,
            expected,
            style,
            color="black",
            lw=1.6,
            label=f"expected of N = {n} of D fair units",
        )
    ax.plot(depths[:17], depths[:17], color="0.6", lw=1.0, label="their entropy, D bits")
    points = [point for run in runs.values() for point in _ends(run)]
    for sure, style in (
        (True, {"c": "#0072B2"}),
        (False, {"facecolors": "none", "edgecolors": "0.6"}),
    ):
        xy = np.array([(d, bits) for d, bits, trusted in points if trusted == sure]).reshape(-1, 2)
        words = "exact or reliable" if sure else "cannot be trusted (saturated or biased)"
        ax.scatter(
            *xy.T, s=16, linewidths=0.8, zorder=3, label=f"layers of the runs, {words}", **style
        )
    ax.set_xscale("log", base=2)
    ax.set_xticks([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024], [str(2**k) for k in range(11)])
    ax.set_xlabel("units D", fontsize=12)
    ax.set_ylabel("I(X;T) [bit]", fontsize=12)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=10.5)
    return figure


def _ends(run):
    """(units, I(X;T), whether it can be trusted) of each hidden layer and seed at the last
    epoch."""
    result = run.results[""].isel(epoch=-1)
    units = run.experiment.model.units(tuple(int(n) for n in result.attrs["example_shape"].split()))
    for i, name in enumerate(result.layer.values[:-1]):
        for bits, verdict in zip(
            result.i_xt.values[:, i], result.verdict_xt.values[:, i], strict=True
        ):
            yield units[str(name)], float(bits), bool(verdict in TRUSTED)


def planes(group: str, seeds: slice, runs: Runs) -> Figure:
    """Up to six planes of a group, by decay or by width, then loss and accuracy: nine panels."""
    settings = [e for e in GRID[group] if e.name in runs]
    chosen = [e for e in settings if len(settings) <= 6 or e.train.decay in DRAWN]
    figure = Figure((19.0, 19.5), layout="constrained")
    panels = figure.subplots(3, 3).ravel()
    for ax, experiment in zip(panels, chosen, strict=False):
        draw_plane(ax, runs[experiment.name].results[""].isel(seed=seeds))
        ax.set_title(_title(experiment))
    for ax, of, unit in zip(
        panels[6:8], ("loss", "accuracy"), ("test loss [nat]", "test accuracy"), strict=True
    ):
        _training(
            ax,
            [(_title(e), runs[e.name].results[""].isel(seed=seeds)) for e in chosen],
            f"test_{of}",
            unit,
        )
    for ax in (*panels[len(chosen) : 6], panels[8]):
        ax.set_axis_off()
    return figure


def _training(ax, named, key, unit):
    """The mean over seeds of each setting, of those measured as often as the shortest."""
    shortest = min((result.epoch.values for _, result in named), key=len)
    alike = [(name, r) for name, r in named if np.array_equal(r.epoch.values, shortest)]
    means = {name: r[key].values.mean(axis=0) for name, r in alike}
    seeds = "first seeds" if all(r.sizes["seed"] == 1 for _, r in alike) else "means over seeds"
    plots.functions(ax, shortest, means, "epoch", f"{unit}, {seeds}")
    ax.set_xscale("symlog")
    ax.set_xlim(0, shortest[-1])


def _title(experiment):
    name = experiment.name.rpartition("/")[2]
    return f"decay {experiment.train.decay:g}" if "-wd-" in name else name


def swarm(as_drawn: bool, runs: Runs) -> Figure:
    """The compression factor, a dot a run, a column a layer of a group; the untrained control is a
    dashed line."""
    figure = Figure((13.0, 6.4), layout="constrained")
    columns, colours, trusted, levels = {}, {}, {}, {}
    for group, every in groups(runs):
        for back, layers in by_depth(shown(every)).items():
            layers = [layer for layer in layers if not as_drawn or _drawn(layer)]
            if layers:
                name = f"{group} ({back})"
                columns[name], trusted[name] = joined(layers, factor), trusted_of(layers)
                colours[name] = joined(
                    layers, lambda layer: np.full(len(layer.factor), layer.decay)
                )
                levels[name] = _control(runs, group, back)
    plots.swarm(
        figure.subplots(), columns, colours, trusted, "compression factor", "weight decay", levels
    )
    return figure


def _drawn(layer):
    """Whether the authors' figure has the setting: those with "-wd-" in their name, which fell out
    without decay."""
    left_out = (0.0, 0.1, 1.0) if layer.group == "szt" else (0.0,)
    return "-wd-" in layer.setting and layer.decay not in left_out


def _control(runs, group, back):
    """The median factor of the untrained networks, NaN without them."""
    of = [layer.factor for layer in control(runs, group, "untrained") if layer.back == back]
    return float(np.nanmedian(np.concatenate(of))) if of else np.nan


def accuracies(runs: Runs) -> Figure:
    """I(X;T) of the last hidden layer against test accuracy, a panel a group, bars from the least
    to the largest."""
    every = list(groups(runs))
    figure, panels = panels_for(len(every), 6.0, 5.2)
    for ax, (group, layers) in zip(panels, every, strict=False):
        last = by_depth(layers)[-1]
        decay = joined(last, lambda layer: np.full(len(layer.factor), layer.decay))
        labels = {
            "xlabel": "I(X;T) of the last hidden layer [bit]",
            "ylabel": "test accuracy",
            "clabel": "weight decay",
        }
        plots.against(
            ax, _range(last, "i_xt"), _range(last, "accuracy"), decay, trusted_of(last), **labels
        )
        link = linked(last, i_xt, LINKS["pooled"])
        told = "undefined" if np.isnan(link.rho) else f"{link.rho:.2f}"
        ax.set_title(f"{group}: rank correlation {told} of {link.n} runs")
    return figure


def _range(layers, of):
    """Mean, least and largest of a quantity over the last epochs, [3, R]."""
    return np.stack(
        [
            joined(layers, lambda e, key=key: getattr(getattr(e, of), key))
            for key in ("mean", "low", "high")
        ]
    )


def correlations(runs: Runs) -> Figure:
    """Rank correlations of I(X;T) and of the factor with accuracy, last hidden layers, with their
    intervals."""
    names, found = (
        [],
        {
            name: []
            for name in ("I(X;T), pooled", "of trusted runs", "within settings", "factor, pooled")
        },
    )
    for group, every in groups(runs):
        layers = by_depth(every)[-1]
        names.append(group)
        sure = linked(layers, i_xt, LINKS["pooled"], trusted_of(layers))
        each = (linked(layers, i_xt, LINKS["pooled"]), sure, linked(layers, i_xt, LINKS["within"]))
        each += (linked(layers, factor, LINKS["pooled"]),)
        for values, link in zip(found.values(), each, strict=True):
            values.append((link.rho, link.low, link.high))
    figure = Figure((9.0, 1.8 + 0.6 * len(names)), layout="constrained")
    plots.intervals(figure.subplots(), names, found, "rank correlation with test accuracy")
    return figure


def causes(runs: Runs) -> Figure:
    """Each cause alone: what it does to the fall of I(X;T), and to accuracy, seed by seed."""
    found = differences(runs)
    figure = Figure((11.0, 1.8 + 0.55 * max(len(found), 1)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for ax, of, words in (
        (left, "fall", "change of the fall of I(X;T) [bit]"),
        (right, "accuracy", "of test accuracy"),
    ):
        plots.intervals(
            ax, list(found), {of: [interval(each[of]) for each in found.values()]}, words
        )
    return figure


def _names(*chosen):
    """The settings of these groups, all of the paper's where none is named."""
    return tuple(e.name for group in chosen or tuple(GRID) for e in (GRID | BEYOND)[group])


PICTURES = (
    Picture(
        "regime",
        "Where the plug-in can be trusted: its exact expected value for D independent fair units, and the hidden "
        "layers of all runs at their last epoch.",
        (*_names(), *_names(*BEYOND)),
        regime,
    ),
    *(
        Picture(
            f"planes_{group}",
            f"Planes of {group}, the first run of each setting, as the authors draw them; below, loss and accuracy of "
            "the settings with as many measured epochs as the shortest.",
            _names(group),
            partial(planes, group, slice(0, 1)),
        )
        for group in GRID
    ),
    *(
        Picture(
            f"planes_{group}_seeds",
            f"Planes of {group} over all seeds: the mean path, and each seed's.",
            _names(group),
            partial(planes, group, slice(None)),
        )
        for group in GRID
    ),
    Picture(
        "swarm_as_drawn",
        "The compression factor, a dot a run, of the settings that the authors' figure has; dashed: the untrained.",
        _names(),
        partial(swarm, True),
    ),
    Picture(
        "swarm", "The same with the settings that fell out of it.", _names(), partial(swarm, False)
    ),
    Picture(
        "accuracy",
        "I(X;T) of the last hidden layer against test accuracy, means over the last epochs, bars from the least to the "
        "largest.",
        _names(),
        accuracies,
    ),
    Picture(
        "correlations",
        "Rank correlations with test accuracy, last hidden layers, 95 % bootstrap intervals over settings.",
        _names(),
        correlations,
    ),
    Picture(
        "causes",
        "Decay, width and label noise alone: what each changes, seed by seed, 95 % intervals.",
        _names("szt-causes"),
        causes,
    ),
    Picture("units", "Subadditivity in trained networks, a dot a network.", _names(), unit_figure),
)
REPORT = Report(
    needs=(),
    claims=CLAIMS,
    pictures=PICTURES,
    tables=(
        missing_table,
        compression_table,
        partial(correlation_table, "correlations_i_xt", "I(X;T) against test accuracy", i_xt),
        partial(
            correlation_table,
            "correlations_factor",
            "The compression factor against test accuracy",
            factor,
        ),
        trait_table,
        estimator_table,
        cause_table,
        unit_table,
        end_table,
    ),
    takes=(*_names(), *_names(*BEYOND)),
)
