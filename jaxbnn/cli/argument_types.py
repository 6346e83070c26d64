"""Values of options: text read as seeds and numbers."""

import argparse
from collections.abc import Callable

MAX_SEEDS = 10**6
END_OF_SEEDS = 2**32


def seeds(text: str) -> tuple[int, ...]:
    """ "10" as 0 .. 9, "4:8" as 4 .. 7."""
    first, colon, last = text.partition(":")
    try:
        chosen = range(int(first), int(last)) if colon else range(int(first))
    except ValueError:
        chosen = range(0)
    if not chosen or chosen.start < 0 or chosen.stop > END_OF_SEEDS:
        raise argparse.ArgumentTypeError(
            f"expected N (1 or more) or A:B (0 <= A < B <= 2**32), got {text!r}"
        )
    if len(chosen) > MAX_SEEDS:
        raise argparse.ArgumentTypeError(
            f"expected at most {MAX_SEEDS} seeds at once, got {text!r}"
        )
    return tuple(chosen)


def number(largest: int, *words: str) -> Callable[[str], int | str]:
    """What reads "8" as 8, up to `largest`, and each of the words as it is."""

    def read(text: str) -> int | str:
        if text in words:
            return text
        if not text.isdecimal() or not 1 <= int(text) <= largest:
            expected = " or ".join((*words, "a number"))
            raise argparse.ArgumentTypeError(
                f"expected {expected} from 1 to {largest}, got {text!r}"
            )
        return int(text)

    read.__name__ = "number"  # for argparse, which names it where int refuses
    return read
