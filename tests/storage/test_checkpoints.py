import os
import shutil

import numpy as np
import pytest

from jaxbnn.storage import checkpoints

IDENTITY = {"config": "abc", "data": "def"}
ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.asarray(3, np.int32),
    "c": np.array([True, False]),
}


def saved(block, steps=(1, 2, 3)):
    for step in steps:
        checkpoints.save(block, step, {**ARRAYS, "b": np.asarray(step, np.int32)}, IDENTITY)
    return checkpoints.folders(block)


def test_checkpoints_give_the_arrays_back_and_the_last_two_are_kept(tmp_path):
    assert [path.name for path in saved(tmp_path / "0-7")] == ["00000002", "00000003"]
    found = checkpoints.load(tmp_path / "0-7", IDENTITY)
    assert {k: v.dtype for k, v in found.items()} == {k: v.dtype for k, v in ARRAYS.items()}
    np.testing.assert_array_equal(found["a"], ARRAYS["a"])
    assert found["b"] == 3 and found["b"].shape == ()


def test_no_checkpoint_is_none(tmp_path):
    assert checkpoints.load(tmp_path / "none", IDENTITY) is None


def every_file(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("damage", ["cut", "flip", "remove", "add"])
def test_a_damaged_checkpoint_is_refused_whatever_the_file_and_the_one_before_is_offered(
    tmp_path, damage
):
    newest = saved(tmp_path / "block")[-1]
    for path in every_file(newest):
        copy = tmp_path / "copy"
        shutil.copytree(tmp_path / "block", copy)
        target = copy / newest.name / path.relative_to(newest)
        content = target.read_bytes()
        if damage == "remove":
            target.unlink()
        else:
            flipped = content[:-1] + bytes([content[-1] ^ 1]) if content else b"x"
            target.write_bytes(
                {"cut": content[: len(content) // 2], "flip": flipped, "add": content + b"x"}[
                    damage
                ]
            )
        if target.is_file() and target.read_bytes() == content:
            shutil.rmtree(copy)
            continue
        with pytest.raises(
            ValueError, match=r"00000003 is damaged .*: remove it to go on from .*00000002$"
        ):
            checkpoints.load(copy, IDENTITY)
        shutil.rmtree(copy / newest.name)
        assert checkpoints.load(copy, IDENTITY)["b"] == 2
        shutil.rmtree(copy)


def test_the_only_checkpoint_damaged_offers_to_start_again(tmp_path):
    (newest,) = saved(tmp_path, [4])
    (newest / "manifest.json").write_text("{}")
    with pytest.raises(ValueError, match="remove it to start this block again"):
        checkpoints.load(tmp_path, IDENTITY)


def test_a_manifest_nested_deeper_than_python_goes_is_damaged(tmp_path):
    (newest,) = saved(tmp_path, [4])
    (newest / "manifest.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="is damaged"):
        checkpoints.load(tmp_path, IDENTITY)


@pytest.mark.parametrize("key", ["config", "data"])
def test_a_checkpoint_of_another_config_or_other_data_is_refused(tmp_path, key):
    saved(tmp_path, [1])
    with pytest.raises(
        ValueError, match=f"belongs to another {key}: expected new, got {IDENTITY[key]}"
    ):
        checkpoints.load(tmp_path, {**IDENTITY, key: "new"})


def test_leftovers_of_a_killed_save_are_cleared(tmp_path):
    for name in (".new", ".old"):
        (tmp_path / name / "arrays").mkdir(parents=True)
    saved(tmp_path, [1])
    assert sorted(os.listdir(tmp_path)) == ["00000001"]
