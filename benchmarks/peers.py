"""What others count with, each as a function (layers, labels) -> a call that gives [(H(T), I(T;Y)),
...] in bits.

Polars and numba are in the extra `bench`; without them their methods are missing, and nothing else
is.
"""

import importlib.util
from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np

Bits = tuple[float, float]
Call = Callable[[], list[Bits]]

EXACT_IB, VOID_VIEW = "np.unique(axis=0), floats", "void view, floats"
NUMPY, JAX = "np.unique(axis=0), words", "jnp.unique(axis=0), words"
POLARS, POLARS_BINARY = "polars, columns", "polars, binary"
NUMBA, NUMBA_ONE_THREAD = "numba table", "numba table, one thread"
NEEDS = {POLARS: "polars", POLARS_BINARY: "polars", NUMBA: "numba", NUMBA_ONE_THREAD: "numba"}


def is_installed(method: str) -> bool:
    """Whether the package that a method needs can be imported."""
    return method not in NEEDS or importlib.util.find_spec(NEEDS[method]) is not None


def entropy(counts: np.ndarray) -> float:
    """The plug-in entropy of counts, in bits."""
    p = counts / counts.sum()
    return float(-np.sum(p * np.log2(p)))


def of_labels(labels: np.ndarray) -> float:
    """H(Y), known once for a data set and so outside every timed call."""
    return entropy(np.unique(labels, return_counts=True)[1])


def of_floats(
    count: Callable[[np.ndarray], np.ndarray],
) -> Callable[[np.ndarray, np.ndarray], Call]:
    """T counted once and once per label, which is how the exact-IB code, ibsgd and IDNNs have
    it."""

    def method(layers: np.ndarray, labels: np.ndarray) -> Call:
        classes, sizes = np.unique(labels, return_counts=True)
        share = sizes / sizes.sum()

        def one(t):
            h_t = entropy(count(t))
            within = [entropy(count(t[labels == label])) for label in classes]
            return h_t, h_t - float(share @ within)

        return lambda: [one(t) for t in layers]

    return method


def _unique_rows(t):
    return np.unique(t, axis=0, return_counts=True)[1]


def _unique_voids(t):
    t = np.ascontiguousarray(t)
    return np.unique(
        t.view(np.dtype((np.void, t.dtype.itemsize * t.shape[1]))).ravel(), return_counts=True
    )[1]


def of_words(library) -> Callable[[np.ndarray, np.ndarray], Call]:
    """Packed words by `unique(axis=0)`: once, and once with the label as one more word."""

    def method(layers: np.ndarray, labels: np.ndarray) -> Call:
        h_y = of_labels(labels)
        pairs = [np.column_stack([words, labels.astype(np.uint32)]) for words in layers]
        given = [
            (library.asarray(words), library.asarray(both))
            for words, both in zip(layers, pairs, strict=True)
        ]

        def one(words, both):
            h_t, h_ty = (
                entropy(np.asarray(library.unique(each, axis=0, return_counts=True)[1]))
                for each in (words, both)
            )
            return h_t, h_t + h_y - h_ty

        return lambda: [one(*each) for each in given]

    return method


def polars_groups(binary: bool) -> Callable[[np.ndarray, np.ndarray], Call]:
    """Exact group-by on all cores, frames ready: over the words as columns, or over each row as one
    binary value."""

    def method(layers: np.ndarray, labels: np.ndarray) -> Call:
        import polars

        h_y = of_labels(labels)

        def frame(words):
            columns = {f"t{j}": column for j, column in enumerate(words.T)}
            rows = {"t": [row.tobytes() for row in words]} if binary else columns
            return polars.DataFrame(rows | {"y": labels})

        def one(frame):
            t = frame.columns[:-1]
            h_t, h_ty = (
                entropy(frame.group_by(names).len()["len"].to_numpy()) for names in (t, [*t, "y"])
            )
            return h_t, h_t + h_y - h_ty

        frames = [frame(words) for words in layers]
        return lambda: [one(each) for each in frames]

    return method


def numba_table(threads: bool) -> Callable[[np.ndarray, np.ndarray], Call]:
    """A compiled hash table, T and (T, Y) in one pass: about the limit of the machine. One layer is
    one thread's."""

    def method(layers: np.ndarray, labels: np.ndarray) -> Call:
        from hash_table import entropies, entropies_in_threads, steps

        h_y, classes, growth = of_labels(labels), int(labels.max()) + 1, steps(len(labels))
        padded = np.pad(layers, ((0, 0), (0, 0), (0, layers.shape[2] % 2)))
        rows = np.ascontiguousarray(padded).view(np.uint64)
        compiled = entropies_in_threads if threads and len(layers) > 1 else entropies
        return lambda: [
            (h_t, h_t + h_y - h_ty) for h_t, h_ty in compiled(rows, labels, classes, growth)
        ]

    return method


FROM_FLOATS = {EXACT_IB: of_floats(_unique_rows), VOID_VIEW: of_floats(_unique_voids)}
FROM_WORDS = {
    NUMPY: of_words(np),
    JAX: of_words(jnp),
    POLARS: polars_groups(binary=False),
    POLARS_BINARY: polars_groups(binary=True),
    NUMBA: numba_table(threads=True),
    NUMBA_ONE_THREAD: numba_table(threads=False),
}


def choose(
    names: Sequence[str], layers: np.ndarray | None, words: np.ndarray, labels: np.ndarray
) -> dict[str, Call]:
    """The installed methods among `names`, ready to be called: float methods take `layers`, the
    others `words`."""
    ready = {}
    for name in filter(is_installed, names):
        if name in FROM_WORDS:
            ready[name] = FROM_WORDS[name](words, labels)
        elif layers is not None:
            ready[name] = FROM_FLOATS[name](layers, labels)
    return ready
