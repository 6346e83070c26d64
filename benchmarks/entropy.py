"""Counting beside what others count with: H(T) and I(T;Y) of layers of signs, in one process and in
turn.

H(Y) is known: it belongs to the data set. A single layer is counted on one device. A batch is
counted layer after layer (`lax.map`), half of it on each of two virtual CPU devices, the library's
way to two cores. Every method's values are checked against one another before anything is timed. On
a GPU accelerator.py runs instead: a batch at once, beside a plain sort.
"""

import argparse
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import accelerator
import jax
import jax.numpy as jnp
import numpy as np
import peers
import timing
from cases import Case, Sample

from jaxbnn.engine.devices import count_cores, use_cores
from jaxbnn.info import count, pack_signs, plugin
from jaxbnn.info.counting import choose_algorithm

OURS, OURS_ONE_DEVICE, OURS_FLOATS = "ours", "ours, one device", "ours, floats"
OURS_COUNTS, OURS_COUNTS_ONE_DEVICE = "ours, counts only", "ours, counts only, one device"
SORT, BINCOUNT = "np.sort of one u64 a row", "np.bincount"
FLOATS = (peers.EXACT_IB, peers.VOID_VIEW)
WORDS = (peers.NUMPY, peers.JAX, peers.POLARS, peers.POLARS_BINARY, peers.NUMBA)
BATCH = (peers.NUMPY, peers.POLARS, peers.POLARS_BINARY, SORT, peers.NUMBA, peers.NUMBA_ONE_THREAD)
COLUMNS = (*FLOATS, *WORDS, peers.NUMBA_ONE_THREAD, SORT)
LARGE = (peers.POLARS, peers.POLARS_BINARY, peers.NUMBA)  # the others take seconds
CLOSE = 1e-4  # bits by which two methods' values may differ
ROOM = 64  # bytes a row on top of the packed words

CASES = (
    Case(4096, 10, None, 2, methods=FLOATS + WORDS),
    Case(4096, 10, 1, 2, methods=FLOATS + WORDS),
    Case(10_000, 64, None, 10, methods=FLOATS + WORDS),
    Case(60_000, 20, None, 10, methods=FLOATS + WORDS),
    Case(60_000, 20, 500, 10, methods=FLOATS + WORDS),
    Case(60_000, 20, 1, 10, methods=FLOATS + WORDS),
    Case(60_000, 20, None, 1000, methods=FLOATS + WORDS),
    Case(60_000, 64, None, 10, methods=(peers.VOID_VIEW, *WORDS)),
    Case(60_000, 64, 500, 1000, methods=(peers.VOID_VIEW, *WORDS)),
    Case(60_000, 256, 500, 10, methods=(peers.VOID_VIEW, *WORDS)),
    Case(60_000, 256, 500, 1000, methods=(peers.VOID_VIEW, *WORDS)),
    Case(60_000, 256, None, 10, methods=(peers.VOID_VIEW, *WORDS)),
    Case(60_000, 256, None, 1000, methods=(peers.VOID_VIEW, *WORDS)),
    Case(60_000, 256, 1, 10, methods=(peers.VOID_VIEW, *WORDS)),
    Case(60_000, 1024, None, 10, methods=FLOATS + WORDS),
    Case(60_000, 1024, 500, 10, methods=(peers.VOID_VIEW, *LARGE)),
    Case(1_000_000, 20, None, 10, methods=(peers.NUMPY, *LARGE)),
    Case(1_000_000, 64, None, 10, methods=LARGE),
    Case(1_000_000, 256, 500, 10, methods=(peers.NUMPY, *LARGE)),
    Case(1_000_000, 256, 500, 1000, methods=LARGE),
    Case(1_000_000, 256, None, 10, methods=(peers.NUMPY, *LARGE)),
    Case(1_000_000, 256, None, 1000, methods=LARGE),
    Case(1_000_000, 1024, None, 10, methods=LARGE),
    Case(4096, 10, None, 2, batch=64, methods=BATCH),
    Case(10_000, 20, None, 10, batch=64, methods=BATCH),
    Case(10_000, 20, 300, 10, batch=64, methods=BATCH),
    Case(10_000, 64, None, 10, batch=64, methods=BATCH),
    Case(10_000, 64, 300, 10, batch=64, methods=BATCH),
)
READY = Case(4096, 10, None, 2, batch=50)
QUICK = (
    Case(500, 10, None, 2, methods=FLOATS + WORDS),
    Case(700, 40, 20, 20, methods=FLOATS + WORDS),
    Case(600, 256, None, 10, methods=FLOATS + WORDS),
    Case(400, 64, None, 10, batch=4, methods=BATCH),
)
ALGORITHMS = ("direct", "scatter", "sort")
MAX_CELLS = 2**22  # of the direct algorithm's table, past which it is not tried


