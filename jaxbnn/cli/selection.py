"""What the options of `show` and `run` choose: experiments, and the seeds that one program trains."""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from functools import partial

import jax

from jaxbnn import config, studies
from jaxbnn.config import grid
from jaxbnn.config.experiment import Experiment
from jaxbnn.config.registry import Runnable
from jaxbnn.engine.cost import choose_seeds_per_program
from jaxbnn.engine.cost import Cost, estimate, largest_seeds_per_program


def chosen_experiments(options: argparse.Namespace) -> tuple[Runnable, ...]:
    """The named experiment, or the settings of the named grid, with the options' seeds, scale and
    overrides."""
    settings = studies.settings(options.name, options.only)
    if not settings and options.only is not None:
        raise ValueError(f"expected --only with a grid such as nothnagel2026, got {options.name}")
    chosen = settings or (studies.find(options.name)[0],)
    if not isinstance(chosen[0], Experiment):
        return (chosen_study(chosen[0], options),)
    if options.scale is not None:
        chosen = tuple(grid.scaled(experiment, options.scale) for experiment in chosen)
    chosen = [made for experiment in chosen for made in grid.product(experiment, options.set)]
    return (
        tuple(dataclasses.replace(each, seeds=options.seeds) for each in chosen)
        if options.seeds
        else tuple(chosen)
    )


def chosen_study(study: Runnable, options: argparse.Namespace) -> Runnable:
    """The study of samples with the options' overrides."""
    if options.seeds:
        raise ValueError(
            f"expected no --seeds with {options.name}, a study of samples: --set repetitions=5, say"
        )
    for assignment in options.set:
        study = config.override(study, assignment)
    return study


def estimated(
    experiments: Sequence[Experiment],
    options: argparse.Namespace,
    devices: Sequence[jax.Device],
    seconds: float,
) -> Cost:
    """What they take; MemoryError where their program does not fit, with the number of seeds a program that
    does."""
    given = {"data_root": options.data_root, "devices": devices}
    try:
        return estimate(*experiments, seconds=seconds, **given)
    except MemoryError as error:
        n_seeds = largest_seeds_per_program(*experiments, **given)
        does = (
            f"--seeds-per-program {n_seeds} is the largest number that fits"
            if n_seeds
            else "not even one fits"
        )
        raise MemoryError(f"{error}, {does}") from None


def with_seeds_per_program(
    experiment: Experiment, options: argparse.Namespace, devices: Sequence[jax.Device]
) -> Experiment:
    """The experiment with as many seeds a program as was asked for."""
    if options.seeds_per_program is None:
        return experiment
    say = partial(print, file=sys.stderr)
    chosen = options.seeds_per_program
    if chosen == "auto":
        chosen = choose_seeds_per_program(experiment, options.out, options.data_root, say, devices)
    return dataclasses.replace(experiment, seeds_per_program=chosen)
