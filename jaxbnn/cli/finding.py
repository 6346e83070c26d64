"""One check of a machine, as a value."""

from typing import NamedTuple


class Finding(NamedTuple):
    """What a check has seen."""

    subject: str
    outcome: str
    advice: str = ""  # what to do; "" where all is well
