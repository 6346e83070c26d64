"""Speed and accuracy of every entropy of jaxbnn.info.corrected_entropy, over (N, D, p), beside what
others offer.

The sample: N rows of D independent bits, each 1 with probability p, so that the truth is D h(p)
bits. Speed: points a second from spectra, a batch of them a call; and for a few methods from the
rows themselves, counting included. Error: mean absolute error in bits over the repetitions.
"""

import argparse
import importlib.util
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import timing
from scipy import stats

from jaxbnn.engine.devices import use_cores
from jaxbnn.info import corrected_entropy, count, plugin
from jaxbnn.info.spectrum import Spectrum, spectrum

SIZES, UNITS, CHANCES = (1000, 10_000, 100_000), (5, 10, 15, 20), (0.5, 0.7, 0.9)
REPETITIONS = 10
OURS_FROM_ROWS = "ours from rows: plugin"
REFERENCE = "ours: plugin"


@dataclass(frozen=True)
class Cell:
    """N rows of D bits, each 1 with probability p."""

    n: int
    d: int
    p: float

    @property
    def truth(self) -> float:
        """D h(p), bits."""
        return self.d * float(stats.entropy([self.p, 1 - self.p], base=2))

    @property
    def alphabet(self) -> int:
        """Patterns possible."""
        return 2**self.d

    def rows(self, repetitions: int) -> np.ndarray:
        """Packed rows, uint32 [repetitions, n, 1]."""
        rng = np.random.default_rng([self.n, self.d, round(100 * self.p)])
        words = np.zeros((repetitions, self.n), np.uint32)
        for bit in range(self.d):
            words |= (rng.random((repetitions, self.n), np.float32) < self.p).astype(
                np.uint32
            ) << np.uint32(bit)
        return words[:, :, None]


@dataclass(frozen=True)
class Reached:
    """What a method reached in a cell."""

    points_a_second: float
    error: float  # bits, mean absolute


def spectra_of(rows: np.ndarray, bits: int) -> Spectrum:
    """The library's spectra of rows [R, n, 1], without the padding that all share."""
    found = jax.tree.map(np.asarray, _spectra(rows, bits))
    longest = max(1, int((found.number > 0).sum(axis=-1).max()))
    return Spectrum(*(leaf[:, :longest] for leaf in found))


@partial(jax.jit, static_argnums=1)
def _spectra(rows, bits):
    nothing = jnp.zeros(rows.shape[1], jnp.int32)  # one class: only T is counted
    return jax.lax.map(
        lambda words: spectrum(count(words, nothing, bits=bits, classes=1)[0], rows.shape[1]), rows
    )


@partial(jax.jit, static_argnums=1)
def _plugins(rows, bits):
    nothing = jnp.zeros(rows.shape[1], jnp.int32)
    return jax.lax.map(lambda words: plugin(count(words, nothing, bits=bits, classes=1)[0]), rows)


def ours(cell: Cell, rows: np.ndarray) -> dict[str, Callable[[], np.ndarray]]:
    """Our methods, each giving bits [R]: from spectra, from rows, and counting alone."""
    of = spectra_of(rows, cell.d)
    on_device = jnp.asarray(rows)
    ready = {
        f"ours: {name}": partial(each, of) for name, each in corrected_entropy.ESTIMATORS.items()
    }
    ready |= {
        f"ours: {name}": partial(each, of, cell.alphabet)
        for name, each in corrected_entropy.WITH_ALPHABET.items()
    }
    return ready | {OURS_FROM_ROWS: lambda: np.asarray(_plugins(on_device, cell.d))}


def others(cell: Cell, rows: np.ndarray) -> dict[str, Callable[[], np.ndarray]]:
    """Every peer that is installed, bits [R]; from each row's number, or from counts where the peer
    asks for them."""
    codes = rows[:, :, 0].astype(np.int64)
    counts = [np.unique(each, return_counts=True)[1] for each in codes]
    ready = {}
    for package, name, function, given in _peers(cell):
        if importlib.util.find_spec(package):
            ready[name] = partial(_each, function(), counts if given == "counts" else codes)
    return ready


def _each(function, samples):
    return np.array([function(sample) for sample in samples], np.float64)


def _peers(cell):
    """(package, name, a function that makes the method, what the method takes)."""
    yield "scipy", "scipy from rows: np.unique and stats.entropy", _scipy, "rows"
    yield "sklearn", "scikit-learn from rows: mutual_info_score(t, t)", _sklearn, "rows"
    yield "pyentrp", "pyentrp from rows: shannon_entropy", _pyentrp, "rows"
    yield "ndd", "ndd from counts: entropy", partial(_ndd, cell.alphabet), "counts"
    for approach in (
        "discrete",
        "miller_madow",
        "grassberger",
        "chao_shen",
        "chao_wang_jost",
        "shrink",
    ):
        yield (
            "infomeasure",
            f"infomeasure from rows: {approach}",
            partial(_infomeasure, approach),
            "rows",
        )


def _scipy():
    return lambda codes: stats.entropy(np.unique(codes, return_counts=True)[1], base=2)


def _sklearn():
    from sklearn.metrics import mutual_info_score

    return lambda codes: mutual_info_score(codes, codes) / np.log(2)


def _pyentrp():
    from pyentrp.entropy import shannon_entropy

    return shannon_entropy


