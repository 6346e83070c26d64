"""A store is read as it was written, or refused in one line."""

import contextlib
import json
import math
import multiprocessing
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import stores

from jaxbnn.storage import array_store, bounded_zstd
from jaxbnn.storage.array_store import ArraySpec

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(2, 6, 3, 7)).astype(np.float32)
SPECS = {
    "main/points": ArraySpec(POINTS.shape, "float32", stores.COLUMNS, {"long_name": "points"}),
    "main/series": ArraySpec((2, 6, 2), "float32", ("seed", "epoch", "quantity")),
    "kept/words": ArraySpec((2, 1, 5), "uint32", ("seed", "epoch", "word")),
    "kept/valid": ArraySpec((2, 1), "bool", ("seed", "epoch")),
}
VALUES = {
    "main/points": POINTS,
    "main/series": POINTS[:, :, 0, :2],
    "kept/words": np.arange(10, dtype=np.uint32).reshape(2, 1, 5),
    "kept/valid": np.array([[True], [False]]),
}


@pytest.fixture
def small_chunks(monkeypatch):
    """Two rows of the points to a chunk."""
    monkeypatch.setattr(array_store, "CHUNK_BYTES", 2 * 2 * 3 * 7 * 4)


def created(folder):
    array_store.create(folder, SPECS, {"main": {"a": 1}, "kept": {}})
    return folder


def written(folder):
    array_store.write_whole(created(folder), VALUES)
    return folder


def finished(folder):
    array_store.finish(written(folder), {"seeds": [4, 5]})
    return folder


def one_line(caught):
    return "\n" not in str(caught.value)


@pytest.fixture
def store(tmp_path):
    return finished(tmp_path / "store")


def test_a_store_gives_back_what_was_written(store):
    for name, expected in VALUES.items():
        values = array_store.read(store, name)
        np.testing.assert_array_equal(values, expected)
        assert values.dtype == expected.dtype
        assert array_store.arrays(store)[name].metadata.dimension_names == SPECS[name].dims
    np.testing.assert_array_equal(array_store.read(store, "main/points", 1), POINTS[1])
    assert array_store.attributes(store, "main") == {"a": 1}
    assert array_store.arrays(store)["main/points"].attrs["long_name"] == "points"
    assert array_store.groups(store) == ["kept", "main"]
    assert array_store.is_finished(store)
    assert array_store.read_manifest(store).facts == {"seeds": [4, 5]}
    assert array_store.damaged_files(store) == []


@pytest.mark.parametrize(
    ("shape", "dtype", "chunks"),
    [
        ((8,), "float32", (8,)),
        ((8, 100), "float32", (8, 100)),
        ((8, 10**6, 10), "float32", (8, 2**22 // 320, 10)),
        ((8, 5, 10**8), "int8", (8, 1, 10**8)),
        ((8, 0, 3), "int8", (8, 1, 3)),
        ((), "int8", ()),
    ],
)
def test_a_chunk_spans_all_axes_but_that_of_the_epochs(shape, dtype, chunks):
    assert array_store.chunk_shape(ArraySpec(shape, dtype, ("x",) * len(shape))) == chunks


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("float32", math.nan), ("float64", math.nan), ("int8", -1), ("uint32", 0), ("bool", False)],
)
def test_what_is_not_written_reads_as_not_known(tmp_path, dtype, expected):
    array_store.create(tmp_path, {"g/x": ArraySpec((2,), dtype, ("seed",))}, {})
    np.testing.assert_array_equal(array_store.read(tmp_path, "g/x"), [expected] * 2)


def test_a_new_store_takes_the_place_of_a_finished_one(store):
    created(store)
    assert not array_store.is_finished(store)
    assert np.isnan(array_store.read(store, "main/points")).all()


def test_rows_are_written_chunk_by_chunk_in_any_pieces(tmp_path, small_chunks):
    created(tmp_path)
    for first, last in ((0, 1), (1, 4), (4, 6)):
        array_store.write_rows(tmp_path, first, {"main/points": POINTS[:, first:last]})
    np.testing.assert_array_equal(array_store.read(tmp_path, "main/points"), POINTS)


