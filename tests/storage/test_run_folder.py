"""A run's folder: config, locks, and a folder for each block."""

import dataclasses
import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jaxbnn.config import codec
from jaxbnn.storage import array_store, checkpoints, run_folder


@pytest.mark.parametrize(
    ("seeds", "name"),
    [
        ((0, 1, 2, 3, 9), "0-3,9"),
        ((4,), "4"),
        ((0, 1), "0-1"),
        ((5, 3, 4), "5,3-4"),
        ((2**32 - 1,), "4294967295"),
    ],
)
def test_block_folders_are_named_by_their_seeds(tmp_path, seeds, name):
    assert run_folder.block_folder(tmp_path, seeds) == tmp_path / "blocks" / name


def test_a_long_list_of_seeds_has_a_short_name_of_its_own(tmp_path):
    """Fifty names of 100 characters and more, each short, each another."""
    names = set()
    for n in range(30, 80):
        seeds = tuple(range(0, 2 * n, 2))
        names.add(run_folder.block_folder(tmp_path, seeds).name)
        assert len(",".join(map(str, seeds))) > 80
    assert len(names) == 50 and max(map(len, names)) < run_folder.MAX_NAME


@pytest.mark.parametrize("seeds", [(7,), (0, 1, 2, 5), tuple(range(0, 400, 2))])
def test_the_seeds_of_a_block_are_read_from_its_folder(tmp_path, seeds):
    block = run_folder.make_block_folder(tmp_path, seeds)
    assert run_folder.seeds_of(block) == seeds
    assert run_folder.make_block_folder(tmp_path, seeds) == block
    assert run_folder.block_folders(tmp_path) == [block]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "[]",
        "{}",
        "7",
        "null",
        '["0"]',
        "[0.0]",
        "[true]",
        "[-1]",
        "[4294967296]",
        "[" * 100_000,
        "\xff",
    ],
)
def test_a_damaged_list_of_seeds_is_named(tmp_path, text):
    block = run_folder.make_block_folder(tmp_path, (1,))
    (block / run_folder.SEEDS).write_bytes(text.encode("latin-1"))
    with pytest.raises(
        ValueError, match="seeds.json is damaged: remove .*blocks/1 to start this block again"
    ):
        run_folder.seeds_of(block)


def test_a_damaged_list_of_seeds_of_a_finished_block_is_mended_from_its_manifest(tmp_path):
    block = run_folder.make_block_folder(tmp_path, (1,))
    (block / run_folder.SEEDS).write_text("[")
    (block / array_store.MANIFEST).write_text("{}")
    with pytest.raises(ValueError, match="is damaged: write into it the seeds that .*manifest"):
        run_folder.seeds_of(block)


def test_a_list_of_seeds_that_cannot_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    block = run_folder.make_block_folder(tmp_path, (1,))
    monkeypatch.setattr(Path, "read_text", denied)
    with pytest.raises(PermissionError):
        run_folder.seeds_of(block)


def denied(*_):
    raise PermissionError("denied")


def test_seeds_are_as_many_as_a_program_takes(tmp_path):
    most = run_folder.MAX_SEEDS_PER_PROGRAM
    assert run_folder.are_seeds(list(range(most)))
    assert not run_folder.are_seeds(list(range(most + 1)))


def test_folders_with_strange_names_are_no_blocks(tmp_path):
    for name in ("0-99999999999", "0-1/1x", "x", "0-1,5/00000001"):
        (tmp_path / run_folder.BLOCKS / name).mkdir(parents=True)
    (tmp_path / run_folder.BLOCKS / "file").write_text("")
    assert run_folder.block_folders(tmp_path) == []
    assert checkpoints.folders(tmp_path / run_folder.BLOCKS / "0-1") == []
    assert run_folder.block_folders(tmp_path / "none") == []


