"""jaxbnn measure: a file of activations, or a finished run estimated anew."""

import argparse
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import xarray
from rich.table import Table

from jaxbnn import data, info
from jaxbnn.analysis.reestimation import reestimate
from jaxbnn.cli import tables
from jaxbnn.cli.terminal import print_table
from jaxbnn.files import npz as archives
from jaxbnn.info import reliability
from jaxbnn.observe.probe import alphabets_of
from jaxbnn.storage import results, run_folder

ONE = "t"  # the name of what a file holds where that is one layer at one epoch
FORMS = [("t", "y"), ("words", "bits", "y")]


def measure_path(options: argparse.Namespace) -> int:
    """jaxbnn measure FILE.npz, jaxbnn measure FOLDER."""
    return measure_folder(options) if Path(options.path).is_dir() else measure_file(options)


def measure_folder(options: argparse.Namespace) -> int:
    """A finished run's last epoch, by another estimator of entropy."""
    if options.population or options.tolerance is not None:
        raise ValueError(
            "expected --population and --tolerance with an .npz file; a run's probes have their own"
        )
    experiment, name = run_folder.read_config(options.path), options.estimator or "plugin"
    found = {}
    for probe in experiment.probes:
        whole = results.open_result(
            options.path, None if probe is experiment.probes[0] else probe.name
        )
        if "example_shape" not in whole.attrs:
            raise ValueError(
                f"expected a run of this version in {options.path}, got an earlier one's: "
                "run it again"
            )
        shape = tuple(int(n) for n in whole.attrs["example_shape"].split())
        alphabets = alphabets_of(experiment.model, probe, shape)
        found[probe.name] = reestimate(whole.isel(epoch=[-1]), name, alphabets).isel(epoch=0)
    if options.json:
        print(json.dumps({probe: estimated_json(last) for probe, last in found.items()}))
        return 0
    for probe, last in found.items():
        print_table(tables.estimate_table(last, f"{probe}, epoch {int(last.epoch)}, {name}"))
        if last.attrs["population"]:
            print("a population: its plug-in values are exact, the others estimate what is known")
    return 0


def estimated_json(last: xarray.Dataset) -> dict[str, Any]:
    """One probe's estimates, [seed][layer]; null where there is none."""
    return {
        "epoch": int(last.epoch),
        "seed": last.seed.values.tolist(),
        "layer": list(last.layer.values),
        "i_xt": plain(last.i_xt.values.tolist()),
        "i_ty": plain(last.i_ty.values.tolist()),
    }


def plain(value: Any) -> Any:
    """A value as JSON knows it: None for NaN and infinity, an object for a named tuple."""
    if hasattr(value, "_asdict"):
        return {name: plain(field) for name, field in value._asdict().items()}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def measure_file(options: argparse.Namespace) -> int:
    """What an .npz file of activations and labels says: one layer, or several layers or epochs."""
    if options.estimator:
        raise ValueError(f"expected a run's folder with --estimator, got {options.path}")
    measured = measured_layers(options)
    is_single = list(measured) == [ONE]
    if options.json:
        print(json.dumps(plain(measured[ONE]) if is_single else named_layers(measured)))
        return 0
    print_table(measured_table(measured))
    if not is_single:
        n, h_y, tolerance = _shared(measured)
        print(f"N = {n} examples, H(Y) = {h_y:.6f} bit, tolerance {tolerance:g} bit")
    return 0


def named_layers(measured: dict[str, info.Measurement]) -> dict[str, Any]:
    """Several layers as JSON: an object for each, by its name."""
    return {name: plain(found) for name, found in measured.items()}


def measured_table(measured: dict[str, info.Measurement]) -> Table:
    """A table of one layer's values, or a line for each of several layers."""
    if list(measured) != [ONE]:
        return tables.layers_table(measured)
    table = Table(box=None, show_header=False, pad_edge=False)
    for label, value in tables.measured_rows(measured[ONE]):
        table.add_row(label, value)
    return table


def _shared(measured: dict[str, info.Measurement]) -> tuple[int, float, float]:
    """N, H(Y) and the tolerance, which are the same for all layers of a file."""
    first = next(iter(measured.values()))
    return first.counts.n, first.h_y, first.tolerance


def measured_layers(options: argparse.Namespace) -> dict[str, info.Measurement]:
    """The measurements of what a file holds, by name."""
    layers = layer_names(options.path)
    arrays = data.read_npz(options.path, [(*layers, "y")] if layers else FORMS)
    tolerance = reliability.TOLERANCE if options.tolerance is None else options.tolerance
    bits = int(arrays["bits"]) if "bits" in arrays else None
    measured = {}
    for name, t in parts_of(arrays, layers or ["words"]).items():
        try:
            measured[name] = info.measure(
                t, arrays["y"], options.population, bits=bits, tolerance=tolerance
            )
        except (TypeError, ValueError) as error:
            where = "" if name == ONE else f"{name}: "
            raise ValueError(f"{where}{error} (in {options.path})") from error
    return measured


def layer_names(path: str) -> list[str]:
    """The arrays t and t_... of a file, in its order; none where it is no archive, which
    `read_npz` says better."""
    try:
        names = archives.names(path)
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return []
    return [name for name in names if name == "t" or name.startswith("t_")]


def parts_of(arrays: dict[str, np.ndarray], layers: list[str]) -> dict[str, np.ndarray]:
    """What is measured by itself: an array [N, ...], or each epoch of an array [E, N, ...], by
    name; packed rows under ONE."""
    n = len(np.atleast_1d(arrays["y"]))
    parts = {}
    for layer in layers:
        t = arrays[layer]
        if not _has_epochs(t, n, layer):
            parts[layer] = t
            continue
        for epoch in range(len(t)):
            parts[f"{layer}[{epoch}]"] = t[epoch]
    return {ONE: parts["words"]} if list(parts) == ["words"] else parts


def _has_epochs(t: np.ndarray, n: int, name: str) -> bool:
    """Whether the array is [E, N, ...], E epochs of the n examples that have labels."""
    if t.ndim < 3 or t.shape[1] != n:
        return False
    if t.shape[0] == n:
        raise ValueError(
            f"expected {name} [N, D] or [E, N, D], got {list(t.shape)} with {n} labels, which is "
            "both: give one example's values one axis, or each epoch a name of its own (t_1, t_2)"
        )
    return True
