"""All 125 settings of Nothnagel & Geiger 2026 made small, and what a grid costs beside training and
measuring.

Image sets are replaced by made ones of their shapes, so that every network of the grid runs without
a download. The last table runs the SZT group twice with other seeds: the second time nothing is
compiled, and what is not spent in the compiled program is overhead.
"""

import argparse
import dataclasses
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from unittest.mock import patch

import jax
import numpy as np

from jaxbnn import run_together
from jaxbnn.config import grid
from jaxbnn.data import Cifar10, Npz, Szt
from jaxbnn.engine import block_runner
from jaxbnn.engine.devices import use_cores
from jaxbnn.engine.run_plan import by_program
from jaxbnn.storage import results
from jaxbnn.studies.nothnagel_2026.experiments import GRID

TRAIN, TEST = 500, 200  # made images
SCALE = 0.005
FULL_EPOCHS = 8000


def make_images(folder: Path, name: str, shape: tuple[int, ...], seed: int) -> Npz:
    """Ten noisy prototypes as an .npz of bytes."""
    rng = np.random.default_rng(seed)
    prototypes, arrays = rng.integers(0, 256, (10, *shape)), {}
    for part, n in (("train", TRAIN), ("test", TEST)):
        y = np.arange(n) % 10
        noise = rng.integers(-60, 61, (n, *shape))
        arrays |= {
            f"x_{part}": np.clip(prototypes[y] + noise, 0, 255).astype(np.uint8),
            f"y_{part}": y,
        }
    np.savez(folder / f"{name}.npz", **arrays)
    return Npz(str(folder / f"{name}.npz"), value_range=(-1.0, 1.0))


def small(experiment, images: dict, scale: float):
    """The setting with fewer epochs and made images."""
    made = grid.scaled(experiment, scale)
    if isinstance(experiment.data, Szt):
        return made
    return dataclasses.replace(made, data=images[isinstance(experiment.data, Cifar10)])


def run_all(folder: Path, scale: float) -> Counter:
    """Runs every group; prints a line for each; returns how many settings and networks are
    finished."""
    images = {
        of: make_images(folder, name, shape, of)
        for of, name, shape in ((False, "digits", (28, 28)), (True, "colours", (32, 32, 3)))
    }
    done = Counter()
    for group, settings in GRID.items():
        began = time.perf_counter()
        for program in by_program([small(e, images, scale) for e in settings]):
            for path in run_together(program, folder / "runs"):
                result = results.open_result(path)
                assert np.isfinite(result.train_loss).all(), path
                done.update(settings=1, networks=result.sizes["seed"], points=result.i_xt.size)
        jax.clear_caches()
        print(
            f"{group:20} {len(settings):3} settings, {time.perf_counter() - began:6.1f} s",
            flush=True,
        )
    return done


class Busy:
    """Seconds that each thread spends in the compiled program."""

    def __init__(self):
        self.seconds = Counter()

    def advance(self, *arguments):
        began = time.perf_counter()
        done = jax.block_until_ready(advance(*arguments))
        self.seconds[threading.get_ident()] += time.perf_counter() - began
        return done


advance = block_runner.advance


def overhead(folder: Path, epochs: int) -> None:
    """Prints what the SZT group takes beside training and measuring, and its share at full
    length."""

    def settings(seeds):
        spec = [dataclasses.replace(e.train, epochs=epochs) for e in GRID["szt"]]
        return [
            dataclasses.replace(e, train=s, seeds=seeds)
            for e, s in zip(GRID["szt"], spec, strict=True)
        ]

    run_together(settings((0, 1, 2)), folder / "overhead")
    busy, began = Busy(), time.perf_counter()
    with patch.object(block_runner, "advance", busy.advance):
        run_together(settings((3, 4, 5)), folder / "again")
    wall, program = time.perf_counter() - began, max(busy.seconds.values())
    beside = wall - program
    full = program * FULL_EPOCHS / epochs
    print(
        f"SZT group, 33 networks x {epochs} epochs: {wall:.1f} s, {program:.1f} of "
        "them training and measuring"
    )
    print(f"overhead {beside:.1f} s, {100 * beside / wall:.1f} % of the wall time")
    print(
        f"at {FULL_EPOCHS} epochs, as if the program's time grew with them and the rest did not: "
        f"{100 * beside / (beside + full):.1f} % of {(beside + full) / 60:.1f} min"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=SCALE, help="of the epochs")
    parser.add_argument(
        "--epochs", type=int, help="of the SZT group whose overhead is measured (800)"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="the overhead alone, of 40 epochs where no other number is given",
    )
    options = parser.parse_args()
    use_cores()
    device = jax.devices()[0]
    print(f"{len(jax.devices())} x {device.device_kind}, jax {jax.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        if not options.quick:
            began = time.perf_counter()
            done = run_all(Path(folder), options.scale)
            print(
                f"{done['settings']} settings, {done['networks']} networks, "
                f"{done['points']} points of planes: "
                f"{(time.perf_counter() - began) / 60:.1f} min; images are made, "
                f"epochs x {options.scale:g}"
            )
        overhead(Path(folder), options.epochs or (40 if options.quick else 800))


if __name__ == "__main__":
    main()
