"""Subadditivity in the trained networks of Nothnagel & Geiger 2026: a layer, its units shuffled
apart, one by one."""

from functools import cache

import jax
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from jaxbnn import plots
from jaxbnn.info.total_correlation import Dependence, dependence
from jaxbnn.observe.probe import choose
from jaxbnn.studies.drawing import panels_for
from jaxbnn.studies.nothnagel_2026.experiments import GRID
from jaxbnn.studies.study import Run, Runs, Table

BATCH = 2000  # examples seen at once
ALMOST = 1e-6  # bits of rounding


def first_settings(runs: Runs) -> dict[str, str]:
    """Group -> the first of its settings that has a run: without decay, or the widest."""
    found = {
        group: next((e.name for e in settings if e.name in runs), None)
        for group, settings in GRID.items()
    }
    return {group: name for group, name in found.items() if name is not None}


def dependences(run: Run) -> dict[str, list[Dependence]]:
    """Hidden layer -> of each trained network, over the examples that the run's main probe
    measures."""
    return _dependences(
        run.experiment.model, run.experiment.probes[0].sample, run.split, run.networks
    )


@cache
def _dependences(model, sample, split, networks):
    x = np.asarray(choose(split(), sample).x)
    apply = jax.jit(lambda variables, batch: model.apply(variables, batch, train=False)[1])
    found: dict[str, list[Dependence]] = {}
    for seed, variables in networks().items():
        parts = [
            jax.device_get(apply(variables, x[i : i + BATCH])) for i in range(0, len(x), BATCH)
        ]
        for name, *pieces in zip(model.layer_names, *parts, strict=True):
            t = np.concatenate(pieces).reshape(len(x), -1)
            found.setdefault(name, []).append(dependence(t, seed))
    return found


def unit_figure(runs: Runs) -> Figure:
    """The three entropies of each layer, a panel a setting, on a log axis."""
    names = list(first_settings(runs).values())
    figure, panels = panels_for(len(names), 5.4, 5.2)
    for ax, name in zip(panels, names, strict=False):
        ax.set_title(name.rpartition("/")[2])
        try:
            found = dependences(runs[name])
        except (OSError, ValueError):  # the table says why
            ax.set_axis_off()
            continue
        labels = {
            "H(T)": "h_t",
            "units shuffled apart": "h_shuffled",
            "sum of single units": "h_units",
        }
        values = {
            label: [[getattr(d, key) for d in of] for of in found.values()]
            for label, key in labels.items()
        }
        plots.dots(ax, list(found), values, "entropy [bit], log axis")
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter(NullFormatter())
        most = float(runs[name].results[""].h_x.mean())
        ax.axhline(most, color="0.3", lw=1.1, ls=(0, (5, 3)))
        ax.annotate(
            "H(X)",
            (1, most),
            xycoords=ax.get_yaxis_transform(),
            fontsize=9,
            va="bottom",
            ha="right",
        )
    return figure


def unit_table(runs: Runs) -> Table:
    """H(T), shuffled, and the sum of units, layer by layer."""
    rows = [
        [
            "setting",
            "layer",
            "networks",
            "H(T) [bit]",
            "units shuffled",
            "sum of units",
            "total correlation",
        ]
    ]
    rows[0].append("H(T) <= shuffled <= sum")
    for name in first_settings(runs).values():
        try:
            found = dependences(runs[name])
        except (
            OSError,
            ValueError,
        ) as error:  # no checkpoints, another machine's, no data: the rest is told
            rows.append(
                [name.rpartition("/")[2], f"not seen: {error}", *["-"] * (len(rows[0]) - 2)]
            )
            continue
        for layer, of in found.items():
            h_t, shuffled, units = (
                np.array([getattr(d, key) for d in of]) for key in Dependence._fields
            )
            ordered = (h_t <= shuffled + ALMOST) & (shuffled <= units + ALMOST)
            told = [f"{values.mean():.3f}" for values in (h_t, shuffled, units, units - h_t)]
            held = f"{int(ordered.sum())} of {len(of)}"
            rows.append([name.rpartition("/")[2], layer, str(len(of)), *told, held])
    return Table(
        "units",
        "Subadditivity and total correlation in trained networks",
        rows,
        "Of each group's first setting, after the last epoch, over the measured sample; means over networks. Shuffled: "
        "each unit's values dealt anew over the examples, on its own. H(T) <= sum of units always; where H(T) and the "
        "shuffled entropy are both near log2 N, the sample bounds both and their order says nothing.",
    )
