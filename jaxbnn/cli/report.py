"""jaxbnn report: a study's figures and claims."""

import argparse

from jaxbnn import studies
from jaxbnn.engine.devices import use_cores
from jaxbnn.studies import report
from jaxbnn.studies.finished_runs import find_runs


def report_study(options: argparse.Namespace) -> int:
    """jaxbnn report STUDY."""
    named = {study.name: (study, study.report) for study in studies.STUDIES if study.report}
    if options.study not in named:
        raise ValueError(f"expected a study among {', '.join(named)}, got {options.study!r}")
    use_cores()
    study, make = named[options.study]
    made = make()
    runs = find_runs(study, made.needs, options.runs, options.data_root, made.takes)
    print(report.write(study, made, runs, options.out))
    return 0
