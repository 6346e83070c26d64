"""Experiments that differ in learning rate and decay alone share blocks: each gets the bits it gets
alone."""

import dataclasses

import jax
import pytest
from bitwise import check_same, check_same_runs, stopping_after

from jaxbnn import config, run, run_together
from jaxbnn.analysis import networks
from jaxbnn.engine import block_runner, block_store
from jaxbnn.engine.run_plan import make_run_plan
from jaxbnn.storage import array_store, checkpoints, results, run_folder
from jaxbnn.train.spec import AdamW

ONE = jax.devices()[:1]


def with_decay(tiny, decay, seeds, name="tiny", rate=0.01):
    spec = dataclasses.replace(tiny.train, optimiser=AdamW(), decay=decay, learning_rate=rate)
    return dataclasses.replace(
        tiny, name=name, train=spec, seeds=seeds, seeds_per_program=3, probes=tiny.probes[:1]
    )


@pytest.fixture(scope="module")
def settings(tiny):
    return [
        with_decay(tiny, 0.0, (0, 1)),
        dataclasses.replace(with_decay(tiny, 0.5, (1, 2, 3), "other"), root_seed=7),
        with_decay(tiny, 0.0, (0,), rate=0.1),
    ]


@pytest.fixture(scope="module")
def together(settings, tmp_path_factory):
    """Six networks in two blocks of three seeds."""
    return run_together(settings, tmp_path_factory.mktemp("together"))


@pytest.fixture
def often(monkeypatch):
    """Chunks of one epoch, a checkpoint where the run is stopped."""
    monkeypatch.setattr(block_runner, "CHUNK_SECONDS", 0.0)


def steps_of(folders):
    """Of each folder, its blocks with a checkpoint: seeds -> step."""
    steps = []
    for folder in folders:
        blocks = [b for b in run_folder.block_folders(folder) if checkpoints.folders(b)]
        steps.append({run_folder.seeds_of(block): checkpoints.newest(block) for block in blocks})
    return steps


def test_each_has_its_folder_and_the_bits_that_it_has_alone(settings, together, tmp_path):
    assert [folder.parent.name for folder in together] == ["tiny", "other", "tiny"]
    assert len(set(together)) == 3
    for experiment, folder in zip(settings, together, strict=True):
        alone = results.open_result(run(experiment, tmp_path))
        found = results.open_result(folder)
        assert run_folder.read_config(folder) == config.normal(experiment)
        assert found.attrs == alone.attrs and found.seed.values.tolist() == list(experiment.seeds)
        check_same(found, alone)
    first, second = [
        results.open_result(folder).sel(seed=[1]).i_xt.values for folder in together[:2]
    ]
    assert (first[:, -1] != second[:, -1]).any(), "decay should change a network"


def test_stopped_and_gone_on_in_other_blocks(settings, together, tmp_path, often):
    messages = []
    stopped = run_together(settings[:2], tmp_path, devices=ONE, stop=stopping_after(5))
    assert not any(results.finished_seeds(folder) for folder in stopped)
    # The first block's seed ranges, each where it belongs.
    assert steps_of(stopped) == [{(0, 1): 4}, {(1,): 4}]
    again = run_together(
        settings, tmp_path, devices=ONE, report=lambda p: messages.append(p.message)
    )
    assert any("tiny seeds 0 to 1, other seeds 1 to 1 go on from epoch 3" in m for m in messages)
    for folder, whole in zip(again, together, strict=True):
        check_same_runs(folder, whole)
    report = []
    assert run_together(settings, tmp_path, report=lambda p: report.append(p.message)) == again
    assert report == ["finished already: nothing to do"]


def test_a_seed_range_goes_on_alone_and_seeds_are_added(settings, together, tmp_path, often):
    run_together(settings[:2], tmp_path, devices=ONE, stop=stopping_after(5))
    messages = []
    more = dataclasses.replace(settings[1], seeds=(1,))
    folder = run(more, tmp_path, report=lambda p: messages.append(p.message))
    assert any("seeds 1 to 1 go on from epoch 3" in message for message in messages)
    run_together([settings[0], settings[1]], tmp_path)
    check_same_runs(folder, together[1])


def test_seed_ranges_of_two_steps_go_on_each_by_itself(settings, together, tmp_path, often):
    """One was taken further than the other: none is trained twice, both end with their bits."""
    folders = run_together(settings[:2], tmp_path, devices=ONE, stop=stopping_after(5))
    run(dataclasses.replace(settings[1], seeds=(1,)), tmp_path, devices=ONE, stop=stopping_after(3))
    assert steps_of(folders) == [{(0, 1): 4}, {(1,): 6}]
    messages = []
    run_together(settings[:2], tmp_path, devices=ONE, report=lambda p: messages.append(p.message))
    assert [m for m in messages if "go on" in m] == [
        "tiny seeds 0 to 1 go on from epoch 3",
        "other seeds 1 to 1 go on from epoch 5",
    ]
    for folder, whole in zip(folders, together, strict=False):
        check_same_runs(folder, whole)


def test_a_finished_part_of_a_block_stands_beside_an_unfinished_one(
    settings, together, tmp_path, monkeypatch
):
    """Killed between the manifests of its two parts: the second goes on from its checkpoint."""
    finish = block_store.finish

    def fail_at_other(plan, folder, seed_range, places, inputs):
        if seed_range.number == 1:
            raise KeyboardInterrupt
        finish(plan, folder, seed_range, places, inputs)

    monkeypatch.setattr(block_store, "finish", fail_at_other)
    with pytest.raises(KeyboardInterrupt):
        run_together(settings[:2], tmp_path, devices=ONE)
    monkeypatch.setattr(block_store, "finish", finish)
    plan = make_run_plan(settings[:2], [tmp_path, tmp_path], None, jax.devices())
    folders = [run_folder.folder_of(tmp_path, e) for e in plan.experiments]
    assert [results.finished_seeds(folder) for folder in folders] == [(0, 1), ()]
    assert steps_of(folders)[1] == {(1,): 13}
    finished = array_store.read_manifest(folders[0] / "blocks" / "0-1")
    messages = []
    run_together(settings[:2], tmp_path, devices=ONE, report=lambda p: messages.append(p.message))
    assert "other seeds 1 to 1 go on from epoch 12" in messages
    assert array_store.read_manifest(folders[0] / "blocks" / "0-1") == finished
    for folder, whole in zip(folders, together, strict=False):
        check_same_runs(folder, whole)


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
