"""What `measure` prints: the rows of a measurement, and a run estimated anew."""

import math
from typing import Any

from rich.table import Table

from jaxbnn.cli.table_cells import spread, verdicts
from jaxbnn.info import Measurement
from jaxbnn.info.plane import bands


def estimate_table(last: Any, title: str) -> Table:
    """One epoch of a run by another estimator: mean -+ 95 % interval over seeds, and how far to
    trust the plug-in."""
    table = Table(title=title)
    width = ("sd",) if "sd_xt" in last else ()
    for heading in ("layer", r"I(X;T) \[bit]", *width, "trust", r"I(T;Y) \[bit]", "null", "trust"):
        table.add_column(heading, justify="left" if heading in ("layer", "trust") else "right")
    xt = bands(last.i_xt.values)
    ty = bands(last.i_ty.values)
    for i, layer in enumerate(last.layer.values):
        sd = [f"{last.sd_xt.values[:, i].mean():.4f}"] if width else []
        table.add_row(
            str(layer),
            spread(xt, i),
            *sd,
            verdicts(last.verdict_xt.values[:, i]),
            spread(ty, i),
            f"{last.null_ty.values[:, i].mean():.4f}",
            verdicts(last.verdict_ty.values[:, i]),
        )
    return table


def measured_rows(found: Measurement) -> list[tuple[str, str]]:
    """The rows of the table that `measure` prints."""
    corrected = [
        ("I(X;T), Miller-Madow", f"{found.i_xt_corrected:.6f} bit"),
        ("I(T;Y), Miller-Madow", f"{found.i_ty_corrected:.6f} bit"),
    ]
    interval = (
        "none"
        if found.verdict_xt == "saturated"
        else f"{found.low_xt:.4f} .. {found.high_xt:.4f} bit"
    )
    sampled = [
        ("  95 % interval", interval),
        ("  bias, standard error", f"{found.bias_xt:.4f}, {found.se_xt:.4f} bit"),
        ("  N needed", needed_line(found)),
    ]
    return [
        ("I(X;T)", f"{found.i_xt:.6f} bit (at most log2 N = {math.log2(found.n):.6f})"),
        ("  trust", found.verdict_xt + (f" ({found.cause_xt})" if found.cause_xt else "")),
        *([] if found.population else sampled),
        ("I(T;Y)", f"{found.i_ty:.6f} bit (at most H(Y) = {found.h_y:.6f})"),
        ("  trust", found.verdict_ty),
        (
            "  null, standard error",
            f"{found.null_ty:.4f}, {found.se_ty:.4f} bit (null: with permuted labels)",
        ),
        *([] if found.population else corrected),
        ("examples N, units D", f"{found.n}, {found.d}"),
        (
            "patterns seen, once, twice",
            f"{found.n_patterns}, {found.n_singletons}, {found.n_doubletons}",
        ),
        (
            "coverage",
            f"{found.coverage:.4f} (Good-Turing), {found.coverage_chao_jost:.4f} (Chao-Jost)",
        ),
        ("counts certified", "yes" if found.certified else "no"),
    ]


def needed_line(found: Measurement) -> str:
    """How many examples the plug-in I(X;T) takes."""
    if found.n_guesses is None:
        return f"{found.n_needed} of the {found.n} suffice for {found.tolerance:g} bit"
    by_patterns, by_units = found.n_guesses
    return f"more than {found.n}; guesses: {by_patterns:.2g} (Chao1's patterns), {by_units:.2g} ((2^D/D)^2)"
