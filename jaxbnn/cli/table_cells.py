"""Cells of the tables of results: means with their intervals, verdicts and numbers in words."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from jaxbnn.info.reliability import VERDICTS

NONE = "-"


def spread(band: Any, i: int) -> str:
    """One layer's mean over seeds and half its 95 % interval; the mean alone for one seed, "-" for
    none."""
    if band.n_seeds[i] < 1:
        return NONE
    if band.n_seeds[i] == 1:
        return f"{band.mean[i]:.4f}"
    return f"{band.mean[i]:.4f} ± {band.high[i] - band.mean[i]:.4f}"


def verdicts(codes: Iterable[int], bias: Any = None, error: Any = None) -> str:
    """The seeds' verdicts in a word, or how many have which: "reliable", "6 reliable, 2 biased
    (bias)".

    Of a biased seed the larger of bias and standard error is named, where they are given.
    """
    names = []
    for i, code in enumerate(codes):
        name = NONE if code < 0 else VERDICTS[code]
        if name == "biased" and bias is not None:
            name = "biased (bias)" if bias[i] >= error[i] else "biased (se)"
        names.append(name)
    counted = Counter(names)
    if len(counted) == 1:
        return names[0]
    return ", ".join(f"{n} {name}" for name, n in counted.most_common())


def needed_words(needed: np.ndarray, codes: np.ndarray) -> str:
    """The most examples that any judged seed needs for H(T), "more" where they are too few, "all"
    of a population."""
    judged = codes >= 0
    if not judged.any():
        return NONE
    if (codes[judged] == VERDICTS.index("population")).all():
        return "all"
    return "more" if (needed[judged] < 0).any() else str(needed[judged].max())
