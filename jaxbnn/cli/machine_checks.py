"""Whether a machine is fit for runs whose counts and bits hold. A check is a value: what was seen,
and what to do."""

import dataclasses
import importlib.metadata
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn.cli.counting_checks import counting
from jaxbnn.cli.finding import Finding
from jaxbnn.config.experiment import Experiment
from jaxbnn.data import Szt
from jaxbnn.engine import cost
from jaxbnn.engine import devices as cores
from jaxbnn.engine.devices import Device
from jaxbnn.engine.progress import Progress
from jaxbnn.engine.runner import run
from jaxbnn.nn import MLP, stable_matmul
from jaxbnn.observe.probe import Probe, Schedule
from jaxbnn.storage import results
from jaxbnn.train.spec import TrainSpec

WIDE = (256, 1024)  # of the products: rows, and columns of both factors
# A guess: a block of SZT holds a few MiB, one of a 1024-wide network some hundred.
MIN_MEMORY = 2**29  # bytes
HIDDEN = (10, 4)  # widths of the network of a short run
SHORT = Experiment(
    name="short",
    data=Szt(),
    model=MLP(HIDDEN, 2),
    train=TrainSpec(epochs=60, batch_size=64, learning_rate=1e-3),
    schedule=Schedule(every=20, first_epochs=1, last_epochs=1),
    probes=(Probe(sample="all"),),
    seeds_per_program=32,
)
SHOWN = 5  # names of variables in a line


class Report(NamedTuple):
    """Where a run stood."""

    time: float  # seconds, of a clock that only goes forward
    epochs_done: int  # network epochs


class KnownFault(NamedTuple):
    """Versions of jaxlib of which something bad is known."""

    first: str
    last: str
    platform: str
    fault: str
    source: str  # an issue of jax-ml/jax
    advice: str


KNOWN_FAULTS = (
    KnownFault(
        "0.11.0",
        "0.11.1",
        "gpu",
        "can crash after many programs that sort",
        "40142",
        "pip install -U jax",
    ),
)


class Check(NamedTuple):
    """A check that can be made."""

    name: str  # what is done
    make: Callable[[], list[Finding]]


def all_checks(devices: Sequence[Device]) -> list[Check]:
    """Every check of these devices, those that take longest at the end; a device stands as often
    as it trains blocks at the same time."""
    each = tuple(dict.fromkeys(devices))
    return [
        Check("versions", partial(versions, devices[0].platform)),
        Check("memory", lambda: [memory(devices)]),
        Check("flags", lambda: [flags(devices[0])]),
        Check("counting rows", partial(counting, each)),
        Check("sums", lambda: [summing(device) for device in each]),
        Check("products", lambda: [multiplying(each)]),
        Check("a short run, three times", partial(short_runs, devices)),
    ]


def versions(platform: str) -> list[Finding]:
    """The packages jaxbnn needs, against what it asks for and what is known of them."""
    findings = []
    for name, least in required():
        installed = importlib.metadata.version(name)
        if _numbers(installed) < _numbers(least):
            advice = f"expected {name} {least} or newer: pip install -U '{name}>={least}'"
            findings.append(Finding(name, installed, advice))
    jaxlib = importlib.metadata.version("jaxlib")
    for known in KNOWN_FAULTS:
        first, last = _numbers(known.first), _numbers(known.last)
        if known.platform == platform and first <= _numbers(jaxlib) <= last:
            outcome = f"{known.fault} (jax-ml/jax#{known.source})"
            findings.append(Finding(f"jaxlib {jaxlib}", outcome, known.advice))
    main = []
    for name in ("jaxbnn", "jax", "jaxlib", "flax", "numpy"):
        main.append(f"{name} {importlib.metadata.version(name)}")
    return [*findings, Finding("versions", ", ".join(main))]


def required() -> list[tuple[str, str]]:
    """(package, least version) of what jaxbnn needs; none where it runs from a folder and was not
    installed."""
    try:
        lines = importlib.metadata.requires("jaxbnn") or ()
    except importlib.metadata.PackageNotFoundError:
        return []
    pairs = []
    for line in lines:
        match = re.match(r"([\w.-]+)[^;]*?>=([\d.]+)[^;]*$", line)
        if match:
            pairs.append((match[1], match[2]))
    return pairs


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def memory(devices: Sequence[Device]) -> Finding:
    """What programs can have on each device."""
    share = cost.room(devices) // len(devices)
    kinds = ", ".join(sorted({f"{device.platform} {device.device_kind}" for device in devices}))
    outcome = f"{len(devices)} x {kinds}, {share / 2**30:.1f} GiB each"
    advice = "expected 0.5 GiB or more: end other programs, or run with fewer --seeds-per-program"
    return Finding("devices", outcome, advice if share < MIN_MEMORY else "")


