"""A finished run drawn into its folder."""

from pathlib import Path

from jaxbnn.files.figures import save_figure
from jaxbnn.plots import run_figures, study_figures
from jaxbnn.storage import results, run_folder
from jaxbnn.studies.named import changed_in


def plot_run(folder: str | Path) -> list[Path]:
    """Draws information plane and curves of a finished run into its folder; of a study of samples
    its errors, variances and verdicts.

    What sets the run apart from the study's of its name stands above the figures.

    Args:
        folder: the run's, OUT/<name>/<digest>.

    Returns:
        The files that were written, PNG and PDF.

    Raises:
        ValueError: for a folder without a result.
    """
    folder = Path(folder)
    result = results.open_result(folder)
    if "study" in result.attrs:
        figures = study_figures.plot_study(result)
    else:
        figures = run_figures.plot_run(result, changes_label(folder))
    paths = []
    for name, figure in figures.items():
        paths += save_figure(folder, name, figure)
    return paths


def changes_label(folder: Path) -> str:
    """ "changed: ..." of a run that is not as its study has it, else ""."""
    path = folder / run_folder.CONFIG
    if not path.is_file():
        return ""
    changed = changed_in(path.read_text(encoding="utf-8"))
    return f"changed: {changed}" if changed else ""
