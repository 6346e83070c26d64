"""What `run` prints of a study of samples whose entropy is known."""

import math
from collections.abc import Mapping, Sequence

from rich.table import Table

from jaxbnn.info.known_truth import Score
from jaxbnn.studies.known_truth.tail_scores import TailScore

TITLE = "of the samples called reliable (r), within 0.05 bit (w), without a repeated pattern (u)"
HEADINGS = (
    "samples",
    "r: off > 0.1 bit",
    r"r: worst \[bit]",
    "r: interval holds",
    "w: called r",
    "u: saturated",
    "r / samples",
)
TAIL_TITLE = "of the samples called reliable (r), of those that could be called so (w)"
TAIL_HEADINGS = (
    "family",
    "patterns possible",
    "N",
    "reliable",
    "conditional",
    "r: off > 0.1 bit",
    r"r: worst \[bit]",
    "r: interval holds",
    r"r: its width \[bit]",
    "w: called r",
)
TAIL_ASKED = ("asked", "", "", "", "", "<= 2 %, 4 % at 1000", "<= 0.3", ">= 93 %", "", ">= 85 %")
ASKED = ("asked", "<= 2 %, 4 % a p", "<= 0.5", "90 to 99 %", ">= 80 %", "100 %", "")


def score_table(scores: Mapping[str, Score]) -> Table:
    """How right the verdicts were, with what is asked of them."""
    table = Table(title=TITLE)
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading == "samples" else "right")
    table.add_row(*ASKED)
    for name, score in scores.items():
        table.add_row(
            name,
            _percent(score.wrong),
            f"{score.worst:.3f}",
            _percent(score.covered),
            _percent(score.found),
            _percent(score.unseen),
            f"{score.n_reliable} / {score.n_samples}",
        )
    return table


def tail_table(scores: Sequence[TailScore]) -> Table:
    """How right the verdicts on samples with rare patterns were, with what is asked of them."""
    table = Table(title=TAIL_TITLE)
    for heading in TAIL_HEADINGS:
        table.add_column(heading, justify="left" if heading in TAIL_HEADINGS[:2] else "right")
    table.add_row(*TAIL_ASKED)
    for one in scores:
        table.add_row(
            one.family,
            one.alphabet,
            str(one.n),
            _percent(one.reliable),
            _percent(one.conditional),
            _percent(one.wrong),
            f"{one.worst:.2f}",
            _percent(one.covered),
            "-" if math.isnan(one.width) else f"{one.width:.2f}",
            _percent(one.found),
        )
    return table


def _percent(rate: float) -> str:
    return "-" if math.isnan(rate) else f"{100 * rate:.1f} %"
