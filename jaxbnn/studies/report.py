"""A study's report: its ledger of claims, its tables, its figures and its runs, in one Markdown
file."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from jaxbnn.files.atomic import write_text
from jaxbnn.files.figures import save_figure
from jaxbnn.files.tables import markdown, write_table
from jaxbnn.studies.study import Claim, Finding, Picture, Report, Run, Runs, Study, Table

ABOUT = (
    "Made by `jaxbnn report` from the runs listed at the end. Intervals: 95 %, of the mean over "
    "seeds unless it says otherwise. Each table is beside this file as CSV and as LaTeX."
)
REPORT = "report.md"
MAX_NAMED = 3  # runs that a caption names one by one


def write(study: Study, report: Report, runs: Runs, out: str | Path) -> Path:
    """Writes report.md with the ledger, tables (CSV and LaTeX too) and figures (PNG and PDF).

    All is made before anything is written.

    Args:
        study: what the report is of.
        report: its claims, tables and figures.
        runs: its finished runs.
        out: a folder, made where it is missing.

    Returns:
        The path of report.md.
    """
    ledger = _ledger(report.claims, runs)
    drawn = _drawn_pictures(report, runs)
    tables = [make(runs) for make in report.tables]
    tables = [table for table in tables if len(table.rows) > 1]
    parts = [f"# {study.cite}", ABOUT, "## The claims", ledger]
    for table in tables:
        parts += _table_parts(table)
    parts.append("## Figures")
    for picture, _ in drawn:
        parts.append(_picture_part(picture, runs))
    assumptions = "\n".join(f"- {assumption}" for assumption in study.assumptions)
    parts += ["## What the paper leaves unsaid", assumptions]
    parts += ["## The runs", _run_table(runs)]

    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for picture, figure in drawn:
        save_figure(folder, picture.name, figure)
    for table in tables:
        write_table(folder, table.name, table.rows)
    write_text(folder / REPORT, "\n\n".join(parts) + "\n")
    return folder / REPORT


def finding(claim: Claim, runs: Runs) -> Finding:
    """What the runs say of a claim: no more than a hint where one of them is changed or short.

    Args:
        claim: one sentence of a paper.
        runs: the finished runs, those that the claim needs among them.
    """
    judged = claim.judge(runs)
    changed = [f"{name} {runs[name].label}" for name in claim.needs if runs[name].label]
    if not changed:
        return judged
    return Finding("too weak to say", f"{judged.number} — changed: {'; '.join(changed)}")


def _drawn_pictures(report: Report, runs: Runs) -> list[tuple[Picture, Figure]]:
    """The pictures that need no run, or have one of those they need."""
    drawn = []
    for picture in report.pictures:
        if not picture.needs or set(picture.needs) & set(runs):
            drawn.append((picture, picture.draw(runs)))
    return drawn


def _table_parts(table: Table) -> list[str]:
    note = [table.note] if table.note else []
    return [f"## {table.heading}", *note, markdown(table.rows)]


def _picture_part(picture: Picture, runs: Runs) -> str:
    changes = _changes_shown(picture, runs)
    return f"![{picture.caption}]({picture.name}.png)\n\n{picture.caption}{changes}"


def _ledger(claims: Sequence[Claim], runs: Runs) -> str:
    rows = [["claim", "what is computed", "found", "number"]]
    counts: Counter[str] = Counter()
    for claim in claims:
        judged = finding(claim, runs)
        counts[judged.verdict] += 1
        statement = f"{claim.id} {claim.statement}"
        rows.append([statement, claim.definition, f"**{judged.verdict}**", judged.number])
    total = ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items()))
    return f"{len(claims)} claims: {total}.\n\n{markdown(rows)}"


def _run_table(runs: Runs) -> str:
    """Which runs, and what sets them apart: "changed" has all but the seeds and
    `seeds_per_program`."""
    rows = [["run", "seeds", "epochs", "digest", "labels (sha256)", "changed"]]
    for name, run in runs.items():
        rows.append(_run_row(name, run))
    return markdown(rows)


def _run_row(name: str, run: Run) -> list[str]:
    result = run.results[""]
    n_seeds = str(result.sizes["seed"])
    last_epoch = str(int(result.epoch[-1]))
    checksum = result.attrs["labels_sha256"][:12]
    return [name, n_seeds, last_epoch, result.attrs["digest"], checksum, run.label or "no"]


def _changes_shown(picture: Picture, runs: Runs) -> str:
    """What is changed in the runs that a picture shows, each change once."""
    names_by_label: dict[str, list[str]] = {}
    for name in picture.needs:
        if name in runs and runs[name].label:
            names_by_label.setdefault(runs[name].label, []).append(name)
    changes = []
    for label, names in names_by_label.items():
        changed = ", ".join(names) if len(names) <= MAX_NAMED else f"{len(names)} runs"
        changes.append(f"{changed}: {label}")
    return f" Changed: {'; '.join(changes)}." if changes else ""