def test_config_goes_through_the_folder(tiny, tmp_path):
    folder = run_folder.folder_of(tmp_path, tiny)
    assert folder == tmp_path / "tiny" / codec.digest(tiny)
    run_folder.make_folder(folder)
    run_folder.write_config(folder, tiny)
    assert run_folder.read_config(folder) == tiny
    run_folder.write_config(folder, dataclasses.replace(tiny, seeds=(1,)))
    assert run_folder.read_config(folder).seeds == (1,)
    assert sorted(os.listdir(folder)) == ["blocks", "config.json"]


def test_a_folder_without_a_config_is_no_runs(tmp_path):
    with pytest.raises(ValueError, match=r"expected a run's folder with config.json, got"):
        run_folder.read_config(tmp_path)


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tiny, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        ValueError, match="output folder that can be written, got .*file.*: Not a directory"
    ):
        run_folder.make_folder(run_folder.folder_of(tmp_path / "file", tiny))


# Locks.


def test_a_folder_is_held_by_one_run_at_a_time(tmp_path):
    with (
        run_folder.locked(tmp_path),
        pytest.raises(ValueError, match="another run is working in .*: wait for it, or give"),
        run_folder.locked(tmp_path),
    ):
        pass
    with run_folder.locked(tmp_path), pytest.raises(ValueError, match="another run is working"):
        run_folder.check_free(tmp_path)
    run_folder.check_free(tmp_path)
    with run_folder.locked(tmp_path):
        pass


def test_a_folder_is_held_until_the_last_process_of_a_group_has_ended(tmp_path):
    with run_folder.joined(tmp_path):
        with run_folder.joined(tmp_path):
            pass
        with pytest.raises(ValueError, match="another run is working in"):
            run_folder.locked(tmp_path).__enter__()
    with run_folder.locked(tmp_path) as lock:
        with pytest.raises(ValueError, match="another run is working in"):
            run_folder.joined(tmp_path).__enter__()
        run_folder.open_to_group(lock, tmp_path)
        with run_folder.joined(tmp_path), pytest.raises(ValueError, match="another run is working"):
            run_folder.locked(tmp_path).__enter__()
    with run_folder.locked(tmp_path):
        pass


HOLD = """
import sys
from pathlib import Path
from pathlib import Path
from jaxbnn.storage import run_folder
with run_folder.locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_a_folder_is_free_again_however_its_holder_ends(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ValueError, match="another run is working in"):
            run_folder.check_free(tmp_path)
        holder.kill()
        holder.wait()
    run_folder.check_free(tmp_path)


@pytest.mark.parametrize("code", run_folder.NO_LOCKS, ids=errno.errorcode.get)
@pytest.mark.parametrize(
    "hold", [run_folder.check_free, lambda path: run_folder.locked(path).__enter__()]
)
def test_a_file_system_without_locks_is_named_and_nothing_is_called_damaged(
    tmp_path, monkeypatch, code, hold
):
    def flock(handle, how):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(ValueError) as caught:
        hold(tmp_path)
    message = str(caught.value)
    assert message.startswith(f"expected a file system with locks for {tmp_path}, got none (")
    assert os.strerror(code) in message and "local_lock=flock" in message
    assert "\n" not in message and "damaged" not in message and "remove" not in message


def test_another_failure_of_a_lock_is_not_called_a_file_system_without_locks(tmp_path, monkeypatch):
    def flock(handle, how):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(OSError, match="broken"):
        run_folder.check_free(tmp_path)


def test_a_result_is_read_while_another_run_holds_its_folder(tmp_path):
    import stores

    from jaxbnn.storage import results

    stores.write_block(tmp_path, (1,))
    with run_folder.locked(tmp_path):
        assert results.open_result(tmp_path).sizes["seed"] == 1


def test_a_missing_library_is_named_before_any_work(monkeypatch):
    run_folder.check_libraries()
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ImportError):
        run_folder.check_libraries()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS])
def test_a_full_disk_is_known(code):
    assert run_folder.is_full(OSError(code, ""))
    assert not run_folder.is_full(OSError(errno.EIO, ""))
    assert not run_folder.is_full(ValueError())
