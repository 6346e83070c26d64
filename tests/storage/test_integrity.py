"""`check` says what is wrong with a run's folder, and that nothing is where all is well."""

import argparse
import json
import shutil

import pytest
import stores

from jaxbnn.cli.check import check_run
from jaxbnn.storage import array_store, checkpoints, results, run_folder
from jaxbnn.storage.integrity import check
from jaxbnn.storage.results import OLD_RESULT

LEAVES = {"params/a": [[1.0], [2.0]], "step": 13}


@pytest.fixture
def run(tmp_path):
    """A finished run of four seeds in two blocks."""
    for seeds in ((0, 1), (2, 3)):
        block = stores.write_block(tmp_path, seeds)
        for step in (7, 13):
            checkpoints.save(block, step, LEAVES, {})
    (tmp_path / run_folder.CONFIG).write_text(json.dumps({"seeds": [0, 1, 2, 3]}))
    return tmp_path


def begun(run, seeds=(8, 9), steps=(4, 6)):
    block = stores.begin_block(run, seeds)
    for step in steps:
        checkpoints.save(block, step, LEAVES, {})
    return block


def test_nothing_is_wrong_with_a_finished_run(run):
    assert check(run) == check(str(run)) == []


def test_every_damaged_file_is_named(run):
    files = [path for path in sorted(run.rglob("*")) if path.is_file()]
    assert len(files) > 80
    for path in files:
        content = path.read_bytes()
        if not content:
            continue
        path.write_bytes(content[:-2])
        (problem, *_) = check(run)
        checkpoint = [folder for folder in path.parents if folder.name.startswith("000000")]
        assert f"{(checkpoint or [path])[0]} " in problem.replace(":", " ").replace(",", " ")
        assert "\n" not in problem
        path.write_bytes(content)
    assert check(run) == []


def test_damage_that_leaves_the_size_is_found_by_its_checksum(run):
    chunk = run / "blocks/2-3/arrays.zarr/test/sample/c/0/0"
    stores.flip_bit(chunk, 60)
    newest = run / "blocks/0-1/00000013"
    stores.flip_bit(newest / "state/manifest.ocdbt", 60)
    assert check(run) == [
        f"{newest} is damaged (its checksums do not hold): remove it",
        f"{chunk} is damaged (its checksum does not hold)",
    ]


def test_a_missing_chunk_is_named(run):
    chunk = run / "blocks/2-3/arrays.zarr/test/sample/c/0/0"
    chunk.unlink()
    (problem,) = check(run)
    assert str(chunk) in problem and "got none" in problem


def test_a_checkpoint_before_the_last_is_checked_too(run):
    (run / "blocks/2-3/00000007/state/_METADATA").unlink()
    (problem,) = check(run)
    assert problem.startswith(f"{run / 'blocks/2-3/00000007'} is damaged")


def test_a_block_that_can_go_on_says_from_which_epoch(run):
    block = begun(run)
    assert check(run) == [f"{block} is not finished: the same run command goes on after epoch 5"]


def test_a_block_without_a_checkpoint_starts_again(run):
    block = begun(run, steps=())
    assert check(run) == [
        f"{block} has no results and no checkpoint: the same run command starts it again"
    ]


def test_a_block_with_damaged_rows_cannot_go_on(run):
    block = begun(run)
    stores.flip_bit(block / "arrays.zarr/main/points/c/0/0/0/0", 50)
    (problem,) = check(run)
    assert "main/points is damaged" in problem
    assert problem.endswith(f"remove {block} to start this block again")


def test_a_block_whose_checkpoint_is_damaged_says_so_twice(run):
    block = begun(run)
    (block / "00000006" / "manifest.json").unlink()
    first, second = check(run)
    assert first.endswith(f"remove it to go on from {block / '00000004'}")
    assert second == f"{block} is not finished, and cannot go on before what is damaged is removed"


def test_a_block_without_its_seeds_is_named(run):
    (run / "blocks/2-3" / run_folder.SEEDS).unlink()
    assert check(run) == [
        f"{run / 'blocks/2-3/seeds.json'} is damaged: write into it the seeds that "
        f"{run / 'blocks/2-3/manifest.json'} names"
    ]


def test_a_block_without_a_store_starts_again(run):
    shutil.rmtree(run / "blocks/2-3")
    (run / "blocks/2-3").mkdir()
    first, second = check(run)
    assert "seeds.json is damaged" in first
    assert "has no results and no checkpoint" in second


def test_seeds_without_a_block_are_named(run):
    shutil.rmtree(run / "blocks/2-3")
    assert check(run) == ["2 seeds have no block (2, 3): the same run command runs them"]


def test_a_block_whose_seeds_are_finished_in_others_is_no_problem(run):
    """It was begun, then its seeds were run in other blocks."""
    begun(run, seeds=(1, 2, 3), steps=())
    assert check(run) == []


def test_a_damaged_config_is_named(run):
    (run / run_folder.CONFIG).write_text("{}")
    (problem,) = check(run)
    assert problem.startswith("expected an experiment's seeds in") and "config.json" in problem


def test_blocks_of_other_data_are_named(run):
    stores.write_block(run, (4,), sha="e" * 64)
    (problem,) = check(run)
    assert "expected blocks of one data set" in problem


def test_a_study_of_samples_is_checked(tmp_path):
    import numpy as np

    results.write_study(tmp_path, {"x": (("n",), np.arange(3.0), {})}, {"n": [1, 2, 3]}, {})
    assert check(tmp_path) == []
    chunk = tmp_path / array_store.ARRAYS / "samples/x/c/0"
    stores.flip_bit(chunk, 60)
    assert check(tmp_path) == [f"{chunk} is damaged (its checksum does not hold)"]
    chunk.unlink()
    (problem,) = check(tmp_path)
    assert str(chunk) in problem


def test_a_folder_of_no_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a run's folder with config.json, got"):
        check(tmp_path)
    (tmp_path / OLD_RESULT).write_text("")
    with pytest.raises(ValueError, match="was made by jaxbnn 0.1"):
        check(tmp_path)


def test_the_command_prints_a_line_for_each_and_ends_with_1(run, capsys):
    assert check_run(argparse.Namespace(folder=run)) == 0
    assert capsys.readouterr().out == "all well\n"
    begun(run)
    begun(run, (10,), steps=())
    assert check_run(argparse.Namespace(folder=run)) == 1
    assert len(capsys.readouterr().out.splitlines()) == 2
