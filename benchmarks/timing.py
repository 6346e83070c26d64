"""Timing shared by the benchmarks: functions warmed up and run in turn, medians, the device's name,
Markdown tables."""

import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import jax

ROUNDS, BURST = 7, 3
SHARE = 0.8  # seconds after which a function has had its turns, but for one call


def in_turn(
    functions: dict[str, Callable[[], Any]],
    rounds: int = ROUNDS,
    burst: int = BURST,
    share: float = SHARE,
    is_warm: bool = False,
) -> dict[str, float]:
    """Name -> median seconds of a warm call. Every round calls each function `burst` times, one
    function after another.

    Before that, unless `is_warm`, each is called once, which compiles it. Results of JAX are waited
    for. A function that has run for `share` seconds is left out from then on, so that a slow one
    does not make the run slow.
    """
    if not is_warm:
        for f in functions.values():
            once(f)
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, f in functions.items():
            for _ in range(burst):
                if sum(seconds[name]) < share:
                    seconds[name].append(once(f))
    return {name: median(each) for name, each in seconds.items()}


def once(f: Callable[[], Any]) -> float:
    """Seconds of one call, with JAX's results there."""
    began = time.perf_counter()
    jax.block_until_ready(f())
    return time.perf_counter() - began


def device() -> str:
    """The device JAX computes on, how many there are, and the versions the times depend on."""
    found = jax.devices()
    name = _processor() if found[0].platform == "cpu" else found[0].device_kind
    kind = (
        f"{len(found)} virtual CPU devices on {name}"
        if found[0].platform == "cpu"
        else f"{len(found)} x {name}"
    )
    return f"{kind}; Python {platform.python_version()}, jax {jax.__version__}"


def _processor():
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the columns after the first are aligned to the right."""
    width = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    ruler = ["-" * w if i == 0 else "-" * (w - 1) + ":" for i, w in enumerate(width)]
    return "\n".join(_line(row, width) for row in (header, ruler, *rows))


def _line(cells, width):
    padded = [
        cell.ljust(w) if i == 0 else cell.rjust(w)
        for i, (cell, w) in enumerate(zip(cells, width, strict=True))
    ]
    return f"| {' | '.join(padded)} |"


def ratio(value: float | None) -> str:
    """`1.3 x`, with three digits that count; `-` for None."""
    return "-" if value is None else f"{number(value)} x"


def number(value: float) -> str:
    """A number with three digits that count, never in powers of ten."""
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.3g}" if value < 0.1 else f"{value:,.{digits}f}"


def heading(text: str) -> None:
    """Prints a heading of the report at once, so that a long run shows where it is."""
    print(f"\n## {text}\n", flush=True)
