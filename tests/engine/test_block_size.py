import dataclasses

import pytest

from jaxbnn.engine import block_size
from jaxbnn.engine.cost import Cost
from jaxbnn.storage import run_folder

SECONDS = {1: 9.0, 2: 5.0, 4: 4.0, 8: 6.0}


@pytest.fixture
def timed(monkeypatch):
    """The n_seeds that were tried, at the seconds of SECONDS and a MiB each."""
    tried = []

    def estimate(experiment, data_root, devices):
        tried.append(experiment.seeds_per_program)
        if experiment.seeds_per_program > room[0]:
            raise MemoryError("expected a smaller program")
        return Cost(1.0, SECONDS[experiment.seeds_per_program], 2**20)

    room = [8]
    monkeypatch.setattr(block_size, "estimate", estimate)
    return tried, room


def test_the_fastest_that_fits_is_chosen(tiny, timed, tmp_path):
    tried, room = timed
    said = []
    wide = dataclasses.replace(tiny, seeds=tuple(range(16)))  # eight a device
    assert block_size.choose_seeds_per_program(wide, tmp_path, say=said.append) == 4 and tried == [
        8,
        4,
        2,
        1,
    ]
    assert said == [
        f"{n_seeds} seeds a program: about {SECONDS[n_seeds]:.0f} s" for n_seeds in (8, 4, 2, 1)
    ]
    room[0] = 2
    assert block_size.choose_seeds_per_program(wide, tmp_path, say=said.append) == 2
    assert said[4:6] == [
        f"{n_seeds} seeds a program: too large for the memory" for n_seeds in (8, 4)
    ]
    room[0] = 0
    with pytest.raises(MemoryError, match="expected a smaller program"):
        block_size.choose_seeds_per_program(wide, tmp_path, say=said.append)


def test_a_run_that_differs_in_nothing_else_is_found_again(tiny, timed, tmp_path):
    before = dataclasses.replace(tiny, seeds_per_program=64, seeds=(7,))
    folder = run_folder.folder_of(tmp_path, before)
    folder.mkdir(parents=True)
    run_folder.write_config(folder, before)
    other = dataclasses.replace(tiny, seeds_per_program=32, root_seed=1)
    run_folder.folder_of(tmp_path, other).mkdir()
    run_folder.write_config(run_folder.folder_of(tmp_path, other), other)
    assert (
        block_size.choose_seeds_per_program(tiny, tmp_path, say=lambda line: None) == 64
        and timed[0] == []
    )


def test_candidates_are_powers_of_two_up_to_the_seeds_of_a_device():
    assert block_size.candidates(1) == [1] and block_size.candidates(3) == [4, 2, 1]
    assert block_size.candidates(25)[:2] == [32, 16] and block_size.candidates(1000)[0] == 128
