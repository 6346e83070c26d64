"""The tables of Nothnagel & Geiger 2026 from finished runs: compression, correlations, estimators,
causes, units."""

from collections.abc import Callable, Iterator

import numpy as np

from jaxbnn.analysis import compression, correlation, reestimation
from jaxbnn.analysis.correlation import Link
from jaxbnn.engine import verdicts as results
from jaxbnn.info.corrected_entropy import ESTIMATORS
from jaxbnn.observe.probe import alphabets_of
from jaxbnn.studies.intervals import interval, words
from jaxbnn.studies.nothnagel_2026.experiments import BEYOND, GRID
from jaxbnn.studies.nothnagel_2026.layers import (
    LINKS,
    Layer,
    by_depth,
    control,
    factor,
    fallen,
    i_xt,
    joined,
    linked,
    means,
    noise_fall,
    of_group,
    of_run,
    shown,
    trusted_of,
    whole,
)
from jaxbnn.studies.study import Runs, Table

FALLEN = compression.MIN_FALL


def groups(runs: Runs) -> Iterator[tuple[str, list[Layer]]]:
    """Each group of the paper that has a run, with its hidden layers."""
    for group in GRID:
        if layers := of_group(runs, group):
            yield group, layers


def compression_table(runs: Runs) -> Table:
    """Factor and fall of the layers the authors show, beside the control's."""
    rows = [
        [
            "group",
            "layer",
            "runs",
            "epochs",
            "factor, median",
            "of the untrained",
            "of shuffled labels",
        ]
    ]
    rows[0] += [
        "mean fall [bit]",
        "compresses",
        "largest of the untrained",
        "runs above both",
        "I(X;T) trusted",
    ]
    for group, every in groups(runs):
        for layers in by_depth(shown(every)).values():
            falls = joined(layers, lambda layer: layer.fall)
            found, trust = (
                compression.compression(means(layers, lambda layer: layer.fall)),
                trusted_of(layers),
            )
            factors, back = joined(layers, factor), layers[0].back
            others = [
                _median(control(runs, group, kind), back) for kind in ("untrained", "shuffled")
            ]
            noise = noise_fall(runs, group, back)
            above = fallen(runs, layers)
            fell = (
                ["-", "-"]
                if np.isnan(noise)
                else [f"{noise:.2f}", f"{int(np.nansum(above))} of {_counted(above)}"]
            )
            answer = "-" if np.isnan(found.low) else ("yes" if found.compresses else "no")
            of_factor = [f"{np.nanmedian(factors):.3f}", *others]
            of_fall = [_interval(found.mean, found.low, found.high), answer, *fell]
            sure = f"{int(trust.sum())} of {len(trust)}"
            rows.append(
                [
                    group,
                    _layer(layers),
                    str(len(falls)),
                    _epochs(layers),
                    *of_factor,
                    *of_fall,
                    sure,
                ]
            )
    return Table(
        "compression",
        "Compression of the last hidden layers",
        rows,
        f"Factor: (max - end) / max of I(X;T), end: the mean of the last 50 epochs, or of the last half of shorter "
        f"runs. Fall: the largest running mean over as many measured epochs, minus the end. A group compresses where "
        f"the 95 % bootstrap interval of its mean fall (one value a setting) lies above {FALLEN} bit; fewer than "
        f"{compression.FEWEST} settings have none. A maximum is biased upwards: noise alone has a factor and a fall "
        "above 0, which the untrained networks show; runs above both: those whose fall is above that and above "
        f"{FALLEN} bit.",
    )


def _median(layers, back):
    """The median factor of the layer at this depth; "-" without a run."""
    of = [value for layer in layers if layer.back == back for value in layer.factor]
    return f"{np.nanmedian(of):.3f}" if of else "-"


def correlation_table(name: str, heading: str, value: Callable, runs: Runs) -> Table:
    """Rank correlations of a number with test accuracy, hidden layer by hidden layer."""
    found = {}
    for group, every in groups(runs):
        for layers in by_depth(every).values():
            links = {kind: linked(layers, value, correlate) for kind, correlate in LINKS.items()}
            sure = trusted_of(layers)
            links["trusted"] = linked(layers, value, LINKS["pooled"], sure)
            found[group, _layer(layers)] = links, layers
    tested = [link.p for links, _ in found.values() for link in links.values()]
    corrected = correlation.holm(tested).reshape(-1, 3) if tested else []
    rows = [["group", "layer", "runs", "pooled", "p", "p, Holm", "within settings", "p", "p, Holm"]]
    rows[0] += ["trusted runs", "pooled over them", "p", "p, Holm", "changed"]
    for i, ((group, layer), (links, layers)) in enumerate(found.items()):
        n = len(joined(layers, value))
        told = zip(links.items(), corrected[i], strict=True)
        cells = {kind: [_link(link), _p(link.p), _p(holm)] for (kind, link), holm in told}
        trusted = [f"{links['trusted'].n} of {n}", *cells["trusted"]]
        used = f"{links['pooled'].n} of {n}"
        rows.append(
            [group, layer, used, *cells["pooled"], *cells["within"], *trusted, _changed(layers)]
        )
    return Table(
        name,
        heading,
        rows,
        "Spearman's rank correlation with the mean test accuracy of the last epochs, with its 95 % bootstrap interval "
        "over settings. Pooled: over all runs, as the authors; its p takes a setting's runs as independent. Within: of "
        "ranks within each setting. Trusted: the runs whose I(X;T) is exact or reliable at each of the last epochs. "
        f"Holm: corrected for all tests of this table. Undefined: constant in all runs, or fewer than "
        f"{correlation.FEWEST} runs, which have no p-value.",
    )


