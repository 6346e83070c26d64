"""What `measure` prints: the rows of a measurement, and a run estimated anew."""

import math
from collections.abc import Mapping
from typing import Any

from rich.markup import escape
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
    """The rows of the table that `measure` prints of one layer: a label and a value each."""
    rows = _input_rows(found) + _label_rows(found)
    if not found.population:
        rows += [
            ("I(X;T), Miller-Madow", f"{found.xt.corrected:.6f} bit"),
            ("I(T;Y), Miller-Madow", f"{found.ty.corrected:.6f} bit"),
        ]
    return rows + _count_rows(found)


def _input_rows(found: Measurement) -> list[tuple[str, str]]:
    xt = found.xt
    trust = f"{xt.verdict} ({xt.cause})" if xt.cause else xt.verdict
    if found.population:
        trust += " (declared)"
    elif xt.verdict == "conditional":
        trust = "reliable, unless there are rare patterns that N examples cannot show"
    most = math.log2(found.counts.n)
    rows = [
        ("I(X;T)", f"{xt.value:.6f} bit (at most log2 N = {most:.6f})"),
        ("  trust", trust),
    ]
    if found.population:
        return rows
    interval = f"{xt.low:.4f} .. {xt.high:.4f} bit"
    if xt.verdict == "saturated":
        interval = f"{xt.low:.4f} bit at least, {xt.high:.6g} at most"
    return [
        *rows,
        ("  95 % interval", interval),
        ("  bias, standard error", f"{xt.bias:.4f}, {xt.standard_error:.4f} bit"),
        ("  in unseen patterns", f"{xt.unseen:.4f} bit of the bias at most"),
        ("  N needed", needed_line(found)),
    ]


def _label_rows(found: Measurement) -> list[tuple[str, str]]:
    ty = found.ty
    null = f"{ty.null:.4f} bit (with permuted labels)"
    return [
        ("I(T;Y)", f"{ty.value:.6f} bit (at most H(Y) = {found.h_y:.6f})"),
        ("  trust", ty.verdict),
        ("  null", null),
        ("  bias at most, standard error", f"{ty.bias:.4f}, {ty.standard_error:.4f} bit"),
    ]


def _count_rows(found: Measurement) -> list[tuple[str, str]]:
    counts = found.counts
    seen = f"{counts.n_patterns}, {counts.n_singletons}, {counts.n_doubletons}"
    good_turing, chao_jost = f"{counts.coverage:.4f}", f"{counts.coverage_chao_jost:.4f}"
    return [
        ("examples N, units D", f"{counts.n}, {counts.d}"),
        ("patterns seen, once, twice", seen),
        ("coverage", f"{good_turing} (Good-Turing), {chao_jost} (Chao-Jost)"),
        ("counts certified", "yes" if counts.certified else "no"),
    ]


def needed_line(found: Measurement) -> str:
    """How many examples the plug-in I(X;T) takes."""
    n = found.counts.n
    if found.xt.n_guesses is None:
        return f"{found.xt.n_needed} of the {n} suffice for {found.tolerance:g} bit"
    by_patterns, by_units = found.xt.n_guesses
    return (
        f"more than {n}; guesses: {by_patterns:.2g} (Chao1's patterns), "
        f"{by_units:.2g} ((m/log2 m)^2, m patterns of the values seen)"
    )


def layers_table(measured: Mapping[str, Measurement]) -> Table:
    """A line for each layer or epoch of a file: both informations, how far to trust them, the
    counts."""
    table = Table()
    headings = ("", "D", r"I(X;T) \[bit]", "trust", "N needed")
    headings += (r"I(T;Y) \[bit]", "null", "trust", "patterns", "certified")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("", "trust") else "right")
    for name, found in measured.items():
        xt, ty, counts = found.xt, found.ty, found.counts
        needed = f"> {counts.n}" if xt.n_needed is None else str(xt.n_needed)
        informations = (f"{xt.value:.6f}", xt.verdict, needed)
        informations += (f"{ty.value:.6f}", f"{ty.null:.4f}", ty.verdict)
        certified = "yes" if counts.certified else "no"
        table.add_row(escape(name), str(counts.d), *informations, str(counts.n_patterns), certified)
    return table
