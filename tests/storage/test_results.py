"""The finished blocks of a run are one lazy result."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import stores
import xarray

from jaxbnn.storage import array_store, lazy_rows, results, run_folder, schema


@pytest.fixture
def run(tmp_path):
    """Seeds 3, 1, 9 in a block and 0, 2 in another."""
    stores.write_block(tmp_path, (3, 1, 9))
    stores.write_block(tmp_path, (0, 2))
    (tmp_path / run_folder.CONFIG).write_text("{}")
    return tmp_path


def one_line(caught):
    return "\n" not in str(caught.value)


def expected(seeds, name, probe="main"):
    """The values of a variable, as the stored arrays have them."""
    array, place = stores.column(name)
    values = stores.values(seeds)[f"{probe}/{array}"]
    return values[..., place, :] if array == schema.SPECTRA else values[..., place]


def test_blocks_are_one_dataset_sorted_by_seed(run):
    result = results.open_result(run)
    assert result.seed.values.tolist() == [0, 1, 2, 3, 9]
    assert result.epoch.values.tolist() == [0, 1, 5]
    assert result.layer.values.tolist() == ["hidden_1", "logits"]
    assert result.attrs == {"experiment": "made", "probe": "main", results.DATA: stores.SHA}
    assert results.finished_seeds(run) == (0, 1, 2, 3, 9)


@pytest.mark.parametrize("variable", schema.VARIABLES, ids=lambda variable: variable.name)
def test_every_variable_has_its_column_dtype_dimensions_and_attributes(tmp_path, variable):
    stores.write_block(tmp_path, (3, 1))
    if variable.array == schema.DIAGNOSTICS:
        assert variable.name not in results.open_result(tmp_path)  # this run has none
        return
    shown = results.open_result(tmp_path)[variable.name]
    assert shown.dims == variable.dims and shown.dtype == variable.dtype
    assert shown.attrs == schema.attributes(variable)
    values = expected((1, 3), variable.name).astype(variable.dtype)
    np.testing.assert_array_equal(shown.values, values)


def test_class_sizes_are_the_rest_of_the_sample(run):
    result = results.open_result(run)
    sample = stores.values((0, 1, 2, 3, 9))["main/sample"]
    assert result.class_size.dims == ("seed", "label") and result.class_size.dtype == np.int64
    np.testing.assert_array_equal(result.class_size.values, sample[:, 2:])


def test_further_probes_and_what_is_kept_are_opened_by_name(run):
    test = results.open_result(run, "test")
    assert test.attrs["probe"] == "test" and "train_loss" not in test and "i_xt" in test
    counts = results.open_result(run, "main_unit_counts")
    assert counts.count_hidden_1.dims == ("seed", "epoch", "unit")
    assert counts.count_hidden_1.attrs == {"long_name": "examples"}
    assert counts.epoch.values.tolist() == [5] and "layer" not in counts.coords
    values = stores.values((0, 1, 2, 3, 9))["main_unit_counts/count_hidden_1"]
    np.testing.assert_array_equal(counts.count_hidden_1.values, values)


@pytest.mark.parametrize("probe", ["tset", "", "../main"])
def test_an_unknown_probe_is_refused_with_those_there_are(run, probe):
    with pytest.raises(
        ValueError, match="expected a probe among main, main_unit_counts, test, got"
    ):
        results.open_result(run, probe)


def test_seeds_are_chosen_by_name(run):
    result = results.open_result(run)
    np.testing.assert_array_equal(result.i_xt.sel(seed=[9, 0]).values, expected((9, 0), "i_xt"))
    np.testing.assert_array_equal(
        result.isel(epoch=[-1]).sel(seed=3).i_ty.values, expected((3,), "i_ty")[0, [-1]]
    )
    with pytest.raises(KeyError):
        result.sel(seed=7)


def test_nothing_is_read_until_a_variable_is_asked_for(run, monkeypatch):
    read = []
    selected = lazy_rows.SeedRows._selected

    def counted(rows, block, selection):
        read.append(block)
        return selected(rows, block, selection)

    monkeypatch.setattr(lazy_rows.SeedRows, "_selected", counted)
    result = results.open_result(run)
    repr(result)
    chosen = result.sel(seed=9).isel(layer=-1, epoch=slice(None, None, -1))
    assert read == []
    np.testing.assert_array_equal(chosen.i_xt.values, expected((9,), "i_xt")[0, ::-1, -1])
    assert read == [1]  # the block of seed 9 alone, by name the second
    result.i_ty.load()
    assert sorted(read) == [0, 1, 1]


def test_seeds_that_come_later_change_none(run):
    before = results.open_result(run).load()
    stores.write_block(run, (5, 4))
    after = results.open_result(run)
    assert after.seed.values.tolist() == [0, 1, 2, 3, 4, 5, 9]
    assert after.sel(seed=before.seed).identical(before)


def test_of_a_seed_in_two_blocks_the_first_counts(tmp_path):
    stores.write_block(tmp_path, (1, 2))
    later = stores.begin_block(tmp_path, (2, 3))
    array_store.write_whole(later, {"main/points": 7 + stores.values((2, 3))["main/points"]})
    array_store.finish(later, stores.facts((2, 3)))
    assert [path.name for path in run_folder.block_folders(tmp_path)] == ["1-2", "2-3"]
    result = results.open_result(tmp_path)
    assert result.seed.values.tolist() == [1, 2, 3]
    values = expected((1, 2, 3), "i_xt")
    values[2] += 7
    np.testing.assert_array_equal(result.i_xt.values, values)


def test_blocks_that_are_not_finished_are_not_shown(run):
    stores.begin_block(run, (4, 5))
    run_folder.make_block_folder(run, (6,))
    assert results.open_result(run).seed.values.tolist() == [0, 1, 2, 3, 9]
    assert results.finished_seeds(run) == (0, 1, 2, 3, 9)


def test_a_long_list_of_seeds_is_found_again(tmp_path):
    seeds = tuple(range(0, 400, 2))
    stores.write_block(tmp_path, seeds)
    assert results.finished_seeds(tmp_path) == seeds
    assert results.open_result(tmp_path).seed.values.tolist() == list(seeds)


READ_ALL = """
import os, sys
from pathlib import Path
from jaxbnn.storage import integrity, results
folder = Path(sys.argv[1]).resolve()
def refuse(event, arguments):
    writes = event in ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.utime", "os.chmod")
    flags = os.O_WRONLY | os.O_RDWR | os.O_CREAT
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        writes = bool(arguments[2] & flags) and os.fsdecode(arguments[0]).startswith(str(folder))
    if writes:
        raise PermissionError(f"{event} {arguments}")
