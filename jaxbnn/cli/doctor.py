"""Whether a machine is fit for runs whose counts and bits hold. A check is a value: what was found,
and what to do."""

import dataclasses
import importlib.metadata
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn.config.experiment import Experiment
from jaxbnn.data import Szt
from jaxbnn.engine import cost
from jaxbnn.engine import devices as cores
from jaxbnn.engine.runner import run
from jaxbnn.info.counting import count
from jaxbnn.info.packing import hash_rows
from jaxbnn.nn import MLP
from jaxbnn.observe.probe import Probe, Schedule
from jaxbnn.storage import results
from jaxbnn.train.spec import TrainSpec

ROWS, CLASSES = 1000, 3
WIDTHS = (1, 4)  # of the rows that are counted, in words
MIN_MEMORY = (
    2**29
)  # bytes, a guess: a block of SZT holds a few MiB, one of a 1024-wide network some hundred
SHORT = Experiment(
    name="short",
    data=Szt(),
    model=MLP((256, 10), 2),
    train=TrainSpec(epochs=3, batch_size=256, learning_rate=0.01),
    schedule=Schedule(every=1),
    probes=(Probe(sample="all"),),
    seeds_per_program=2,
)
STANDARD = Experiment(
    name="standard",
    data=Szt(),
    model=MLP((10, 8, 6, 4, 2), 2),
    train=TrainSpec(epochs=1000, batch_size=64, learning_rate=1e-3),
    probes=(Probe(sample="all"),),
    seeds_per_program=32,
)
MACHINES = {
    "2 threads of one Xeon core, jax 0.10.2": 1750
}  # networks x epochs a second: this check, median of five


class Known(NamedTuple):
    """Versions of which something bad is known."""

    first: str  # of jaxlib
    last: str
    platform: str
    what: str
    source: str  # an issue of jax-ml/jax
    advice: str


KNOWN = (
    Known(
        "0.11.0",
        "0.11.1",
        "gpu",
        "can crash after many programs that sort",
        "40142",
        "pip install -U jax",
    ),
)


class Finding(NamedTuple):
    """One check."""

    what: str
    found: str
    advice: str = ""  # what to do; "" where all is well


def examine(devices: Sequence[jax.Device]) -> Iterator[Finding]:
    """Every check of this machine, one after another."""
    yield from versions(devices[0].platform)
    yield memory(devices)
    yield flags(devices[0])
    for device in devices:
        yield counting(device)
        yield summing(device)
    yield repeating(devices)
    yield speed(devices)


def versions(platform: str) -> Iterator[Finding]:
    """The packages jaxbnn needs, against what it asks for and what is known of them."""
    for name, least in required():
        there = importlib.metadata.version(name)
        if _numbers(there) < _numbers(least):
            yield Finding(
                name, there, f"expected {name} {least} or newer: pip install -U '{name}>={least}'"
            )
    there = importlib.metadata.version("jaxlib")
    for known in KNOWN:
        if known.platform == platform and _numbers(known.first) <= _numbers(there) <= _numbers(
            known.last
        ):
            yield Finding(
                f"jaxlib {there}", f"{known.what} (jax-ml/jax#{known.source})", known.advice
            )
    main = (
        f"{name} {importlib.metadata.version(name)}"
        for name in ("jaxbnn", "jax", "jaxlib", "flax", "numpy")
    )
    yield Finding("versions", ", ".join(main))


def required() -> list[tuple[str, str]]:
    """(package, least version) of what jaxbnn needs; none where it runs from a folder and was not
    installed."""
    try:
        lines = importlib.metadata.requires("jaxbnn") or ()
    except importlib.metadata.PackageNotFoundError:
        return []
    found = (re.match(r"([\w.-]+)[^;]*?>=([\d.]+)[^;]*$", each) for each in lines)
    return [(each[1], each[2]) for each in found if each]


def _numbers(version):
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def memory(devices: Sequence[jax.Device]) -> Finding:
    """What programs can have on each device."""
    each = cost.room(devices) // len(devices)
    kinds = ", ".join(sorted({f"{device.platform} {device.device_kind}" for device in devices}))
    found = f"{len(devices)} x {kinds}, {each / 2**30:.1f} GiB each"
    advice = (
        ""
        if each >= MIN_MEMORY
        else "expected 0.5 GiB or more: end other programs, or run with fewer --seeds-per-program"
    )
    return Finding("devices", found, advice)


def flags(device: jax.Device) -> Finding:
    """Whether XLA computes with the flags that the bits of runs depend on."""
    if cores.is_ready(device):
        return Finding("bits", "of jaxbnn's networks do not depend on the number of cores")
    return Finding(
        "bits", "are not those of other runs", "call jaxbnn.use_cores() before JAX starts"
    )