def flags(device: Device) -> Finding:
    """Whether XLA computes with the flags that the bits of runs depend on."""
    if cores.is_ready(device):
        return Finding("bits", "of jaxbnn's networks do not depend on the number of cores")
    return Finding(
        "bits", "are not those of other runs", "call jaxbnn.use_cores() before JAX starts"
    )


def summing(device: Device) -> Finding:
    """Whether sums of products of many rows are right: on CPUs jaxlib 0.10.2 gets some wrong
    (jax-ml/jax#39103)."""
    numbers = np.arange(1, 2**16)
    matrix = jnp.eye(3)
    rows = jnp.asarray(numbers[:, None] * np.eye(1, 3), jnp.float32)
    with jax.default_device(device):
        sums = jax.jit(jax.vmap(lambda row: jnp.sum((matrix @ row) ** 2)))(rows)
    subject = f"sums on {device.platform}:{device.id}"
    if np.allclose(sums, numbers.astype(np.float64) ** 2, rtol=1e-5):
        return Finding(subject, "are right")
    advice = "call jaxbnn.use_cores() before JAX starts, or install another version of jax"
    return Finding(subject, "can be wrong", advice)


def multiplying(devices: Sequence[Device]) -> Finding:
    """Whether a wide product of matrices and its gradient have the same bits twice, and on all
    devices."""
    rng = np.random.default_rng(0)
    n_rows, n_columns = WIDE
    x = rng.normal(size=(n_rows, n_columns)).astype(np.float32)
    kernel = rng.normal(size=(n_columns, n_columns)).astype(np.float32)
    program = jax.jit(jax.value_and_grad(_squares, argnums=1))
    first = None
    for device in (devices[0], *devices):
        inputs = jax.device_put((x, kernel), device)
        made = jax.tree.map(np.asarray, jax.device_get(program(*inputs)))
        first = made if first is None else first
        if not all(map(_same, first, made)):
            advice = "bits do not hold here: see docs/reliability.md"
            outcome = f"have other bits on {device.platform}:{device.id}"
            return Finding("products", outcome, advice)
    return Finding("products", f"have the same bits a second time and on {len(devices)} devices")


def _squares(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return jnp.mean(jnp.square(stable_matmul(x, kernel)))


def short_runs(devices: Sequence[Device]) -> list[Finding]:
    """Whether a short run has the same bits twice and a block at a time, and how fast it is."""
    reports: list[Report] = []

    def note(progress: Progress) -> None:
        reports.append(Report(time.monotonic(), progress.epochs_done))

    with tempfile.TemporaryDirectory() as folder:
        # The first run compiles; the second only trains.
        first = _short_run(devices, Path(folder) / "first", lambda progress: None)
        again = _short_run(devices, Path(folder) / "again", note)
        alone = _short_run(devices[:1], Path(folder) / "alone", lambda progress: None)
    findings = [repeating(len(devices), first, again, alone)]
    if len(reports) > 1:
        findings.append(speed(reports))
    return findings


def _short_run(devices: Sequence[Device], out: Path, report: Callable[[Progress], None]) -> Any:
    """The result of a short run, the same seeds for any of this machine's devices."""
    n_seeds = SHORT.seeds_per_program * len(cores.workers())
    short = dataclasses.replace(SHORT, seeds=tuple(range(n_seeds)))
    return results.open_result(run(short, out, devices=devices, report=report)).load()


def repeating(n_blocks: int, first: Any, again: Any, alone: Any) -> Finding:
    """Whether results are the same: of a run of several blocks at once, of another, and of one of a
    block after the other."""
    together = f"with {n_blocks} blocks at once"
    for other, place in ((again, "a second time"), (alone, together)):
        different = _different(first, other)
        if different:
            outcome = f"gives other bits {place}: {', '.join(different[:SHOWN])}"
            advice = "bits do not hold here: see docs/reliability.md"
            return Finding("a short run", outcome, advice)
    return Finding("a short run", f"has the same bits a second time and {together}")


def _different(one: Any, other: Any) -> list[str]:
    """The variables of two results that differ."""
    names = []
    for name in one.variables:
        if not _same(one[name].values, other[name].values):
            names.append(str(name))
    return names


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays have the same bits; of text the bits are no matter."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    return a.dtype == object or a.tobytes() == b.tobytes()


def speed(reports: Sequence[Report]) -> Finding:
    """Networks x epochs a second of a run, from its first to its last report."""
    began, ended = reports[0], reports[-1]
    rate = (ended.epochs_done - began.epochs_done) / max(ended.time - began.time, 1e-9)
    widths = "-".join(map(str, HIDDEN))
    return Finding("speed", f"{rate:.0f} networks x epochs a second of SZT ({widths})")
