"""jaxbnn compare: two finished runs."""

import argparse
from pathlib import Path

from jaxbnn.analysis import comparison
from jaxbnn.cli.comparison_table import comparison_table, comparison_words
from jaxbnn.cli.terminal import print_table
from jaxbnn.storage import results
from jaxbnn.studies.run_drawing import changes_label


def compare_runs(options: argparse.Namespace) -> int:
    """jaxbnn compare A B."""
    a = results.open_result(options.a)
    b = results.open_result(options.b)
    compared = {}
    for quantity in ("i_xt", "i_ty"):
        compared[quantity] = comparison.compare(a, b, quantity)
    print_table(comparison_table(compared, a.attrs["experiment"], b.attrs["experiment"]))
    for name, folder in (("A", options.a), ("B", options.b)):
        label = changes_label(Path(folder))
        if label:
            print(f"{name} {label}")
    print(comparison_words(compared))
    return 0
