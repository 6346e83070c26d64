"""How right the verdicts on samples with rare patterns were."""

import math
from typing import Any, NamedTuple

import numpy as np

from jaxbnn.info.known_truth import MAX_NEAR
from jaxbnn.info.reliability import CONDITIONAL, RELIABLE, TOLERANCE
from jaxbnn.studies.known_truth.tails import family_of

FAR = 3 * TOLERANCE  # bits, by which no reliable value may be off
COVERED = 0.999  # above it a point could be called reliable
LEAST_MASS = 3.0  # times log2 m / N: what no sample of N examples can exclude


class TailScore(NamedTuple):
    """Of the samples of one family and size, as shares; NaN where there is nothing to count."""

    family: str
    alphabet: str  # what the rule was told of it
    n: int  # examples
    n_samples: int
    reliable: float  # called so
    conditional: float  # called so
    wrong: float  # of the reliable: off by more than the tolerance
    far: float  # of the reliable: off by more than three times it
    worst: float  # bits, the largest error of one called reliable
    covered: float  # of the reliable: the interval holds the truth
    width: float  # bits, the median width of their intervals
    found: float  # of those within half the tolerance, of a coverage above .999, and of an alphabet
    # that so many examples can exclude: called reliable


def scores(result: Any) -> list[TailScore]:
    """The scores of each family, size and alphabet, then those of the families with labels."""
    result = result.load()
    found = []
    families = np.array([family_of(name) for name in result.cell.values])
    for family in dict.fromkeys(families):
        for alphabet in result.alphabet.values:
            part = result.isel(cell=families == family).sel(alphabet=alphabet)
            for n in result.n.values:
                found.append(_of_patterns(str(family), str(alphabet), part.sel(n=n)))
    families = np.array([family_of(name) for name in result.label_cell.values])
    for family in dict.fromkeys(families):
        part = result.isel(label_cell=families == family)
        for n in result.n.values:
            found.append(_of_labels(str(family), part.sel(n=n)))
    return found


def _of_patterns(family: str, alphabet: str, part: Any) -> TailScore:
    bits = part.log2_patterns.values if alphabet == "known" else np.full(part.sizes["cell"], 64.0)
    n = int(part.n)
    error = np.abs(part.plugin.values - part.truth.values[:, None])
    low = part.low.values
    high = part.high.values
    covered = (low <= part.truth.values[:, None]) & (part.truth.values[:, None] <= high)
    can_tell = (LEAST_MASS * bits / n <= TOLERANCE / 2)[:, None]
    near = (error <= MAX_NEAR) & (part.coverage.values > COVERED) & can_tell
    return _score((family, alphabet, n), part.verdict.values, error, covered, high - low, near)


def _of_labels(family: str, part: Any) -> TailScore:
    error = np.abs(part.i_ty.values - part.truth_ty.values[:, None])
    unknown = np.full(error.shape, np.nan)
    score = _score(
        (family, "labels", int(part.n)),
        part.verdict_ty.values,
        error,
        unknown,
        unknown,
        error <= MAX_NEAR,
    )
    return score._replace(covered=math.nan)


def _score(
    about: tuple[str, str, int],
    verdict: np.ndarray,
    error: np.ndarray,
    covered: np.ndarray,
    width: np.ndarray,
    near: np.ndarray,
) -> TailScore:
    reliable = verdict == RELIABLE
    return TailScore(
        *about,
        n_samples=verdict.size,
        reliable=float(reliable.mean()),
        conditional=float((verdict == CONDITIONAL).mean()),
        wrong=_share(error > TOLERANCE, reliable),
        far=_share(error > FAR, reliable),
        worst=float(error[reliable].max(initial=0)),
        covered=_share(covered, reliable),
        width=float(np.median(width[reliable])) if reliable.any() else math.nan,
        found=_share(reliable, near),
    )


def _share(hits: np.ndarray, among: np.ndarray) -> float:
    return float(hits[among].mean()) if among.any() else math.nan
