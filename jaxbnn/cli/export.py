"""jaxbnn export: a run's result as one netCDF file."""

import argparse

from jaxbnn.storage import results


def export_run(options: argparse.Namespace) -> int:
    """jaxbnn export FOLDER FILE.nc."""
    results.export(options.folder, options.file)
    print(options.file)
    return 0
