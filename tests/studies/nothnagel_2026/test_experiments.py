"""The grid of Nothnagel & Geiger 2026 is the 125 settings the paper's analysis lists."""

import dataclasses
from collections import Counter
from functools import partial

import jax
import numpy as np
import pytest
from made import made_collection, rows, small_mnist

from jaxbnn import config, data, info, nn, observe, run, studies, train
from jaxbnn.data import Cifar10, Dataset, FashionMnist, Mnist, Npz, Split, Szt, cifar, mnist
from jaxbnn.data.cifar_batches import BINARY
from jaxbnn.engine import run_plan
from jaxbnn.storage import results
from jaxbnn.studies.nothnagel_2026.experiments import BEYOND, GRID

EVERY = [setting for group in GRID.values() for setting in group]
DECAYS = {0, 0.1, 0.2, 0.5, 0.7, 1, 1.1, 1.2, 1.5, 1.7, 2}


def test_there_are_125_settings_three_seeds_each():
    assert (
        len(EVERY) == len({e.name for e in EVERY}) == len({config.digest(e) for e in EVERY}) == 125
    )
    assert sum(len(e.seeds) for e in EVERY) == 375
    assert Counter(type(e.data) for e in EVERY) == {
        Szt: 11,
        Mnist: 43,
        FashionMnist: 43,
        Cifar10: 28,
    }
    groups = {"small": 11, "raj": 11, "bottleneck": 5, "hourglass": 5, "lenet": 11}
    for name in ("mnist", "fashion"):
        assert {kind: len(GRID[f"{name}-{kind}"]) for kind in groups} == groups
    assert len(GRID["szt"]) == 11


def test_groups_vary_decay_or_widths():
    for name in (
        "szt",
        "mnist-small",
        "mnist-raj",
        "fashion-lenet",
        "cifar10-lenet",
        "cifar10-narrow",
    ):
        assert {e.train.decay for e in GRID[name]} == DECAYS and len(
            {e.model for e in GRID[name]}
        ) == 1
    bottleneck = {e.model.widths for e in GRID["mnist-bottleneck"]}
    assert bottleneck == {(1024, 20, 10, k, 10) for k in (10, 8, 6, 4, 2)}
    assert {e.model.widths for e in GRID["fashion-hourglass"]} == {
        (1024, 20, 10, k) for k in (10, 8, 6, 4, 2)
    }
    heads = {e.model.widths for e in EVERY if isinstance(e.data, Cifar10) and e.train.decay == 0}
    assert len(heads) == 8 and {(120, 84, 10), (50, 50, 10), (70, 20, 10)} < heads


def test_every_setting_is_a_binary_network_trained_by_adamw():
    for e in EVERY:
        assert isinstance(e.model, nn.MLP | nn.ConvNet) and e.model.kernel_surrogate == nn.STE()
        assert isinstance(e.train.optimiser, train.AdamW) and e.train.learning_rate == 1e-4
        assert config.from_json(config.to_json(e)) == e


def test_settings_are_found_by_name_and_group():
    assert studies.find("nothnagel2026/mnist-small-wd-0_1")[0].train.decay == 0.1
    assert studies.find("nothnagel2026/cifar10-heads-70-20-10")[1] is studies.NOTHNAGEL_2026
    assert studies.settings("nothnagel2026", "szt") == GRID["szt"] and studies.settings("szt") == ()
    assert studies.settings("nothnagel2026", "szt,mnist-small") == GRID["szt"] + GRID["mnist-small"]
    with pytest.raises(ValueError, match="expected a group of nothnagel2026 .*, got 'mnist'"):
        studies.settings("nothnagel2026", "mnist")


def test_controls_and_causes_change_one_thing_each():
    assert {group: len(settings) for group, settings in BEYOND.items()} == {
        "szt-controls": 2,
        "szt-causes": 9,
        "mnist-controls": 6,
        "fashion-controls": 6,
        "cifar10-controls": 4,
    }
    every = [e for settings in BEYOND.values() for e in settings]
    assert (
        len({e.name for e in [*every, *EVERY]})
        == len({config.digest(e) for e in [*every, *EVERY]})
        == 152
    )
    base, *others = BEYOND["szt-causes"]
    changes = [config.changes(e, base) for e in others]
    assert [len(each) for each in changes] == [1] * 3 + [5] * 2 + [2] * 3 and base.seeds == tuple(
        range(16)
    )
    assert all(e.seeds == base.seeds and e.seeds_per_program == 16 for e in others)
    # the untrained ones fill the blocks of their group: each seed has a learning rate of its own
    together = run_plan.by_program([*GRID["szt"], *BEYOND["szt-controls"]])
    assert [len(group) for group in together] == [12, 1] and sum(
        len(e.seeds) for e in together[0]
    ) == 2 * 18