def trait_table(runs: Runs) -> Table:
    """What a path adds to the factor in predicting accuracy."""
    rows, tested = [], []
    for group, every in groups(runs):
        layers = by_depth(every)[-1]
        accuracy, given = means(layers, lambda layer: layer.accuracy.mean), means(layers, factor)
        for trait in layers[0].traits:
            rho, p = correlation.partial_spearman(
                means(layers, lambda layer, t=trait: layer.traits[t]), accuracy, given
            )
            tested.append(p)
            rows.append(
                [
                    group,
                    _layer(layers),
                    trait,
                    str(len(layers)),
                    _changed(layers),
                    _number(rho),
                    _p(p),
                ]
            )
    corrected = correlation.holm(tested) if tested else []
    heading = [
        "group",
        "layer",
        "trait",
        "settings",
        "changed",
        "partial rank correlation",
        "p",
        "p, Holm",
    ]
    return Table(
        "traits",
        "What a trajectory says of accuracy beyond the compression factor",
        [heading, *([*row, _p(p)] for row, p in zip(rows, corrected, strict=True))],
        "Partial rank correlation of each trait with test accuracy, given the factor; one value a setting, the mean of "
        "its seeds, so that settings are what is counted.",
    )


def estimator_table(runs: Runs) -> Table:
    """I(X;T) at the end and its correlation with accuracy under each estimator, hidden layer by
    hidden layer."""
    found, names = [], ("plugin", *(name for name in ESTIMATORS if name != "plugin"))
    for group, every in groups(runs):
        ends = {
            setting: _estimates(runs[setting], names)
            for setting in dict.fromkeys(e.setting for e in every)
        }
        for layers in by_depth(every).values():
            cells = {
                name: _estimate(layers, [ends[e.setting].get(name) for e in layers])
                for name in names
            }
            found.append(([group, _layer(layers), _changed(layers)], cells))
    tested = [link.p if link else np.nan for _, cells in found for _, link in cells.values()]
    corrected = iter(correlation.holm(tested) if tested else [])
    rows = [
        [*place, *(_estimated(cell, next(corrected)) for cell in cells.values())]
        for place, cells in found
    ]
    return Table(
        "estimators",
        "Each hidden layer under each estimator",
        [["group", "layer", "changed", *names], *rows],
        "I(X;T) at the end in bits, the mean over runs; its pooled rank correlation with test accuracy; p after Holm's "
        "correction over the table. Each estimator works on the counts of counts of the last epochs. Where the "
        "measured sample is the population (SZT), the plug-in value is exact and none is corrected. What is near log2 "
        "N under every estimator was not measured by any.",
    )


def _estimated(cell, p):
    mean, link = cell
    return "-" if link is None else f"{mean:.2f}; {_number(link.rho)}; {_p(p)}"


def _estimate(layers, of_runs):
    """(mean over runs, correlation with accuracy) of one estimator's I(X;T); (NaN, None) where a
    run has none of it."""
    if any(each is None for each in of_runs):
        return np.nan, None
    values = {
        e.setting: each.sel(layer=e.name).values for e, each in zip(layers, of_runs, strict=True)
    }
    link = linked(layers, lambda layer: values[layer.setting], LINKS["pooled"])
    return np.nanmean(np.concatenate(list(values.values()))), link


def _estimates(run, names):
    """Estimator -> I(X;T) of a run, the mean over the last epochs (seed, layer); of a population
    the plug-in alone."""
    result = run.results[""]
    late = results.at_epochs(result, np.flatnonzero(compression.last(result.epoch.values)))
    shape = tuple(int(n) for n in late.attrs["example_shape"].split())
    alphabets = alphabets_of(run.experiment.model, run.experiment.probes[0], shape)
    asked = ("plugin",) if result.attrs["population"] else names
    return {name: reestimation.reestimate(late, name, alphabets).i_xt.mean("epoch") for name in asked}


