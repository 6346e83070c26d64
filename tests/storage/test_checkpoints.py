"""Checkpoints are given back as they were, or refused in one line."""

import gc
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from jaxbnn.storage import array_store, checkpoints

IDENTITY = {"config": "abc", "data": "def"}
LEAVES = {
    "params/dense_1/latent": np.arange(6, dtype=np.float32).reshape(2, 3),
    "batch_stats/norm_1/mean": np.array([[np.nan], [-0.0]], np.float32),
    "key": np.array([[1, 2**32 - 1]], np.uint32),
    "flags": np.array([True, False]),
}


def saved(block, steps=(1, 2, 3)):
    for step in steps:
        leaves = {**LEAVES, "step": np.asarray(step, np.int32)}
        checkpoints.save(block, step, leaves, IDENTITY)
    return checkpoints.folders(block)


def test_checkpoints_give_the_leaves_back_and_the_last_two_are_kept(tmp_path):
    assert [path.name for path in saved(tmp_path / "0-7")] == ["00000002", "00000003"]
    assert checkpoints.newest(tmp_path / "0-7") == 3
    leaves = checkpoints.load(tmp_path / "0-7", IDENTITY)
    assert set(leaves) == {*LEAVES, "step"}
    for name, expected in LEAVES.items():
        assert leaves[name].dtype == expected.dtype and leaves[name].shape == expected.shape
        assert leaves[name].tobytes() == expected.tobytes()
        assert type(leaves[name]) is np.ndarray
    assert leaves["step"] == 3 and leaves["step"].shape == ()


def test_no_checkpoint_is_none(tmp_path):
    assert checkpoints.load(tmp_path / "none", IDENTITY) is None
    assert checkpoints.folders(tmp_path / "none") == []


def test_a_checkpoint_of_the_same_step_takes_its_place(tmp_path):
    saved(tmp_path, [1, 2])
    checkpoints.save(tmp_path, 2, {"step": np.asarray(7)}, {})
    assert checkpoints.load(tmp_path)["step"] == 7
    assert [path.name for path in checkpoints.folders(tmp_path)] == ["00000001", "00000002"]


