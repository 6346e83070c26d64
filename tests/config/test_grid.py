import dataclasses

import pytest

from jaxbnn import config, studies
from jaxbnn.config import grid
from jaxbnn.data import Npz, Szt
from jaxbnn.engine import run_plan
from jaxbnn.studies.nothnagel_2026.experiments import GRID

SZT = studies.find("szt")[0]


def test_a_product_has_every_combination_and_a_list_stays_whole():
    adamw = config.override(SZT, "train.optimiser=AdamW")
    made = grid.product(
        adamw, ["train.decay=0,0.1,1", "train.learning_rate=1e-3,1e-4", "model.widths=4,3"]
    )
    assert {(e.train.decay, e.train.learning_rate) for e in made} == {
        (d, r) for d in (0, 0.1, 1) for r in (1e-3, 1e-4)
    }
    assert len(made) == 6 and all(e.model.widths == (4, 3) for e in made)
    assert grid.product(SZT, []) == (SZT,)
    (one,) = grid.product(SZT, ['train.optimiser={"type": "Adam", "b1": 0.5, "b2": 0.9}'])
    assert one.train.optimiser.b1 == 0.5
    npz = dataclasses.replace(SZT, data=Npz("a.npz"))
    assert grid.product(npz, ["data.value_range=-1,1"])[0].data.value_range == (-1.0, 1.0)
    assert grid.product(npz, ["data.path=a,b.npz"])[0].data.path == "a,b.npz"
    assert len(grid.product(SZT, ["train.epochs=5,5"])) == 1
    with pytest.raises(ValueError, match="unknown key 'train.decoy'"):
        grid.product(SZT, ["train.decoy=0,1"])


def test_scaling_shortens_epochs_and_image_sets_and_nothing_else():
    (mnist, *_), (cube, *_) = (
        studies.settings("nothnagel2026", group) for group in ("mnist-small", "szt")
    )
    small = grid.scaled(mnist, 0.1)
    assert small.train.epochs == 30 and small.data.max_examples == 6000
    assert dataclasses.replace(small, train=mnist.train, data=mnist.data) == mnist
    assert (
        grid.scaled(mnist, 1e-6).train.epochs == 1
        and grid.scaled(mnist, 1e-6).data.max_examples == 1000
    )
    assert grid.scaled(cube, 0.5).data == Szt() and grid.scaled(mnist, 1.0) == mnist
    with pytest.raises(ValueError, match="scale above 0 and at most 1, got 0"):
        grid.scaled(mnist, 0)


def test_settings_that_differ_in_decay_alone_share_a_program():
    every = [e for group in GRID.values() for e in group]
    programs = run_plan.by_program(every)
    assert sum(map(len, programs)) == 125
    # szt; small, raj, lenet and five each of bottleneck and hourglass on two sets; lenet, narrow,
    # six heads
    assert len(programs) == 1 + 2 * 13 + 8
    assert all(len({(e.data, e.model) for e in group}) == 1 for group in programs)