def cause_table(runs: Runs) -> Table:
    """What decay, width and label noise, varied alone, do to compression and accuracy: seed by
    seed."""
    rows = [
        [
            "changed",
            "seeds",
            "test accuracy",
            "fall of I(X;T) [bit]",
            "factor",
            "I(X;T) at the end [bit]",
            "both go",
        ]
    ]
    for name, of in differences(runs).items():
        told = [
            words(of["accuracy"], 3),
            words(of["fall"]),
            words(of["factor"], 3),
            words(of["end"]),
        ]
        rows.append([name, str(len(of["fall"])), *told, together(of["fall"], of["accuracy"])])
    return Table(
        "causes",
        "One cause at a time: the last hidden layer on SZT, minus the same seeds of the base",
        rows,
        "Means over seeds with 95 % intervals of the paired differences. If compression made generalisation, what "
        "raises the fall would raise accuracy: the last column says whether fall and accuracy are surely changed, and "
        "to one side. A wider layer has more bits to lose and computes more: it moves both, as a common cause does.",
    )


def differences(runs: Runs) -> dict[str, dict[str, np.ndarray]]:
    """Cause -> "accuracy", "fall", "factor", "end" of the last hidden layer, minus the base's, seed
    by seed: [S].

    Of the seeds that both have, and only where both are as long and as much changed.
    """
    base, *others = BEYOND["szt-causes"]
    found = {}
    for each in (e for e in others if base.name in runs and e.name in runs):
        before, after = (of_run(runs[e.name], "szt-causes", e)[-1] for e in (base, each))
        seeds, *places = np.intersect1d(before.seeds, after.seeds, return_indices=True)
        if before.changed != after.changed or not len(seeds):
            continue
        pairs = {"accuracy": _accuracy, "fall": _fall, "factor": factor, "end": i_xt}
        name = each.name.rpartition("szt-")[2]
        found[name] = {key: f(after)[places[1]] - f(before)[places[0]] for key, f in pairs.items()}
    return found


def together(fall: np.ndarray, accuracy: np.ndarray) -> str:
    """Whether two paired differences [S] go the same way: "together", "apart", or "unsure" where
    one may be 0."""
    signs = [
        np.sign(low) if low * high > 0 else 0
        for _, low, high in (interval(fall), interval(accuracy))
    ]
    return "unsure" if 0 in signs else ("together" if signs[0] == signs[1] else "apart")


def _accuracy(layer):
    return layer.accuracy.mean


def _fall(layer):
    return layer.fall


def end_table(runs: Runs) -> Table:
    """I(X;T) and accuracy over the last epochs, setting by setting: means over seeds."""
    of = ("mean", "median", "low", "high")
    told = ("mean", "median", "least", "largest")
    rows = [["setting", "seeds", "epochs", *(f"I(X;T), {name} [bit]" for name in told)]]
    rows[0] += [f"test accuracy, {name}" for name in told]
    for _, every in groups(runs):
        for layer in by_depth(every)[-1]:
            values = [
                np.mean(getattr(end, key)) for end in (layer.i_xt, layer.accuracy) for key in of
            ]
            place = [layer.setting.rpartition("/")[2], str(len(layer.seeds)), str(layer.epochs)]
            rows.append([*place, *(f"{value:.3f}" for value in values)])
    return Table("ends", "The last hidden layer over the last epochs", rows, "Means over seeds.")


def missing_table(runs: Runs) -> Table:
    """The settings without a run, group by group."""
    rows = [["group", "settings with a run", "networks", "without", "changed"]]
    for group, settings in (GRID | BEYOND).items():
        there = [runs[e.name] for e in settings if e.name in runs]
        missing = (
            [e.name.rpartition("/")[2] for e in settings if e.name not in runs]
            if there
            else ["all"]
        )
        labels = sorted({run.label for run in there if run.label})
        seeds = f"{sum(run.results[''].sizes['seed'] for run in there)} of {sum(len(e.seeds) for e in settings)}"
        rows.append(
            [
                group,
                f"{len(there)} of {len(settings)}",
                seeds,
                ", ".join(missing) or "none",
                "; ".join(labels) or "no",
            ]
        )
    return Table(
        "settings",
        "Which settings have a run",
        rows,
        "Changed runs are hints, and settle no claim.",
    )


def _layer(layers):
    """The name of a layer that several settings have at one depth."""
    names = sorted({layer.name for layer in layers})
    return f"{names[0]} ({layers[0].back})" if len(names) == 1 else f"hidden ({layers[0].back})"


def _changed(layers):
    """How many settings have a run that is not the study's own."""
    return f"{len(layers) - len(whole(layers))} of {len(layers)}"


def _epochs(layers):
    return ", ".join(str(n) for n in sorted({layer.epochs for layer in layers}))


def _counted(values):
    return int(np.isfinite(values).sum())


def _interval(value, low, high, digits=2):
    return f"{value:.{digits}f}" + (
        "" if np.isnan(low) else f" [{low:.{digits}f}, {high:.{digits}f}]"
    )


def _link(link: Link) -> str:
    return "undefined" if np.isnan(link.rho) else _interval(link.rho, link.low, link.high)


def _number(value):
    return "undefined" if np.isnan(value) else f"{value:.2f}"


def _p(p):
    return "-" if np.isnan(p) else (f"{p:.3f}" if p >= 0.001 else f"{p:.0e}")
