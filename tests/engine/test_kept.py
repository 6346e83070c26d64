import dataclasses

import jax
import numpy as np
import pytest

from jaxbnn import info, measure, observe, run
from jaxbnn.config.overrides import override
from jaxbnn.engine import kept as snapshot
from jaxbnn.files import npz
from jaxbnn.storage import run_folder


@pytest.fixture(scope="module")
def stored(tiny, tmp_path_factory):
    """A finished run of three seeds that stores units at three epochs and keeps the activations of
    the last."""
    probe = dataclasses.replace(tiny.probes[0], unit_counts_at=(-1, 0, 3), activations_at=(-1,))
    own = dataclasses.replace(tiny, probes=(probe,), seeds=(0, 1, 2))
    return own, run(own, tmp_path_factory.mktemp("runs"), devices=jax.devices()[:1])


def test_kept_activations_give_the_measured_values(stored):
    _, folder = stored
    whole, kept = run_folder.read_result(folder), run_folder.read_result(folder, "main_keep")
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
    _, folder = stored
    units, kept = (
        run_folder.read_result(folder, "main_units"),
        run_folder.read_result(folder, "main_keep"),
    )
    assert units.epoch.values.tolist() == [0, 3, 12]
    on = (kept.words_hidden_1.values[2, 0, :, 0][:, None] >> np.arange(6)) & 1
    np.testing.assert_array_equal(
        units.together_hidden_1.values[2, -1], on.T.astype(int) @ on.astype(int)
    )
    np.testing.assert_array_equal(units.count_hidden_1.values[2, -1], on.sum(axis=0))
    diagonal = np.diagonal(units.together_hidden_2.values, axis1=-2, axis2=-1)
    np.testing.assert_array_equal(units.count_hidden_2.values, diagonal)


def test_storing_changes_no_number_and_leaves_nothing_behind(stored, tiny, finished):
    own, folder = stored
    plain, other = run_folder.read_result(finished), run_folder.read_result(folder)
    np.testing.assert_array_equal(plain.i_xt.values[:3], other.i_xt.values)
    assert not list((folder / "blocks").rglob("epoch-*.npz")) and not list(
        (folder / "blocks").rglob("*.h5")
    )
    assert snapshot.epochs(own) == (0, 3, 12)


def test_a_block_whose_stored_epoch_is_lost_says_what_to_do(tmp_path):
    path = run_folder.snapshot_path(tmp_path / "0-1", 3)
    npz.write(path, {"main/units/count_hidden_1": np.zeros(2)})
    assert list(run_folder.read_arrays(path)) == ["main/units/count_hidden_1"]
    path.write_bytes(b"PK\x03\x04 broken")
    for each in (path, run_folder.snapshot_path(tmp_path / "0-1", 5)):
        with pytest.raises(
            ValueError, match=r"epoch-..npz is missing or damaged .*: remove .*0-1 to make it again"
        ):
            run_folder.read_arrays(each)


def test_a_probe_that_counts_nothing_stands_beside_one_that_keeps(tiny, tmp_path):
    probes = (
        dataclasses.replace(tiny.probes[0], activations_at=(1,)),
        observe.Probe("soft", layers=("output",), estimator=info.SoftOutput()),
    )
    own = override(
        dataclasses.replace(tiny, probes=probes, seeds=(0,), seeds_per_program=1), "train.epochs=1"
    )
    folder = run(own, tmp_path, devices=jax.devices()[:1])
    assert run_folder.read_result(folder, "main_keep").epoch.values.tolist() == [1]


def test_epochs_and_estimators_that_cannot_be_stored_are_refused(tiny):
    with pytest.raises(ValueError, match="expected units and keep at epochs from 0 to 12, got 13"):
        override(tiny, "probes.0.unit_counts_at=0,13")
    with pytest.raises(
        ValueError, match="expected units and keep of a probe with the estimator Exact"
    ):
        observe.Probe(estimator=tiny.probes[2].estimator, activations_at=(0,))
