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
    """A Markdown table; "|" in a cell becomes "/".

    Args:
        rows: the heading, then the others, all of one length.

    Returns:
        Lines without a newline at the end.
    """
    heading, *others = [_markdown_row(row) for row in rows]
    rule = "|" + " --- |" * len(rows[0])
    return "\n".join([heading, rule, *others])


def comma_separated(rows: Rows) -> str:
    """A table as RFC 4180 has it, each line ending in one newline.

    Args:
        rows: the heading, then the others.

    Returns:
        The text of a .csv file.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def latex(rows: Rows) -> str:
    """A tabular with the rules of booktabs, all cells to the left, their signs escaped.

    Args:
        rows: the heading, then the others, all of one length.

    Returns:
        The text of a .tex file, to be read where the package booktabs is loaded.
    """
    heading, *others = [_latex_row(row) for row in rows]
    columns = "l" * len(rows[0])
    lines = [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        heading,
        r"\midrule",
        *others,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _markdown_row(cells: Sequence[str]) -> str:
    shown = [cell.replace("|", "/") for cell in cells]
    return f"| {' | '.join(shown)} |"


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(_escaped(cell) for cell in cells) + r" \\"


def _escaped(cell: str) -> str:
    return "".join(ESCAPES.get(sign, sign) for sign in cell)


def write_table(folder: Path, name: str, rows: Rows) -> None:
    """Writes <name>.csv and <name>.tex into a folder, each atomically."""
    write_text(folder / f"{name}.csv", comma_separated(rows))
    write_text(folder / f"{name}.tex", latex(rows))
