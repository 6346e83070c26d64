"""jaxbnn doctor: is this machine ready?"""

import argparse

from rich.console import Console

from jaxbnn.cli import machine_checks
from jaxbnn.cli.startup import start

NOT_READY = 1


def examine_machine(options: argparse.Namespace) -> int:
    """jaxbnn doctor: a line for each check, then "ready" or what to do. On a terminal a line on
    stderr says what is being checked."""
    devices = start(options)
    advice = []
    with Console(stderr=True).status("starting") as status:
        checks = machine_checks.all_checks(devices)
        for i, check in enumerate(checks, 1):
            status.update(f"{check.name} ({i} of {len(checks)})")
            for finding in check.make():
                mark = "!!" if finding.advice else "ok"
                print(f"{mark}  {finding.subject}: {finding.outcome}", flush=True)
                advice += [finding.advice] if finding.advice else []
    lines = [f"to do: {line}" for line in advice]
    print("\n".join(lines) or "ready")
    return NOT_READY if advice else 0
