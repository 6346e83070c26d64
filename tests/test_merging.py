import h5py
import numpy as np
import pytest
import xarray

from jaxbnn import merging


def dataset(seeds, value):
    """Each seed has two points with `value` entries each."""
    sizes = np.full((len(seeds), 2), value, np.int32)
    variables = {
        "i_xt": (("seed", "epoch"), np.full((len(seeds), 2), float(value)), {"units": "bit"}),
        "exact": (("seed",), np.asarray(seeds) > 3),
        "t_size": (("seed", "epoch"), sizes, {"sample_dimension": "t_entry"}),
        "t_number": (("t_entry",), np.repeat(10 * np.asarray(seeds), 2 * value).astype(np.int32)),
    }
    return xarray.Dataset(variables, {"seed": seeds, "epoch": [0, 5], "layer": ["a", "bc"]}, {"sample": "all"})


def written(path, seeds, value):
    dataset(seeds, value).to_netcdf(path, engine="h5netcdf")
    dataset(seeds, value).to_netcdf(path, engine="h5netcdf", group="test", mode="a")
    return path


@pytest.mark.parametrize("at_once", [2**24, 5, 1])
def test_merged_files_have_all_seeds_in_order_with_their_entries(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(merging, "AT_ONCE", at_once)
    sources = [written(tmp_path / f"{i}.nc", *of) for i, of in enumerate((([4, 5], 2), ([0, 9], 3), ([5, 1], 1)))]
    merging.merge(sources, tmp_path / "result.nc")
    for group in (None, "test"):
        with xarray.open_dataset(tmp_path / "result.nc", engine="h5netcdf", group=group) as opened:
            merged = opened.load()
        assert merged.seed.values.tolist() == [0, 1, 4, 5, 9] and merged.layer.values.tolist() == ["a", "bc"]
        assert merged.i_xt.values[:, 0].tolist() == [3, 1, 2, 2, 3]  # of seed 5 the first file's
        assert merged.exact.dtype == bool and merged.exact.values.tolist() == [False, False, True, True, True]
        assert merged.t_size.values[:, 0].tolist() == [3, 1, 2, 2, 3]
        assert merged.t_number.values.tolist() == [0] * 6 + [10] * 2 + [40] * 4 + [50] * 4 + [90] * 6
        assert merged.attrs == {"sample": "all"} and merged.i_xt.attrs == {"units": "bit"}
    merging.merge([tmp_path / "result.nc"], tmp_path / "again.nc")
    with xarray.open_dataset(tmp_path / "again.nc", engine="h5netcdf", group="test") as again:
        assert again.load().identical(merged)


def test_seeds_that_lie_in_turn_in_three_files_come_in_order(tmp_path):
    sources = [written(tmp_path / f"{i}.nc", list(range(i, 12, 3)), i + 1) for i in range(3)]
    merging.merge(sources, tmp_path / "result.nc")
    with xarray.open_dataset(tmp_path / "result.nc", engine="h5netcdf", group="test") as merged:
        assert merged.seed.values.tolist() == list(range(12))
        assert merged.t_size.values[:, 1].tolist() == [1, 2, 3] * 4
        assert merged.t_number.values.tolist() == [10 * seed for seed in range(12) for _ in range(2 * (seed % 3 + 1))]


@pytest.mark.parametrize("values", [(0, 0), (0, 2), (2, 0)])
def test_seeds_without_entries_are_put_together(tmp_path, values):
    sources = [written(tmp_path / f"{seed}.nc", [seed], value) for seed, value in enumerate(values)]
    merging.merge(sources, tmp_path / "result.nc")
    with xarray.open_dataset(tmp_path / "result.nc", engine="h5netcdf") as merged:
        assert merged.t_size.values[:, 0].tolist() == list(values)
        assert merged.t_number.values.tolist() == [0] * 2 * values[0] + [10] * 2 * values[1]


@pytest.mark.parametrize(
    ("made", "differ"),
    [
        (lambda path: dataset([1], 1).drop_vars("i_xt").to_netcdf(path, engine="h5netcdf"), "i_xt, test"),
        (lambda path: dataset([1], 1).to_netcdf(path, engine="h5netcdf"), "test"),
        (lambda path: grouped(path, dataset([1], 1).isel(epoch=[0])), "epoch"),
    ],
)
def test_files_of_other_variables_groups_or_dimensions_are_not_merged(tmp_path, made, differ):
    one, other = written(tmp_path / "1.nc", [0], 1), tmp_path / "2.nc"
    made(other)
    with pytest.raises(ValueError, match=f"expected results of one version and .* got some that differ in {differ}"):
        merging.merge([one, other], tmp_path / "result.nc")
    assert not (tmp_path / "result.nc").exists()


def grouped(path, of):
    of.to_netcdf(path, engine="h5netcdf")
    of.to_netcdf(path, engine="h5netcdf", group="test", mode="a")


@pytest.mark.parametrize("size", [0, 2, -1, 2**30])
def test_sizes_that_do_not_add_up_to_the_entries_are_refused(tmp_path, size):
    sources = [written(tmp_path / f"{seed}.nc", [seed], 1) for seed in range(2)]
    with h5py.File(sources[1], "r+") as file:
        file["t_size"][0, 0] = size
    with pytest.raises(ValueError, match=r"expected -?\d+ entries of t_number, got 2 in .*1.nc"):
        merging.merge(sources, tmp_path / "result.nc")
    assert not (tmp_path / "result.nc").exists()


def test_a_group_may_have_the_name_of_a_dimension(tmp_path):
    sources = []
    for seed in range(2):
        sources.append(tmp_path / f"{seed}.nc")
        parts = (None, {}), ("keep", {"epoch": "example"}), ("example", {})
        for group, names in parts:
            dataset([seed], 1).rename(names).to_netcdf(sources[-1], engine="h5netcdf", group=group, mode="a")
    merging.merge(sources, tmp_path / "result.nc")
    with xarray.open_dataset(tmp_path / "result.nc", engine="h5netcdf", group="example") as merged:
        assert merged.seed.values.tolist() == [0, 1]
