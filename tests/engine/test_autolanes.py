import dataclasses

import pytest

from jaxbnn.engine import autolanes
from jaxbnn.engine.cost import Cost
from jaxbnn.storage import run_folder

SECONDS = {1: 9.0, 2: 5.0, 4: 4.0, 8: 6.0}


@pytest.fixture
def timed(monkeypatch):
    """The lanes that were tried, at the seconds of SECONDS and a MiB each."""
    tried = []

    def estimate(experiment, data_root, devices):
        tried.append(experiment.lanes)
        if experiment.lanes > room[0]:
            raise MemoryError("expected a smaller program")
        return Cost(1.0, SECONDS[experiment.lanes], 2**20)

    room = [8]
    monkeypatch.setattr(autolanes, "estimate", estimate)
    return tried, room


def test_the_fastest_that_fits_is_chosen(tiny, timed, tmp_path):
    tried, room = timed
    said = []
    wide = dataclasses.replace(tiny, seeds=tuple(range(16)))  # eight a device
    assert autolanes.choose_lanes(wide, tmp_path, say=said.append) == 4 and tried == [8, 4, 2, 1]
    assert said == [f"lanes {lanes}: about {SECONDS[lanes]:.0f} s" for lanes in (8, 4, 2, 1)]
    room[0] = 2
    assert autolanes.choose_lanes(wide, tmp_path, say=said.append) == 2
    assert said[4:6] == [f"lanes {lanes}: too large for the memory" for lanes in (8, 4)]
    room[0] = 0
    with pytest.raises(MemoryError, match="expected a smaller program"):
        autolanes.choose_lanes(wide, tmp_path, say=said.append)


def test_a_run_that_differs_in_nothing_else_is_found_again(tiny, timed, tmp_path):
    before = dataclasses.replace(tiny, lanes=64, seeds=(7,))
    folder = run_folder.folder_of(tmp_path, before)
    folder.mkdir(parents=True)
    run_folder.write_config(folder, before)
    other = dataclasses.replace(tiny, lanes=32, root_seed=1)
    run_folder.folder_of(tmp_path, other).mkdir()
    run_folder.write_config(run_folder.folder_of(tmp_path, other), other)
    assert autolanes.choose_lanes(tiny, tmp_path, say=lambda line: None) == 64 and timed[0] == []


def test_candidates_are_powers_of_two_up_to_the_seeds_of_a_device():
    assert autolanes.candidates(1) == [1] and autolanes.candidates(3) == [4, 2, 1]
    assert autolanes.candidates(25)[:2] == [32, 16] and autolanes.candidates(1000)[0] == 128
