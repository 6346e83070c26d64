"""What a plug-in entropy is expected to be: of fewer of the same examples, and of draws from a
known distribution. Bits, float64, exact."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64

from jaxbnn.info.spectrum import Spectrum

BLOCK = 2**18  # cells of one table of probabilities: it stays in the cache

Ratio = Callable[[np.ndarray, np.ndarray], np.ndarray]  # ratio(k, i) = P(k + 1)/P(k) of the laws i


def rarefaction(t: Spectrum, sizes: Sequence[int] | np.ndarray) -> Float64[np.ndarray, "*points r"]:
    """The expected plug-in entropy of n of these examples, for each n of sizes.

    log2 n - (1/n) sum_a n_a sum_k Hypergeometric(k; N, a, n) k log2 k, n_a patterns seen a times.
    Source: Hurlbert 1971, with entropy in place of the number of species.

    Args:
        t: spectra with leaves [..., M].
        sizes: n [R], 1 <= n <= N wherever something was counted.

    Returns:
        Bits [..., R]; NaN where nothing was counted.

    Raises:
        ValueError: sizes out of range, or numbers that are not whole.
    """
    t, sizes = checked_spectrum(t), checked_numbers("sizes [R] >= 1", sizes, 1)
    total = np.sum(t.multiplicity * t.number, axis=-1)
    smallest = total.min(initial=np.iinfo(np.int64).max, where=total > 0)
    if sizes.size and sizes.max() > smallest:
        raise ValueError(f"expected sizes of at most {smallest}, the sample's, got {sizes.max()}")
    curve = np.empty((*total.shape, sizes.size))
    for r, n in enumerate(sizes):
        expected = rarefied_plugin(t, np.where(total > 0, n, 0))
        curve[..., r] = np.where(total > 0, expected, np.nan)
    return curve


def expected_plugin(p: Any, n: int, number: Any = None) -> float:
    """The expected plug-in entropy of n draws from a known distribution.

    sum_i number_i sum_k Binomial(k; n, p_i) (-(k/n) log2(k/n)). Source: Paninski 2003.

    Args:
        p: probabilities [K].
        n: draws.
        number: how many patterns share each p [K]; None: one each.

    Returns:
        Bits.

    Raises:
        ValueError: n < 1, or sum(number p) is not 1.
    """
    p, number = _distribution(p, number)
    if n < 1 or n != int(n):
        raise ValueError(f"expected n >= 1 draws, got {n}")
    n = int(n)
    low, high = np.zeros(p.shape, np.int64), np.full(p.shape, n)

    def ratio(k: np.ndarray, i: np.ndarray) -> np.ndarray:
        return (n - k) * p[i] / ((k + 1) * np.maximum(1 - p[i], 1e-300))

    per_pattern = _mean_k_log_k(n * p, n * p * (1 - p), low, high, ratio)
    return float(np.sum(number * p) * np.log2(n) - np.sum(number * per_pattern) / n)


def rarefied_plugin(t: Spectrum, n: np.ndarray) -> Float64[np.ndarray, "*points"]:
    """The expected plug-in entropy of n of each spectrum's examples.

    Args:
        t: spectra with leaves int64 [..., M].
        n: whole numbers [...], at most N each.

    Returns:
        Bits [...]; 0 where n is 0.
    """
    shape = t.number.shape
    total = np.broadcast_to(np.sum(t.multiplicity * t.number, axis=-1, keepdims=True), shape)
    drawn = np.broadcast_to(np.asarray(n)[..., None], shape)
    seen = t.number > 0
    mean = np.zeros(shape)
    mean[seen] = mean_of_drawn(total[seen], np.asarray(t.multiplicity)[seen], drawn[seen])
    n = np.maximum(n, 1)
    return np.maximum(0, np.log2(n) - np.sum(t.number * mean, axis=-1) / n)


def mean_of_drawn(
    total: np.ndarray, marked: np.ndarray, drawn: np.ndarray
) -> Float64[np.ndarray, "..."]:
    """The mean of k log2 k, k the marked ones among `drawn` of `total`: hypergeometric.

    Args:
        total: whole numbers of any shape.
        marked: of the same shape, at most `total`.
        drawn: of the same shape, at most `total`.

    Returns:
        Float64 of the same shape; each triple is computed once.
    """
    n, a, b, triple = _distinct_triples(total, marked, drawn)

    def ratio(k: np.ndarray, i: np.ndarray) -> np.ndarray:
        return (a[i] - k) * (b[i] - k) / ((k + 1) * (n[i] - a[i] - b[i] + k + 1))

    mean = a * b / n
    variance = mean * (1 - b / n) * (n - a) / np.maximum(n - 1, 1)
    low, high = np.maximum(0, a + b - n), np.minimum(a, b)
    return _mean_k_log_k(mean, variance, low, high, ratio)[triple].reshape(total.shape)


def checked_spectrum(t: Spectrum) -> Spectrum:
    """The spectrum in int64.

    Args:
        t: spectra with leaves [..., M] of any library.

    Returns:
        Leaves int64 numpy arrays [..., M].

    Raises:
        ValueError: leaves that differ in shape or are not whole numbers.
    """
    a, number = np.asarray(t.multiplicity), np.asarray(t.number)
    whole = a.dtype.kind in "iu" and number.dtype.kind in "iu"
    if a.ndim < 1 or a.shape != number.shape or not whole:
        raise ValueError(
            f"expected a spectrum of whole numbers [..., M], got {a.shape} and {number.shape}"
        )
    return Spectrum(a.astype(np.int64), number.astype(np.int64))


def checked_numbers(what: str, values: Any, smallest: int) -> np.ndarray:
    """Whole numbers in int64.

    Args:
        what: they are, for the message.
        values: [K].
        smallest: that is allowed.

    Returns:
        int64 [K].

    Raises:
        ValueError: another shape or type, or a smaller number.
    """
    v = np.asarray(values)
    if v.ndim != 1 or (v.size and (v.dtype.kind not in "iu" or v.min() < smallest)):
        start = f" from {v.min()}" if v.size else ""
        raise ValueError(f"expected whole {what}, got {v.dtype} {v.shape}{start}")
    return v.astype(np.int64)


def _distribution(p: Any, number: Any) -> tuple[np.ndarray, np.ndarray]:
    """Distinct probabilities above 0 [K], and how many patterns share each [K]."""
    p = np.asarray(p, np.float64)
    number = np.ones_like(p) if number is None else np.asarray(number, np.float64)
    fits = p.ndim == 1 and p.shape == number.shape and not (p < 0).any()
    if not fits or not abs(np.sum(p * number) - 1) < 1e-9:
        raise ValueError(
            "expected p [K] >= 0 and number [K] with sum(number p) = 1, "
            f"got {p.shape} and {number.shape}"
        )
    p, number = p[p > 0], number[p > 0]
    p, pattern = np.unique(p, return_inverse=True)
    return p, np.bincount(pattern, number)


def _distinct_triples(
    total: np.ndarray, marked: np.ndarray, drawn: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The distinct (total, marked, drawn) as float64 [P] each, and which one each entry is."""
    distinct = [np.unique(values, return_inverse=True) for values in (total, marked, drawn)]
    shape = [max(1, values.size) for values, _ in distinct]
    index = np.ravel_multi_index([inverse.ravel() for _, inverse in distinct], shape)
    keys, triple = np.unique(index, return_inverse=True)
    columns = zip(distinct, np.unravel_index(keys, shape), strict=True)
    n, a, b = (values[i].astype(np.float64) for (values, _), i in columns)
    return n, a, b, triple


