"""Words of times and sizes, and terminals that cannot show all signs."""

import os
import subprocess
import sys

from jaxbnn.cli import terminal

SHOWN = """
from rich.table import Table
from jaxbnn.cli import terminal
terminal.accept_any_encoding()
table = Table(title="± 1")
table.add_column("a × b")
table.add_row("0.5 ± 0.1 − 2…")
terminal.print_table(table)
print("runs/\\udcff/ß")
"""


def shown(encoding):
    return subprocess.run(
        [sys.executable, "-c", SHOWN],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        check=True,
    ).stdout


def test_a_terminal_that_speaks_ascii_is_shown_plain_signs():
    text = shown("ascii")
    assert b"0.5 +- 0.1 - 2..." in text and b"a x b" in text and b"+- 1" in text
    assert text.endswith(b"runs/\xff/?\n")
    assert all(byte < 128 or byte == 255 for byte in text)


def test_a_terminal_that_speaks_unicode_is_shown_all():
    text = shown("utf-8")
    assert "0.5 ± 0.1 − 2…".encode() in text and text.endswith(b"runs/\xff/\xc3\x9f\n")


def test_clock_speaks_in_words():
    times = (0.2, 42, 185, 7800, float("nan"), float("inf"))
    words = ["0 s", "42 s", "3 min 5 s", "2 h 10 min", "?", "?"]
    assert [terminal.clock(seconds) for seconds in times] == words


def test_size_speaks_in_words():
    assert terminal.size(3_140_000, 9_912_422) == "3.1 of 9.9 MB"
    assert terminal.size(3_140_000, None) == "3.1 MB"


def test_nothing_is_told_where_the_terminal_is_gone():
    code = (
        "import os, sys\n"
        "from jaxbnn.cli import terminal\n"
        "os.close(2)\n"
        "terminal.tell('a'); terminal.tell('b')\n"
        "print('ended')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
