"""How many seeds one program should train together, here."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import jax

from jaxbnn import store
from jaxbnn.config import Experiment, changes
from jaxbnn.cost import estimate, room

MOST = 128  # lanes tried


def choose_lanes(
    experiment: Experiment, out: str | Path, data_root: str | Path | None = None, say: Callable[[str], None] = print
) -> int:
    """The lanes of a run in OUT that differs in nothing else, else the power of two that is fastest here and fits.

    Each is compiled and timed for seconds. A seed's bits depend on the number, so it is looked for first: the run's
    folder is found again, on any machine.
    """
    for path in sorted((Path(out) / experiment.name).glob("*/config.json")):
        before = store.read_config(path.parent)
        if changes(dataclasses.replace(before, lanes=experiment.lanes), experiment) == []:
            say(f"lanes {before.lanes}, as in {path.parent}")
            return before.lanes
    devices = jax.devices()
    needed = -(-len(experiment.seeds) // len(devices))
    tried = {}
    for lanes in candidates(needed):
        cost = estimate(dataclasses.replace(experiment, lanes=lanes), data_root)
        if cost.bytes > room(devices):
            say(f"lanes {lanes}: {cost.bytes / 2**20:.0f} MiB, too much")
            break
        say(f"lanes {lanes}: about {cost.seconds:.0f} s")
        tried[lanes] = cost.seconds
    if not tried:
        raise ValueError(f"expected room for one network's program, got {room(devices) / 2**20:.0f} MiB")
    return min(tried, key=lambda lanes: tried[lanes])


def candidates(needed: int) -> list[int]:
    """Powers of two up to the first that holds the seeds of a device: the last four of them."""
    powers = [2**k for k in range(8) if 2**k < 2 * needed and 2**k <= MOST]
    return powers[-4:]