@dataclass(frozen=True)
class Measured:
    """A case's times in seconds by method, and the bytes a row that our compiled program holds."""

    case: Case
    seconds: dict[str, float]
    bytes_a_row: float

    @property
    def of_bound(self) -> float:
        """The bytes a row as a multiple of the bound, the packed words + ROOM."""
        return self.bytes_a_row / (4 * self.case.n_words + ROOM)

    def ratio(self, ours: str, against: str) -> float | None:
        """How many times as long the other takes."""
        known = ours in self.seconds and against in self.seconds
        return self.seconds[against] / self.seconds[ours] if known else None


def entropies(words, labels, *, bits, classes, algorithm=None):
    """(H(T), H(T,Y)) of one layer, as an estimator of the library has them."""
    t, ty = count(words, labels, bits=bits, classes=classes, algorithm=algorithm)
    return plugin(t), plugin(ty)


def information(words, labels, h_y, *, bits, classes):
    """(H(T), I(T;Y)) of one layer."""
    h_t, h_ty = entropies(words, labels, bits=bits, classes=classes)
    return h_t, h_t + h_y - h_ty


def over_layers(one: Callable, arrays: np.ndarray, devices: list[jax.Device]) -> Callable:
    """`one` of every layer [B, ...], layer after layer, the batch in equal parts on the devices."""
    program = jax.jit(partial(jax.lax.map, one))
    parts = [
        jax.device_put(part, on)
        for part, on in zip(np.array_split(arrays, len(devices)), devices, strict=True)
    ]
    return lambda: jax.block_until_ready([program(part) for part in parts])


def ours(sample: Sample, floats: bool) -> dict[str, Callable]:
    """Our methods: from packed words, on all devices and on one; from floats where that is asked
    for."""
    case, labels, h_y = sample.case, jnp.asarray(sample.labels), peers.of_labels(sample.labels)
    of_words = partial(information, bits=case.d, classes=case.classes)
    if case.batch > 1:
        one = partial(_of_layer, of_words, sample.labels, h_y)
        devices = jax.devices()
        ready = {OURS: over_layers(one, sample.words, devices)}
        return ready | (
            {OURS_ONE_DEVICE: over_layers(one, sample.words, devices[:1])}
            if len(devices) > 1
            else {}
        )
    program, words = jax.jit(of_words), jnp.asarray(sample.words[0])
    ready = {OURS: lambda: jax.block_until_ready(program(words, labels, h_y))}
    if floats:
        packed = jax.jit(lambda t, labels, h_y: of_words(pack_signs(t), labels, h_y))
        t = jnp.asarray(sample.floats[0])
        ready[OURS_FLOATS] = lambda: jax.block_until_ready(packed(t, labels, h_y))
    return ready


def _of_layer(of_words, labels, h_y, words):
    return of_words(words, labels, h_y)


def others(sample: Sample, floats: bool) -> dict[str, Callable]:
    """The other methods of a case that are installed."""
    case = sample.case
    ready = peers.choose(
        [m for m in case.methods if m != SORT],
        sample.floats if floats else None,
        sample.words,
        sample.labels,
    )
    if SORT in case.methods:
        keys = np.pad(sample.words, ((0, 0), (0, 0), (0, -case.n_words % 2))).view(np.uint64)[
            :, :, 0
        ]
        ready[SORT] = partial(np.sort, keys, axis=1)
    return ready


