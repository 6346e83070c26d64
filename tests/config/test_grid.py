import dataclasses

import jax
import numpy as np
import pytest

from jaxbnn import config, studies
from jaxbnn.config import grid
from jaxbnn.config.codec import digest
from jaxbnn.data import Npz, Szt
from jaxbnn.engine import run_plan
from jaxbnn.studies.nothnagel_2026.experiments import BEYOND, GRID

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


def test_settings_have_seeds_of_their_own_which_their_names_and_seeds_do_not_change():
    decays = grid.product(config.override(SZT, "train.optimiser=AdamW"), ["train.decay=0,0.1,1"])
    own = grid.independent(decays)
    roots = [one.root_seed for one in own]
    assert len(set(roots)) == 3 and max(roots) < 2**32
    again = [dataclasses.replace(one, name="other", seeds=(9,), root_seed=5) for one in own]
    assert [one.root_seed for one in grid.independent(again)] == roots
    assert len({digest(one) for one in own}) == 3
    assert [dataclasses.replace(one, root_seed=0) for one in own] == list(decays)
    assert len(run_plan.by_program(own)) == 1


def test_no_two_settings_of_the_grid_share_seeds_and_its_causes_do():
    every = [e for group in GRID.values() for e in group]
    assert len({e.root_seed for e in every}) == 125
    assert len({e.root_seed for e in BEYOND["szt-causes"]}) == 1


def test_two_settings_in_one_program_begin_with_different_weights():
    decays = grid.independent(GRID["szt"][:3])
    plan = run_plan.make_run_plan(decays, ["a", "b", "c"], None, jax.devices())
    block = tuple(run_plan.SeedRange(number, (0, 1)) for number in range(3))
    keys = jax.random.key_data(run_plan.keys_of(plan, block)[:6])
    assert len(np.unique(keys, axis=0)) == 6


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
