"""Files from strangers are read or refused, by the campaign of benchmarks/hostile.py in small."""

import importlib.util
import json
import random
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxbnn.storage import results
from jaxbnn.files import npz
from jaxbnn.storage import checkpoints, hdf5, run_folder

SPEC = importlib.util.spec_from_file_location(
    "hostile", Path(__file__).parents[2] / "benchmarks" / "hostile.py"
)
hostile = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(hostile)
READERS = {reader.name: reader for reader in hostile.readers()}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_a_valid_file_is_read_and_a_damaged_one_read_or_refused(reader, tmp_path):
    reader.read(reader.valid, tmp_path)
    chance = random.Random(reader.name)
    for i in range(20):
        assert (
            hostile.failure(reader, hostile.mutated(reader.valid, chance), tmp_path / str(i)) == ""
        )


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(payload):
    for name in ("IDX", "CIFAR-10 batch", "CIFAR-10 archive", "experiment as JSON", "override"):
        assert hostile.failure(READERS[name], payload, Path()) == ""


def test_what_a_reader_lets_through_is_called_a_failure():
    wrong = hostile.Reader("x", b"", lambda payload, folder: {}[payload])
    assert hostile.failure(wrong, b"a", Path()) == "KeyError: b'a'"


def header(shape, dtype="<f4"):
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (63 - (len(text) + 10) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (header((10**9, 10**6)) + bytes(8), r"expected 4000000000000000 bytes of a.npy, .* got 8"),
        (header((2,)) + bytes(4), "expected 8 bytes"),
        (header((1,), "|O") + bytes(8), "pickled objects"),
        (b"\x93NUMPY\x03\x00" + bytes(20), r"\.npy version \(3, 0\)"),
    ],
)
def test_an_npz_whose_header_lies_is_refused_before_anything_is_allocated(
    tmp_path, content, message
):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", content)
    with pytest.raises(ValueError, match=message):
        npz.read(tmp_path / "a.npz")


def test_arrays_that_memory_cannot_hold_are_refused(tmp_path, monkeypatch):
    npz.write(tmp_path / "a.npz", {"a": np.zeros(100)})
    monkeypatch.setattr(npz, "memory", lambda: 799)
    with pytest.raises(ValueError, match="arrays that fit into memory"):
        npz.read(tmp_path / "a.npz")


def leads_outside(file):
    file["x"] = h5py.ExternalLink("/etc/hostname", "/")


def reads_raw_bytes(file):
    file.create_dataset("x", (8,), np.uint8, external=[("/etc/hostname", 0, 8)])


def reads_another(file):
    layout = h5py.VirtualLayout((4,), np.float32)
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (4,))
    file.create_virtual_dataset("x", layout)


def points_at_itself(file):
    file["x"] = h5py.SoftLink("/")


def goes_round(file):
    file.create_group("x")["y"] = file["/"]


def claims_a_petabyte(file):
    file.create_dataset("x", (2**50,), np.uint8, chunks=(2**20,))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (leads_outside, "no links"),
        (points_at_itself, "no links"),
        (reads_raw_bytes, "its own data"),
        (reads_another, "its own data"),
        (goes_round, "groups of one level"),
        (claims_a_petabyte, "fit into memory"),
    ],
)
def test_an_hdf5_file_that_leads_outside_or_claims_too_much_is_refused(tmp_path, make, message):
    with h5py.File(tmp_path / run_folder.RESULT, "w") as file:
        make(file)
    with pytest.raises(ValueError, match=message):
        hdf5.check(tmp_path / run_folder.RESULT)
    with pytest.raises(ValueError, match=message):
        results.open_result(tmp_path)


def test_folders_with_strange_names_are_no_blocks(tmp_path):
    for name in ("0-99999999999", "0-1/1x", "x", "0-1,5/00000001"):
        (tmp_path / run_folder.BLOCKS / name).mkdir(parents=True)
    (tmp_path / run_folder.BLOCKS / "0-99999999999" / "00000001").mkdir()
    assert run_folder.begun_blocks(tmp_path) == [(0, 1, 5)]
    assert checkpoints.folders(tmp_path / run_folder.BLOCKS / "0-1") == []
    (tmp_path / run_folder.PROVENANCE).write_text(json.dumps([]))
    with pytest.raises(ValueError, match="damaged"):
        run_folder.read_provenance(tmp_path)
