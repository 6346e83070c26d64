"""Atomic writes; room for them is asked for first."""

import resource

import pytest

from jaxbnn.files import atomic


def test_what_is_written_takes_the_place_of_what_was_there(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("old")
    with atomic.replacing(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_what_fails_while_it_is_written_leaves_what_was_there(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic.replacing(path) as beside:
        beside.write_text("ne")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_room_is_asked_for_before_it_is_used(tmp_path):
    atomic.reserve(tmp_path / "x.nc", 1000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            atomic.reserve(tmp_path / "x.nc", 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_text_is_written_atomically(tmp_path):
    path = tmp_path / "x.txt"
    atomic.write_text(path, "old")
    with pytest.raises(TypeError):
        atomic.write_text(path, None)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    atomic.write_text(path, "new")
    assert path.read_text() == "new"
