"""What a block stores of a finished run, and what its probes keep at named epochs."""

import dataclasses

import jax
import numpy as np
import pytest
from bitwise import check_same, stopping_after

from jaxbnn import info, measure, observe, run
from jaxbnn.config.overrides import override
from jaxbnn.engine import block_runner, block_store
from jaxbnn.engine.run_plan import inputs_of, make_run_plan, of_first, shapes_of
from jaxbnn.storage import array_store, results, zarr_metadata

ONE = jax.devices()[:1]


@pytest.fixture(scope="module")
def keeping(plain):
    """The experiment of three seeds that keeps counts of units at three epochs and the activations
    of the last."""
    probe = dataclasses.replace(plain.probes[0], unit_counts_at=(-1, 0, 3), activations_at=(-1,))
    return dataclasses.replace(plain, probes=(probe,), seeds=(0, 1, 2))


@pytest.fixture(scope="module")
def stored(keeping, tmp_path_factory):
    """Its finished run."""
    return run(keeping, tmp_path_factory.mktemp("runs"), devices=ONE)


def test_the_arrays_of_a_store_are_known_before_it_is_run(keeping, stored):
    plan = make_run_plan([keeping], [stored], None, jax.devices())
    inputs = inputs_of(plan, of_first([0]), ONE[0])
    specs = block_store.specs_of(plan, 2, inputs, shapes_of(plan, inputs))
    there = zarr_metadata.read_arrays(stored / "blocks" / "0-1" / array_store.ARRAYS)
    assert {name: (spec.shape, spec.dtype) for name, spec in specs.items()} == {
        name: (array.shape, array.dtype) for name, array in there.items()
    }
    shapes = {name: spec.shape for name, spec in specs.items()}
    n_entries = shapes["main/spectra"][-1]
    assert n_entries * (n_entries + 1) // 2 <= 4096 < (n_entries + 1) * (n_entries + 2) // 2
    assert shapes == {
        "main/points": (2, 6, 3, 7),
        "main/spectra": (2, 6, 3, 4, n_entries),
        "main/trust": (2, 6, 3, 14),
        "main/needed": (2, 3, 3),
        "main/sample": (2, 4),
        "main/series": (2, 6, 6),
        "main/diagnostics": (2, 6, 3, 6),
        "main_unit_counts/count_hidden_1": (2, 3, 6),
        "main_unit_counts/together_hidden_1": (2, 3, 6, 6),
        "main_unit_counts/count_hidden_2": (2, 3, 4),
        "main_unit_counts/together_hidden_2": (2, 3, 4, 4),
        "main_activations/words_hidden_1": (2, 1, 4096, 1),
        "main_activations/bits_hidden_1": (2, 1),
        "main_activations/valid_hidden_1": (2, 1),
        "main_activations/words_hidden_2": (2, 1, 4096, 1),
        "main_activations/bits_hidden_2": (2, 1),
        "main_activations/valid_hidden_2": (2, 1),
        "main_activations/y": (2, 4096),
    }
    assert {spec.dtype for spec in specs.values()} <= {
        *("float32", "float64", "int32", "uint32", "bool")
    }


def test_rows_of_a_chunk_are_rows_of_the_store(stored):
    """The coordinates say which: the epochs are those of the schedule."""
    attributes = array_store.attributes(stored / "blocks" / "0-1", "main")
    assert attributes["coordinates"] == {
        "epoch": [0, 1, 2, 5, 10, 12],
        "layer": ["hidden_1", "hidden_2", "output"],
    }
    points = array_store.read(stored / "blocks" / "2", "main/points")
    result = results.open_result(stored)
    np.testing.assert_array_equal(points[0, ..., 0], result.i_xt.sel(seed=2))
    np.testing.assert_array_equal(points[0, ..., 6].astype(bool), result.certified.sel(seed=2))


def test_kept_activations_give_the_measured_values(stored):
    whole = results.open_result(stored)
    kept = results.open_result(stored, "main_activations")
    assert kept.epoch.values.tolist() == [12] and kept.valid_hidden_1.values.all()
    for seed in range(3):
        for i, (layer, width) in enumerate((("hidden_1", 6), ("hidden_2", 4))):
            assert (kept[f"bits_{layer}"].values == width).all()
            words = kept[f"words_{layer}"].values[seed, 0]
            found = measure(words, kept.y.values[seed], population=True, bits=width)
            last = whole.isel(epoch=-1, seed=seed, layer=i)
            assert (found.xt.value, found.ty.value) == pytest.approx(
                (float(last.i_xt), float(last.i_ty)), abs=1e-5
            )


