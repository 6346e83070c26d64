import h5py
import numpy as np
import pytest
import xarray

from jaxbnn.storage import merging
from jaxbnn.storage.merging import Encoded


def variables(seeds, value, epochs=2):
    """Each seed has two points with `value` entries each."""
    entries = np.repeat(10 * np.asarray(seeds), epochs * value).astype(np.int32)
    return {
        "seed": Encoded(("seed",), np.asarray(seeds), {}),
        "epoch": Encoded(("epoch",), 5 * np.arange(epochs), {}),
        "layer": Encoded(("layer",), np.array(["a", "bc"], object), {}),
        "i_xt": Encoded(
            ("seed", "epoch"), np.full((len(seeds), epochs), float(value)), {"units": "bit"}
        ),
        "certified": Encoded(("seed",), (np.asarray(seeds) > 3).astype(np.int8), {"dtype": "bool"}),
        "t_size": Encoded(
            ("seed", "epoch"),
            np.full((len(seeds), epochs), value, np.int32),
            {"sample_dimension": "t_entry"},
        ),
        "t_number": Encoded(("t_entry",), entries, {}),
    }


def written(path, seeds, value):
    """A part with two groups; of the second each seed has one entry more."""
    groups = {
        "/": (variables(seeds, value), {"sample": "all"}),
        "test": (variables(seeds, value + 1), {}),
    }
    merging.write_part(path, groups)
    return path


@pytest.mark.parametrize("at_once", [2**24, 5, 1])
def test_merged_files_have_all_seeds_in_order_with_their_entries(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(merging, "AT_ONCE", at_once)
    of = ([4, 5], 2), ([0, 9], 3), ([5, 1], 1)
    parts = [written(tmp_path / f"{i}.h5", *each) for i, each in enumerate(of)]
    merging.merge(None, parts, tmp_path / "result.nc")
    merging.merge(None, parts[:1], tmp_path / "before.nc")
    merging.merge(tmp_path / "before.nc", parts[1:], tmp_path / "added.nc")
    for name, group, more in (
        ("result", None, 0),
        ("result", "test", 1),
        ("added", None, 0),
        ("added", "test", 1),
    ):
        with xarray.open_dataset(tmp_path / f"{name}.nc", engine="h5netcdf", group=group) as opened:
            merged = opened.load()
        assert merged.seed.values.tolist() == [0, 1, 4, 5, 9] and merged.layer.values.tolist() == [
            "a",
            "bc",
        ]
        assert (merged.i_xt.values[:, 0] - more).tolist() == [
            3,
            1,
            2,
            2,
            3,
        ]  # of seed 5 the first file's
        assert merged.certified.dtype == bool and merged.certified.values.tolist() == [
            False,
            False,
            True,
            True,
            True,
        ]
        sizes = [each + more for each in (3, 1, 2, 2, 3)]
        assert merged.t_size.values[:, 1].tolist() == sizes
        entries = [
            10 * seed
            for seed, size in zip((0, 1, 4, 5, 9), sizes, strict=True)
            for _ in range(2 * size)
        ]
        assert merged.t_number.values.tolist() == entries
        assert merged.attrs == ({} if more else {"sample": "all"}) and merged.i_xt.attrs == {
            "units": "bit"
        }


def test_seeds_that_lie_in_turn_in_three_files_come_in_order(tmp_path):
    parts = [written(tmp_path / f"{i}.h5", list(range(i, 12, 3)), i) for i in range(3)]
    merging.merge(None, parts, tmp_path / "result.nc")
    with xarray.open_dataset(tmp_path / "result.nc", engine="h5netcdf", group="test") as merged:
        assert merged.seed.values.tolist() == list(range(12))
        assert merged.t_size.values[:, 1].tolist() == [1, 2, 3] * 4
        assert merged.t_number.values.tolist() == [
            10 * seed for seed in range(12) for _ in range(2 * (seed % 3 + 1))
        ]


@pytest.mark.parametrize("values", [(0, 0), (0, 2), (2, 0)])
def test_seeds_without_entries_are_put_together(tmp_path, values):
    parts = [written(tmp_path / f"{seed}.h5", [seed], value) for seed, value in enumerate(values)]
    merging.merge(None, parts, tmp_path / "result.nc")
    with xarray.open_dataset(tmp_path / "result.nc", engine="h5netcdf") as merged:
        assert merged.t_size.values[:, 0].tolist() == list(values)
        assert merged.t_number.values.tolist() == [0] * 2 * values[0] + [10] * 2 * values[1]


@pytest.mark.parametrize(
    ("root", "test", "differ"),
    [
        ({"i_xt": None}, {}, "i_xt"),
        ({}, None, "test/epoch, test/exact"),
        (variables([1], 1, epochs=3), {}, "epoch, i_xt"),
        ({"more": Encoded(("seed",), np.zeros(1), {})}, {}, "more"),
    ],
)
@pytest.mark.parametrize("earlier", [True, False])
def test_files_of_other_variables_groups_or_dimensions_are_not_merged(
    tmp_path, root, test, differ, earlier
):
    one, other = written(tmp_path / "1.h5", [0], 1), tmp_path / "2.h5"
    changed = [None if new is None else variables([1], 1) | new for new in (root, test)]
    groups = {
        name: each for name, each in zip(("/", "test"), changed, strict=True) if each is not None
    }
    merging.write_part(
        other, {n: ({k: v for k, v in of.items() if v}, {}) for n, of in groups.items()}
    )
    if earlier:
        merging.merge(None, [other], tmp_path / "before.nc")
    sources = (tmp_path / "before.nc", [one]) if earlier else (None, [one, other])
    with pytest.raises(
        ValueError, match=f"expected results of one version and .* got some that differ in {differ}"
    ):
        merging.merge(*sources, tmp_path / "result.nc")
    assert not (tmp_path / "result.nc").exists()


@pytest.mark.parametrize("size", [0, 2, -1, 2**30])
def test_sizes_that_do_not_add_up_to_the_entries_are_refused(tmp_path, size):
    parts = [written(tmp_path / f"{seed}.h5", [seed], 1) for seed in range(2)]
    with h5py.File(parts[1], "r+") as file:
        file["t_size"][0, 0] = size
    with pytest.raises(ValueError, match=r"expected -?\d+ entries of t_number, got 2 in .*1.h5"):
        merging.merge(None, parts, tmp_path / "result.nc")
    assert not (tmp_path / "result.nc").exists()


def test_a_group_may_have_the_name_of_a_dimension(tmp_path):
    parts = [tmp_path / f"{seed}.h5" for seed in range(2)]
    for seed, part in enumerate(parts):
        merging.write_part(part, {name: (variables([seed], 1), {}) for name in ("/", "label")})
    merging.merge(None, parts, tmp_path / "result.nc")
    with xarray.open_dataset(tmp_path / "result.nc", engine="h5netcdf", group="label") as merged:
        assert merged.seed.values.tolist() == [0, 1]
