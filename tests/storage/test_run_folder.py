import dataclasses
import json
import os
import shutil

import h5py
import numpy as np
import pytest

from jaxbnn.storage import results
from jaxbnn import config
from jaxbnn.info.ragged import Ragged
from jaxbnn.storage import checkpoints, run_folder
from jaxbnn.storage.run_folder import Group, Variable


def group(seeds, scale=1.0):
    values = scale * np.arange(len(seeds) * 2, dtype=np.float32).reshape(len(seeds), 2)
    variables = {
        "i_xt": Variable(("seed", "epoch"), values, {"units": "bit"}),
        "certified": Variable(("seed",), np.array([True] * len(seeds))),
    }
    return Group(
        {"seed": np.array(seeds), "epoch": np.array([0, 5])},
        variables,
        {"sample": "all", "data_sha256": "d1"},
    )


def written(folder, groups):
    """A result with one more part."""
    run_folder.write_result(folder, [run_folder.write_part(folder / "blocks" / "0", groups)])
    shutil.rmtree(folder / "blocks")


@pytest.mark.parametrize("damage", ["i_xt", "seed", "cut"])
def test_a_damaged_result_is_named_when_seeds_come_to_it_and_nothing_is_lost(tmp_path, damage):
    written(tmp_path, {"": group([0, 1])})
    path = tmp_path / run_folder.RESULT
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        with h5py.File(path, "r+") as file:
            del file[damage]
    before, part = (
        path.read_bytes(),
        run_folder.write_part(tmp_path / "blocks" / "2", {"": group([2])}),
    )
    with pytest.raises(
        ValueError,
        match=r"result.nc cannot be put together \(.*\): remove .*result.nc to run its seeds",
    ):
        run_folder.write_result(tmp_path, [part])
    assert path.read_bytes() == before and part.is_file()


def test_block_folders_are_named_by_their_seeds(tmp_path):
    assert run_folder.block_folder(tmp_path, (0, 1, 2, 3, 9)).name == "0-3,9"
    assert run_folder.block_folder(tmp_path, (4,)).name == "4"
    many = run_folder.block_folder(tmp_path, tuple(range(0, 400, 2))).name
    assert (
        len(many) == 16 and many != run_folder.block_folder(tmp_path, tuple(range(0, 402, 2))).name
    )


def test_results_keep_variables_attributes_and_groups(tmp_path):
    written(tmp_path, {"": group([0, 1]), "other": group([0, 1], 10.0)})
    root, other = results.open_result(tmp_path), results.open_result(tmp_path, "other")
    assert (
        root.i_xt.attrs["units"] == "bit"
        and root.attrs["sample"] == "all"
        and root.certified.dtype == bool
    )
    np.testing.assert_array_equal(other.i_xt.values, 10 * root.i_xt.values)
    assert os.listdir(tmp_path) == ["result.nc"] and results.finished_seeds(tmp_path) == (0, 1)


def test_more_seeds_are_added_in_order_and_none_is_changed(tmp_path):
    written(tmp_path, {"": group([2, 5]), "other": group([2, 5])})
    before = results.open_result(tmp_path)
    written(tmp_path, {"": group([0, 3], 7.0), "other": group([0, 3], 7.0)})
    after = results.open_result(tmp_path)
    assert after.seed.values.tolist() == [0, 2, 3, 5] and after.attrs == before.attrs
    assert after.sel(seed=[2, 5]).identical(before)
    np.testing.assert_array_equal(after.epoch.values, [0, 5])


def test_a_folder_without_a_result_is_not_a_result(tmp_path):
    with pytest.raises(ValueError, match=r"a finished run's folder with result.nc, got"):
        results.open_result(tmp_path)
    with pytest.raises(ValueError, match=r"a run's folder with config.json, got"):
        run_folder.read_config(tmp_path)
    assert results.finished_seeds(tmp_path) == () and run_folder.read_provenance(tmp_path) is None


def test_a_file_that_is_no_result_is_refused_in_one_line(tmp_path):
    (tmp_path / "result.nc").write_bytes(b"not netcdf")
    with pytest.raises(ValueError, match="result.nc .*cannot be read") as caught:
        results.open_result(tmp_path)
    assert "\n" not in str(caught.value)