def _mean_k_log_k(
    mean: np.ndarray, variance: np.ndarray, low: np.ndarray, high: np.ndarray, ratio: Ratio
) -> np.ndarray:
    """The mean of k log2 k under P laws on low..high; ratio(k, i) = P(k + 1)/P(k) of the laws i.
    All [P].

    Bernstein's inequality, which holds for both laws here, leaves a mass below 2 exp(-42) = 1.2e-18
    outside the cells.
    """
    reach = 14 + np.sqrt(196 + 84 * variance)
    low = np.maximum(low, np.floor(mean - reach))
    width = np.minimum(high, np.ceil(mean + reach)) - low + 1
    means = np.zeros(len(mean))
    for i in _blocks(width):
        means[i] = _means_of_block(low[i], width[i], ratio, i[:, None])
    return means


def _blocks(width: np.ndarray) -> list[np.ndarray]:
    """The laws' indices in blocks of at most BLOCK cells, narrow laws first, so that the laws of a
    block are about as wide."""
    order = np.argsort(width)
    blocks, done = [], 0
    while done < len(order):
        cells = width[order[done:]] * np.arange(1, len(order) - done + 1)
        n_laws = max(1, int(np.searchsorted(cells, BLOCK)))
        blocks.append(order[done : done + n_laws])
        done += n_laws
    return blocks


def _means_of_block(low: np.ndarray, width: np.ndarray, ratio: Ratio, i: np.ndarray) -> np.ndarray:
    """The mean of k log2 k of the laws i [P, 1], in one table [P, widest]."""
    cell = np.arange(width.max())
    k = low[:, None] + cell
    inside = cell < width[:, None]
    step = np.log(np.where(inside[:, 1:], ratio(k[:, :-1], i), 1))
    log_p = np.cumsum(np.pad(step, ((0, 0), (1, 0))), axis=1)
    p = np.exp(log_p - log_p.max(axis=1, keepdims=True)) * inside
    return np.sum(p * k * np.log2(np.maximum(k, 1)), axis=1) / np.sum(p, axis=1)
