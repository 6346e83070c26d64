"""jaxbnn measure: a file of activations, or a finished run estimated anew."""

import argparse
import json
import math
from pathlib import Path

from rich.table import Table

from jaxbnn import data, info
from jaxbnn.analysis import reestimation
from jaxbnn.cli import tables
from jaxbnn.cli.terminal import print_table
from jaxbnn.info import reliability
from jaxbnn.observe.probe import alphabets_of
from jaxbnn.storage import results, run_folder


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
                f"expected a run of this version in {options.path}, got an earlier one's: run it again"
            )
        shape = tuple(int(n) for n in whole.attrs["example_shape"].split())
        alphabets = alphabets_of(experiment.model, probe, shape)
        found[probe.name] = reestimation.reestimate(whole.isel(epoch=[-1]), name, alphabets).isel(
            epoch=0
        )
    if options.json:
        print(json.dumps({probe: estimated_json(last) for probe, last in found.items()}))
        return 0
    for probe, last in found.items():
        print_table(tables.estimate_table(last, f"{probe}, epoch {int(last.epoch)}, {name}"))
        if last.attrs["population"]:
            print("a population: its plug-in values are exact, the others estimate what is known")
    return 0


def estimated_json(last) -> dict:
    """One probe's estimates, [seed][layer]; null where there is none."""
    values = {
        key: [[plain(v) for v in seed] for seed in last[key].values.tolist()]
        for key in ("i_xt", "i_ty")
    }
    return {
        "epoch": int(last.epoch),
        "seed": last.seed.values.tolist(),
        "layer": list(last.layer.values),
    } | values


def plain(value):
    """A value as JSON knows it: None for NaN and infinity."""
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def measure_file(options: argparse.Namespace) -> int:
    """What an .npz file of activations and labels says."""
    if options.estimator:
        raise ValueError(f"expected a run's folder with --estimator, got {options.path}")
    arrays = data.read_npz(options.path, [("t", "y"), ("words", "bits", "y")])
    tolerance = reliability.TOLERANCE if options.tolerance is None else options.tolerance
    bits = int(arrays["bits"]) if "bits" in arrays else None
    t = arrays["t"] if "t" in arrays else arrays["words"]
    found = info.measure(t, arrays["y"], options.population, bits=bits, tolerance=tolerance)
    if options.json:
        print(json.dumps({key: plain(value) for key, value in found._asdict().items()}))
        return 0
    table = Table(box=None, show_header=False, pad_edge=False)
    for label, value in tables.measured_rows(found):
        table.add_row(label, value)
    print_table(table)
    return 0
