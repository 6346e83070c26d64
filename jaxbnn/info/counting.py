"""Packed rows -> exact counts of their patterns, with a certificate. Collisions of the hash cost
time, never a bit."""

from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Bool, Int32, UInt32

from jaxbnn.info.arrays import AnyArray, as_array
from jaxbnn.info.counting_direct import direct
from jaxbnn.info.counting_scatter import scatter
from jaxbnn.info.counting_sort import sort
from jaxbnn.info.counting_tally import Hash, Tally, cell_type
from jaxbnn.info.labels import check_labels
from jaxbnn.info.packing import hash_rows

Algorithm = Literal["direct", "scatter", "sort"]
# Of a table of all pairs: the fastest algorithm, within 64 bytes a row in all.
DIRECT_BYTES = 2**17
DIRECT_BYTES_PER_ROW = 44
INT32_MAX = 2**31 - 1


class Counts(NamedTuple):
    """How often each pattern was seen: its multiplicity stands once, at a place that is the
    algorithm's; the rest is 0.

    `row` and `label` have an order that is the algorithm's, the same for both; None where only a
    histogram is known.
    """

    count: Int32[AnyArray, "..."]  # of any shape
    total: Int32[AnyArray, ""]  # N
    certified: Bool[AnyArray, ""]  # rows were compared in full and lie within the bounds
    row: Int32[AnyArray, " n"] | None = None  # the multiplicity of each row's pattern
    label: Int32[AnyArray, " n"] | None = None  # of each row's label; (T, Y) only

    @staticmethod
    def from_histogram(histogram: Any) -> "Counts":
        """Counts from anyone's histogram.

        Args:
            histogram: whole numbers >= 0 [K], at least one of them not 0.

        Returns:
            Counts of sum(histogram) examples, certified, without rows.

        Raises:
            ValueError: another shape or type, a negative number, nothing counted, or more than
                2**31 - 1 examples.
        """
        h = np.asarray(histogram)
        if h.ndim != 1 or h.dtype.kind not in "iu" or h.size == 0 or h.min() < 0 or h.sum() < 1:
            raise ValueError(
                f"expected non-negative integer counts [K], not all 0, got {h.dtype} {h.shape}"
            )
        total = sum(h.tolist())  # Python's integers: no type of numpy holds every sum
        if total > INT32_MAX:
            raise ValueError(f"expected at most 2**31 - 1 examples in all, got {total}")
        return Counts(jnp.asarray(h, jnp.int32), jnp.int32(h.sum()), jnp.bool_(True))

    @property
    def n_patterns(self) -> Int32[jax.Array, ""]:
        """Number of patterns seen."""
        return jnp.sum(self.count > 0, dtype=jnp.int32)

    @property
    def n_singletons(self) -> Int32[jax.Array, ""]:
        """Number of patterns seen exactly once."""
        return jnp.sum(self.count == 1, dtype=jnp.int32)


def count(
    words: UInt32[AnyArray, "n w"],
    labels: Int32[AnyArray, " n"],
    *,
    bits: int | None = None,
    classes: int | None = None,
    algorithm: Algorithm | None = None,
    hash_rows: Hash = hash_rows,
) -> tuple[Counts, Counts]:
    """Exact counts of the patterns T and of the pairs (T, Y). Every algorithm gives the same.

    Args:
        words: packed rows, uint32 [N, W].
        labels: int32 [N], whole numbers >= 0.
        bits: all bits of a row's words are below it, word 0 lowest (static); None: 32 W.
        classes: all labels are below it (static); None: unknown.
        algorithm: "direct", "scatter" or "sort" (static); None: as `choose_algorithm` says.
        hash_rows: as `packing.hash_rows` (static); decides the speed and nothing else.

    Returns:
        Counts of T and of (T, Y). Inside jit a word or label past its bound leaves them without
        their certificate.

    Raises:
        ValueError: shapes, bounds or an algorithm that do not fit; outside jit also a word or label
            past its bound.
        TypeError: words that are not uint32, labels that are no numbers.
    """
    words, labels = _checked(words, labels, bits, classes)
    n_rows, n_words = words.shape
    if classes is not None and classes > INT32_MAX:
        classes = None  # no int32 label passes that
    limit = 32 * n_words if bits is None else min(bits, 32 * n_words)
    if algorithm is None:
        algorithm = choose_algorithm(n_rows, n_words, limit, classes, _platform())
    tally = _tally(algorithm, words, labels, limit, classes, hash_rows)
    total = jnp.int32(n_rows)
    certified = tally.certified & _is_below(words, limit) & _are_labels(labels, classes)
    return (
        Counts(tally.t, total, certified, tally.row_t),
        Counts(tally.ty, total, certified, tally.row_ty, tally.row_y),
    )


