"""jaxbnn report: a study's figures and claims."""

import argparse

from jaxbnn.engine.devices import use_cores
from jaxbnn.studies import report
from jaxbnn.studies.finished_runs import find_runs
from jaxbnn.studies.named import STUDIES


def report_study(options: argparse.Namespace) -> int:
    """jaxbnn report STUDY."""
    use_cores()
    reported = {study.name: (study, study.report) for study in STUDIES if study.report}
    study, make = reported[options.study]
    made = make()
    runs = find_runs(study, made.needs, options.runs, options.data_root, made.takes)
    print(report.write(study, made, runs, options.out))
    return 0
