"""Distributions of patterns whose entropy is known and whose rare patterns are hard to see, and
ways to draw from them.

Each family has `entropy` (bits), `log2_patterns` (of the patterns possible) and `histogram(rng,
n)`: how often each pattern was seen in n examples, without those that were not. Families with
labels have `information` (I(T;Y), bits) and `table(rng, n)`: patterns by labels.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

LARGE = 64.0  # log2 of the patterns possible in a family without an end: 64 units
CHUNK = 2**22  # random numbers that are held together


class Family(Protocol):
    """A distribution of patterns."""

    @property
    def entropy(self) -> float:
        """Bits."""
        ...

    @property
    def log2_patterns(self) -> float:
        """log2 of the patterns possible."""
        ...

    def histogram(self, rng: np.random.Generator, n: int) -> NDArray:
        """How often each pattern that was seen in n examples was seen: int64 [K]."""
        ...


@dataclass(frozen=True)
class Mixture:
    """A few common patterns, and a tail: with probability `tail` one of `rare` patterns, all alike;
    else one of `common`, all alike. H = (1 - tail) log2(common / (1 - tail)) + tail log2(rare /
    tail)."""

    common: int
    tail: float
    rare: int

    @property
    def entropy(self) -> float:
        """Bits."""
        most = 1 - self.tail
        return most * math.log2(self.common / most) + self.tail * math.log2(self.rare / self.tail)

    @property
    def log2_patterns(self) -> float:
        """log2 of the patterns possible."""
        return math.log2(self.common + self.rare)

    def histogram(self, rng: np.random.Generator, n: int) -> NDArray:
        """As of Family."""
        n_rare = rng.binomial(n, self.tail)
        common = rng.multinomial(n - n_rare, np.full(self.common, 1 / self.common))
        rare = _counts(rng.integers(0, self.rare, n_rare))
        return np.concatenate([common[common > 0], rare])


@dataclass(frozen=True)
class TwoTails:
    """One common pattern and two tails, one rarer than the other; as Mixture."""

    first: float  # probability of the first tail
    n_first: int
    second: float
    n_second: int

    @property
    def entropy(self) -> float:
        """Bits."""
        common = 1 - self.first - self.second
        tails = self.first * math.log2(self.n_first / self.first)
        tails += self.second * math.log2(self.n_second / self.second)
        return tails - common * math.log2(common)

    @property
    def log2_patterns(self) -> float:
        """log2 of the patterns possible."""
        return math.log2(1 + self.n_first + self.n_second)

    def histogram(self, rng: np.random.Generator, n: int) -> NDArray:
        """As of Family."""
        shares = [1 - self.first - self.second, self.first, self.second]
        common, first, second = rng.multinomial(n, shares)
        seen = [
            np.array([common]),
            _counts(rng.integers(0, self.n_first, first)),
            _counts(rng.integers(0, self.n_second, second)),
        ]
        return np.concatenate(seen)


@dataclass(frozen=True)
class Zipf:
    """Pattern i of 1 to `patterns` with probability proportional to (i + shift)**-exponent."""

    exponent: float
    patterns: int
    shift: float = 0.0

    @property
    def entropy(self) -> float:
        """Bits."""
        return _power_law(self)[1]

    @property
    def log2_patterns(self) -> float:
        """log2 of the patterns possible."""
        return math.log2(self.patterns)

    def histogram(self, rng: np.random.Generator, n: int) -> NDArray:
        """As of Family."""
        return _counts(np.searchsorted(_power_law(self)[0], rng.random(n), side="right"))


@lru_cache(maxsize=1)
def _power_law(zipf: Zipf) -> tuple[NDArray, float]:
    """The cumulated probabilities and the entropy."""
    p = (np.arange(1, zipf.patterns + 1) + zipf.shift) ** -zipf.exponent
    p /= p.sum()
    return np.cumsum(p), float(-np.sum(p * np.log2(p)))


@dataclass(frozen=True)
class Geometric:
    """Pattern i of 0, 1, ... with probability (1 - ratio) ratio**i: H = h(ratio)/(1 - ratio)."""

    ratio: float

    @property
    def entropy(self) -> float:
        """Bits."""
        return _binary_entropy(self.ratio) / (1 - self.ratio)

    @property
    def log2_patterns(self) -> float:
        """log2 of the patterns possible: that of 64 units, as there is no end."""
        return LARGE

    def histogram(self, rng: np.random.Generator, n: int) -> NDArray:
        """As of Family."""
        return _counts(rng.geometric(1 - self.ratio, n))


@dataclass(frozen=True)
class SkewedUnits:
    """`units` independent units, each 1 with probability p: H = D h(p)."""

    units: int
    p: float

    @property
    def entropy(self) -> float:
        """Bits."""
        return self.units * _binary_entropy(self.p)

    @property
    def log2_patterns(self) -> float:
        """log2 of the patterns possible."""
        return float(self.units)

    def histogram(self, rng: np.random.Generator, n: int) -> NDArray:
        """As of Family."""
        return _rows_seen(n, self.units, lambda rows: rng.random(rows) < self.p)


@dataclass(frozen=True)
class ChainedUnits:
    """`units` units, of which each differs from the one before with probability `flip`, the first
    being a fair coin: H = 1 + (D - 1) h(flip)."""

    units: int
    flip: float

    @property
    def entropy(self) -> float:
        """Bits."""
        return 1 + (self.units - 1) * _binary_entropy(self.flip)

    @property
    def log2_patterns(self) -> float:
        """log2 of the patterns possible."""
        return float(self.units)

    def histogram(self, rng: np.random.Generator, n: int) -> NDArray:
        """As of Family."""

        def draw(shape: tuple[int, int]) -> NDArray:
            differs = rng.random(shape) < self.flip
            differs[:, 0] = rng.random(shape[0]) < 0.5
            return np.bitwise_xor.accumulate(differs, axis=1)

        return _rows_seen(n, self.units, draw)


@dataclass(frozen=True)
class Copied:
    """A family each of whose examples stands `copies` times in the sample, as augmented images
    or frames do."""

    family: Any
    copies: int

    @property
    def entropy(self) -> float:
        """Bits."""
        return self.family.entropy

    @property
    def log2_patterns(self) -> float:
        """log2 of the patterns possible."""
        return self.family.log2_patterns

    def histogram(self, rng: np.random.Generator, n: int) -> NDArray:
        """As of Family."""
        return self.copies * self.family.histogram(rng, n // self.copies)


@dataclass(frozen=True)
class RareDetector:
    """Unequal classes: one common pattern of class 0; with probability `tail` one of `rare`
    patterns, whose label is any of `classes`, all alike and independent of the pattern.

    I(T;Y) = H(Y) - tail log2(classes)."""

    tail: float
    rare: int
    classes: int

    @property
    def information(self) -> float:
        """I(T;Y), bits."""
        other = self.tail / self.classes
        first = 1 - self.tail + other
        h_y = -first * math.log2(first) - (self.classes - 1) * other * math.log2(other)
        return h_y - self.tail * math.log2(self.classes)

    def table(self, rng: np.random.Generator, n: int) -> NDArray:
        """Examples of each pattern and label, int64 [K, C]."""
        n_rare = rng.binomial(n, self.tail)
        labels = rng.integers(0, self.classes, n_rare)
        rare = _pair_table(rng.integers(0, self.rare, n_rare), labels, self.classes)
        common = np.zeros((1, self.classes), np.int64)
        common[0, 0] = n - n_rare
        return np.concatenate([common, rare])


@dataclass(frozen=True)
class NoisyLabels:
    """`units` independent units, each 1 with probability p; the label is the pattern's number
    modulo `classes`, and with probability `noise` any label, all alike.

    I(T;Y) = H(Y) - H(Y|T), from the probabilities of all patterns."""

    units: int
    p: float
    classes: int
    noise: float

    @property
    def information(self) -> float:
        """I(T;Y), bits."""
        own = 1 - self.noise + self.noise / self.classes
        other = self.noise / self.classes
        given = -own * math.log2(own)
        if other > 0:
            given -= (self.classes - 1) * other * math.log2(other)
        p = self._probabilities()
        labels = np.arange(p.size) % self.classes
        classes = np.bincount(labels, weights=p, minlength=self.classes)
        p_y = (1 - self.noise) * classes + self.noise / self.classes
        p_y = p_y[p_y > 0]
        return float(-np.sum(p_y * np.log2(p_y)) - given)

    def table(self, rng: np.random.Generator, n: int) -> NDArray:
        """Examples of each pattern and label, int64 [K, C]."""
        pattern = np.searchsorted(np.cumsum(self._probabilities()), rng.random(n), side="right")
        any_label = rng.integers(0, self.classes, n)
        label = np.where(rng.random(n) < self.noise, any_label, pattern % self.classes)
        return _pair_table(pattern, label, self.classes)

    def _probabilities(self) -> NDArray:
        """Of all patterns, [2**D]."""
        n_ones = np.bitwise_count(np.arange(2**self.units, dtype=np.uint64)).astype(np.float64)
        return self.p**n_ones * (1 - self.p) ** (self.units - n_ones)


def _pair_table(pattern: NDArray, label: NDArray, classes: int) -> NDArray:
    """How often each pattern that was seen has each label, int64 [K, C]."""
    _, number = np.unique(pattern, return_inverse=True)
    n_patterns = int(number.max(initial=-1)) + 1
    cell = number * classes + label
    return np.bincount(cell, minlength=n_patterns * classes).reshape(n_patterns, classes)


def _counts(values: NDArray) -> NDArray:
    """How often each value that is there is there."""
    return np.unique(values, return_counts=True)[1]


def _rows_seen(n: int, units: int, draw: Any) -> NDArray:
    """How often each row was drawn; draw((rows, units)) gives rows of bool."""
    size = max(1, CHUNK // units)
    packed = []
    for first in range(0, n, size):
        packed.append(np.packbits(draw((min(size, n - first), units)), axis=1))
    rows = np.ascontiguousarray(np.concatenate(packed))
    return _counts(rows.view(f"V{rows.shape[1]}").ravel())


def _binary_entropy(p: float) -> float:
    """h(p), bits."""
    return -(p * math.log2(p) + (1 - p) * math.log2(1 - p))