results.open_result(folder).load()
sys.addaudithook(refuse)
print(results.open_result(folder).load().sizes["seed"], integrity.check(folder))
"""


@pytest.mark.slow
def test_a_folder_that_may_not_be_written_is_read(run, tmp_path):
    (run / run_folder.CONFIG).unlink()
    command = [sys.executable, "-c", READ_ALL, str(run)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("5 [")


# What is refused.


def test_a_folder_without_a_result_says_what_is_missing(tmp_path):
    with pytest.raises(ValueError, match=r"expected a finished run's folder, got .*config.json"):
        results.open_result(tmp_path)
    (tmp_path / run_folder.CONFIG).write_text("{}")
    stores.begin_block(tmp_path, (1,))
    with pytest.raises(ValueError, match="none of its blocks is finished, the same run command"):
        results.open_result(tmp_path)
    assert results.finished_seeds(tmp_path) == ()
    assert results.finished_seeds(tmp_path / "none") == ()


def test_a_result_of_version_0_1_is_refused_in_one_line(tmp_path):
    (tmp_path / results.OLD_RESULT).write_bytes(b"\x89HDF")
    for refuse in (results.open_result, results.finished_seeds):
        with pytest.raises(
            ValueError, match="was made by jaxbnn 0.1, .*: run the experiment again"
        ) as caught:
            refuse(tmp_path)
        assert one_line(caught)


def test_results_of_other_data_are_refused(run):
    assert results.finished_seeds(run, stores.SHA) == (0, 1, 2, 3, 9)
    with pytest.raises(
        ValueError, match=r"holds results of other data \(sha256 dddddddddddd, now eeee.*give back"
    ):
        results.finished_seeds(run, "e" * 64)
    stores.write_block(run, (7,), sha="e" * 64)
    with pytest.raises(ValueError, match="expected blocks of one data set in .*, got 2"):
        results.open_result(run)


@pytest.mark.parametrize(
    ("fact", "words"), [("digest", "experiment"), (results.SETTINGS, "set of JAX's")]
)
def test_blocks_of_another_experiment_or_other_settings_are_refused(run, fact, words):
    manifest = run_folder.block_folders(run)[0] / array_store.MANIFEST
    plain = json.loads(manifest.read_text())
    plain["facts"][fact] = "another"
    manifest.write_text(json.dumps(plain))
    with pytest.raises(ValueError, match=f"expected blocks of one {words}.*, got 2"):
        results.open_result(run)


@pytest.mark.parametrize(
    "damage", ["flip", "cut", "remove", "metadata", "group metadata", "manifest", "link"]
)
def test_a_damaged_block_is_refused_in_one_line_when_it_is_opened_or_read(run, damage):
    block = run / "blocks/0,2"
    path = block / "arrays.zarr/main/points/c/0/0/0/0"
    if damage == "flip":
        stores.flip_bit(path, 99)
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "remove":
        path.unlink()
    elif damage == "link":
        path.rename(run / "moved")
        path.symlink_to(run / "moved")
    else:
        names = {
            "metadata": "arrays.zarr/main/points/zarr.json",
            "group metadata": "arrays.zarr/main/zarr.json",
            "manifest": array_store.MANIFEST,
        }
        cut = block / names[damage]
        cut.write_text(cut.read_text()[:-5])
    with pytest.raises(ValueError, match=r"blocks/0,2") as caught:
        results.open_result(run).i_xt.values  # noqa: B018
    assert one_line(caught)


def loaded(folder):
    """Every group of a result, read."""
    groups = (None, "test", "main_unit_counts")
    return [results.open_result(folder, group).load() for group in groups]


@pytest.mark.slow
def test_no_flipped_bit_of_a_store_is_read(tmp_path):
    """Three bits of each of its files, each refused in one line."""
    block = stores.write_block(tmp_path, (1, 2))
    loaded(tmp_path)
    files = sorted(path for path in (block / array_store.ARRAYS).rglob("*") if path.is_file())
    assert len(files) == 1 + 3 + 2 * 12
    for path in files:
        for bit in (3, 4 * path.stat().st_size, 8 * path.stat().st_size - 1):
            stores.flip_bit(path, bit)
            with pytest.raises(ValueError, match="damaged|is missing|expected") as caught:
                loaded(tmp_path)
            assert one_line(caught), path
            stores.flip_bit(path, bit)
    loaded(tmp_path)


def changed_facts(block, **new):
    path = block / array_store.MANIFEST
    plain = json.loads(path.read_text())
    plain["facts"] |= new
    path.write_text(json.dumps(plain))


@pytest.mark.parametrize(
    "new",
    [
        {"version": 1},
        {"version": 4},
        {"version": 7},
        {"seeds": []},
        {"seeds": [1.0, 2]},
        {"seeds": [-1, 2]},
        {"seeds": [2**70, 2]},
        {"seeds": "12"},
        {"seeds": None},
    ],
)
def test_a_block_of_another_layout_is_refused(run, new):
    changed_facts(run / "blocks/0,2", **new)
    with pytest.raises(ValueError, match="expected a block of version 6 in .*0,2, got another"):
        results.open_result(run)


def test_a_block_whose_files_name_other_seeds_is_refused(run):
    changed_facts(run / "blocks/0,2", seeds=[0, 3])
    with pytest.raises(
        ValueError, match="the seeds of seeds.json, got others: remove .*0,2 to run"
    ):
        results.open_result(run)


def test_a_block_with_other_seeds_than_rows_is_refused(run):
    changed_facts(run / "blocks/0,2", seeds=[0, 2, 4])
    (run / "blocks/0,2" / run_folder.SEEDS).write_text("[0, 2, 4]")
    with pytest.raises(
        ValueError, match="expected in .*0,2 the arrays of .* for 3 seeds, got others"
    ):
        results.open_result(run)


def test_blocks_of_other_arrays_are_refused(run):
    stores.write_block(run, (7,), probes=("main", "more"))
    with pytest.raises(
        ValueError, match=r"expected in .*7 the arrays of .* for 1 seeds, got others"
    ):
        results.open_result(run)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"coordinates": 3, "attributes": {}},
        {"coordinates": {"epoch": [1]}, "attributes": {}},
        {"coordinates": {"epoch": [[0, 1], [5, 6]], "layer": ["a", "b"]}, "attributes": {}},
        {"coordinates": {"epoch": ["a", "b", "c"], "layer": ["a", "b"]}, "attributes": {}},
        {"coordinates": {"epoch": [0, 1, 2**80], "layer": ["a", "b"]}, "attributes": {}},
        {"coordinates": {"epoch": [0, 1, 5], "layer": ["a", "b"]}, "attributes": [3]},
    ],
)
def test_a_store_of_other_attributes_is_no_result(tmp_path, attributes):
    block = run_folder.make_block_folder(tmp_path, (1,))
    groups = stores.attributes() | {"main": attributes}
    array_store.create(block, stores.specs(1), groups)
    array_store.write_whole(block, stores.values((1,)))
    array_store.finish(block, stores.facts((1,)))
    with pytest.raises(ValueError) as caught:
        results.open_result(tmp_path)
    assert one_line(caught)


# Studies of samples.


def study(folder):
    variables = {
        "bias": (("size", "name"), np.arange(6.0).reshape(3, 2), {"units": "bit"}),
        "n": (("size",), np.array([1, 2, 3]), {"meaning": np.int64(3)}),
    }
    coordinates = {"size": np.array([10, 20, 30]), "name": ("a", "bc")}
    results.write_study(folder, variables, coordinates, {"seed": np.int32(4), "of": "x"})


def test_a_study_of_samples_is_opened_as_it_was_written(tmp_path):
    assert not results.is_finished_study(tmp_path)
    study(tmp_path)
    assert results.is_finished_study(tmp_path)
    result = results.open_result(tmp_path)
    assert result.attrs == {"seed": 4, "of": "x"}
    assert result.bias.dims == ("size", "name") and result.bias.attrs == {"units": "bit"}
    assert result.bias.sel(name="bc", size=20).item() == 3
    assert result.n.values.tolist() == [1, 2, 3] and result.n.attrs == {"meaning": 3}


def test_a_damaged_study_is_refused_in_one_line(tmp_path):
    study(tmp_path)
    stores.flip_bit(tmp_path / "arrays.zarr/samples/bias/c/0/0", 40)
    with pytest.raises(ValueError, match="bias is damaged") as caught:
        results.open_result(tmp_path)
    assert one_line(caught)
    changed_facts(tmp_path, group="other")
    with pytest.raises(ValueError) as caught:
        results.open_result(tmp_path)
    assert one_line(caught)


def test_a_study_that_memory_cannot_hold_is_refused(tmp_path, monkeypatch):
    """Its arrays are read whole, unlike a run's."""
    study(tmp_path)
    monkeypatch.setattr(results, "memory", lambda: 50)
    with pytest.raises(ValueError, match="expected a study that fits into memory in .* 0 GiB"):
        results.open_result(tmp_path)


