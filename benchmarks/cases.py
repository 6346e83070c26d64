"""The samples that entropy.py counts: layers of packed rows with labels, the same on every
machine."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Case:
    """`batch` layers of n rows of d signs, each row one of `patterns` drawn at random, or (None)
    any; and labels."""

    n: int
    d: int
    patterns: int | None
    classes: int
    batch: int = 1
    methods: tuple[str, ...] = ()  # what others count it with

    @property
    def name(self) -> str:
        """How a table names it."""
        rows = f"{self.n:,} x {self.d}"
        rows = rows if self.batch == 1 else f"{self.batch} x ({rows})"
        return f"{rows}, {self.kind}, {self.classes:,} classes"

    @property
    def kind(self) -> str:
        """How many patterns there are: few, one, or as many as chance gives."""
        if self.patterns is None:
            return "all different" if 2**self.d > 1000 * self.n**2 else "random"
        return "all equal" if self.patterns == 1 else f"{self.patterns:,} patterns"

    @property
    def n_words(self) -> int:
        """Words of a packed row."""
        return -(-self.d // 32)


class Sample:
    """A case's arrays."""

    def __init__(self, case: Case, seed: int = 0):
        self.case = case
        rng = np.random.default_rng(
            [seed, case.n, case.d, case.patterns or 0, case.classes, case.batch]
        )
        self.words = np.stack(
            [_words(rng, case) for _ in range(case.batch)]
        )  # uint32 [batch, n, W]
        self.labels = rng.integers(0, case.classes, case.n).astype(np.int32)

    @cached_property
    def floats(self) -> np.ndarray:
        """The same rows as -1 and +1, float32 [batch, n, d]."""
        bits = np.unpackbits(
            self.words.astype("<u4").view(np.uint8), axis=2, bitorder="little", count=self.case.d
        )
        return bits.astype(np.float32) * 2 - 1


def _words(rng, case):
    n_different = case.n if case.patterns is None else case.patterns
    words = rng.integers(0, 2**32, (n_different, case.n_words), dtype=np.uint32)
    if case.d % 32:
        words[:, -1] &= np.uint32((1 << case.d % 32) - 1)
    return words if case.patterns is None else words[rng.integers(0, n_different, case.n)]
