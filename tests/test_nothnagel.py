"""The grid of Nothnagel & Geiger 2026 is the 125 settings the paper's analysis lists."""

from collections import Counter

import pytest

from jaxbnn import config, nn, studies, train
from jaxbnn.data import Cifar10, FashionMnist, Mnist, Szt

GRID = studies.NOTHNAGEL_2026.grid
EVERY = studies.settings("nothnagel2026")
DECAYS = {0, 0.1, 0.2, 0.5, 0.7, 1, 1.1, 1.2, 1.5, 1.7, 2}


def test_there_are_125_settings_three_seeds_each():
    assert len(EVERY) == len({e.name for e in EVERY}) == len({config.digest(e) for e in EVERY}) == 125
    assert sum(len(e.seeds) for e in EVERY) == 375
    assert Counter(type(e.data) for e in EVERY) == {Szt: 11, Mnist: 43, FashionMnist: 43, Cifar10: 28}
    groups = {"small": 11, "raj": 11, "bottleneck": 5, "hourglass": 5, "lenet": 11}
    for data in ("mnist", "fashion"):
        assert {name: len(GRID[f"{data}-{name}"]) for name in groups} == groups
    assert len(GRID["szt"]) == 11


def test_groups_vary_decay_or_widths():
    for name in ("szt", "mnist-small", "mnist-raj", "fashion-lenet", "cifar10-lenet", "cifar10-narrow"):
        assert {e.train.decay for e in GRID[name]} == DECAYS and len({e.model for e in GRID[name]}) == 1
    bottleneck = {e.model.widths for e in GRID["mnist-bottleneck"]}
    assert bottleneck == {(1024, 20, 10, k, 10) for k in (10, 8, 6, 4, 2)}
    assert {e.model.widths for e in GRID["fashion-hourglass"]} == {(1024, 20, 10, k) for k in (10, 8, 6, 4, 2)}
    heads = {e.model.widths for e in EVERY if isinstance(e.data, Cifar10) and e.train.decay == 0}
    assert len(heads) == 8 and {(120, 84, 10), (50, 50, 10), (70, 20, 10)} < heads


def test_every_setting_is_a_binary_network_trained_by_adamw():
    for e in EVERY:
        assert isinstance(e.model, nn.MLP | nn.ConvNet) and e.model.kernel_slope == nn.Ste()
        assert isinstance(e.train.optimiser, train.AdamW) and e.train.learning_rate == 1e-4
        assert config.from_json(config.to_json(e)) == e


def test_settings_are_found_by_name_and_group():
    assert studies.find("nothnagel2026/mnist-small-wd-0_1")[0].train.decay == 0.1
    assert studies.find("nothnagel2026/cifar10-heads-70-20-10")[1] is studies.NOTHNAGEL_2026
    assert studies.settings("nothnagel2026", "szt") == GRID["szt"] and studies.settings("szt") == ()
    with pytest.raises(ValueError, match="expected a group of nothnagel2026 .*, got 'mnist'"):
        studies.settings("nothnagel2026", "mnist")