def check(case: Case, calls: dict[str, Callable]) -> None:
    """ValueError unless every method gives the same H(T) and I(T;Y) of every layer. It calls all of
    them once."""
    results = {name: call() for name, call in calls.items()}
    found = {name: _values(result) for name, result in results.items() if name != SORT}
    known = found[OURS]
    for name, values in found.items():
        if values.shape != (case.batch, 2) or not np.abs(values - known).max() < CLOSE:
            raise ValueError(
                f"{case.name}: {name} gives {values[:3].tolist()}, {OURS} {known[:3].tolist()}"
            )


def _values(result):
    """(H(T), I(T;Y)) of every layer, [B, 2], from whatever a method gives."""
    pairs = result if isinstance(result, list) else [result]
    return np.concatenate(
        [np.stack([np.atleast_1d(np.asarray(v)) for v in pair], axis=1) for pair in pairs]
    )


def measure(case: Case, **turns) -> Measured:
    """A case's methods checked, then timed."""
    sample, floats = Sample(case), any(method in FLOATS for method in case.methods)
    calls = ours(sample, floats) | others(sample, floats)
    check(case, calls)
    return Measured(case, timing.in_turn(calls, is_warm=True, **turns), bytes_a_row(sample))


def bytes_a_row(sample: Sample) -> float:
    """Arguments, results and all in between of the compiled program for a case's packed words, in
    bytes a row."""
    case = sample.case
    one = partial(information, bits=case.d, classes=case.classes)
    words = jax.ShapeDtypeStruct(sample.words.shape, jnp.uint32)
    labels = jax.ShapeDtypeStruct(sample.labels.shape, jnp.int32)
    h_y = jax.ShapeDtypeStruct((), jnp.float32)

    def program(words, labels, h_y):
        if case.batch == 1:
            return one(words[0], labels, h_y)
        return jax.lax.map(partial(_of_layer, one, labels, h_y), words)

    memory = jax.jit(program).lower(words, labels, h_y).compile().memory_analysis()
    held = memory.argument_size_in_bytes + memory.output_size_in_bytes + memory.temp_size_in_bytes
    return held / (case.n * case.batch)


def measure_ready(case: Case, **turns) -> Measured:
    """Counts of T and (T, Y) from ready addresses, no entropies, beside np.bincount: the layer is
    its own address."""
    sample = Sample(case)
    both = sample.words[:, :, 0] * case.classes + sample.labels
    addresses = [
        (t, ty)
        for t, ty in zip(sample.words[:, :, 0].astype(np.intp), both.astype(np.intp), strict=True)
    ]
    cells = 2**case.d

    def bincount():
        return [
            (np.bincount(t, minlength=cells), np.bincount(ty, minlength=cells * case.classes))
            for t, ty in addresses
        ]

    def counts(words):
        t, ty = count(words, sample.labels, bits=case.d, classes=case.classes, algorithm="direct")
        return t.count, ty.count

    calls = {
        OURS_COUNTS: over_layers(counts, sample.words, jax.devices()),
        OURS_COUNTS_ONE_DEVICE: over_layers(counts, sample.words, jax.devices()[:1]),
    }
    for name, call in calls.items():
        for k in (0, 1):
            mine = np.concatenate(
                [np.asarray(part[k]).reshape(len(part[k]), -1) for part in call()]
            )
            if not np.array_equal(mine, [each[k] for each in bincount()]):
                raise ValueError(f"{case.name}: {name} does not count as np.bincount does")
    return Measured(
        case, timing.in_turn({**calls, BINCOUNT: bincount}, **turns), bytes_a_row(sample)
    )


