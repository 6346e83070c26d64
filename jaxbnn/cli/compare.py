"""jaxbnn compare: two finished runs."""

import argparse

from jaxbnn import studies
from jaxbnn.analysis import comparison
from jaxbnn.cli import tables
from jaxbnn.cli.terminal import print_table
from jaxbnn.storage import results, run_folder


def compare_runs(options: argparse.Namespace) -> int:
    """jaxbnn compare A B."""
    a, b = (results.open_result(folder) for folder in (options.a, options.b))
    found = {quantity: comparison.compare(a, b, quantity) for quantity in ("i_xt", "i_ty")}
    print_table(tables.comparison_table(found, a.attrs["experiment"], b.attrs["experiment"]))
    for name, folder in (("A", options.a), ("B", options.b)):
        if changed := studies.changed(run_folder.read_config(folder)):
            print(f"{name} changed: {changed}")
    print(tables.comparison_words(found))
    return 0
