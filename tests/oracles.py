"""Brute force: slow, plain, and written without the library."""

import math
from collections import Counter

import numpy as np


def rows(array) -> list[tuple]:
    """Each row as a tuple of Python numbers."""
    return [tuple(row) for row in np.asarray(array).reshape(len(array), -1).tolist()]


def entropy(values) -> float:
    """Plug-in entropy in bits of any hashable values."""
    values = list(values)
    return -sum(c / len(values) * math.log2(c / len(values)) for c in Counter(values).values())


def informations(t, y) -> tuple[float, float]:
    """(H(T), I(T;Y)) of rows t [N, D] and labels y [N] in bits."""
    t, y = rows(t), np.asarray(y).tolist()
    return entropy(t), entropy(t) + entropy(y) - entropy(zip(t, y, strict=True))


def multiplicities(values) -> list[int]:
    """How often each value was seen, rising."""
    return sorted(Counter(values).values())


def is_union(shallow, deep) -> bool:
    """Whether equal rows of `shallow` have equal rows of `deep`: each deep pattern is a union of
    shallow ones."""
    image = {}
    return all(image.setdefault(s, d) == d for s, d in zip(rows(shallow), rows(deep), strict=True))
