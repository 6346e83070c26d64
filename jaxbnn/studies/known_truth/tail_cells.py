"""The distributions with rare patterns that the verdicts are tried on: those that the rule was
chosen with, and others kept aside to test it."""

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

from jaxbnn.info.long_tails import (
    ChainedUnits,
    Copied,
    Geometric,
    Mixture,
    NoisyLabels,
    RareDetector,
    SkewedUnits,
    TwoTails,
    Zipf,
)

COPIES = "copied examples"  # of which no rule can know


class Cell(NamedTuple):
    """One distribution."""

    family: str
    distribution: Any


def cells(kept_aside: bool) -> list[Cell]:
    """The distributions of patterns.

    Args:
        kept_aside: those that the rule was not chosen with.
    """
    return _kept_aside() if kept_aside else _tried()


def label_cells(kept_aside: bool) -> list[Cell]:
    """The distributions of patterns and labels; `kept_aside` as of `cells`."""
    detectors = ((0.05, 10), (0.05, 100), (0.1, 10)) if not kept_aside else ((0.03, 30), (0.2, 5))
    found = []
    for tail, classes in detectors:
        for rare in (10**3, 10**5, 10**7):
            found.append(Cell("unequal classes", RareDetector(tail, rare, classes)))
    depths = (2, 4, 6, 8, 10, 12, 14, 16) if not kept_aside else (3, 7, 11, 15)
    shapes = ((0.5, 2, 0.0), (0.7, 10, 0.2), (0.5, 10, 1.0)) if not kept_aside else ((0.6, 5, 0.5),)
    for p, classes, noise in shapes:
        for units in depths:
            found.append(Cell("noisy labels", NoisyLabels(units, p, classes, noise)))
    return found


def _tried() -> list[Cell]:
    shapes = product((1, 4, 16, 64), (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1), range(2, 8))
    laws = product((0.5, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0), range(2, 8))
    found = [Cell("mixture", Mixture(common, tail, 10**digits)) for common, tail, digits in shapes]
    found += [Cell("Zipf", Zipf(exponent, 10**digits)) for exponent, digits in laws]
    found += _geometric(0.5, 0.9, 0.99, 0.995, 0.999, 0.9999)
    found += _units((20, 64, 256, 1024), (0.9, 0.99, 0.999, 0.9999))
    found += _chains((10, 20, 64, 256), (0.001, 0.01, 0.05, 0.2))
    found += _tried_second()
    originals = (Mixture(16, 0.01, 10**6), Zipf(1.5, 10**5), SkewedUnits(64, 0.5))
    for original, copies in product(originals, (2, 8)):
        found.append(Cell(COPIES, Copied(original, copies)))
    return found


def _tried_second() -> list[Cell]:
    """Kept aside at first. Of the mixtures that the rule of then called reliable at N = 1000 9 %
    were off by more than 0.1 bit, so that the rule was changed."""
    shapes = product((2, 10, 40), (0.003, 0.007, 0.015, 0.03), (3 * 10**3, 3 * 10**5, 3 * 10**6))
    tails = product((0.002, 0.02), (0.001, 0.005, 0.01))
    ends = ((3 * 10**4, 0.0), (3 * 10**6, 0.0), (3 * 10**6, 2.7))
    laws = product((1.1, 1.4, 1.6, 1.9, 2.2), ends)
    found = [Cell("mixture", Mixture(*shape)) for shape in shapes]
    found += [Cell("two tails", TwoTails(first, 100, second, 10**6)) for first, second in tails]
    found += [Cell("Zipf", Zipf(exponent, *law)) for exponent, law in laws]
    found += _geometric(0.7, 0.97, 0.998)
    found += _units((32, 512), (0.95, 0.995, 0.9995))
    found += _chains((16, 128), (0.003, 0.02, 0.1))
    return found


def _kept_aside() -> list[Cell]:
    rates = (0.0015, 0.004, 0.008, 0.025, 0.04)
    shapes = product((1, 3, 25, 50), rates, (700, 7 * 10**4, 7 * 10**6))
    tails = product((0.005, 0.05), (0.002, 0.004, 0.02))
    ends = ((10**4, 0.5), (10**6, 0.5), (5 * 10**6, 10.0))
    laws = product((1.15, 1.35, 1.65, 2.1, 2.7), ends)
    found = [Cell("mixture", Mixture(*shape)) for shape in shapes]
    found += [Cell("two tails", TwoTails(first, 30, second, 10**7)) for first, second in tails]
    found += [Cell("Zipf", Zipf(exponent, *law)) for exponent, law in laws]
    found += _geometric(0.6, 0.8, 0.95, 0.996)
    found += _units((24, 400), (0.93, 0.997, 0.9997))
    found += _chains((12, 100), (0.002, 0.03, 0.15))
    return found


def _geometric(*ratios: float) -> list[Cell]:
    return [Cell("geometric", Geometric(ratio)) for ratio in ratios]


def _units(depths: Sequence[int], probabilities: Sequence[float]) -> list[Cell]:
    shapes = product(depths, probabilities)
    return [Cell("skewed units", SkewedUnits(units, p)) for units, p in shapes]


def _chains(depths: Sequence[int], flips: Sequence[float]) -> list[Cell]:
    shapes = product(depths, flips)
    return [Cell("dependent units", ChainedUnits(units, flip)) for units, flip in shapes]
