import h5py
import numpy as np
import pytest

from jaxbnn.files import atomic
from jaxbnn.storage import growing


def segment(sizes):
    """Rows of two points with so many entries; entries count up from the row's first size."""
    sizes = np.asarray(sizes, np.int32)
    entries = np.concatenate([s * 100 + np.arange(s) for s in sizes.ravel()] or [[]]).astype(
        np.int32
    )
    return {"main": {"t_size": (("row", "seed"), sizes), "t_number": (("t_entry",), entries)}}


def rows(path, until):
    return growing.rows(path, until)["main"]


def test_appended_rows_are_one_behind_the_other(tmp_path):
    path = tmp_path / "spectra.h5"
    growing.append(path, 0, segment([[1, 2]]))
    growing.append(path, 1, segment([[0, 3], [1, 0]]))
    assert rows(path, 3)["t_size"].tolist() == [[1, 2], [0, 3], [1, 0]]
    assert rows(path, 3)["t_number"].tolist() == [100, 200, 201, 300, 301, 302, 100]
    assert rows(path, 2)["t_number"].tolist() == [100, 200, 201, 300, 301, 302]
    with h5py.File(path) as file:
        assert list(file["main/t_size"].attrs["dimensions"]) == ["row", "seed"]


def test_a_block_that_goes_on_from_an_earlier_checkpoint_overwrites_what_came_after_it(tmp_path):
    path = tmp_path / "spectra.h5"
    growing.append(path, 0, segment([[1, 2], [4, 4], [5, 5]]))
    growing.append(path, 1, segment([[2, 1]]))
    assert rows(path, 2)["t_size"].tolist() == [[1, 2], [2, 1]]
    assert rows(path, 2)["t_number"].tolist() == [100, 200, 201, 200, 201, 100]
    assert rows(path, 9)["t_size"].shape == (2, 2)  # nothing is left of what was dropped


def test_rows_that_are_missing_are_not_filled_in(tmp_path):
    path = tmp_path / "spectra.h5"
    growing.append(path, 0, segment([[1, 2]]))
    before = path.read_bytes()
    with pytest.raises(ValueError, match="expected 2 rows in .*spectra.h5, got 1"):
        growing.append(path, 2, segment([[2, 1]]))
    assert path.read_bytes() == before


def test_an_append_that_fails_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "spectra.h5"
    growing.append(path, 0, segment([[1, 2]]))
    before = path.read_bytes()
    good = segment([[2, 1]])["main"]
    with pytest.raises(TypeError, match="broadcast"):  # the sizes are written by then
        growing.append(
            path, 1, {"main": good | {"t_number": (("t_entry",), np.zeros((3, 2), np.int32))}}
        )
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["spectra.h5"]


def test_entries_that_are_missing_are_not_filled_in(tmp_path):
    path = tmp_path / "spectra.h5"
    growing.append(path, 0, segment([[1, 2]]))
    with h5py.File(path, "r+") as file:
        file["main/t_number"].resize(2, axis=0)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="expected 3 entries of t_number in .*spectra.h5, got 2"):
        growing.append(path, 1, segment([[2, 1]]))
    assert path.read_bytes() == before


@pytest.mark.parametrize(("rows_a_time", "most"), [(1, 50), (40, 50), (700, 50), (1, 1)])
@pytest.mark.parametrize("n_probes", [3, 20])
def test_a_file_never_outgrows_the_room_that_was_asked_for(
    tmp_path, monkeypatch, rows_a_time, most, n_probes
):
    asked, path, rng = [], tmp_path / "spectra.h5", np.random.default_rng(rows_a_time)
    monkeypatch.setattr(growing, "reserve", lambda _, size: asked.append(size + atomic.OVERHEAD))
    for turn in range(6):
        groups = {}
        for probe in map(str, range(n_probes)):
            variables = {}
            for key in ("t", "ty"):
                sizes = rng.integers(0, most + 1, (rows_a_time, 2, 5)).astype(np.int32)
                entries = np.ones(sizes.sum(), np.int32)
                variables[f"{key}_size"] = (("row", "seed", "layer"), sizes)
                variables |= {
                    f"{key}_{name}": ((f"{key}_entry",), entries)
                    for name in ("multiplicity", "number")
                }
            groups[probe] = variables
        growing.append(path, turn * rows_a_time, groups)
        assert path.stat().st_size <= asked[-1]
    assert len(asked) == 6
