"""The figures of a finished run: arrays of its result handed to `plots`."""

import textwrap
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from jaxbnn import plots

TRUSTED, UNJUDGED = (
    (0, 2),
    -1,
)  # of verdict_xt and verdict_ty: exact, reliable; and what nothing was counted for
VERDICTS = {"saturated": 1, "biased": 3, "reliable": 2}
NEAR = 0.1  # bits: an estimate this near the truth is right
SHOWN = 4  # sizes of a sample for which errors are drawn


def of_run(result, label: str = "") -> dict[str, Figure]:
    """ "plane" and "curves" of a result (an xarray.Dataset as `store.read_result` gives it), the
    label above them.

    A point of the plane is trusted where both its verdicts allow it, a point of a curve by its own.
    """
    arrays = (result.i_xt.values, result.i_ty.values)
    uncounted = result.n_patterns < 0  # a layer that is not counted has no verdict to doubt
    verdicts = (result.verdict_xt, result.verdict_ty)
    xt, ty = (
        (verdict.isin(TRUSTED) | ((verdict == UNJUDGED) & uncounted)).values for verdict in verdicts
    )
    unseen = (uncounted & (result.verdict_xt == UNJUDGED)).all(("seed", "epoch")).values
    names = zip(map(str, result.layer.values), unseen, strict=True)
    layers = [f"{name} (not counted)" if no else name for name, no in names]
    limits = {"h_x": float(result.h_x.mean()), "h_y": float(result.h_y.mean())}
    plane, curves = (
        Figure((6.4, 4.8), layout="constrained"),
        Figure((9.0, 6.5), layout="constrained"),
    )
    plots.plane(plane.subplots(), *arrays, result.epoch.values, layers, **limits, trusted=xt & ty)
    series = {
        name: result[name].values
        for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
    }
    plots.overview(
        curves, result.epoch.values, *arrays, series, layers, **limits, trusted_xt=xt, trusted_ty=ty
    )
    for figure in (plane, curves) if label else ():
        figure.suptitle("\n".join(textwrap.wrap(label, 70)), fontsize=9)
    return {"plane": plane, "curves": curves}


def of_study(result) -> dict[str, Figure]:
    """The figures of a study of estimators (`calibration.calibrate`): errors, variances, verdicts,
    were they right."""
    return of_bernoulli(result) if "p" in result.dims else of_layers(result)


def of_bernoulli(result) -> dict[str, Figure]:
    """ "errors", "variances", "verdicts" and "rightness" over p, D and N."""
    sizes = result.n.values[np.unique(np.linspace(0, result.sizes["n"] - 1, SHOWN).astype(int))]
    errors, variances = (
        Figure((4.6 * len(sizes), 4.4 * result.sizes["p"]), layout="constrained") for _ in range(2)
    )
    for figure, draw in ((errors, _draw_errors), (variances, _draw_variances)):
        panels = figure.subplots(result.sizes["p"], len(sizes), squeeze=False)
        for row, p in zip(panels, result.p.values, strict=True):
            for ax, n in zip(row, sizes, strict=True):
                draw(ax, result.sel(p=p, n=n))
                ax.set_title(f"p = {p:g}, N = {n}")
    maps = {}
    for name, draw, shares in (
        ("verdicts", plots.verdicts, _verdicts),
        ("rightness", plots.rightness, _rightness),
    ):
        maps[name] = Figure((5.4 * result.sizes["p"], 6.6), layout="constrained")
        for ax, p in zip(
            maps[name].subplots(1, result.sizes["p"], squeeze=False)[0],
            result.p.values,
            strict=True,
        ):
            draw(ax, result.d.values, result.n.values, shares(result.sel(p=p)))
            ax.set_title(f"p = {p:g}")
    return {"errors": errors, "variances": variances, **maps}


def of_layers(result) -> dict[str, Figure]:
    """ "errors", "variances", "verdicts" and "rightness" of layers, those with the same number of
    units together."""
    units = np.unique(result.bits.values)
    size = (5.6 * max(2, len(units)), 5.0)
    errors, variances = (Figure(size, layout="constrained") for _ in range(2))
    names = [str(name) for name in result.estimator.values]
    panels = (figure.subplots(1, len(units), squeeze=False)[0] for figure in (errors, variances))
    for left, right, d in zip(*panels, units, strict=True):
        same = result.isel(layer=np.flatnonzero(result.bits.values == d))
        error = abs(same.estimate - same.truth).mean(("layer", "repetition"))
        plots.errors(left, same.n.values, error.transpose("n", "estimator").values, names)
        seen, said, band = _layer_variances(same)
        drawn = f"over {result.sizes['repetition']} samples of each layer"
        plots.variances(right, same.n.values, seen, said, band, source=drawn)
        for ax in (left, right):
            ax.set_xlabel("examples drawn N")
            ax.set_title(f"{d} units")
    maps = {}
    verdicts = partial(plots.verdicts, regime=False)
    for name, draw, shares in (
        ("verdicts", verdicts, _verdicts),
        ("rightness", plots.rightness, _rightness),
    ):
        maps[name] = Figure((6.4, 5.4), layout="constrained")
        of_units = [shares(result.isel(layer=result.bits.values == d), "layer") for d in units]
        draw(maps[name].subplots(), units, result.n.values, np.stack(of_units))
    return {"errors": errors, "variances": variances, **maps}


def _layer_variances(layers):
    """Per n: the plug-in's variance over a layer's samples (NaN of one alone), its estimates' mean
    and 10 to 90 %."""
    plugin = layers.estimate.sel(estimator="plugin").transpose("n", "layer", "repetition").values
    said = layers.standard_error.transpose("n", "layer", "repetition").values ** 2
    seen = plugin.var(axis=2, ddof=1) if plugin.shape[2] > 1 else np.full(plugin.shape[:2], np.nan)
    return seen.mean(axis=1), said.mean(axis=(1, 2)), np.quantile(said, [0.1, 0.9], axis=(1, 2)).T


def _draw_errors(ax, part):
    error = abs(part.estimate - part.truth).mean("repetition").transpose("d", "estimator")
    plots.errors(ax, part.d.values, error.values, [str(name) for name in part.estimator.values])


def _draw_variances(ax, part):
    estimated = part.standard_error.transpose("d", "repetition").values ** 2
    band = np.quantile(estimated, [0.1, 0.9], axis=1).T
    plots.variances(ax, part.d.values, part.variance.values, estimated.mean(axis=1), band)


def _verdicts(part, *pooled):
    """Shares of the repetitions and of what is pooled: saturated, biased, reliable; [D, N, 3] or
    [N, 3]."""
    return _shares(
        [part.verdict == VERDICTS[name] for name in ("saturated", "biased", "reliable")], pooled
    )


def _rightness(part, *pooled):
    """Shares as `_verdicts`: reliable, biased, saturated, each where the plug-in is near the truth
    and where not."""
    near = abs(part.estimate.sel(estimator="plugin") - part.truth) <= NEAR
    given = [part.verdict == VERDICTS[name] for name in ("reliable", "biased", "saturated")]
    return _shares([verdict & where for verdict in given for where in (near, ~near)], pooled)


def _shares(cases, pooled):
    axes = [axis for axis in ("d", "n") if axis in cases[0].dims]
    return np.stack(
        [case.mean(("repetition", *pooled)).transpose(*axes).values for case in cases], axis=-1
    )
