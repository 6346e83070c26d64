"""Experiments that differ in learning rate and decay alone share blocks: each gets the bits it gets
alone."""

import dataclasses

import jax
import numpy as np
import pytest

from jaxbnn.storage import results
from jaxbnn import config, run, run_together
from jaxbnn.analysis import networks
from jaxbnn.engine import block_runner
from jaxbnn.storage import run_folder
from jaxbnn.train.spec import AdamW


def with_decay(tiny, decay, seeds, name="tiny", rate=0.01):
    spec = dataclasses.replace(tiny.train, optimiser=AdamW(), decay=decay, learning_rate=rate)
    return dataclasses.replace(
        tiny, name=name, train=spec, seeds=seeds, seeds_per_program=3, probes=tiny.probes[:1]
    )


@pytest.fixture(scope="module")
def settings(tiny):
    return [
        with_decay(tiny, 0.0, (0, 1)),
        with_decay(tiny, 0.5, (1, 2, 3), "other"),
        with_decay(tiny, 0.0, (0,), rate=0.1),
    ]


@pytest.fixture(scope="module")
def together(settings, tmp_path_factory):
    """Six networks in two blocks of three lanes."""
    return run_together(settings, tmp_path_factory.mktemp("together"))


def equal(one, other):
    for (name, a), b in zip(one.variables.items(), other.variables.values(), strict=True):
        np.testing.assert_array_equal(a.values, b.values, err_msg=name)


def test_each_has_its_folder_and_the_bits_that_it_has_alone(settings, together, tmp_path):
    assert [folder.parent.name for folder in together] == ["tiny", "other", "tiny"] and len(
        set(together)
    ) == 3
    for experiment, folder in zip(settings, together, strict=True):
        alone = results.open_result(run(experiment, tmp_path))
        found = results.open_result(folder)
        assert run_folder.read_config(folder) == config.normal(experiment)
        assert found.attrs == alone.attrs and found.seed.values.tolist() == list(experiment.seeds)
        equal(found, alone)
    facts = run_folder.read_provenance(together[1])
    assert (facts["networks"], facts["seeds"]) == (6, [1, 2, 3])
    first, second = (
        results.open_result(folder).sel(seed=[1]).i_xt.values for folder in together[:2]
    )
    assert (first[:, -1] != second[:, -1]).any(), "decay should change a network"


def test_stopped_and_gone_on_in_other_blocks(settings, together, tmp_path, monkeypatch):
    monkeypatch.setattr(block_runner, "CHUNK_SECONDS", 0.0)
    turns, said = [], []
    one = jax.devices()[:1]
    stopped = run_together(
        settings[:2], tmp_path, devices=one, stop=lambda: turns.append(0) or len(turns) > 5
    )
    assert not any(results.finished_seeds(folder) for folder in stopped)
    begun = [run_folder.begun_blocks(folder) for folder in stopped]
    assert begun == [[(0, 1)], [(1,)]]  # the first block's pieces, each where it belongs
    again = run_together(settings, tmp_path, devices=one, report=lambda p: said.append(p.message))
    assert any(
        "tiny seeds 0 to 1, other seeds 1 to 1 go on from epoch" in message for message in said
    )
    for folder, whole in zip(again, together, strict=True):
        equal(results.open_result(folder), results.open_result(whole))
    report = []
    assert run_together(settings, tmp_path, report=lambda p: report.append(p.message)) == again
    assert report == ["finished already: nothing to do"]


def test_a_piece_goes_on_alone_and_seeds_are_added(settings, together, tmp_path, monkeypatch):
    monkeypatch.setattr(block_runner, "CHUNK_SECONDS", 0.0)
    turns = []
    run_together(
        settings[:2],
        tmp_path,
        devices=jax.devices()[:1],
        stop=lambda: turns.append(0) or len(turns) > 5,
    )
    said = []
    more = dataclasses.replace(settings[1], seeds=(1,))
    folder = run(more, tmp_path, report=lambda p: said.append(p.message))
    assert any("seeds 1 to 1 go on from epoch" in message for message in said)
    run_together([settings[0], settings[1]], tmp_path)
    equal(results.open_result(folder), results.open_result(together[1]))


def test_trained_networks_are_those_of_the_last_checkpoint(settings, together):
    for experiment, folder in zip(settings, together, strict=True):
        assert tuple(networks.load_networks(folder)) == experiment.seeds
    first, second = (networks.load_networks(folder)[1]["params"] for folder in together[:2])
    leaves = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    assert any((a != b).any() for a, b in leaves)


def test_experiments_of_two_programs_and_one_given_twice_are_refused(settings, tmp_path):
    wider = dataclasses.replace(settings[0], seeds_per_program=4)
    for wrong in ([settings[0], wider], [settings[0], settings[0]]):
        with pytest.raises(
            ValueError,
            match="expected experiments that differ in name, learning rate and decay alone",
        ):
            run_together(wrong, tmp_path)
    assert not list(tmp_path.iterdir())
