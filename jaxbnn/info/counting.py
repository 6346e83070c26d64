"""Packed rows -> exact counts of their patterns, with a certificate. Collisions of the hash cost
time, never a bit."""

from typing import Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxbnn.info import counting_direct, counting_scatter, counting_sort, tally
from jaxbnn.info.packing import as_array, hash_rows
from jaxbnn.info.tally import Hash

Algorithm = Literal["direct", "scatter", "sort"]
DIRECT_BYTES, DIRECT_BYTES_A_ROW = (
    2**17,
    44,
)  # of a table of all pairs: the fastest algorithm, within 64 bytes a row in all


class Counts(NamedTuple):
    """How often each pattern was seen: its multiplicity stands once, at a place that is the
    algorithm's; the rest is 0."""

    count: jax.Array  # int32, of any shape
    total: jax.Array  # [] int32, N
    certified: (
        jax.Array
    )  # [] bool, True when rows were compared in full and lie within the bounds: the certificate
    row: jax.Array | None = (
        None  # [N] int32, the multiplicity of each row's pattern, in an order that is the algorithm's
    )
    label: jax.Array | None = (
        None  # [N] int32, (T, Y) only: that of each row's label, in the same order
    )

    @staticmethod
    def from_histogram(histogram) -> "Counts":
        """Counts from anyone's histogram: non-negative integers [K], at least one of them not 0
        (else ValueError)."""
        h = np.asarray(histogram)
        if h.ndim != 1 or h.dtype.kind not in "iu" or h.size == 0 or h.min() < 0 or h.sum() < 1:
            raise ValueError(
                f"expected non-negative integer counts [K], not all 0, got {h.dtype} {h.shape}"
            )
        if (
            sum(h.tolist()) > np.iinfo(np.int32).max
        ):  # Python's integers: no type of numpy holds every sum
            raise ValueError(f"expected at most 2**31 - 1 examples in all, got {sum(h.tolist())}")
        return Counts(jnp.asarray(h, jnp.int32), jnp.int32(h.sum()), jnp.bool_(True))

    @property
    def n_patterns(self) -> jax.Array:
        """Number of patterns seen, [] int32."""
        return jnp.sum(self.count > 0, dtype=jnp.int32)

    @property
    def n_singletons(self) -> jax.Array:
        """Number of patterns seen exactly once, [] int32."""
        return jnp.sum(self.count == 1, dtype=jnp.int32)


def count(
    words: jax.Array,
    labels: jax.Array,
    *,
    bits: int | None = None,
    classes: int | None = None,
    algorithm: Algorithm | None = None,
    hash_rows: Hash = hash_rows,
) -> tuple[Counts, Counts]:
    """Exact counts of the patterns T and of the pairs (T, Y). words uint32 [N, W], labels int32
    [N].

    Static: `bits`, below which lie all bits of a row's words (word 0 lowest); `classes`, below
    which lie all labels; `algorithm`, by default as `choose_algorithm` says; `hash_rows`, which decides the
    speed and nothing else. Every algorithm gives the same counts. Outside jit a word or label past its
    bound raises ValueError, inside jit the counts are not exact.
    """
    words, labels = _checked(words, labels, bits, classes)
    classes = (
        None if classes is None or classes > 2**31 - 1 else classes
    )  # no int32 label passes that
    limit = 32 * words.shape[1] if bits is None else min(bits, 32 * words.shape[1])
    shape = words.shape[0], words.shape[1], limit, classes
    tally = _tally(
        algorithm or choose_algorithm(*shape, _platform()), words, labels, limit, classes, hash_rows
    )
    most = np.int32(2**31 - 1 if classes is None else classes - 1)
    inside = _is_below(words, limit) & jnp.all((labels >= 0) & (labels <= most))
    total, exact = jnp.int32(words.shape[0]), tally.certified & inside
    return Counts(tally.t, total, exact, tally.row_t), Counts(
        tally.ty, total, exact, tally.row_ty, tally.row_y
    )


