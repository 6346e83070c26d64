"""The figures of a finished run: arrays of its result handed to `plots`."""

from matplotlib.figure import Figure

from jaxbnn import plots


def of_run(result) -> dict[str, Figure]:
    """ "plane" and "curves" of a result (an xarray.Dataset as `store.read_result` gives it)."""
    arrays = (result.i_xt.values, result.i_ty.values)
    layers = [str(name) for name in result.layer.values]
    limits = {"h_x": float(result.h_x.mean()), "h_y": float(result.h_y.mean())}
    plane, curves = Figure((6.4, 4.8), layout="constrained"), Figure((9.0, 6.5), layout="constrained")
    plots.plane(plane.subplots(), *arrays, result.epoch.values, layers, **limits)
    series = {name: result[name].values for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy")}
    plots.overview(curves, result.epoch.values, *arrays, series, layers, **limits)
    return {"plane": plane, "curves": curves}
