"""What a terminal shows: lines, tables, times and sizes in words."""

import codecs
import io
import math
import os
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from jaxbnn.engine.cost import Cost

NARROW = 100  # columns of a table where there is no terminal to fit it to
PLAIN = {"±": "+-", "×": "x", "−": "-", "–": "-", "—": "-", "…": "...", "·": "."}
ERRORS = "jaxbnn_plain"  # the name of the handler below, for Python's codecs
MB = 1e6


def accept_any_encoding() -> None:
    """Has stdout and stderr replace the signs that they cannot encode: ± as +-, others as ?."""
    codecs.register_error(ERRORS, _encoded)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ERRORS)


def _encoded(error: UnicodeError) -> tuple[bytes, int]:
    """The signs that cannot be encoded, written otherwise; bytes of file names as they were."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    written = b""
    for sign in error.object[error.start : error.end]:
        if "\udc80" <= sign <= "\udcff":  # a byte of a file name that is no text
            written += bytes([ord(sign) - 0xDC00])
        else:
            written += PLAIN.get(sign, "?").encode("ascii")
    return written, error.end


def discard_output() -> None:
    """Has nothing more shown: what read stdout and stderr is gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())


def tell(line: str) -> None:
    """One line on stderr; nothing where the terminal is gone."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        discard_output()


def print_table(table: Table) -> None:
    """Prints a table; where there is no terminal to fit it to, 100 columns wide."""
    console = Console(width=None if sys.stdout.isatty() else NARROW)
    with console.capture() as capture:
        console.print(table)
    print(capture.get(), end="")  # Rich itself would end the program where the reader has ended


def clock(seconds: float) -> str:
    """Seconds in words: "42 s", "3 min 5 s", "2 h 10 min"."""
    if not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def size(done: int, total: int | None) -> str:
    """Bytes in words: "3.1 of 9.9 MB", "3.1 MB" where the whole is unknown."""
    return f"{done / MB:.1f} of {total / MB:.1f} MB" if total else f"{done / MB:.1f} MB"


def cost_line(cost: "Cost") -> str:
    """A run's time and memory in words."""
    total = clock(cost.seconds + cost.compile_seconds)
    compiling = f"{cost.compile_seconds:.0f} s of it compiling"
    return f"about {total} ({compiling}), {cost.bytes / 2**20:.0f} MiB in the programs"