@pytest.mark.parametrize("again", range(6))
def test_rows_behind_a_checkpoint_are_rewritten_to_the_same_bytes(tmp_path, small_chunks, again):
    """A run that ended after its rows and before its checkpoint writes some rows once more."""
    whole = created(tmp_path / "whole")
    array_store.write_rows(whole, 0, {"main/points": POINTS})
    killed = created(tmp_path / "killed")
    array_store.write_rows(killed, 0, {"main/points": POINTS[:, :5]})
    array_store.write_rows(killed, again, {"main/points": POINTS[:, again:]})
    assert contents(killed) == contents(whole)


def contents(store):
    return {path.relative_to(store): path.read_bytes() for path in stores.chunk_files(store)}


@pytest.mark.parametrize("dtype", ["float32", "int32", "bool"])
def test_a_store_without_rows_or_entries_is_finished_too(tmp_path, dtype):
    specs = {"g/x": ArraySpec((2, 0, 3), dtype, ("seed", "epoch", "layer"))}
    array_store.create(tmp_path, specs, {})
    array_store.finish(tmp_path, {})
    assert array_store.read_manifest(tmp_path).facts == {}
    assert array_store.read(tmp_path, "g/x").shape == (2, 0, 3)


# Damage.


def test_a_flipped_bit_in_a_chunk_is_refused(store):
    path = store / "arrays.zarr/main/points/c/0/0/0/0"
    for byte in range(0, path.stat().st_size, 4):
        stores.flip_bit(path, 8 * byte + byte % 8)
        with pytest.raises(ValueError, match="main/points is damaged") as caught:
            array_store.read(store, "main/points")
        assert one_line(caught)
        stores.flip_bit(path, 8 * byte + byte % 8)
    np.testing.assert_array_equal(array_store.read(store, "main/points"), POINTS)


def test_a_flipped_bit_in_any_chunk_is_found_before_a_store_is_finished(tmp_path, small_chunks):
    store = written(tmp_path / "store")
    files = stores.chunk_files(store)
    assert len(files) == 3 + 1 + 1 + 1
    for path in files:
        stores.flip_bit(path, 33)
        with pytest.raises(ValueError, match="is damaged") as caught:
            array_store.finish(store, {})
        assert one_line(caught) and not array_store.is_finished(store)
        stores.flip_bit(path, 33)
    array_store.finish(store, {})


def test_a_damaged_chunk_is_refused_where_a_part_of_it_is_to_be_written(tmp_path, small_chunks):
    store = written(tmp_path / "store")
    path = stores.chunk_files(store)[2]
    stores.flip_bit(path, 50)
    with pytest.raises(ValueError, match="main/points is damaged"):
        array_store.write_rows(store, 0, {"main/points": POINTS[:, :1]})


@pytest.mark.parametrize("left", [0, 3, 30])
def test_a_cut_chunk_is_refused(store, left):
    path = store / "arrays.zarr/main/points/c/0/0/0/0"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(ValueError, match="main/points is damaged"):
        array_store.read(store, "main/points")
    with pytest.raises(ValueError, match="expected a file of .* another size"):
        array_store.read_manifest(store)


def test_a_missing_chunk_is_refused(tmp_path, small_chunks):
    store = written(tmp_path / "store")
    array_store.finish(store, {})
    for path in stores.chunk_files(store):
        content = path.read_bytes()
        path.unlink()
        with pytest.raises(ValueError, match=r"expected a file of \d+ bytes as .*, got none"):
            array_store.read_manifest(store)
        with pytest.raises(ValueError, match=r"expected \d chunks of .* got \d"):
            array_store.finish(store, {})
        path.write_bytes(content)


def test_damaged_files_are_named(store):
    assert array_store.damaged_files(store) == []
    stores.flip_bit(store / "arrays.zarr/kept/words/c/0/0/0", 40)
    stores.flip_bit(store / "arrays.zarr/main/points/c/0/0/0/0", 40)
    assert array_store.damaged_files(store) == [
        "arrays.zarr/kept/words/c/0/0/0",
        "arrays.zarr/main/points/c/0/0/0/0",
    ]


