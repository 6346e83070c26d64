"""The figures of a finished run: arrays of its result handed to `plots`."""

from matplotlib.figure import Figure

from jaxbnn import plots

TRUSTED = (
    -1,
    0,
    2,
)  # of verdict_xt and verdict_ty: unjudged, for it is no count; exact; reliable. 1 saturated, 3 biased


def of_run(result) -> dict[str, Figure]:
    """ "plane" and "curves" of a result (an xarray.Dataset as `store.read_result` gives it).

    A point of the plane is trusted where both its verdicts allow it, a point of a curve by its own.
    """
    arrays = (result.i_xt.values, result.i_ty.values)
    xt, ty = (result[name].isin(TRUSTED).values for name in ("verdict_xt", "verdict_ty"))
    layers = [str(name) for name in result.layer.values]
    limits = {"h_x": float(result.h_x.mean()), "h_y": float(result.h_y.mean())}
    plane, curves = Figure((6.4, 4.8), layout="constrained"), Figure((9.0, 6.5), layout="constrained")
    plots.plane(plane.subplots(), *arrays, result.epoch.values, layers, **limits, trusted=xt & ty)
    series = {name: result[name].values for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy")}
    plots.overview(curves, result.epoch.values, *arrays, series, layers, **limits, trusted_xt=xt, trusted_ty=ty)
    return {"plane": plane, "curves": curves}
