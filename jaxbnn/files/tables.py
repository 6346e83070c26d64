"""A table of text, the first row its heading, as Markdown, CSV and LaTeX."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from jaxbnn.files.atomic import write_text

Rows = Sequence[Sequence[str]]
ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
} | {sign: rf"\{sign}" for sign in "&%$#_{}"}


def markdown(rows: Rows) -> str:
    """A Markdown table; "|" in a cell becomes "/"."""
    lines = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    return "\n".join([lines[0], f"|{' --- |' * len(rows[0])}", *lines[1:]])


def comma_separated(rows: Rows) -> str:
    """RFC 4180, lines ending in one newline."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def latex(rows: Rows) -> str:
    """A tabular with the rules of booktabs, all cells to the left, their signs escaped."""
    heading, *lines = [
        " & ".join("".join(ESCAPES.get(c, c) for c in cell) for cell in row) + r" \\"
        for row in rows
    ]
    top, bottom = rf"\begin{{tabular}}{{{'l' * len(rows[0])}}}", r"\end{tabular}"
    return (
        "\n".join([top, r"\toprule", heading, r"\midrule", *lines, r"\bottomrule", bottom]) + "\n"
    )


def write_table(folder: Path, name: str, rows: Rows) -> None:
    """<name>.csv and <name>.tex in a folder, each written atomically."""
    write_text(folder / f"{name}.csv", comma_separated(rows))
    write_text(folder / f"{name}.tex", latex(rows))
