"""jaxbnn check: is what a run has left on disk whole?"""

import argparse

from jaxbnn.storage import integrity

NOT_WELL = 1


def check_run(options: argparse.Namespace) -> int:
    """jaxbnn check RUN: a line for each thing that is wrong, or "all well"."""
    problems = integrity.check(options.folder)
    print("\n".join(problems) or "all well", flush=True)
    return NOT_WELL if problems else 0
