"""How much the units of a layer say of each other: joint entropy, units shuffled apart, and units
one by one."""

from typing import Any, NamedTuple

import numpy as np

from jaxbnn.info.corrected_entropy import plugin
from jaxbnn.info.measurement import COUNT
from jaxbnn.info.packing import pack_values


class Dependence(NamedTuple):
    """Entropies of a sample of a layer of signs, in bits: subadditivity is h_t <= h_units."""

    h_t: float  # H(T), plug-in
    h_shuffled: float  # H(T) once each unit's values are shuffled over the examples, plug-in
    h_units: float  # the sum over units of H(T_d), plug-in

    @property
    def total_correlation(self) -> float:
        """sum_d H(T_d) - H(T): 0 of independent units. Source: Watanabe 1960."""
        return self.h_units - self.h_t


def dependence(t: Any, seed: int = 0) -> Dependence:
    """How much the units of a layer depend on each other.

    H(T shuffled) has the units' own entropies and the sample's size, but no dependence: what it
    lacks of their sum is bias alone, and what H(T) lacks of it is dependence. For a sample large
    enough it is at least H(T); where both are near log2 N it need not be.

    Args:
        t: activations [N, D] of two values each: -1 and +1, 0 and 1, or bool.
        seed: of the shuffle.

    Returns:
        Three entropies in bits.

    Raises:
        ValueError: another shape, or other values.
    """
    signs = _signs(np.asarray(t))
    shuffled = np.random.default_rng(seed).permuted(signs, axis=0)
    p = signs.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        units = -np.nan_to_num(p * np.log2(p)) - np.nan_to_num((1 - p) * np.log2(1 - p))
    return Dependence(_entropy(signs), _entropy(shuffled), float(units.sum()))


def _signs(t: np.ndarray) -> np.ndarray:
    """The activations as bool [N, D]."""
    if t.ndim != 2 or not t.size:
        raise ValueError(f"expected t [N, D], N and D at least 1, got shape {t.shape}")
    if not (np.isin(t, (-1, 1)).all() or np.isin(t, (0, 1)).all()):
        raise ValueError("expected t of -1 and +1, or of 0 and 1, got other values")
    return t > 0


def _entropy(signs: np.ndarray) -> float:
    words = pack_values(signs)
    return float(plugin(COUNT(words, np.zeros(len(words), np.int32))[0]))
