import dataclasses
import math

import jax
import pytest

from jaxbnn.engine import cost
from jaxbnn.engine.cost import Cost, Tried
from jaxbnn.storage import run_folder

SECONDS = {1: 9.0, 2: 5.0, 4: 4.0, 8: 6.0}


@pytest.mark.slow
def test_estimate_states_time_and_memory(tiny):
    taken = cost.estimate(tiny, seconds=0.1)
    assert 0 < taken.seconds < 600 and taken.compile_seconds > 0 and 10_000 < taken.bytes < 2**31
    assert math.isfinite(taken.seconds)


def test_programs_that_do_not_fit_are_refused_before_anything_is_run(plain, monkeypatch):
    assert cost.room(jax.devices()) > 2**20
    monkeypatch.setattr(cost, "room", lambda devices: 2**14)
    monkeypatch.setattr(cost, "_timed", None)
    with pytest.raises(
        MemoryError,
        match=r"a program of at most 0 MiB \(what a device has\), got .*: fewer seeds a program",
    ):
        cost.estimate(plain)


@pytest.mark.parametrize("fitting", [0, 1, 2, 37, 62, 63])
def test_the_largest_number_of_seeds_per_program_that_fits_is_named_after_few_tries(
    plain, monkeypatch, fitting
):
    def held(n_seeds):
        return 10_000 + 700 * n_seeds + 100 * (n_seeds % 3) + (5_000 if n_seeds >= 16 else 0)

    tried = []

    def try_block(shared, seconds, space, block, device):
        n_seeds = shared.plan.experiment.seeds_per_program
        tried.append(n_seeds)
        return Tried(0.0, math.nan, math.nan, held(n_seeds))

    monkeypatch.setattr(cost, "_try_block", try_block)
    monkeypatch.setattr(
        cost, "room", lambda devices: held(fitting) * len(devices) if fitting else 100
    )
    many = dataclasses.replace(plain, seeds_per_program=64, seeds=tuple(range(64)))
    assert cost.largest_seeds_per_program(many) == fitting
    assert 64 in tried and len(tried) <= 9


def test_a_card_that_trains_two_blocks_at_once_has_its_memory_once():
    class Card:
        def memory_stats(self):
            return {"bytes_limit": 100}

    card = Card()
    assert cost.room([card, card]) == 100 and cost.room([card, Card()]) == 200


def test_nothing_is_timed_in_0_seconds(plain, monkeypatch):
    monkeypatch.setattr(cost, "_timed", None)
    taken = cost.estimate(plain, seconds=0)
    assert math.isnan(taken.seconds) and taken.bytes > 10_000


def test_the_time_of_a_run_is_its_rounds_of_epochs_and_measurements(plain, monkeypatch):
    """Three blocks on two devices: two rounds of 12 epochs and 6 measurements."""
    monkeypatch.setattr(cost, "_try_block", lambda *arguments: Tried(7.0, 0.5, 0.25, 100))
    assert cost.estimate(plain) == Cost(7.0, 2 * (12 * 0.5 + 6 * 0.25), 2 * 100)


@pytest.fixture
def timed(monkeypatch):
    """The numbers that were tried, at the seconds of SECONDS and a MiB each."""
    tried = []

    def estimate(experiment, data_root, devices):
        tried.append(experiment.seeds_per_program)
        if experiment.seeds_per_program > room[0]:
            raise MemoryError("expected a smaller program")
        return Cost(1.0, SECONDS[experiment.seeds_per_program], 2**20)

    room = [8]
    monkeypatch.setattr(cost, "estimate", estimate)
    return tried, room


def test_the_fastest_that_fits_is_chosen(tiny, timed, tmp_path):
    tried, room = timed
    lines = []
    wide = dataclasses.replace(tiny, seeds=tuple(range(16)))  # eight a device
    assert cost.choose_seeds_per_program(wide, tmp_path, say=lines.append) == 4
    assert tried == [8, 4, 2, 1]
    assert lines == [f"{n} seeds a program: about {SECONDS[n]:.0f} s" for n in (8, 4, 2, 1)]
    room[0] = 2
    assert cost.choose_seeds_per_program(wide, tmp_path, say=lines.append) == 2
    assert lines[4:6] == [f"{n} seeds a program: too large for the memory" for n in (8, 4)]
    room[0] = 0
    with pytest.raises(MemoryError, match="expected a smaller program"):
        cost.choose_seeds_per_program(wide, tmp_path, say=lines.append)


def test_a_run_that_differs_in_nothing_else_is_found_again(tiny, timed, tmp_path):
    before = dataclasses.replace(tiny, seeds_per_program=64, seeds=(7,))
    other = dataclasses.replace(tiny, seeds_per_program=32, root_seed=1)
    for experiment in (before, other):
        folder = run_folder.folder_of(tmp_path, experiment)
        folder.mkdir(parents=True)
        run_folder.write_config(folder, experiment)
    lines = []
    assert cost.choose_seeds_per_program(tiny, tmp_path, say=lines.append) == 64
    assert timed[0] == [] and lines[0].startswith("64 seeds a program, as in ")


def test_candidates_are_powers_of_two_up_to_the_seeds_of_a_device():
    assert cost.candidates(1) == [1] and cost.candidates(3) == [4, 2, 1]
    assert cost.candidates(25)[:2] == [32, 16] and cost.candidates(1000)[0] == 128
