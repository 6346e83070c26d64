"""Counting on an accelerator: rows a second of whole batches at once, beside a plain sort of as
many u64 keys.

H(T) and H(T,Y) come from one pass. Targets on one H100 for D <= 64: 2 x 10^9 rows a second, and 40
% of the speed of the plain one-operand sort. Needs jax, flax, optax, numpy and scipy.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import peers
import timing
from cases import Case, Sample

from jaxbnn.info import count, plugin
from jaxbnn.info.counting import choose_algorithm

CLOSE = 1e-4  # bits
ROWS_A_SECOND, OF_THE_SORT = 2e9, 0.4
MAX_CELLS = 2**22  # of one layer's table in the direct algorithm
SHAPES = ((50, 4096), (64, 10_000), (64, 60_000))
FEW = 300  # patterns
CHOSEN = "chosen"


@dataclass(frozen=True)
class Shape:
    """What one compiled program is for: cases that differ in their patterns alone share it."""

    batch: int
    n: int
    d: int
    classes: int

    def case(self, patterns: int | None) -> Case:
        """The case with so many patterns."""
        return Case(self.n, self.d, patterns, self.classes, self.batch)

    def programs(self) -> dict[str, Callable]:
        """Every algorithm that can count it, vmapped over the batch: (words, labels) -> (H(T),
        H(T,Y)), each [B]."""
        names = ["scatter", "sort"]
        if self.d <= 32 and 2**self.d * self.classes <= MAX_CELLS:
            names.insert(0, "direct")
        return {
            name: jax.jit(jax.vmap(partial(_entropies, self, name), (0, None))) for name in names
        }


def _entropies(shape, algorithm, words, labels):
    t, ty = count(words, labels, bits=shape.d, classes=shape.classes, algorithm=algorithm)
    return plugin(t), plugin(ty)


def shapes(quick: bool) -> list[Shape]:
    """The shapes measured: 10 bits are the direct algorithm's; 60 bits and a label are a key; 64
    and a label are hashed."""
    if quick:
        return [Shape(3, 400, 10, 2), Shape(3, 400, 64, 10)]
    wide = [
        Shape(*SHAPES[i], d, classes)
        for i in (1, 2)
        for d in (10, 20, 60, 64)
        for classes in (10, 1000)
    ]
    return [Shape(*SHAPES[0], 10, 2), *wide]


def plain_sorts(batch: int, n: int, **turns) -> dict[str, float]:
    """Seconds of a one-operand u64 sort of batch x n random keys: of all in one row, and of each
    layer's in its own."""
    keys = np.random.default_rng(0).integers(0, 2**63, (batch, n), dtype=np.uint64)
    with jax.enable_x64(True):
        sort = jax.jit(jax.lax.sort)
        flat, rows = jnp.asarray(keys.reshape(-1)), jnp.asarray(keys)
        return timing.in_turn(
            {"in one": partial(sort, flat), "each layer": partial(sort, rows)}, **turns
        )


def measure(shape: Shape, sorts: dict[str, float], **turns) -> list[tuple[str, ...]]:
    """The rows of the table for one shape: few patterns and many, every algorithm."""
    rows, programs = [], shape.programs()
    for patterns in (FEW, None):
        sample = Sample(shape.case(patterns))
        words, labels = jnp.asarray(sample.words), jnp.asarray(sample.labels)
        calls = {name: partial(program, words, labels) for name, program in programs.items()}
        _check(sample, calls)
        seconds = timing.in_turn(calls, **turns)
        chosen = choose_algorithm(
            shape.n, sample.case.n_words, shape.d, shape.classes, jax.default_backend()
        )
        rows += [_row(sample.case, name, chosen, each, sorts) for name, each in seconds.items()]
    return rows


def _check(sample, calls):
    """ValueError unless every algorithm gives each layer's H(T) and H(T,Y), those of the first and
    last layer by numpy."""
    for name, call in calls.items():
        h_t, h_ty = (np.asarray(each) for each in call())
        for i in (0, -1):
            pairs = np.column_stack([sample.words[i], sample.labels.astype(np.uint32)])
            known = [_plain_entropy(each) for each in (sample.words[i], pairs)]
            if not np.abs(np.subtract([h_t[i], h_ty[i]], known)).max() < CLOSE:
                raise ValueError(
                    f"{sample.case.name}, {name}: got {h_t[i]} and {h_ty[i]}, expected {known}"
                )


def _plain_entropy(rows):
    rows = np.ascontiguousarray(rows)
    return peers.entropy(
        np.unique(rows.view(np.dtype((np.void, 4 * rows.shape[1]))), return_counts=True)[1]
    )


def _row(case, algorithm, chosen, seconds, sorts):
    n_rows = case.batch * case.n
    of_sort = [each / seconds for each in sorts.values()]
    reached = n_rows / seconds >= ROWS_A_SECOND and min(of_sort) >= OF_THE_SORT
    name = f"{replace(case, methods=()).name}: {algorithm}"
    shares = (f"{100 * each:.0f} %" for each in of_sort)
    verdict = ("yes" if reached else "NO") if algorithm == chosen else ""
    times = (f"{timing.number(1e3 * each)} ms" for each in (seconds, *sorts.values()))
    return (
        name,
        *shares,
        f"{n_rows / seconds / 1e9:.3f}",
        CHOSEN if algorithm == chosen else "",
        verdict,
        *times,
    )


def run(quick: bool) -> None:
    """The table."""
    turns = {"rounds": 1, "burst": 1, "share": 0.05} if quick else {}
    sorts, rows = {}, []
    for shape in shapes(quick):
        print(f"measuring {shape}", flush=True)
        size = shape.batch, shape.n
        sorts[size] = sorts.get(size) or plain_sorts(*size, **turns)
        rows += measure(shape, sorts[size], **turns)
    timing.heading("Counting whole batches, H(T) and H(T,Y) from one pass")
    print(
        f"{timing.device()}; target: {OF_THE_SORT:.0%} of the faster sort and "
        f"{ROWS_A_SECOND / 1e9:g} x 10^9 rows/s\n"
    )
    header = (
        "batch: algorithm",
        "of the sort in one",
        "of each layer's",
        "10^9 rows/s",
        "algorithm",
        "target?",
    )
    print(timing.table((*header, "ours", "sort in one", "each layer's"), rows), flush=True)
