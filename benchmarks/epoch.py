"""What measuring adds to an epoch of `szt`: forward pass, counting, spectra, each by leaving the
rest out.

One block of the experiment on one device, measured at every epoch. Targets: counting without
spectra adds at most 10 %, spectra at most 20 % more, the forward pass apart.
"""

import argparse
import dataclasses
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import timing

from jaxbnn import data, studies
from jaxbnn.config.experiment import Experiment
from jaxbnn.engine.devices import use_cores
from jaxbnn.engine.program import Block, Inputs, ProgramSpec, advance, prepare, start
from jaxbnn.info import Exact
from jaxbnn.info.estimators.protocol import Reference, Rows
from jaxbnn.info.plane import NO_POINT, Point
from jaxbnn.train.spec import Hyper

COUNTING, SPECTRA = 10, 20  # per cent of an epoch at most


@dataclasses.dataclass(frozen=True)
class Encoded:
    """An estimator that packs and does not count: its point only keeps the codes from being left
    out."""

    def prepare(self, x: jax.Array, y: jax.Array, classes: int | None = None) -> Reference:
        return Exact().prepare(x, y, classes)

    def encode(self, t: jax.Array) -> Rows:
        return Exact().encode(t)

    def estimate(self, reference: Reference, codes: Rows) -> Point:
        read = jnp.sum(codes.words, dtype=jnp.uint32).astype(jnp.float32)
        return jax.tree.map(
            jnp.asarray, NO_POINT._replace(h_t=read, certified=jnp.all(codes.valid))
        )


@dataclasses.dataclass(frozen=True)
class Counted(Encoded):
    """Exact without its counts shown: no spectra are recorded."""

    def estimate(self, reference: Reference, codes: Rows) -> Point:
        return Exact().estimate(reference, codes)


VARIANTS = {
    "forward pass and packing": Encoded(),
    "and counting": Counted(),
    "and spectra": Exact(),
}
NOTHING = "nothing measured"


def chunk(
    experiment: Experiment, estimator: Any, n_epochs: int, measured: bool
) -> Callable[[], tuple[Block, Any]]:
    """A function that runs `n_epochs` epochs from a fresh copy of one and the same begun block.

    The copy (a block's arrays are given away to the program) is a few hundred kilobytes, a
    thousandth of the time.
    """
    probes = tuple(dataclasses.replace(probe, estimator=estimator) for probe in experiment.probes)
    split = data.load(experiment.data)
    spec = experiment.train
    n_seeds = experiment.seeds_per_program
    program = ProgramSpec(
        experiment.model,
        dataclasses.replace(spec, epochs=1),
        probes,
        split.n_classes,
        split_per_seed=False,
        one_by_one=jax.default_backend() == "cpu",
    )
    hyper = Hyper(
        np.full(n_seeds, spec.learning_rate, np.float32), np.full(n_seeds, spec.decay, np.float32)
    )
    split, hyper = jax.device_put((split, hyper), jax.devices()[0])
    silent = Inputs(split, prepare(program, split), hyper, jnp.zeros(n_epochs + 2, bool))
    root = jax.random.key(0, impl="threefry2x32")
    keys = jax.vmap(partial(jax.random.fold_in, root))(jnp.arange(n_seeds))
    begun, _ = advance(program, start(program, keys, split), np.int32(2), silent)
    inputs = silent._replace(scheduled=jnp.full(n_epochs + 2, measured))
    return lambda: advance(program, jax.tree.map(jnp.copy, begun), np.int32(2 + n_epochs), inputs)


def report(experiment: Experiment, seconds: dict[str, float], n_epochs: int) -> str:
    """The table; percentages are of an epoch with nothing measured."""
    before, rows = None, []
    for name, each in seconds.items():
        added = "" if before is None else f"{100 * (each - before) / seconds[NOTHING]:+.1f} %"
        limit = {"and counting": COUNTING, "and spectra": SPECTRA}.get(name)
        within = "" if limit is None else _within(100 * (each - before) / seconds[NOTHING], limit)
        rows.append(
            (
                name,
                added,
                within,
                f"{each / seconds[NOTHING]:.3f} x",
                timing.number(1e3 * each / n_epochs) + " ms",
            )
        )
        before = each
    header = (
        f"epoch of {experiment.name}",
        "adds",
        "target",
        "of an unmeasured epoch",
        f"{experiment.seeds_per_program} networks",
    )
    return timing.table(header, rows)


def _within(per_cent, limit):
    return f"at most {limit} %: {'yes' if per_cent <= limit else 'NO'}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test in seconds: its times mean nothing"
    )
    parser.add_argument("--experiment", default="szt")
    arguments = parser.parse_args()
    use_cores()
    experiment, _ = studies.find(arguments.experiment)
    n_epochs, rounds = (2, 1) if arguments.quick else (ProgramSpec.rows_per_chunk, 12)
    functions = {NOTHING: chunk(experiment, Exact(), n_epochs, measured=False)}
    functions |= {
        name: chunk(experiment, each, n_epochs, measured=True) for name, each in VARIANTS.items()
    }
    timing.heading("What measuring adds to an epoch")
    print(timing.device(), f"; one device used, chunks of {n_epochs} epochs\n", sep="")
    print(
        report(experiment, timing.in_turn(functions, rounds, burst=1, share=math.inf), n_epochs),
        flush=True,
    )


if __name__ == "__main__":
    main()
