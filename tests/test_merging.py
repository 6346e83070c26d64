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


def test_files_of_different_variables_are_not_merged(tmp_path):
    one, other = written(tmp_path / "1.nc", [0], 1), tmp_path / "2.nc"
    dataset([1], 1).drop_vars("i_xt").to_netcdf(other, engine="h5netcdf")
    with pytest.raises(
        ValueError, match="expected results of one version and experiment, got some that differ in i_xt"
    ):
        merging.merge([one, other], tmp_path / "result.nc")
    assert not (tmp_path / "result.nc").exists()