def every_file(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


DAMAGES = {
    "cut": lambda content: content[: len(content) // 2],
    "first byte": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "middle": lambda content: flipped(content, len(content) // 2),
    "last byte": lambda content: content[:-1] + bytes([content[-1] ^ 128]),
    "longer": lambda content: content + b"x",
}


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]


def test_a_damaged_checkpoint_is_refused_whatever_the_file_and_the_one_before_is_offered(tmp_path):
    newest = saved(tmp_path / "block")[-1]
    files = every_file(newest)
    assert len(files) > 5 and newest / "manifest.json" in files
    for path in files:
        content = path.read_bytes()
        for damage in DAMAGES.values():
            path.write_bytes(damage(content) if content else b"x")
            refused(tmp_path / "block")
        path.unlink()
        refused(tmp_path / "block")
        path.write_bytes(content)
    assert checkpoints.load(tmp_path / "block", IDENTITY)["step"] == 3
    stray = newest / "state" / "stray"
    stray.write_text("")
    refused(tmp_path / "block")
    shutil.rmtree(newest)
    assert checkpoints.load(tmp_path / "block", IDENTITY)["step"] == 2


def refused(block):
    """A manifest's own damage may also be seen as another identity, never as nothing."""
    words = r"00000003 (is damaged .*: remove it to go on from .*00000002$|belongs to another)"
    with pytest.raises(ValueError, match=words) as caught:
        checkpoints.load(block, IDENTITY)
    assert "\n" not in str(caught.value)


def test_the_only_checkpoint_damaged_offers_to_start_again(tmp_path):
    (newest,) = saved(tmp_path, [4])
    (newest / "manifest.json").write_text("{}")
    with pytest.raises(ValueError, match="remove it to start this block again"):
        checkpoints.load(tmp_path, IDENTITY)


@pytest.mark.parametrize("text", ["[" * 100_000, "", "[]", '{"identity": {}, "files": {}}'])
def test_a_manifest_that_lists_no_files_is_damaged(tmp_path, text):
    (newest,) = saved(tmp_path, [4])
    (newest / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match="is damaged"):
        checkpoints.load(tmp_path, IDENTITY)
    with pytest.raises(ValueError, match="is damaged"):
        checkpoints.verify(newest)


def test_the_one_before_is_verified_too_and_is_not_needed(tmp_path):
    before, newest = saved(tmp_path)
    assert checkpoints.verify(before) == checkpoints.verify(newest) == IDENTITY
    (before / "manifest.json").unlink()
    with pytest.raises(ValueError, match=r"00000002 is damaged .* remove it$"):
        checkpoints.verify(before)
    assert checkpoints.load(tmp_path, IDENTITY)["step"] == 3


@pytest.mark.parametrize("key", ["config", "data"])
def test_a_checkpoint_of_another_config_or_other_data_is_refused(tmp_path, key):
    saved(tmp_path, [1])
    with pytest.raises(
        ValueError, match=f"belongs to another {key}: expected new, got {IDENTITY[key]}"
    ):
        checkpoints.load(tmp_path, {**IDENTITY, key: "new"})


def test_a_checkpoint_without_an_identity_asked_for_is_given_back(tmp_path):
    saved(tmp_path, [1])
    assert checkpoints.load(tmp_path)["step"] == 1


def test_leftovers_of_a_killed_save_are_cleared(tmp_path):
    for name in (".new", ".old"):
        (tmp_path / name / "state").mkdir(parents=True)
    saved(tmp_path, [1])
    assert sorted(os.listdir(tmp_path)) == ["00000001"]


@pytest.mark.parametrize("call", ["save_tree", "write_text", "rename"])
def test_a_save_that_fails_leaves_the_checkpoints_as_they_were(tmp_path, monkeypatch, call):
    saved(tmp_path, [1, 2])

    def fail(*arguments, **options):
        raise OSError("no room")

    owner = checkpoints if call == "save_tree" else checkpoints.Path
    with monkeypatch.context() as patch:
        patch.setattr(owner, call, fail)
        with pytest.raises(OSError, match="no room"):
            saved(tmp_path, [3])
    assert [path.name for path in checkpoints.folders(tmp_path)] == ["00000001", "00000002"]
    assert checkpoints.load(tmp_path, IDENTITY)["step"] == 2
    saved(tmp_path, [3])
    assert sorted(os.listdir(tmp_path)) == ["00000002", "00000003"]


def with_sums_that_hold(checkpoint):
    """A stranger's manifest fits its files."""
    sums = checkpoints._checksums(checkpoint)
    (checkpoint / "manifest.json").write_text(json.dumps({"identity": IDENTITY, "files": sums}))


# Orbax leaves what it could not read to be closed when it is collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_strangers_checkpoint_that_orbax_does_not_read_is_refused_in_one_line(tmp_path, caplog):
    (newest,) = saved(tmp_path, [4])
    for path in every_file(newest / "state"):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        with_sums_that_hold(newest)
        try:
            leaves = checkpoints.load(tmp_path, IDENTITY)
        except ValueError as error:
            assert "expected an Orbax checkpoint in" in str(error) and "\n" not in str(error)
        else:
            assert leaves["step"] == 4  # a file that Orbax does not need
        path.write_bytes(content)
    assert caplog.records == []
    gc.collect()


def test_leaves_that_memory_cannot_hold_are_refused(tmp_path, monkeypatch):
    saved(tmp_path, [1])
    monkeypatch.setattr(checkpoints, "memory", lambda: 24 + 8 + 8 + 2 + 4 - 1)
    with pytest.raises(ValueError, match="which do not fit into memory"):
        checkpoints.load(tmp_path, IDENTITY)
    monkeypatch.setattr(checkpoints, "memory", lambda: 24 + 8 + 8 + 2 + 4)
    assert checkpoints.load(tmp_path, IDENTITY)["step"] == 1


def test_a_checkpoint_that_cannot_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    def denied(*_):
        raise PermissionError("denied")

    checkpoints.save(tmp_path, 1, {"step": np.int32(1)}, {})
    monkeypatch.setattr(Path, "read_text", denied)
    with pytest.raises(PermissionError):
        checkpoints.verify(tmp_path / "00000001")


def test_nothing_goes_on_from_a_checkpoint_of_a_finished_block(tmp_path):
    for step in (1, 2):
        checkpoints.save(tmp_path, step, {"step": np.int32(step)}, {})
    (tmp_path / array_store.MANIFEST).write_text("{}")
    (tmp_path / "00000002" / checkpoints.MANIFEST).unlink()
    with pytest.raises(ValueError, match="is damaged .*: remove it$"):
        checkpoints.verify(tmp_path / "00000002")