def choose_algorithm(
    n: int, words: int, bits: int, classes: int | None, platform: str
) -> Algorithm:
    """The fastest algorithm for n rows of `words` words, as benchmarks/entropy.py measured it.

    On a CPU direct, while its table of 2**bits * classes cells takes at most DIRECT_BYTES or
    DIRECT_BYTES_A_ROW * n (larger ones are still the fastest, up to about 100 bytes a row, but take
    more than 64 bytes a row in all), past that scatter; elsewhere sort, until it is measured there.
    Source: the table of algorithms in benchmarks/README.md.
    """
    cpu = platform == "cpu"
    if cpu and words == 1 and classes is not None:
        table = 2**bits * classes * tally.cell(n).itemsize
        if table <= max(DIRECT_BYTES, DIRECT_BYTES_A_ROW * n):
            return "direct"
    return "scatter" if cpu else "sort"


def _platform():
    """That of the default device, which whoever runs a program on another device sets
    (`jax.default_device`)."""
    device = jax.config.jax_default_device  # pyright: ignore[reportAttributeAccessIssue]
    if device is None:
        return jax.default_backend()
    return device if isinstance(device, str) else device.platform


def _tally(algorithm, words, labels, bits, classes, hash_rows) -> tally.Tally:
    if algorithm == "direct":
        if words.shape[1] != 1 or classes is None or 2**bits * classes >= 2**31:
            raise ValueError(
                "expected rows of one word and 2**bits * classes < 2**31 for the direct algorithm, "
                f"got {words.shape[1]} words, bits {bits}, classes {classes}"
            )
        return counting_direct.direct(words, labels, bits, classes)
    if algorithm == "scatter":
        return counting_scatter.scatter(words, labels, classes, hash_rows)
    if algorithm == "sort":
        return counting_sort.sort(words, labels, bits, classes, hash_rows)
    raise ValueError(f"expected algorithm to be one of {get_args(Algorithm)}, got {algorithm!r}")


def _checked(words, labels, bits, classes):
    words, labels = as_array(words), as_array(labels)
    if words.dtype != np.uint32:
        raise TypeError(f"expected words of uint32 (see pack_signs, pack_codes), got {words.dtype}")
    if words.ndim != 2 or labels.shape != words.shape[:1] or words.shape[0] < 1:
        raise ValueError(
            f"expected words [N, W] and labels [N], N >= 1, got {words.shape} and {labels.shape}"
        )
    if min(0 if bits is None else bits, 0 if classes is None else classes - 1) < 0:
        raise ValueError(f"expected bits >= 0 and classes >= 1, got {bits} and {classes}")
    if bits is not None and not isinstance(words, Tracer) and not bool(_is_below(words, bits)):
        raise ValueError(f"expected words with no bit at or above {bits} (padding is 0), got some")
    if not isinstance(labels, Tracer):
        labels = check_labels(labels)
        if classes is not None and labels.max() >= classes:
            raise ValueError(f"expected labels from 0 to {classes - 1}, got {labels.max()}")
    return jnp.asarray(words), jnp.asarray(labels)


def _is_below(words, bits):
    """Whether no row has a bit at or above `bits`: [] bool."""
    below = jnp.bool_(True)
    for j in range(bits // 32, words.shape[1]):
        below = below & jnp.all(words[:, j] < np.uint32(1 << max(0, bits - 32 * j)))
    return below


def check_labels(y) -> np.ndarray:
    """The labels as int32 [N]; ValueError or TypeError unless they are whole, >= 0, below 2**31 and
    one-dimensional."""
    y = np.asarray(y)
    if y.ndim != 1 or y.size < 1:
        raise ValueError(f"expected labels [N] with N >= 1, got shape {y.shape}")
    if y.dtype.kind not in "biuf":
        raise TypeError(f"expected whole labels >= 0, got {y.dtype}")
    if not np.isfinite(y).all() or (y != np.floor(y)).any():
        raise ValueError("expected whole labels, got fractions, NaN or infinity")
    if y.min() < 0 or y.max() >= 2**31:
        raise ValueError(f"expected labels from 0 to 2**31 - 1, got {y.min()} to {y.max()}")
    return y.astype(np.int32)
