"""What a GPU or TPU changes, in one call of a few minutes.

    python benchmarks/accelerator.py [--quick]

Bits of seeds among others and in other blocks; products of whole numbers; seeds a card; measuring
by tables and by examples; an epoch of MNIST's network on made images; and counting: rows a second
of whole batches at once, beside a plain sort of as many u64 keys, H(T) and H(T,Y) from one pass.
Targets of counting on one H100 for D <= 64: 2 x 10^9 rows a second, and 40 % of the speed of the
plain one-operand sort. Needs jax, flax, optax, numpy, scipy and jaxtyping; runs on a CPU too.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import peers
import products
import timing
from blocks import NetworkBlock, by_examples
from cases import Case, Sample

from jaxbnn.engine.devices import use_cores
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


def promise(quick: bool) -> list[tuple[str, str]]:
    """What is varied, and whether the bits stay: of whole trained networks and what they record, or
    of what the same networks show when they are looked at one by one."""
    n_epochs = 3 if quick else 20
    made = {"SZT": NetworkBlock.szt(8), "784-1024-10": NetworkBlock.images(4, 1280)}
    rows = []
    for name, block in made.items():
        seeds = list(range(block.n_seeds))
        whole = block.trained(seeds, n_epochs)
        backward = block.trained(seeds[::-1], n_epochs)
        backward = jax.tree.map(lambda leaf: leaf[::-1], backward)
        rows.append((f"{name}: seeds in another order", _same(backward, whole)))
        cut = block.trained(seeds, n_epochs, chunk=1)
        rows.append((f"{name}: chunks of one epoch", _same(cut, whole)))
        alone = [block.forward(_of_seed(whole["variables"], i)) for i in seeds]
        joined = jax.tree.map(lambda *leaves: np.concatenate(leaves), *alone)
        is_same = _same(joined, block.forward(whole["variables"]))
        rows.append((f"{name}: binary layers of the same networks, one by one", is_same))
    return rows


def _of_seed(tree, i: int):
    return jax.tree.map(lambda leaf: leaf[i : i + 1], tree)


def _same(one, other) -> str:
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        if not np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
            return "differ"
    return "equal"


def epochs(quick: bool) -> list[tuple[str, ...]]:
    """Networks x epochs a second: not measured, measured by tables, measured by examples."""
    sizes = (4,) if quick else (64, 256, 1024, 4096)
    if jax.default_backend() == "cpu" and not quick:
        sizes = sizes[:2]
    made = [("SZT", NetworkBlock.szt(n)) for n in sizes]
    n_images = 1280 if quick else 60_000
    for n in (1,) if quick else (1, 8):
        made.append(
            (
                f"MNIST 1024-20-20-20 on {n_images} made images",
                NetworkBlock.images(n, n_images, (1024, 20, 20, 20)),
            )
        )
    rows = []
    for name, block in made:
        n_epochs = 2 if quick or name != "SZT" else 10
        seconds = {}
        for how, measured in (("not measured", False), ("measured", True)):
            seconds[how] = block.seconds(n_epochs, measured)
        with by_examples():
            seconds["measured by examples"] = block.seconds(n_epochs, True)
        speeds = (timing.number(block.n_seeds * n_epochs / each) for each in seconds.values())
        rows.append((name, str(block.n_seeds), *speeds))
    return rows


def run(quick: bool) -> None:
    """All tables."""
    timing.heading("Bits")
    print(timing.device(), "\n")
    print(timing.table(("varied", "bits"), promise(quick)), flush=True)
    products.run(quick)
    timing.heading("Networks x epochs a second")
    header = ("data", "seeds a program", "not measured", "measured every epoch", "by examples")
    print(timing.table(header, epochs(quick)), flush=True)
    counting(quick)


def counting(quick: bool) -> None:
    """The table of counting."""
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke test: its times mean nothing")
    arguments = parser.parse_args()
    use_cores(1)
    run(arguments.quick)


if __name__ == "__main__":
    main()
