"""jaxbnn doctor: is this machine ready?"""

import argparse

from jaxbnn.cli import doctor
from jaxbnn.cli.startup import start

NOT_READY = 1


def examine_machine(options: argparse.Namespace) -> int:
    """jaxbnn doctor: a line for each check, then "ready" or what to do."""
    devices, advice = start(options), []
    for finding in doctor.examine(devices):
        print(f"{'!!' if finding.advice else 'ok'}  {finding.what}: {finding.found}", flush=True)
        advice += [finding.advice] if finding.advice else []
    print("\n".join(f"to do: {each}" for each in advice) or "ready")
    return NOT_READY if advice else 0
