"""What `compare` prints of two runs."""

from collections.abc import Mapping

import numpy as np
from rich.table import Table

from jaxbnn.analysis.comparison import Comparison

SYMBOLS = {"i_xt": "I(X;T)", "i_ty": "I(T;Y)"}


def comparison_table(compared: Mapping[str, Comparison], a: str, b: str) -> Table:
    """Per layer A minus B at the last shared epoch, with its band, and where A and B differ
    most."""
    first = next(iter(compared.values()))
    table = Table(title=f"A {a}, minus B {b}, epoch {first.epoch[-1]}")
    table.add_column("layer")
    for quantity in compared:
        table.add_column(rf"{SYMBOLS[quantity]} \[bit]", justify="right")
        table.add_column("largest, at epoch", justify="right")
    for layer in first.layer:
        cells: list[str] = []
        for comparison in compared.values():
            cells += _cells(comparison, layer)
        table.add_row(layer, *cells)
    return table


def comparison_words(compared: Mapping[str, Comparison]) -> str:
    """Over how many seeds, and whether the planes differ."""
    first = next(iter(compared.values()))
    n_a, n_b = first.n_seeds
    levels = [f"{SYMBOLS[quantity]} p = {c.p:.4f}" for quantity, c in compared.items()]
    how = "over seeds shuffled between A and B"
    if first.matched:
        how = "over the signs of each seed's difference: both runs have the same root seed"
    bands = (
        "bands: 95 %, at all shared epochs and layers at once; p: of the largest difference, " + how
    )
    shared = f"{n_a} and {n_b} seeds, {len(first.epoch)} shared epochs"
    return f"{shared}: {', '.join(levels)}\n{bands}"


def _cells(comparison: Comparison, layer: str) -> tuple[str, str]:
    """A layer's difference at the last shared epoch, and its largest."""
    if layer not in comparison.layer:
        return "-", "-"
    i = comparison.layer.index(layer)
    difference = comparison.difference[:, i]
    largest = int(np.abs(difference).argmax())
    half = comparison.high[-1, i] - difference[-1]
    at_end = f"{difference[-1]:+.4f} ± {half:.4f}"
    return at_end, f"{difference[largest]:+.4f}, {comparison.epoch[largest]}"
