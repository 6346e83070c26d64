"""jaxbnn plot: a finished run drawn."""

import argparse

from jaxbnn.studies.run_drawing import plot_run


def plot_folder(options: argparse.Namespace) -> int:
    """jaxbnn plot FOLDER."""
    for path in plot_run(options.folder):
        print(path)
    return 0