# Export.


def test_an_exported_run_is_one_netcdf_file(run, tmp_path):
    target = tmp_path / "all.nc"
    results.export(run, target)
    for group in (None, "test", "main_unit_counts"):
        expected = results.open_result(run, group).load()
        with xarray.open_dataset(target, engine="h5netcdf", group=group) as exported:
            assert exported.load().equals(expected)
            assert exported.attrs == expected.attrs
            for name in expected.data_vars:
                assert exported[name].dtype == expected[name].dtype
                assert exported[name].attrs.get("long_name") == expected[name].attrs["long_name"]
    assert sorted(path.name for path in tmp_path.glob("*.nc*")) == ["all.nc"]


def test_an_export_into_a_folder_that_is_not_there_is_refused(run, tmp_path):
    with pytest.raises(ValueError, match="expected a folder that exists for a.nc, got .*nowhere"):
        results.export(run, tmp_path / "nowhere" / "a.nc")


def test_an_exported_study_is_one_netcdf_file(tmp_path):
    study(tmp_path / "study")
    results.export(tmp_path / "study", tmp_path / "study.nc")
    with xarray.open_dataset(tmp_path / "study.nc", engine="h5netcdf") as exported:
        assert exported.bias.sel(name="bc", size=20).item() == 3


def test_a_run_may_be_exported_into_its_own_folder(run):
    results.export(run, run / results.OLD_RESULT)
    assert results.open_result(run).sizes["seed"] == 5
    assert results.finished_seeds(run) == (0, 1, 2, 3, 9)


