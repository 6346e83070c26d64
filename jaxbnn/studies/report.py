"""A study's report: the finished runs it is made of, its ledger of claims, its figures, in one
Markdown file."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from jaxbnn import config, data
from jaxbnn.analysis import networks
from jaxbnn.config.experiment import Experiment
from jaxbnn.files.atomic import write_text
from jaxbnn.files.figures import save_figure
from jaxbnn.files.tables import markdown, write_table
from jaxbnn.storage import run_folder
from jaxbnn.storage.results import finished_seeds, open_result
from jaxbnn.studies.study import Claim, Finding, Report, Run, Runs, Study

REPORT = "report.md"


def find_runs(
    study: Study,
    needs: Sequence[str],
    folder: str | Path,
    data_root: str | Path | None = None,
    takes: Sequence[str] = (),
) -> dict[str, Run]:
    """Name -> the finished run of each experiment that a report needs, or takes where there is one,
    below `folder` (what `run --out` was given).

    The experiment as the study names it is taken first, then one that was changed (`--set`), then
    its short form; what is changed or short says so in its label. ValueError where a needed one is
    missing, or all, with the command that makes it, and where several changed ones could be meant.
    """
    named = {each.name: each for each in study.experiments if isinstance(each, Experiment)}
    named |= {each.name: each for group in study.grid.values() for each in group}
    found, missing = {}, []
    for name in takes:
        if (run := _changed_or_not(named[name], Path(folder), data_root)) is not None:
            found[name] = run
    if takes and not needs and not found:
        raise ValueError(
            f"expected finished runs of {study.name} in {folder}, got none: first jaxbnn run {study.name}"
        )
    for name in needs:
        run, short = _changed_or_not(named[name], Path(folder), data_root), f"{name}-short"
        if run is None and short in named:
            run = _changed_or_not(
                named[short], Path(folder), data_root, "short form: ", named[name]
            )
        if run is None:
            missing.append(f"jaxbnn run {name}{f' (or {short})' if short in named else ''}")
        else:
            found[name] = run
    if missing:
        commands = ", ".join(missing)
        raise ValueError(
            f"expected finished runs in {folder}, got none of {len(missing)}: first {commands}"
        )
    return found


def _changed_or_not(experiment, folder, data_root, prefix="", base=None):
    """The run of this experiment, else the only one of its name; None where there is none."""
    place = run_folder.folder_of(folder, experiment)
    finished = [path for path in sorted(place.parent.glob("*")) if finished_seeds(path)]
    chosen = [place] if place in finished else finished
    if len(chosen) > 1:
        raise ValueError(
            f"expected one changed run of {experiment.name}, got {', '.join(path.name for path in chosen)} in "
            f"{place.parent}: move those that are not meant elsewhere"
        )
    return _read(chosen[0], data_root, prefix, base or experiment) if chosen else None


def _read(folder, data_root, prefix, base):
    experiment = run_folder.read_config(folder)
    results = {
        p.name: open_result(folder, p.name if i else None) for i, p in enumerate(experiment.probes)
    }
    results[""] = results[experiment.probes[0].name]
    changes = config.changes(
        dataclasses.replace(experiment, seeds_per_program=base.seeds_per_program), base
    )  # it changes rounding alone
    label = f"{prefix}{', '.join(changes)}, {results[''].sizes['seed']} seeds" if changes else ""
    split = partial(data.load, experiment.data, data_root, 0)
    return Run(experiment, label, results, partial(networks.load_networks, folder), split)


def write(study: Study, report: Report, runs: Runs, out: str | Path) -> Path:
    """OUT/report.md with the ledger, tables (CSV and LaTeX too) and figures (PNG and PDF) of the
    study's runs.

    All is made before anything is written. Returns its path.
    """
    rows = [(claim, found(claim, runs)) for claim in report.claims]
    drawn = [each for each in report.pictures if not each.needs or set(each.needs) & set(runs)]
    pictures = [(picture, picture.draw(runs)) for picture in drawn]
    tables = [table for make in report.tables if len((table := make(runs)).rows) > 1]
    parts = [f"# {study.cite}", _about(), "## The claims", _ledger(rows)]
    for table in tables:
        parts += [f"## {table.heading}", *filter(None, [table.note]), markdown(table.rows)]
    parts.append("## Figures")
    for picture, _ in pictures:
        parts.append(
            f"![{picture.caption}]({picture.name}.png)\n\n{picture.caption}{_labels(runs, picture)}"
        )
    parts += [
        "## What the paper leaves unsaid",
        "\n".join(f"- {each}" for each in study.assumptions),
    ]
    parts += ["## The runs", _runs(runs)]
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for picture, figure in pictures:
        save_figure(folder, picture.name, figure)
    for table in tables:
        write_table(folder, table.name, table.rows)
    write_text(folder / REPORT, "\n\n".join(parts) + "\n")
    return folder / REPORT


def found(claim: Claim, runs: Runs) -> Finding:
    """What the runs say of a claim: no more than a hint where one of them is changed or short."""
    judged = claim.judge(runs)
    why = [f"{name} {runs[name].label}" for name in claim.needs if runs[name].label]
    return (
        Finding("too weak to say", f"{judged.number} — changed: {'; '.join(why)}")
        if why
        else judged
    )


def _about():
    return (
        "Made by `jaxbnn report` from the runs listed at the end. Intervals: 95 %, of the mean over seeds unless it "
        "says otherwise. Each table is beside this file as CSV and as LaTeX."
    )


def _runs(runs):
    """Which runs, and what sets them apart: "changed" has all but the seeds and `seeds_per_program`."""
    rows = [["run", "seeds", "epochs", "digest", "labels (sha256)", "changed"]]
    for name, run in runs.items():
        result = run.results[""]
        rows.append(
            [
                name,
                str(result.sizes["seed"]),
                str(int(result.epoch[-1])),
                result.attrs["digest"],
                result.attrs["labels_sha256"][:12],
                run.label or "no",
            ]
        )
    return markdown(rows)


def _ledger(rows):
    counts = Counter(each.verdict for _, each in rows)
    total = ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items()))
    lines = [["claim", "what is computed", "found", "number"]]
    lines += [
        [f"{c.id} {c.says}", c.definition, f"**{each.verdict}**", each.number] for c, each in rows
    ]
    return f"{len(rows)} claims: {total}.\n\n{markdown(lines)}"


def _labels(runs, picture):
    """What is changed in the runs that a picture shows, each change once."""
    of: dict[str, list[str]] = {}
    for name in (name for name in picture.needs if name in runs and runs[name].label):
        of.setdefault(runs[name].label, []).append(name)
    changed = [
        f"{', '.join(n) if len(n) < 4 else f'{len(n)} runs'}: {label}" for label, n in of.items()
    ]
    return f" Changed: {'; '.join(changed)}." if changed else ""
