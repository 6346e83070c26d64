"""jaxbnn plot: a finished run drawn."""

import argparse
from pathlib import Path

from jaxbnn import studies
from jaxbnn.files.figures import save_figure
from jaxbnn.plots import run_figures, study_figures
from jaxbnn.storage import results, run_folder


def plot_run(options: argparse.Namespace) -> int:
    """jaxbnn plot FOLDER."""
    result = results.open_result(options.folder)
    if "study" in result.attrs:
        drawn = study_figures.plot_study(result)
    else:
        changed = studies.changed(run_folder.read_config(options.folder))
        drawn = run_figures.plot_run(result, f"changed: {changed}" if changed else "")
    for name, figure in drawn.items():
        for path in save_figure(Path(options.folder), name, figure):
            print(path)
    return 0