def test_damaged_metadata_are_refused_when_a_finished_store_is_opened(store):
    path = store / "arrays.zarr/main/zarr.json"
    path.write_text(path.read_text().replace('"a": 1', '"a": 2'))
    with pytest.raises(ValueError, match=r"main/zarr.json is damaged \(its checksum does not hold"):
        array_store.read_manifest(store)


@pytest.mark.parametrize("n_rows", range(7))
def test_rows_that_a_checkpoint_stands_for_must_be_there(tmp_path, small_chunks, n_rows):
    """Chunks of two rows: without the second one, two rows are there."""
    store = written(tmp_path / "store")
    (store / "arrays.zarr/main/points/c/0/1/0/0").unlink()
    if n_rows <= 2:
        array_store.check_rows(store, SPECS, n_rows, {"kept": min(n_rows, 1)})
    else:
        with pytest.raises(ValueError, match="main/points lacks rows: remove .* start this block"):
            array_store.check_rows(store, SPECS, n_rows, {"kept": min(n_rows, 1)})


def test_missing_rows_of_the_curves_are_seen_too(tmp_path):
    store = written(tmp_path / "store")
    (store / "arrays.zarr/main/series/c/0/0/0").unlink()
    with pytest.raises(ValueError, match="main/series lacks rows"):
        array_store.check_rows(store, (), 1)


# Manifests.


def with_manifest(store, change):
    path = store / array_store.MANIFEST
    plain = json.loads(path.read_text())
    change(plain)
    path.write_text(json.dumps(plain))


def a_file_outside(plain):
    plain["files"]["../secret"] = [3, "0"]


def an_absolute_file(plain):
    plain["files"]["/etc/hostname"] = [3, "0"]


def another_folder(plain):
    plain["files"]["arrays.zarr/../../secret"] = [3, "0"]


def a_larger_file(plain):
    plain["files"]["arrays.zarr/kept/valid/c/0/0"][0] += 1


def a_name_too_long(plain):
    plain["files"]["arrays.zarr/" + "x" * 5000] = [3, "0"]


def a_name_with_a_zero(plain):
    plain["files"]["arrays.zarr/\0"] = [3, "0"]


def an_infinite_size(plain):
    plain["files"]["arrays.zarr/zarr.json"][0] = math.inf


def no_sum(plain):
    plain["files"]["arrays.zarr/zarr.json"] = [66]


def no_files(plain):
    plain["files"] = {}


def one_chunk_less(plain):
    del plain["files"]["arrays.zarr/kept/valid/c/0/0"]


def another_chunk(plain):
    plain["files"]["arrays.zarr/kept/valid/c/0/../0/0"] = plain["files"].pop(
        "arrays.zarr/kept/valid/c/0/0"
    )


def no_facts(plain):
    del plain["facts"]