def test_config_goes_through_the_folder(tiny, tmp_path):
    folder = run_folder.folder_of(tmp_path, tiny)
    assert folder == tmp_path / "tiny" / config.digest(tiny)
    run_folder.make_folder(folder)
    run_folder.write_config(folder, tiny)
    assert run_folder.read_config(folder) == tiny
    run_folder.write_config(folder, dataclasses.replace(tiny, seeds=(1,)))
    assert run_folder.read_config(folder).seeds == (1,) and sorted(os.listdir(folder)) == [
        "blocks",
        "config.json",
    ]


def test_provenance_keeps_earlier_runs(tmp_path):
    for i in range(3):
        run_folder.write_provenance(tmp_path, {"run": i})
    assert run_folder.read_provenance(tmp_path) == {"run": 2, "earlier": [{"run": 0}, {"run": 1}]}
    assert json.loads((tmp_path / "provenance.json").read_text())["run"] == 2


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tiny, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        ValueError, match="output folder that can be written, got .*file.*: Not a directory"
    ):
        run_folder.make_folder(run_folder.folder_of(tmp_path / "file", tiny))


def test_a_result_of_other_data_is_refused(tmp_path):
    written(tmp_path, {"": group([0])})
    assert results.finished_seeds(tmp_path, "d1") == (0,)
    with pytest.raises(
        ValueError, match="holds results of other data .*give back the data it was made with"
    ):
        results.finished_seeds(tmp_path, "d2")


def test_a_netcdf_file_that_is_not_ours_and_a_folder_in_its_place_are_refused(tmp_path):
    written(tmp_path, {"": group([0])._replace(attributes={})})
    with pytest.raises(ValueError, match="expected a result of jaxbnn"):
        results.finished_seeds(tmp_path)
    (tmp_path / "other" / "result.nc").mkdir(parents=True)
    with pytest.raises(ValueError, match="a finished run's folder with result.nc"):
        results.finished_seeds(tmp_path / "other")


# h5netcdf closes a file that it could not open once more when it is collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("at", [0, 100, 300, 1000, 3000])
def test_an_overwritten_result_is_refused_in_one_line_or_read(tmp_path, at):
    written(tmp_path, {"": group(list(range(50)))})
    content = bytearray((tmp_path / "result.nc").read_bytes())
    content[at : at + 300] = b"\xff" * 300
    (tmp_path / "result.nc").write_bytes(content)
    try:
        results.open_result(tmp_path)
    except ValueError as error:
        assert "cannot be read as a result" in str(error) and "\n" not in str(error)


def test_a_folder_is_held_by_one_run_at_a_time(tmp_path):
    with (
        run_folder.locked(tmp_path),
        pytest.raises(ValueError, match="another run is working in"),
        run_folder.locked(tmp_path),
    ):
        pass
    with run_folder.locked(tmp_path):
        pass


def test_a_damaged_provenance_is_named(tmp_path):
    (tmp_path / "provenance.json").write_text("{")
    with pytest.raises(ValueError, match="provenance.json is damaged .*: remove it to go on"):
        run_folder.read_provenance(tmp_path)


def test_begun_blocks_are_read_from_their_names(tmp_path):
    for seeds in ((0, 1, 2, 5), (7,)):
        checkpoints.save(run_folder.block_folder(tmp_path, seeds), 1, {"a": np.arange(3)}, {})
    (tmp_path / "blocks" / "9").mkdir()
    assert run_folder.begun_blocks(tmp_path) == [(0, 1, 2, 5), (7,)]


def test_spectra_that_lack_rows_or_entries_are_refused(tmp_path):
    def spectra(size, n):
        ragged = Ragged(np.full((2, 1, 2), size, np.int32), *[np.ones(n, np.int32)] * 2)
        return {"main": (("t", ragged), ("ty", ragged))}

    run_folder.append_spectra(tmp_path, 0, spectra(1, 4))
    assert run_folder.read_spectra(tmp_path, 2)["main"]["t"].size.sum() == 4
    with pytest.raises(
        ValueError, match="spectra.h5 lacks rows or entries: remove .* to start this block again"
    ):
        run_folder.read_spectra(tmp_path, 3)
    for name in ("t_multiplicity", "ty_number"):
        with h5py.File(tmp_path / run_folder.SPECTRA, "r+") as file:
            file[f"main/{name}"].resize(3, axis=0)
        with pytest.raises(ValueError, match="lacks rows or entries"):
            run_folder.read_spectra(tmp_path, 2)
    with h5py.File(tmp_path / run_folder.SPECTRA, "w"):
        pass
    with pytest.raises(ValueError, match="lacks rows or entries"):
        run_folder.read_spectra(tmp_path, 0)