def _ndd(alphabet):
    import ndd

    return lambda counts: ndd.entropy(counts, k=alphabet) / np.log(2)


def _infomeasure(approach):
    import infomeasure

    logging.getLogger("infomeasure").setLevel(logging.ERROR)
    return lambda codes: infomeasure.entropy(codes, approach=approach, base=2)


def measure(cell: Cell, repetitions: int, **turns) -> dict[str, Reached]:
    """Every method in one cell. ValueError where our plug-in from rows is not our plug-in from
    spectra."""
    rows = cell.rows(repetitions)
    calls = ours(cell, rows) | others(cell, rows)
    found = {name: np.asarray(call()) for name, call in calls.items()}
    if not np.abs(found[OURS_FROM_ROWS] - found[REFERENCE]).max() < 1e-4:
        raise ValueError(
            f"{cell}: the plug-in is {found[OURS_FROM_ROWS]} from rows, "
            f"{found[REFERENCE]} from spectra"
        )
    seconds = timing.in_turn(calls, is_warm=True, **turns)
    return {
        name: Reached(len(bits) / seconds[name], float(np.abs(bits - cell.truth).mean()))
        for name, bits in found.items()
    }


Results = dict[Cell, dict[str, Reached]]


def by_method(results: Results) -> str:
    """The table of methods: speed and error as multiples of the plug-in's (geometric means over the
    cells)."""
    names, sizes = _names(results), sorted({cell.n for cell in results})
    rows = []
    for name in names:
        cells = [(each[name], each[REFERENCE]) for each in results.values() if name in each]
        speed = _mean([mine.points_a_second / plug_in.points_a_second for mine, plug_in in cells])
        error = _mean([mine.error / plug_in.error for mine, plug_in in cells])
        at = [
            _speed([each[name] for cell, each in results.items() if cell.n == n and name in each])
            for n in sizes
        ]
        rows.append((name, timing.ratio(speed), timing.ratio(error), *at))
    header = (
        "method",
        "plug-in's speed",
        "plug-in's error",
        *(f"points/s, N = {n:,}" for n in sizes),
    )
    return timing.table(header, rows)


def by_cell(results: Results) -> str:
    """The table of cells: the mean absolute error of each of our entropies, in bits."""
    names = [name for name in _names(results) if name.startswith("ours: ")]
    rows = [
        (
            f"{cell.n:,} x {cell.d}, p = {cell.p}",
            f"{cell.truth:.3f}",
            *(f"{each[name].error:.4f}" for name in names),
        )
        for cell, each in results.items()
    ]
    return timing.table(("rows", "truth", *(name.removeprefix("ours: ") for name in names)), rows)


def _names(results):
    return list(dict.fromkeys(name for each in results.values() for name in each))


def _speed(reached):
    return timing.number(_mean([each.points_a_second for each in reached])) if reached else "-"


def _mean(values):
    """The geometric mean; an error of exactly 0 counts as 1e-12."""
    return float(np.exp(np.mean(np.log(np.maximum(values, 1e-12)))))


def draw(results: Results, path: Path) -> None:
    """Speed against error, a panel for each N: a faint dot for each (D, p), a large one for the
    mean."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    sizes, names = sorted({cell.n for cell in results}), _names(results)
    figure = Figure(figsize=(4 * len(sizes), 5.2), layout="constrained")
    axes = figure.subplots(1, len(sizes), sharex=True, sharey=True, squeeze=False)[0]
    for axis, n in zip(axes, sizes, strict=True):
        for i, name in enumerate(names):
            dots = [each[name] for cell, each in results.items() if cell.n == n and name in each]
            if dots:
                colour, marker = colormaps["tab20"](i % 20), "o" if name.startswith("ours") else "s"
                x, y = np.array([(each.points_a_second, max(each.error, 1e-6)) for each in dots]).T
                axis.scatter(x, y, s=8, alpha=0.35, color=colour, marker=marker, linewidths=0)
                axis.scatter(
                    _mean(x),
                    _mean(y),
                    s=70,
                    color=colour,
                    marker=marker,
                    label=name,
                    edgecolors="white",
                )
        axis.set(title=f"N = {n:,}", xlabel="points per second", xscale="log", yscale="log")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("mean absolute error [bits]")
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize="small"
    )
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test in seconds: its times mean nothing"
    )
    parser.add_argument(
        "--figure", type=Path, help="where the figure of speed against error is written"
    )
    arguments = parser.parse_args()
    use_cores()
    grid = ((500, 1000), (5, 10), (0.7,)) if arguments.quick else (SIZES, UNITS, CHANCES)
    repetitions, turns = (
        (3, {"rounds": 1, "burst": 1}) if arguments.quick else (REPETITIONS, {"share": 0.15})
    )
    results = {}
    for cell in (Cell(*each) for each in itertools.product(*grid)):
        print(f"measuring {cell}", flush=True)
        results[cell] = measure(cell, repetitions, **turns)
    timing.heading("Entropies: speed and error by method")
    print(
        f"{timing.device()}; {repetitions} repetitions, a batch of them a call, one "
        f"core\n\n{by_method(results)}"
    )
    timing.heading("Entropies: mean absolute error in bits")
    print(by_cell(results), flush=True)
    if arguments.figure:
        draw(results, arguments.figure)


if __name__ == "__main__":
    main()
