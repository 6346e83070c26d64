"""Whether the tests and intervals that reports use hold their level: simulated.

    python benchmarks/levels.py [--quick]

Each row is one test or interval under one law: the share of p <= 0.05 where nothing is to be found,
or the share of 95 % intervals that hold the truth. Asked of a test: at most 6 %, and below as its
discreteness says; of an interval: 92 to 98 %.
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import timing
import xarray as xr
from scipy import stats

from jaxbnn.analysis import comparison, compression, correlation
from jaxbnn.studies import intervals

ALPHA = 0.05
TEST = 0.06
INTERVAL = (0.92, 0.98)
Draw = Callable[[np.random.Generator], bool]  # a sample -> whether the test rejects, or covers


def settings_of(rng: np.random.Generator, n_settings: int, n_seeds: int, share: float) -> Any:
    """Two unrelated numbers of runs, `share` of whose variance is the setting's; the settings."""
    numbers = []
    for _ in range(2):
        of_setting = np.repeat(rng.normal(size=n_settings), n_seeds)
        own = rng.normal(size=n_settings * n_seeds)
        numbers.append(np.sqrt(share) * of_setting + np.sqrt(1 - share) * own)
    return *numbers, np.repeat(np.arange(n_settings), n_seeds)


def pooled(n_settings: int, n_seeds: int, share: float) -> tuple[Draw, Draw]:
    """Its test and its interval, of correlation 0."""

    def rejects(rng: np.random.Generator) -> bool:
        return correlation.pooled(*settings_of(rng, n_settings, n_seeds, share)).p <= ALPHA

    def covers(rng: np.random.Generator) -> bool:
        link = correlation.pooled(*settings_of(rng, n_settings, n_seeds, share))
        return link.low <= 0 <= link.high

    return rejects, covers


def within(n_settings: int, n_seeds: int, share: float) -> tuple[Draw, Draw]:
    """Its test and its interval, of correlation 0."""

    def rejects(rng: np.random.Generator) -> bool:
        return correlation.within(*settings_of(rng, n_settings, n_seeds, share)).p <= ALPHA

    def covers(rng: np.random.Generator) -> bool:
        link = correlation.within(*settings_of(rng, n_settings, n_seeds, share))
        return link.low <= 0 <= link.high

    return rejects, covers


def within_shared(n_settings: int, n_seeds: int) -> Draw:
    """The test where all settings share seeds, which make both numbers."""

    def rejects(rng: np.random.Generator) -> bool:
        seed = np.tile(np.arange(n_seeds), n_settings)
        numbers = []
        for _ in range(2):
            of_seed = np.tile(rng.normal(size=n_seeds), n_settings)
            numbers.append(of_seed + 0.5 * rng.normal(size=n_settings * n_seeds))
        setting = np.repeat(np.arange(n_settings), n_seeds)
        return correlation.within(*numbers, setting, seed).p <= ALPHA

    return rejects


def partial(n: int) -> Draw:
    """The test of two numbers with a common cause alone."""

    def rejects(rng: np.random.Generator) -> bool:
        cause, a, b = rng.normal(size=(3, n))
        return correlation.partial_spearman(cause + a, cause + b, cause)[1] <= ALPHA

    return rejects


def mean(n: int, law: Callable[..., np.ndarray], true: float) -> Draw:
    """The t interval of a mean."""

    def covers(rng: np.random.Generator) -> bool:
        found = compression.mean_interval(law(rng, n))
        return found.low <= true <= found.high

    return covers


def median(n: int) -> Draw:
    """The interval of a median, of a skewed law."""

    def covers(rng: np.random.Generator) -> bool:
        found = intervals.median_interval(rng.exponential(size=n))
        return found.low <= np.log(2) <= found.high

    return covers


def ranked(n: int, rho: float) -> Draw:
    """Fisher's interval of Spearman's correlation of normal numbers."""
    true = 6 / np.pi * np.arcsin(rho / 2)

    def covers(rng: np.random.Generator) -> bool:
        a, b = rng.normal(size=(2, n))
        found = intervals.rank_correlation_interval(a, rho * a + np.sqrt(1 - rho**2) * b)
        return found.low <= true <= found.high

    return covers


def curves(values: np.ndarray, root_seed: int) -> xr.Dataset:
    """A made run: curves [S, E] of one layer."""
    named = {"i_xt": (("seed", "epoch", "layer"), values[:, :, None].astype(np.float32))}
    coordinates = {"seed": np.arange(len(values)), "epoch": np.arange(values.shape[1])}
    about = {"estimator": "Exact()", "sample": "all", "root_seed": root_seed}
    return xr.Dataset(named, {**coordinates, "layer": ["hidden_1"]}, about)


def walks(rng: np.random.Generator, n: int, spread: float) -> np.ndarray:
    """Curves [n, 12] whose neighbours go together."""
    return spread * np.cumsum(rng.normal(size=(n, 12)), axis=1) / 3