def test_export_takes_no_place_of_a_file_and_no_other_name(run):
    (run / "x.nc").write_text("mine")
    with pytest.raises(
        ValueError, match=r"expected a new file that ends in .nc, got a file that exists"
    ):
        results.export(run, run / "x.nc")
    assert (run / "x.nc").read_text() == "mine"
    with pytest.raises(ValueError, match="expected a new file that ends in .nc, got 'x.h5'"):
        results.export(run, run / "x.h5")
    (run / "folder.nc").mkdir()
    with pytest.raises(ValueError, match="got a file that exists"):
        results.export(run, run / "folder.nc")


def test_an_export_that_fails_leaves_no_file(run):
    stores.flip_bit(run / "blocks/0,2/arrays.zarr/test/points/c/0/0/0/0", 70)
    with pytest.raises(ValueError, match="test/points is damaged"):
        results.export(run, run / "x.nc")
    assert not list(run.glob("*x.nc*"))
    with pytest.raises(ValueError, match="expected a finished run's folder"):
        results.export(run / "none", run / "x.nc")


def test_export_without_its_library_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5netcdf", None)
    with pytest.raises(ImportError, match=r"pip install 'jaxbnn\[export\]'"):
        results.export(run, run / "x.nc")


def test_a_block_that_was_copied_elsewhere_is_read(run, tmp_path):
    shutil.copytree(run / "blocks", tmp_path / "other" / "blocks")
    assert results.open_result(tmp_path / "other").sizes["seed"] == 5
