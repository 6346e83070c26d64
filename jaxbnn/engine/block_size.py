"""How many seeds one program should train together, here."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import jax

from jaxbnn.config.codec import changes
from jaxbnn.config.experiment import Experiment
from jaxbnn.engine.cost import estimate
from jaxbnn.storage import run_folder

MOST, TRIED = 128, 4  # seeds a program; how many numbers that fit are timed, the largest first


def choose_seeds_per_program(
    experiment: Experiment,
    out: str | Path,
    data_root: str | Path | None = None,
    say: Callable[[str], None] = print,
    devices: Sequence[jax.Device] | None = None,
) -> int:
    """The seeds a program of a run in OUT that differs in nothing else, else the power of two that is fastest
    here and fits.

    Each is compiled and timed for seconds. A seed's bits depend on the number, so it is looked for
    first: the run's folder is found again, on any machine.
    """
    for path in sorted((Path(out) / experiment.name).glob("*/config.json")):
        before = run_folder.read_config(path.parent)
        if (
            changes(
                dataclasses.replace(before, seeds_per_program=experiment.seeds_per_program),
                experiment,
            )
            == []
        ):
            say(f"{before.seeds_per_program} seeds a program, as in {path.parent}")
            return before.seeds_per_program
    devices = devices or jax.local_devices()
    needed = -(-len(experiment.seeds) // (jax.process_count() * len(devices)))
    tried: dict[int, float] = {}
    for n_seeds in candidates(needed):
        try:
            one = dataclasses.replace(experiment, seeds_per_program=n_seeds)
            tried[n_seeds] = estimate(one, data_root=data_root, devices=devices).seconds
        except MemoryError:
            say(f"{n_seeds} seeds a program: too large for the memory")
            if n_seeds == 1:
                raise
            continue
        say(f"{n_seeds} seeds a program: about {tried[n_seeds]:.0f} s")
        if len(tried) == TRIED:
            break
    return min(tried, key=lambda n_seeds: tried[n_seeds])


def candidates(needed: int) -> list[int]:
    """Powers of two, from the first that holds the seeds of a device down to 1."""
    return [2**k for k in range(7, -1, -1) if 2**k < 2 * needed and 2**k <= MOST]
