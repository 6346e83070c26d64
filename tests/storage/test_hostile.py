"""Files from strangers are read or refused, by the campaign of benchmarks/hostile.py in small."""

import functools
import gc
import importlib.util
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxbnn.files import npz

SPEC = importlib.util.spec_from_file_location(
    "hostile", Path(__file__).parents[2] / "benchmarks" / "hostile.py"
)
hostile = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(hostile)
PLAIN = (
    "IDX",
    "CIFAR-10 batch",
    "CIFAR-10 pickle",
    "CIFAR-10 archive",
    "experiment as JSON",
    "override",
)
ARCHIVES = ("npz data", "npz to measure", "npz of arrays")
FOLDER = ("config.json", *hostile.RUN_FILES)


@functools.cache
def readers():
    return {reader.name: reader for reader in hostile.readers()}


def test_every_reader_is_tried_here():
    assert set(readers()) == {*PLAIN, *ARCHIVES, *FOLDER}


# Orbax leaves what it could not read to be closed when it is collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", [*PLAIN, *ARCHIVES, *FOLDER])
def test_a_valid_file_is_read_and_a_damaged_one_read_or_refused(name, tmp_path):
    reader = readers()[name]
    reader.read(reader.valid, tmp_path)
    chance = random.Random(name)
    for i in range(20):
        payload = hostile.mutated(reader.valid, chance)
        assert hostile.failure(reader, payload, tmp_path / str(i)) == ""
    if name.startswith("checkpoint"):
        gc.collect()


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(payload):
    for name in PLAIN:
        assert hostile.failure(readers()[name], payload, Path()) == ""


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