def targets(measured: list[Measured], ready: Measured) -> str:
    """The table of targets: ratios, the least, the aim and whether they are reached."""
    rows = []
    for each in measured:
        rows += [_target(each, *target) for target in _targets_of(each)]
    label = "counts only, ready addresses"
    rows.append(_target(ready, OURS_COUNTS, (BINCOUNT,), 1, 2, f"{label}, two devices"))
    rows.append(_target(ready, OURS_COUNTS_ONE_DEVICE, (BINCOUNT,), 1, 2, f"{label}, one device"))
    header = (
        "work",
        "reached",
        "at least",
        "aim",
        "at least?",
        "aim?",
        "against",
        "ours",
        "theirs",
    )
    return timing.table(header, rows)


def _targets_of(each: Measured):
    """(ours, against any of, at least, aim, how we count) of a case."""
    case = each.case
    if (case.n, case.d, case.patterns, case.classes, case.batch) == (60_000, 20, None, 10, 1):
        yield OURS_FLOATS, (peers.EXACT_IB,), 400, 1000, "from float32"
        yield OURS_FLOATS, (peers.VOID_VIEW,), 40, 100, "from float32"
    if (case.n, case.d, case.batch) == (60_000, 1024, 1):
        yield OURS_FLOATS, (peers.VOID_VIEW,), 100, 200, "from float32"
    if case.d == 256 and case.patterns != 1:
        yield OURS, (peers.POLARS, peers.POLARS_BINARY), 2, 4, "packed"
    if case.batch == 64 and case.n == 10_000:
        yield OURS, (SORT,), 1.5, 6, "packed, two devices"
        yield OURS_ONE_DEVICE, (SORT,), 1.5, 6, "packed, one device"


def _target(each, ours, against, least, aim, how):
    there = [name for name in against if name in each.seconds]
    work = f"{each.case.name}, {how}"
    if not there or ours not in each.seconds:
        return (
            work,
            "-",
            f"{least} x",
            f"{aim} x",
            "-",
            "-",
            f"{against[0]}: not installed",
            "-",
            "-",
        )
    fastest = min(there, key=each.seconds.__getitem__)
    reached = each.ratio(ours, fastest)
    verdicts = ("yes" if reached >= bound else "NO" for bound in (least, aim))
    times = (_milliseconds(each.seconds[name]) for name in (ours, fastest))
    return work, timing.ratio(reached), f"{least} x", f"{aim} x", *verdicts, fastest, *times


def _milliseconds(seconds):
    return f"{timing.number(1e3 * seconds)} ms"


def comparison(measured: list[Measured]) -> str:
    """The broad table: each method's time as a multiple of ours from the same rows, and in
    milliseconds."""
    columns = [name for name in COLUMNS if any(name in each.case.methods for each in measured)]
    rows = [row for each in measured for row in _compared(each, columns)]
    return timing.table(("case", "ours", "ours, floats", *columns), rows)


def _compared(each, columns):
    """A case's rows: a second one where a batch is also counted on one device."""
    for mine in (OURS, OURS_ONE_DEVICE):
        if mine in each.seconds:
            floats = (
                _milliseconds(each.seconds[OURS_FLOATS]) if OURS_FLOATS in each.seconds else "-"
            )
            name = each.case.name + (", one device" if mine == OURS_ONE_DEVICE else "")
            yield (
                name,
                _milliseconds(each.seconds[mine]),
                floats,
                *(_beside(each, mine, c) for c in columns),
            )


def _beside(each, mine, method):
    if method not in each.case.methods:
        return "-"
    if method not in each.seconds:
        return "not installed"
    against = OURS_FLOATS if method in FLOATS else mine
    return f"{timing.ratio(each.ratio(against, method))} ({_milliseconds(each.seconds[method])})"


def peak(measured: list[Measured]) -> str:
    """How the target of memory stands, in a sentence."""
    within, worst = (
        sum(each.of_bound <= 1 for each in measured),
        max(measured, key=lambda each: each.of_bound),
    )
    return (
        f"Peak memory at most the packed words + {ROOM} bytes a row: in {within} of "
        f"{len(measured)} cases; "
        f"at worst {worst.of_bound:.2f} x that ({worst.case.name})."
    )