def choose_algorithm(
    n: int, words: int, bits: int, classes: int | None, platform: str
) -> Algorithm:
    """The fastest algorithm, as benchmarks/entropy.py measured it.

    On a CPU direct, while its table of 2**bits * classes cells takes at most DIRECT_BYTES or
    DIRECT_BYTES_PER_ROW * n (larger ones are still the fastest, up to about 100 bytes a row, but
    take more than 64 bytes a row in all), past that scatter; elsewhere sort, until it is measured
    there. Source: the table of algorithms in benchmarks/README.md.

    Args:
        n: rows.
        words: words a row.
        bits: all bits of a row are below it.
        classes: all labels are below it; None: unknown.
        platform: "cpu", "gpu" or "tpu".

    Returns:
        "direct", "scatter" or "sort".
    """
    if platform != "cpu":
        return "sort"
    if words == 1 and classes is not None:
        table_bytes = 2**bits * classes * cell_type(n).itemsize
        if table_bytes <= max(DIRECT_BYTES, DIRECT_BYTES_PER_ROW * n):
            return "direct"
    return "scatter"


def _platform() -> str:
    """That of the default device, which whoever runs a program on another device sets
    (`jax.default_device`)."""
    device = jax.config.jax_default_device  # pyright: ignore[reportAttributeAccessIssue]
    if device is None:
        return jax.default_backend()
    return device if isinstance(device, str) else device.platform


def _tally(
    algorithm: str,
    words: jax.Array,
    labels: jax.Array,
    bits: int,
    classes: int | None,
    hash_rows: Hash,
) -> Tally:
    if algorithm == "direct":
        if words.shape[1] != 1 or classes is None or 2**bits * classes >= 2**31:
            raise ValueError(
                "expected rows of one word and 2**bits * classes < 2**31 for the direct algorithm, "
                f"got {words.shape[1]} words, bits {bits}, classes {classes}"
            )
        return direct(words, labels, bits, classes)
    if algorithm == "scatter":
        return scatter(words, labels, classes, hash_rows)
    if algorithm == "sort":
        return sort(words, labels, bits, classes, hash_rows)
    raise ValueError(f"expected algorithm to be one of {get_args(Algorithm)}, got {algorithm!r}")


def _checked(
    words: Any, labels: Any, bits: int | None, classes: int | None
) -> tuple[jax.Array, jax.Array]:
    """Words [N, W] and labels [N] that fit each other and, outside jit, their bounds."""
    words, labels = as_array(words), as_array(labels)
    if words.dtype != np.uint32:
        raise TypeError(f"expected words of uint32 (see pack_signs, pack_codes), got {words.dtype}")
    if words.ndim != 2 or labels.shape != words.shape[:1] or words.shape[0] < 1:
        raise ValueError(
            f"expected words [N, W] and labels [N], N >= 1, got {words.shape} and {labels.shape}"
        )
    if (bits is not None and bits < 0) or (classes is not None and classes < 1):
        raise ValueError(f"expected bits >= 0 and classes >= 1, got {bits} and {classes}")
    if bits is not None and not isinstance(words, Tracer) and not bool(_is_below(words, bits)):
        raise ValueError(f"expected words with no bit at or above {bits} (padding is 0), got some")
    if not isinstance(labels, Tracer):
        labels = check_labels(labels)
        if classes is not None and labels.max() >= classes:
            raise ValueError(f"expected labels from 0 to {classes - 1}, got {labels.max()}")
    return jnp.asarray(words), jnp.asarray(labels)


def _is_below(words: Any, bits: int) -> jax.Array:
    """Whether no row has a bit at or above `bits`: [] bool."""
    below = jnp.bool_(True)
    for j in range(bits // 32, words.shape[1]):
        below = below & jnp.all(words[:, j] < np.uint32(1 << max(0, bits - 32 * j)))
    return below


def _are_labels(labels: jax.Array, classes: int | None) -> jax.Array:
    """Whether all labels are from 0 to classes - 1: [] bool."""
    largest = np.int32(INT32_MAX if classes is None else classes - 1)
    return jnp.all((labels >= 0) & (labels <= largest))
