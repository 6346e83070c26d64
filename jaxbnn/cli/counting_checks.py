"""Whether a machine counts right: every counting algorithm against NumPy."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from jaxbnn.cli.finding import Finding
from jaxbnn.engine.devices import Device
from jaxbnn.info.counting import Algorithm as AlgorithmName
from jaxbnn.info.counting import count
from jaxbnn.info.packing import hash_rows

ROWS = 1000
CLASSES = 3
WIDTHS = (1, 4)  # of the rows that are counted, in words


class Rows(NamedTuple):
    """Rows to count."""

    name: str
    words: np.ndarray  # [N, W] uint32
    labels: np.ndarray  # [N] int32


class Algorithm(NamedTuple):
    """A way to count rows of so many words."""

    name: AlgorithmName
    bits: int | None
    hashes: tuple[bool, ...]  # True: a hash that tells nothing apart


def counting(devices: Sequence[Device]) -> list[Finding]:
    """Counts of random and adversarial rows by every algorithm on every device, against
    np.unique."""
    tried = 0
    wrong: dict[Device, str] = {}
    for name, rows, counts in trials(devices):
        tried += 1
        for i, device in enumerate(devices):
            if not equals_numpy(rows, jax.tree.map(itemgetter(i), counts)):
                wrong.setdefault(device, f"{rows.name} rows are counted wrongly by {name}")
    return [_counted(device, tried, wrong.get(device)) for device in devices]


def trials(devices: Sequence[Device]) -> Iterator[tuple[str, Rows, Any]]:
    """An algorithm's name, rows, and their counts of T and (T, Y) with an axis of devices."""
    for width in WIDTHS:
        samples = list(rows_to_try(np.random.default_rng(0), width))
        for algorithm in algorithms_for(width):
            program = counting_program(devices, algorithm)
            for rows, collides in itertools.product(samples, algorithm.hashes):
                counts = program(rows.words, rows.labels, np.bool_(collides))
                yield algorithm.name, rows, jax.device_get(counts)


def _counted(device: Device, tried: int, wrong: str | None) -> Finding:
    subject = f"counting on {device.platform}:{device.id}"
    if wrong is None:
        outcome = f"equals numpy's on {tried} tries of random and adversarial rows"
        return Finding(subject, outcome)
    advice = "do not trust counts made here: report it, with the output of this command"
    return Finding(subject, wrong, advice)


def rows_to_try(rng: np.random.Generator, width: int) -> Iterator[Rows]:
    """Rows of so many words, random ones and such as are hard to tell apart."""
    labels = rng.integers(0, CLASSES, ROWS, np.int32)
    end = 2**10 if width == 1 else 2**32
    random = rng.integers(0, end, (ROWS, width), np.uint32)
    few = random[rng.integers(0, 7, ROWS)]
    apart = np.repeat(random[:1], ROWS, axis=0)
    apart[:, -1] ^= rng.integers(0, 2, ROWS, np.uint32) << (9 if width == 1 else 31)
    twice = np.repeat(random[: ROWS // 2], 2, axis=0)[rng.permutation(ROWS)]
    yield Rows("random", random, labels)
    yield Rows("few", few, labels)
    yield Rows("equal", np.zeros_like(random), labels)
    yield Rows("one bit apart", apart, labels)
    yield Rows("many twice", twice, labels)


def algorithms_for(width: int) -> list[Algorithm]:
    """Every algorithm for rows of so many words; of long rows also with a hash that tells nothing
    apart."""
    if width == 1:
        return [Algorithm(name, 10, (False,)) for name in ("direct", "scatter", "sort")]
    return [Algorithm(name, None, (False, True)) for name in ("scatter", "sort")]


def counting_program(
    devices: Sequence[Device], algorithm: Algorithm
) -> Callable[[np.ndarray, np.ndarray, np.bool_], Any]:
    """What counts the same rows on every device, compiled once for all of them.

    Returns:
        A function of words [N, W], labels [N] and whether all hashes collide: the counts of T and
        of (T, Y), leaves [devices, ...].
    """
    everywhere = PartitionSpec()
    on_all = jax.shard_map(
        partial(_counted_rows, algorithm),
        mesh=Mesh(np.array(devices), ("device",)),
        in_specs=(everywhere, everywhere, everywhere),
        out_specs=PartitionSpec("device"),
        check_vma=False,
    )
    return jax.jit(on_all)


def _counted_rows(
    algorithm: Algorithm, words: jax.Array, labels: jax.Array, collides: jax.Array
) -> Any:
    """One device's counts, with an axis of one in front."""

    def hashed(rows: jax.Array, salt: Any) -> jax.Array:
        return jnp.where(collides, jnp.uint32(0), hash_rows(rows, salt))

    counts = count(
        words,
        labels,
        bits=algorithm.bits,
        hash_rows=hashed,
        classes=CLASSES,
        algorithm=algorithm.name,
    )
    return jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], counts)


def equals_numpy(rows: Rows, counts: Any) -> bool:
    """Whether the counts of T and (T, Y) are those of np.unique, and certified."""
    joint = np.column_stack([rows.words, rows.labels.astype(np.uint32)])
    for counted, words in zip(counts, (rows.words, joint), strict=True):
        sizes = np.asarray(counted.count).ravel()
        expected = np.sort(np.unique(words, axis=0, return_counts=True)[1])
        is_equal = np.array_equal(np.sort(sizes[sizes > 0]), expected)
        if not bool(counted.certified) or not is_equal:
            return False
    return True