def memory(measured: list[Measured]) -> str:
    """Bytes a row of the compiled program beside the bound."""
    rows = []
    for each in measured:
        bound = 4 * each.case.n_words + ROOM
        within = "yes" if each.bytes_a_row <= bound else "NO"
        rows.append(
            (
                each.case.name,
                f"{each.bytes_a_row / bound:.2f} x",
                within,
                f"{each.bytes_a_row:.1f}",
                f"{bound}",
            )
        )
    return timing.table(("case", "of the bound", "within?", "bytes a row", "words + 64"), rows)


def algorithms(shapes, **turns) -> str:
    """Every algorithm's time for one layer, and what the chosen one loses: the source of
    `choose_algorithm`'s constants."""
    rows = []
    for n, classes, bits in shapes:
        case = Case(n, bits, None, classes)
        sample = Sample(case)
        words, labels = jnp.asarray(sample.words[0]), jnp.asarray(sample.labels)
        calls = {}
        for algorithm in ALGORITHMS:
            if algorithm != "direct" or (case.n_words == 1 and 2**bits * classes <= MAX_CELLS):
                program = jax.jit(
                    partial(entropies, bits=bits, classes=classes, algorithm=algorithm)
                )
                calls[algorithm] = partial(program, words, labels)
        seconds = timing.in_turn(calls, **turns)
        chosen, fastest = (
            choose_algorithm(n, case.n_words, bits, classes, "cpu"),
            min(seconds, key=seconds.__getitem__),
        )
        cells = timing.number(2**bits * classes / n) if "direct" in seconds else "-"
        times = (
            _milliseconds(seconds[algorithm]) if algorithm in seconds else "-"
            for algorithm in ALGORITHMS
        )
        rows.append(
            (
                f"{n:,} x {bits}, {classes} classes",
                timing.ratio(seconds[chosen] / seconds[fastest]),
                chosen,
                fastest,
                cells,
                *times,
            )
        )
    return timing.table(
        ("random rows", "chosen / fastest", "chosen", "fastest", "cells a row", *ALGORITHMS), rows
    )


def shapes_of_algorithms(quick: bool):
    """(N, classes, bits) of the table of algorithms."""
    if quick:
        return [(500, 2, 8), (500, 2, 40)]
    return list(itertools.product((4096, 10_000, 60_000), (2, 10), (8, 10, 12, 14, 16, 18, 64)))


def on_cpu(quick: bool) -> None:
    """The four tables, the targets first."""
    turns = {"rounds": 1, "burst": 1, "share": 0.05} if quick else {}
    cases = QUICK if quick else CASES
    measured = []
    for case in cases:
        print(f"measuring {case.name}", flush=True)
        measured.append(measure(case, **turns))
    ready = measure_ready(Case(500, 10, None, 2, batch=4) if quick else READY, **turns)
    timing.heading("Counting: the targets")
    print(
        f"{timing.device()}\n\n{targets(measured, ready)}\n\n{peak([*measured, ready])}", flush=True
    )
    timing.heading("Counting: every case and method")
    print(
        "Times as multiples of ours from the same rows (floats: ours, floats), in "
        "brackets milliseconds.\n"
    )
    print(comparison(measured), flush=True)
    timing.heading("Counting: peak memory of the compiled program")
    print(memory([*measured, ready]), flush=True)
    timing.heading("Counting: algorithms, one layer")
    print(algorithms(shapes_of_algorithms(quick), **turns), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test in seconds: its times mean nothing"
    )
    parser.add_argument("--accelerator", action="store_true", help="the GPU's part, also on a CPU")
    arguments = parser.parse_args()
    use_cores(count_cores())
    if arguments.accelerator or jax.default_backend() != "cpu":
        accelerator.run(arguments.quick)
    else:
        on_cpu(arguments.quick)


if __name__ == "__main__":
    main()
