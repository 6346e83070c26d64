"""Entropies in bits from counts, on the host: float64, good to 1e-12 bit."""

import numpy as np

from jaxbnn.info.counts import Counts
from jaxbnn.info.entropy import NATS_PER_BIT


def plugin(counts: Counts) -> float:
    """-sum (c/N) log2 (c/N) in float64. NaN if the counts are not exact."""
    if not bool(counts.exact):
        return float("nan")
    c = np.asarray(counts.count, np.float64)
    p = c[c > 0] / c.sum()
    return float(abs(np.sum(p * np.log2(p))))


def miller_madow(counts: Counts) -> float:
    """plug-in + (K - 1)/(2 N ln 2) in float64, K patterns seen. Source: Miller 1955."""
    return plugin(counts) + (int(counts.n_patterns) - 1) / (2 * NATS_PER_BIT * int(counts.total))