@pytest.fixture(scope="module")
def made_sets(tmp_path_factory):
    """(folder, collections of MNIST's format, of CIFAR-10's): made files of 40 and 30 images, 50
    and 10 in colour."""
    folder, rng = tmp_path_factory.mktemp("sets"), np.random.default_rng(0)
    images = [rng.integers(0, 256, (n, 28, 28), np.uint8) for n in (40, 30)]
    labels = [np.arange(n, dtype=np.uint8) % 10 for n in (40, 30)]
    digits = small_mnist(folder, images[0], labels[0], images[1], labels[1])
    return (
        folder,
        digits,
        made_collection(folder, {name: rows(10) for name in BINARY.archive_paths()}),
    )


def shrunk(experiment):
    """One seed, one epoch, hidden layers of at most 12 units, one probe."""
    model = dataclasses.replace(
        experiment.model, widths=tuple(min(w, 12) for w in experiment.model.widths)
    )
    if isinstance(model, nn.ConvNet):
        model = dataclasses.replace(model, channels=(2, 3), side=5)
    spec = dataclasses.replace(experiment.train, epochs=1, batch_size=10)
    probes = (observe.Probe(sample="all"),)
    return dataclasses.replace(
        experiment, model=model, train=spec, probes=probes, seeds=(0,), seeds_per_program=1
    )


@pytest.mark.slow
@pytest.mark.parametrize("group", GRID)
def test_a_setting_of_each_group_runs_shrunk_on_made_files(group, made_sets, tmp_path, monkeypatch):
    folder, digits, colours = made_sets
    for name in ("MNIST", "FASHION_MNIST"):
        monkeypatch.setattr(mnist, name, digits)
    monkeypatch.setattr(data, "load_cifar10", partial(cifar.load_cifar10, collection=colours))
    setting = shrunk(GRID[group][-1])
    found = results.open_result(run(setting, tmp_path, folder, devices=jax.devices()[:1]))
    assert found.attrs["experiment"] == setting.name and found.epoch.values.tolist() == [0, 1]
    assert [str(layer) for layer in found.layer.values] == [*setting.model.layer_names, "output"]
    assert (
        np.isfinite(found.i_xt).all()
        and np.isfinite(found.train_loss).all()
        and bool(found.certified[..., :-1].all())
    )


@pytest.mark.slow
def test_a_lenet_of_the_grid_runs_shrunk_on_made_images(tmp_path):
    """On images of CIFAR-10's shape; a seed alone has the bits it has among others."""
    rng = np.random.default_rng(0)
    parts = {
        f"x_{part}": rng.integers(0, 256, (n, 14, 14, 3), np.uint8)
        for part, n in (("train", 90), ("test", 40))
    }
    labels = {
        f"y_{part}": rng.integers(0, 10, len(parts[f"x_{part}"])) for part in ("train", "test")
    }
    np.savez(tmp_path / "images.npz", **parts, **labels)
    lenet, _ = studies.find("nothnagel2026/cifar10-lenet-wd-0_5")
    model = dataclasses.replace(lenet.model, channels=(3, 4), side=3, widths=(6,))
    spec = dataclasses.replace(lenet.train, epochs=2, batch_size=30)
    made = Npz("images.npz", value_range=(-1.0, 1.0))
    short = dataclasses.replace(lenet, data=made, model=model, train=spec, seeds=(0, 1))
    one = jax.devices()[:1]
    found = results.open_result(run(short, tmp_path / "both", tmp_path, devices=one))
    assert list(found.layer.values) == ["conv_1", "conv_2", "hidden_1", "output"]
    assert (
        np.isfinite(found.i_xt).all()
        and bool(found.certified[..., :3].all())
        and np.isfinite(found.train_loss).all()
    )
    assert (found.n_patterns.values[..., 0] >= found.n_patterns.values[..., 1]).all()
    alone = results.open_result(
        run(dataclasses.replace(short, seeds=(1,)), tmp_path / "one", tmp_path, devices=one)
    )
    for name in ("i_xt", "train_loss", "n_patterns"):
        np.testing.assert_array_equal(alone[name].values[0], found[name].values[1])


@pytest.mark.slow
def test_what_has_its_batch_last_is_no_layer():
    x = np.zeros((4, 14, 14), np.float32)
    model = nn.ConvNet((6,), 2, (3,), 3)
    probe = observe.Probe(layers=("kernel_1",), estimator=info.FixedBins())
    variables = model.init(jax.random.key(0), x[:1], train=False)
    view = observe.viewer(model, [probe])
    split = Split(Dataset(x, np.zeros(4, np.int32)), Dataset(x, np.zeros(4, np.int32)), 2, False)
    with pytest.raises(ValueError, match="layers to be among conv_1, .*, got 'kernel_1'"):
        view(split, variables)