def files_in_a_list(plain):
    plain["files"] = list(plain["files"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (a_file_outside, r"expected files below arrays.zarr in .*, got '../secret'"),
        (an_absolute_file, "expected files below arrays.zarr"),
        (another_folder, "expected files below arrays.zarr"),
        (another_chunk, "expected files below arrays.zarr"),
        (a_larger_file, r"expected a file of 16 bytes as .*/kept/valid/c/0/0, got none, a link"),
        (a_name_too_long, "expected a file of 3 bytes"),
        (a_name_with_a_zero, "expected a file of 3 bytes"),
        (an_infinite_size, "expected a manifest in"),
        (no_sum, "expected a manifest in"),
        (no_facts, "expected a manifest in"),
        (files_in_a_list, "expected a manifest in"),
        (no_files, "expected 1 chunks of kept/valid in .*, got 0"),
        (one_chunk_less, "expected 1 chunks of kept/valid in .*, got 0"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused(store, change, message):
    (store.parent / "secret").write_text("abc")
    with_manifest(store, change)
    with pytest.raises(ValueError, match=message) as caught:
        array_store.read_manifest(store)
    assert one_line(caught)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\xff", "[" * 100_000])
def test_a_file_that_is_no_manifest_is_refused(store, text):
    (store / array_store.MANIFEST).write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match="expected a manifest in"):
        array_store.read_manifest(store)


def test_a_link_in_place_of_a_chunk_is_refused(store):
    path = store / "arrays.zarr/main/points/c/0/0/0/0"
    moved = store.parent / "moved"
    path.rename(moved)
    path.symlink_to(moved)
    with pytest.raises(ValueError, match="got none, a link, or another size"):
        array_store.read_manifest(store)


def test_a_link_in_place_of_a_folder_is_refused(store):
    folder = store / "arrays.zarr/main/points/c"
    moved = store.parent / "moved"
    folder.rename(moved)
    folder.symlink_to(moved)
    with pytest.raises(ValueError, match="got none, a link, or another size"):
        array_store.read_manifest(store)


def test_a_store_below_a_link_is_read(store):
    (store.parent / "link").symlink_to(store)
    assert array_store.read_manifest(store.parent / "link").facts == {"seeds": [4, 5]}


# Chunks that make more bytes than they have.


def sealed(encoded):
    """The bytes of a chunk file, its crc32c at their end."""
    import google_crc32c

    return encoded + google_crc32c.value(encoded).to_bytes(4, "little")


def frame(n_blocks, content_size=None):
    """A Zstandard frame of so many runs of 131072 zeros, four bytes each (RFC 8878)."""
    head = (0xFD2FB528).to_bytes(4, "little")
    size = b"" if content_size is None else content_size.to_bytes(8, "little")
    head += bytes([0x00 if content_size is None else 0xC0, 0x70]) + size
    run = (1 << 1) | (131072 << 3)
    last = run | 1
    return (
        head
        + (run.to_bytes(3, "little") + b"\0") * (n_blocks - 1)
        + last.to_bytes(3, "little")
        + b"\0"
    )


BOMBS = {
    "two gigabytes of zeros": frame(2**14),
    "a frame that claims a petabyte": frame(1, 2**50),
    "a second frame that claims a petabyte": frame(1, 131072) + frame(1, 2**50),
    "a second frame that says no size": frame(1) + frame(2**14),
    "a frame that makes more than it says": frame(2**14, 504),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_chunk_that_makes_more_bytes_than_it_has_is_refused_before_they_are_made(store, bomb):
    (store / "arrays.zarr/main/points/c/0/0/0/0").write_bytes(sealed(bomb))
    with peak_memory() as peak, pytest.raises(ValueError, match="main/points is damaged"):
        array_store.read(store, "main/points")
    assert peak() < 2**24


@contextlib.contextmanager
def peak_memory():
    """A function that says how many bytes this process came to hold beyond what it held."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = status("VmRSS")
    yield lambda: 1024 * (status("VmHWM") - before)


def status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key))


def test_a_chunk_of_another_size_is_refused(store):
    from numcodecs.zstd import compress

    path = store / "arrays.zarr/main/points/c/0/0/0/0"
    for n in (0, 100, POINTS.nbytes + 1):
        path.write_bytes(sealed(compress(bytes(n))))
        with pytest.raises(ValueError, match="main/points is damaged"):
            array_store.read(store, "main/points")


# Writers and folders.


def write_often(folder, n, scale):
    array_store.create(folder, {"g/x": ArraySpec((3, n, 2), "float32", ("s", "epoch", "q"))}, {})
    for i in range(n):
        array_store.write_rows(folder, i, {"g/x": np.full((3, 1, 2), scale + i, np.float32)})
    array_store.finish(folder, {"scale": scale})


@pytest.mark.slow
def test_two_processes_that_write_neighbouring_blocks_lose_nothing(tmp_path):
    """Seeds 0-2 and 3-5 of one run, a thousand small writes each, all of them within one chunk."""
    n = 1000
    spawn = multiprocessing.get_context("spawn")
    folders = [tmp_path / "blocks" / name for name in ("0-2", "3-5")]
    writers = []
    for i, folder in enumerate(folders):
        writers.append(spawn.Process(target=write_often, args=(folder, n, 10_000 * i)))
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    for i, folder in enumerate(folders):
        expected = np.broadcast_to((10_000 * i + np.arange(n))[:, None], (3, n, 2))
        np.testing.assert_array_equal(array_store.read(folder, "g/x"), expected)


def test_a_full_disk_is_an_oserror_and_the_rows_before_stay(tmp_path, monkeypatch):
    import resource

    store = written(tmp_path / "store")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            array_store.write_rows(store, 0, {"main/points": POINTS + 1})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    np.testing.assert_array_equal(array_store.read(store, "main/points"), POINTS)


def test_a_store_that_may_not_be_read_is_not_called_damaged(store, monkeypatch):
    def denied(*_):
        raise PermissionError("denied")

    monkeypatch.setattr("zarr.storage._local._get", denied)  # root reads what nobody may read
    with pytest.raises(PermissionError):
        array_store.read(store, "main/points")


def test_a_store_that_is_gone_is_refused(store):
    shutil.rmtree(store / array_store.ARRAYS)
    with pytest.raises(ValueError, match="got none"):
        array_store.read_manifest(store)
    with pytest.raises(ValueError, match="which is missing"):
        array_store.arrays(store)


def test_chunks_that_memory_cannot_hold_are_refused(tmp_path, small_chunks, monkeypatch):
    """An array may be larger: it is read in parts."""
    store = finished(tmp_path)
    monkeypatch.setattr(array_store, "memory", lambda: array_store.CHUNK_BYTES)
    assert set(array_store.arrays(store)) == set(SPECS)
    monkeypatch.setattr(array_store, "memory", lambda: array_store.CHUNK_BYTES - 1)
    with pytest.raises(ValueError, match="expected chunks that fit into memory in .* got 0 GiB"):
        array_store.arrays(store)


def test_a_thread_that_cannot_be_started_is_not_called_damage(store, monkeypatch):
    def refused(*_, **__):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(bounded_zstd, "to_thread", refused)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        array_store.read(store, "main/points")


def test_an_array_that_is_gone_is_named_before_a_block_goes_on(tmp_path):
    store = written(tmp_path)
    array_store.check_rows(store, SPECS, 6, {"kept": 1})
    shutil.rmtree(store / array_store.ARRAYS / "main" / "series")
    with pytest.raises(ValueError, match="main/series is missing: remove .* to start this block"):
        array_store.check_rows(store, SPECS, 6, {"kept": 1})


BLOCK_WRITER = """
import sys
from pathlib import Path
import numpy as np
from jaxbnn.storage import array_store, checkpoints
from jaxbnn.storage.array_store import ArraySpec
array_store.CHUNK_BYTES = 200
folder, n = Path(sys.argv[1]), 40
state = checkpoints.load(folder)
if state is None:
    spec = ArraySpec((2, n, 5), "float32", ("seed", "epoch", "layer"))
    array_store.create(folder, {"g/x": spec}, {})
step = 0 if state is None else int(state["step"])
array_store.check_rows(folder, ["g/x"], step)
print("goes on from", step, flush=True)
for row in range(step, n):
    values = np.random.default_rng(row).normal(size=(2, 1, 5)).astype(np.float32)
    array_store.write_rows(folder, row, {"g/x": values})
    checkpoints.save(folder, row + 1, {"step": np.asarray(row + 1)}, {})
    print("wrote", row, flush=True)
array_store.finish(folder, {"seeds": [0, 1]})
"""


@pytest.mark.slow
def test_a_block_that_is_killed_at_any_time_goes_on_to_the_same_store(tmp_path):
    """Killed between a row and its checkpoint, within either, or before both."""
    chance = random.Random(0)
    starts = []
    while not array_store.is_finished(tmp_path / "killed"):
        command = [sys.executable, "-c", BLOCK_WRITER, str(tmp_path / "killed")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            line = writer.stdout.readline()
            assert line.startswith("goes on from"), line
            starts.append(int(line.split()[-1]))
            if len(starts) == 6:
                writer.communicate()
                continue
            for _ in range(chance.randint(0, 5)):
                writer.stdout.readline()
            time.sleep(chance.uniform(0, 0.05))
            writer.kill()
    assert starts == sorted(starts) and len(starts) == 6
    values = [np.random.default_rng(row).normal(size=(2, 5)) for row in range(40)]
    expected = np.stack(values, axis=1).astype(np.float32)
    np.testing.assert_array_equal(array_store.read(tmp_path / "killed", "g/x"), expected)
    assert array_store.damaged_files(tmp_path / "killed") == []
