import numpy as np
import pytest

from jaxbnn.analysis import trajectories

EPOCH = np.array([0, 10, 100, 200, 1000])


def test_a_fall_is_from_the_largest_seed_mean_to_the_end():
    values = np.array([[1.0, 5.0, 4.0, 3.0, 2.0], [1.0, 3.0, 6.0, 3.0, 2.0]])
    # The mean of epochs 0 and 10 stands at epoch 10: 3 and 2; epoch 100 stands alone: 4 and 6.
    found = trajectories.change_since_maximum(EPOCH, values)
    assert (
        found.epoch == 100
        and found.extreme.tolist() == [4, 6]
        and found.change.tolist() == [-2, -4]
    )
    rising = trajectories.change_since_maximum(EPOCH, np.sort(values))
    assert rising.change.tolist() == [0, 0]


def test_a_rise_is_from_the_smallest_and_a_missing_first_value_is_left_out():
    values = np.array([[np.nan, 3.0, 1.0, 2.0, 2.5]])
    assert trajectories.change_since_minimum(EPOCH, values) == (100, [1.0], [1.5])
    with_a_lost_seed = np.concatenate([values, np.full((1, 5), np.nan)])
    assert trajectories.change_since_maximum(EPOCH, with_a_lost_seed).change.tolist() == [-0.5]


def test_smoothing_averages_what_was_measured_in_fifty_epochs():
    epoch, values = np.arange(120), np.arange(120.0)[None]
    smoothed = trajectories.smooth(epoch, values)[0]
    assert smoothed[0] == 0 and smoothed[10] == 5 and smoothed[119] == np.mean(np.arange(70, 120))


def test_the_first_epoch_below_a_level():
    values = np.array([[0.7, 0.6, 0.8, 0.5, 0.5], [0.7, 0.7, 0.7, 0.7, 0.69]])
    assert trajectories.first_epoch_below(EPOCH, values, 0.65).tolist() == [10, np.inf]


@pytest.mark.parametrize(
    ("curve", "path"),
    [
        ([1, 1.05, 0.96, 1], "still"),
        ([0, 1, 2, 3], "rises"),
        ([3, 2, 1], "falls"),
        ([0, 0.06, 0.12, 0.18], "rises"),
        ([0, 2, 1.95, 2.0, 1.0], "rises, falls"),
        ([3, 1, 2, 1.95, 2.5], "falls, rises"),
        ([3, 1, 2, 0], "falls, rises, falls"),
    ],
)
def test_the_path_of_a_seed(curve, path, monkeypatch):
    epoch = np.expm1(np.arange(len(curve)))
    monkeypatch.setattr(trajectories, "STAGES", len(curve))
    (moves,) = trajectories.phases(epoch, np.array([curve]), min_move=0.1)
    assert trajectories.path_text(moves) == path
    mirror = {"rises": "falls", "falls": "rises"}
    mirrored = tuple(mirror[move] for move in moves)
    assert trajectories.phases(epoch, -np.array([curve]), min_move=0.1) == [mirrored]


def test_a_path_is_of_means_over_stages_of_training():
    """A curve that jumps up and down at every epoch, about a mean that falls."""
    epoch = np.arange(3000)
    noise = np.where(epoch % 2, 1.0, -1.0)
    curve = noise - np.log1p(epoch)
    assert trajectories.phases(epoch, curve[None], min_move=0.5) == [("falls",)]