def bands(sizes: tuple[int, int], spreads: tuple[float, float], shift: float) -> tuple[Draw, Draw]:
    """The test of two runs (for shift 0), and their simultaneous band."""

    def compared(rng: np.random.Generator) -> comparison.Comparison:
        a = walks(rng, sizes[0], spreads[0]) + shift
        return comparison.compare(curves(a, 1), curves(walks(rng, sizes[1], spreads[1]), 2))

    def rejects(rng: np.random.Generator) -> bool:
        return compared(rng).p <= ALPHA

    def covers(rng: np.random.Generator) -> bool:
        found = compared(rng)
        return bool(((found.low <= shift) & (shift <= found.high)).all())

    return rejects, covers


def pairs(n: int) -> tuple[Draw, Draw]:
    """The same of runs with the same seeds."""

    def compared(rng: np.random.Generator) -> comparison.Comparison:
        shared = walks(rng, n, 2.0)
        a = shared + walks(rng, n, 1.0)
        return comparison.compare(curves(a, 1), curves(shared, 1))

    def rejects(rng: np.random.Generator) -> bool:
        return compared(rng).p <= ALPHA

    def covers(rng: np.random.Generator) -> bool:
        found = compared(rng)
        return bool(((found.low <= 0) & (found.high >= 0)).all())

    return rejects, covers


def cases() -> list[tuple[str, str, Draw]]:
    """(name, "test" or "interval", the draw)."""
    found: list[tuple[str, str, Draw]] = []
    for n_settings, n_seeds, share in ((11, 16, 0.5), (11, 3, 0.8), (5, 3, 0.5)):
        law = f"{n_settings} settings x {n_seeds} seeds, {share:.0%} the setting's"
        for name, (test, interval) in (
            ("correlation over runs", pooled(n_settings, n_seeds, share)),
            ("correlation within settings", within(n_settings, n_seeds, share)),
        ):
            found += [(f"{name}: {law}", "test", test), (f"{name}: {law}", "interval", interval)]
    for n_seeds in (3, 5, 16):
        name = f"correlation within 11 settings that share {n_seeds} seeds"
        found.append((name, "test", within_shared(11, n_seeds)))
    for n in (7, 11, 16):
        found.append((f"partial correlation of {n} settings", "test", partial(n)))
    laws = (("normal", np.random.Generator.normal, 0.0), ("exponential", _exponential, 1.0))
    for name, law, true in laws:
        for n in (4, 11, 50):
            found.append((f"mean of {n}, {name}", "interval", mean(n, _sized(law), true)))
    for n in (6, 16, 50):
        found.append((f"median of {n}, exponential", "interval", median(n)))
    for n, rho in ((10, 0.0), (16, 0.6), (50, 0.6)):
        found.append((f"Spearman's correlation {rho} of {n}", "interval", ranked(n, rho)))
    for size, spreads in ((50, (1, 1)), (10, (1, 1)), (10, (1, 4)), (6, (1, 1))):
        test, _ = bands((size, size), spreads, 0.0)
        _, interval = bands((size, size), spreads, 2.0)
        law = f"{size} seeds each, spreads {spreads[0]} : {spreads[1]}"
        found.append((f"two runs: {law}", "test", test))
        found.append((f"band of two runs: {law}", "interval", interval))
    for n in (6, 16, 50):
        test, interval = pairs(n)
        found.append((f"{n} matched seeds", "test", test))
        found.append((f"band of {n} matched seeds", "interval", interval))
    return found


def _exponential(rng: np.random.Generator, size: int) -> np.ndarray:
    return rng.exponential(size=size)


def _sized(law: Callable) -> Callable[..., np.ndarray]:
    return lambda rng, n: law(rng, size=n)


def _holds(kind: str, share: float, n: int) -> bool:
    """Whether a share of n samples agrees with what is asked."""
    reach = stats.norm.ppf(0.975) * np.sqrt(max(share * (1 - share), 1 / n) / n)
    if kind == "test":
        return bool(share - reach <= TEST)
    return bool(share + reach >= INTERVAL[0] and share - reach <= INTERVAL[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20 samples a row: only a smoke test")
    parser.add_argument("--samples", type=int, default=1000)
    arguments = parser.parse_args()
    n = 20 if arguments.quick else arguments.samples
    rows = []
    for name, kind, draw in cases():
        hits = sum(draw(np.random.default_rng(i)) for i in range(n))
        share = hits / n
        rows.append((name, kind, f"{100 * share:.1f} %", "yes" if _holds(kind, share, n) else "NO"))
        print(*rows[-1], sep=" | ", flush=True)
    header = ("of", "kind", "p <= 0.05, or holds the truth", "within what is asked")
    print(f"\n{n} samples a row\n\n{timing.table(header, rows)}")


if __name__ == "__main__":
    main()