def counting(device: jax.Device) -> Finding:
    """Counts of random and adversarial rows by every algorithm, against np.unique."""
    where = f"counting on {device.platform}:{device.id}"
    tried = 0
    with jax.default_device(device):
        for width in WIDTHS:
            ways = [
                (algorithm, jax.jit(partial(count, **how, classes=CLASSES, algorithm=algorithm)))
                for algorithm, how in ways_of(width)
            ]
            for name, words, labels in rows_to_try(np.random.default_rng(0), width):
                for algorithm, counted in ways:
                    if not equals_numpy(words, labels, counted):
                        advice = "do not trust counts made here: report it, with the output of this command"
                        return Finding(
                            where, f"{name} rows are counted wrongly by {algorithm}", advice
                        )
                    tried += 1
    return Finding(where, f"equals numpy's on {tried} tries of random and adversarial rows")


def rows_to_try(
    rng: np.random.Generator, width: int
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(name, words [N, width], labels [N])."""
    labels = rng.integers(0, CLASSES, ROWS, np.int32)
    most = 2**10 if width == 1 else 2**32
    random = rng.integers(0, most, (ROWS, width), np.uint32)
    few = random[rng.integers(0, 7, ROWS)]
    last = np.repeat(random[:1], ROWS, axis=0)
    last[:, -1] ^= rng.integers(0, 2, ROWS, np.uint32) << (9 if width == 1 else 31)
    yield "random", random, labels
    yield "few", few, labels
    yield "equal", np.zeros_like(random), labels
    yield "one bit apart", last, labels
    yield "many twice", np.repeat(random[: ROWS // 2], 2, axis=0)[rng.permutation(ROWS)], labels


def ways_of(width: int) -> list[tuple[str, dict[str, Any]]]:
    """Every algorithm for rows of so many words and its settings; also with a hash that tells nothing
    apart."""
    if width == 1:
        return [
            (algorithm, {"bits": 10, "hash_rows": hash_rows})
            for algorithm in ("direct", "scatter", "sort")
        ]
    return [
        (algorithm, {"bits": None, "hash_rows": each})
        for algorithm in ("scatter", "sort")
        for each in (hash_rows, _constant)
    ]


def _constant(words, salt):
    """A hash that tells nothing apart."""
    return jnp.zeros(words.shape[0], jnp.uint32)


def equals_numpy(words: np.ndarray, labels: np.ndarray, counted: Callable) -> bool:
    """Whether the counts of T and (T, Y) are those of np.unique, and certified."""
    found = counted(jnp.asarray(words), jnp.asarray(labels))
    rows = words, np.column_stack([words, labels.astype(np.uint32)])
    for counts, each in zip(found, rows, strict=True):
        there = np.asarray(counts.count).ravel()
        expected = np.sort(np.unique(each, axis=0, return_counts=True)[1])
        if not bool(counts.certified) or not np.array_equal(np.sort(there[there > 0]), expected):
            return False
    return True


def summing(device: jax.Device) -> Finding:
    """Whether sums of products of many rows are right: on CPUs jaxlib 0.10.2 gets some wrong
    (jax-ml/jax#39103)."""
    numbers, matrix = np.arange(1, 2**16), jnp.eye(3)
    rows = jnp.asarray(numbers[:, None] * np.eye(1, 3), jnp.float32)
    with jax.default_device(device):
        found = jax.jit(jax.vmap(lambda row: jnp.sum((matrix @ row) ** 2)))(rows)
    where = f"sums on {device.platform}:{device.id}"
    if np.allclose(found, numbers.astype(np.float64) ** 2, rtol=1e-5):
        return Finding(where, "are right")
    return Finding(
        where,
        "can be wrong",
        "call jaxbnn.use_cores() before JAX starts, or install another version of jax",
    )


def repeating(devices: Sequence[jax.Device]) -> Finding:
    """Whether a short run has the same bits twice, and on all devices."""
    short = dataclasses.replace(SHORT, seeds=tuple(range(2 * len(devices))))
    with tempfile.TemporaryDirectory() as folder:
        chosen = [devices[:1], devices[:1], devices]
        made = [run(short, Path(folder) / str(i), devices=each) for i, each in enumerate(chosen)]
        one, again, spread = map(results.open_result, made)
    for other, where in ((again, "a second time"), (spread, f"on {len(devices)} devices")):
        different = [
            str(name) for name in one.variables if not _same(one[name].values, other[name].values)
        ]
        if different:
            advice = "bits do not hold here: see docs/reliability.md"
            return Finding(
                "a short run", f"gives other bits {where}: {', '.join(different[:5])}", advice
            )
    return Finding("a short run", f"has the same bits a second time and on {len(devices)} devices")


def _same(a, b):
    return (
        a.dtype == b.dtype
        and a.shape == b.shape
        and (a.dtype == object or a.tobytes() == b.tobytes())
    )


def speed(devices: Sequence[jax.Device]) -> Finding:
    """Networks x epochs a second of a standard run, beside those of known machines."""
    standard = dataclasses.replace(
        STANDARD, seeds=tuple(range(STANDARD.seeds_per_program * len(devices)))
    )
    taken = cost.estimate(standard, seconds=1.0, devices=devices)
    here = len(standard.seeds) * standard.train.epochs / taken.seconds
    others = ", ".join(f"{speed:.0f} on {name}" for name, speed in MACHINES.items())
    return Finding("speed", f"{here:.0f} networks x epochs a second of SZT ({others})")
