"""What the options of `show` and `run` choose: experiments, and the seeds of one program."""

import argparse
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jaxbnn import config, studies
from jaxbnn.cli import study_file
from jaxbnn.cli.terminal import tell
from jaxbnn.config import grid
from jaxbnn.config.experiment import Experiment
from jaxbnn.config.grid import independent
from jaxbnn.config.registry import Runnable

if TYPE_CHECKING:
    from jaxbnn.engine.cost import Cost
    from jaxbnn.engine.devices import Device

Devices = Sequence["Device"] | None


def chosen_experiments(options: argparse.Namespace) -> tuple[Experiment, ...] | tuple[Runnable]:
    """The named experiment, or the settings of the named grid, with the options' seeds, scale and
    overrides."""
    bases = _bases(options)
    if not isinstance(bases[0], Experiment):
        return (_chosen_study(bases[0], options),)
    chosen: list[Experiment] = []
    for base in bases:
        scaled = base if options.scale is None else grid.scaled(base, options.scale)
        varied = grid.product(scaled, options.set)
        chosen += varied if len(varied) == 1 or _is_root_given(options) else independent(varied)
    if options.matched:
        chosen = [dataclasses.replace(made, root_seed=bases[0].root_seed) for made in chosen]
    if options.seeds:
        chosen = [dataclasses.replace(made, seeds=options.seeds) for made in chosen]
    return tuple(chosen)


def _is_root_given(options: argparse.Namespace) -> bool:
    """Whether an override says what the seeds' keys are made from."""
    return any(assignment.partition("=")[0].strip() == "root_seed" for assignment in options.set)


def _bases(options: argparse.Namespace) -> tuple[Any, ...]:
    """What the name stands for, unchanged."""
    named = study_file.split(options.name)
    if named is not None:
        return (study_file.experiment_of(named),)
    return studies.settings(options.name, options.only) or (studies.find(options.name)[0],)


def _chosen_study(study: Runnable, options: argparse.Namespace) -> Runnable:
    """The study of samples with the options' overrides."""
    if options.seeds:
        raise ValueError(
            f"expected no --seeds with {options.name}, a study of samples: --set repetitions=5, say"
        )
    return config.override(study, *options.set)


def estimated(
    experiments: Sequence[Experiment],
    options: argparse.Namespace,
    devices: Devices,
    seconds: float,
) -> "Cost":
    """What they take; MemoryError where their program does not fit, with the number of seeds a
    program that does."""
    from jaxbnn.engine import cost

    given = {"data_root": options.data_root, "devices": devices}
    try:
        return cost.estimate(*experiments, seconds=seconds, **given)
    except MemoryError as error:
        n_seeds = cost.largest_seeds_per_program(*experiments, **given)
        advice = "not even one fits"
        if n_seeds:
            advice = f"--seeds-per-program {n_seeds} is the largest number that fits"
        raise MemoryError(f"{error}, {advice}") from None


def with_seeds_per_program(
    experiment: Experiment, options: argparse.Namespace, devices: Devices
) -> Experiment:
    """The experiment with as many seeds a program as was asked for."""
    chosen = options.seeds_per_program
    if chosen is None:
        return experiment
    if chosen == "auto":
        from jaxbnn.engine.cost import choose_seeds_per_program

        chosen = choose_seeds_per_program(experiment, options.out, options.data_root, tell, devices)
    return dataclasses.replace(experiment, seeds_per_program=chosen)