def test_units_and_pairs_are_counted_at_the_named_epochs(stored):
    units = results.open_result(stored, "main_unit_counts")
    kept = results.open_result(stored, "main_activations")
    assert units.epoch.values.tolist() == [0, 3, 12]
    on = (kept.words_hidden_1.values[2, 0, :, 0][:, None] >> np.arange(6)) & 1
    together = on.T.astype(int) @ on.astype(int)
    np.testing.assert_array_equal(units.together_hidden_1.values[2, -1], together)
    np.testing.assert_array_equal(units.count_hidden_1.values[2, -1], on.sum(axis=0))
    diagonal = np.diagonal(units.together_hidden_2.values, axis1=-2, axis2=-1)
    np.testing.assert_array_equal(units.count_hidden_2.values, diagonal)


def test_keeping_changes_no_number(stored, plain, tmp_path):
    """Epoch 3 is kept and not measured: it ends a chunk, and no bit depends on that."""
    without = run(dataclasses.replace(plain, seeds=(0, 1, 2)), tmp_path, devices=ONE)
    check_same(results.open_result(stored), results.open_result(without))


def test_a_stopped_run_keeps_the_same(keeping, stored, tmp_path, monkeypatch):
    monkeypatch.setattr(block_runner, "CHUNK_SECONDS", 0.0)
    folder = run(keeping, tmp_path, devices=ONE, stop=stopping_after(6))
    assert results.finished_seeds(folder) == ()
    run(keeping, tmp_path, devices=ONE)
    for probe in (None, "main_unit_counts", "main_activations"):
        check_same(results.open_result(folder, probe), results.open_result(stored, probe))


def test_a_block_whose_kept_rows_are_lost_says_what_to_do(keeping, tmp_path, monkeypatch):
    monkeypatch.setattr(block_runner, "CHUNK_SECONDS", 0.0)
    folder = run(keeping, tmp_path, devices=ONE, stop=stopping_after(6))
    store = folder / "blocks" / "0-1" / "arrays.zarr" / "main_unit_counts" / "count_hidden_1"
    (chunk,) = [path for path in (store / "c").rglob("*") if path.is_file()]
    chunk.unlink()
    with pytest.raises(
        ValueError, match="count_hidden_1 lacks rows: remove .*0-1 to start this block again"
    ):
        run(keeping, tmp_path, devices=ONE)


def test_rows_that_a_checkpoint_must_find_are_counted(keeping):
    plan = make_run_plan([keeping], [], None, jax.devices())
    counts = [block_store.kept_rows_before(plan, step) for step in (0, 1, 3, 4, 13)]
    assert [each["main_unit_counts"] for each in counts] == [0, 1, 1, 2, 3]
    assert [each["main_activations"] for each in counts] == [0, 0, 0, 0, 1]


@pytest.mark.slow
def test_a_probe_that_counts_nothing_stands_beside_one_that_keeps(plain, tmp_path):
    probes = (
        dataclasses.replace(plain.probes[0], activations_at=(1,)),
        observe.Probe("soft", layers=("output",), estimator=info.SoftOutput()),
    )
    small = dataclasses.replace(plain, probes=probes, seeds=(0,), seeds_per_program=1)
    folder = run(override(small, "train.epochs=1"), tmp_path, devices=ONE)
    assert results.open_result(folder, "main_activations").epoch.values.tolist() == [1]
    soft = results.open_result(folder, "soft")
    assert np.isfinite(soft.i_xt).all() and (soft.n_patterns == -1).all()
    assert (soft.t_number == 0).all() and (soft.verdict_xt == -1).all()


def test_epochs_and_estimators_that_cannot_be_stored_are_refused(tiny):
    with pytest.raises(
        ValueError, match="expected unit_counts_at and activations_at .*from 0 to 12, got 13"
    ):
        override(tiny, "probes.0.unit_counts_at=0,13")
    with pytest.raises(
        ValueError, match="expected unit_counts_at and activations_at of a probe with .*Exact"
    ):
        observe.Probe(estimator=tiny.probes[2].estimator, activations_at=(0,))
