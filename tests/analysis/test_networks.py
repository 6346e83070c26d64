"""Trained networks are read back by themselves: no program is built, no data set loaded."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
import stores

from jaxbnn import data
from jaxbnn.analysis.networks import load_networks
from jaxbnn.storage import checkpoints, results, run_folder

FLAX_SCRIPT = Path(__file__).parents[2] / "docs" / "restore_with_flax.py"


def leaves(seeds, scale=1.0):
    latent = np.arange(len(seeds) * 6, dtype=np.float32).reshape(-1, 3, 2) * scale
    return {
        "params/dense_1/latent": latent,
        "batch_stats/norm_1/mean": latent[:, 0],
        "opt_state/0/mu/dense_1/latent": latent + 1,
        "key": np.zeros((len(seeds), 2), np.uint32),
        "step": np.asarray(13, np.int32),
    }


def block(folder, seeds, scale=1.0):
    made = stores.write_block(folder, seeds)
    checkpoints.save(made, 13, leaves(seeds, scale), {})
    return made


def test_each_seed_has_its_own_network(tmp_path):
    block(tmp_path, (4, 2))
    block(tmp_path, (3,), 10.0)
    networks = load_networks(tmp_path)
    assert list(networks) == [2, 3, 4]
    for seed, expected in ((4, [0, 1]), (2, [6, 7]), (3, [0, 10])):
        assert set(networks[seed]) == {"params", "batch_stats"}
        latent = networks[seed]["params"]["dense_1"]["latent"]
        assert latent.shape == (3, 2) and latent[0].tolist() == expected
        assert networks[seed]["batch_stats"]["norm_1"]["mean"].tolist() == expected


def test_of_a_seed_in_two_blocks_the_first_counts(tmp_path):
    block(tmp_path, (1, 2))
    block(tmp_path, (2, 3), 100.0)
    networks = load_networks(tmp_path)
    assert networks[2]["params"]["dense_1"]["latent"][0].tolist() == [6, 7]
    assert networks[3]["params"]["dense_1"]["latent"][0].tolist() == [600, 700]


def test_blocks_that_are_not_finished_have_no_trained_networks(tmp_path):
    block(tmp_path, (1,))
    begun = run_folder.make_block_folder(tmp_path, (5,))
    checkpoints.save(begun, 3, leaves((5,)), {})
    assert list(load_networks(tmp_path)) == [1]


def test_a_run_without_networks_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a finished run's folder with blocks, got"):
        load_networks(tmp_path)
    made = block(tmp_path, (1,))
    shutil.rmtree(checkpoints.folders(made)[0])
    with pytest.raises(ValueError, match="expected a checkpoint in .*1, got none: run it again"):
        load_networks(tmp_path)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    made = block(tmp_path, (1,))
    stores.flip_bit(checkpoints.folders(made)[0] / "state" / "manifest.ocdbt", 77)
    with pytest.raises(ValueError, match="is damaged .*checksums do not hold"):
        load_networks(tmp_path)


def test_trained_networks_classify_as_the_result_says(finished, tiny):
    networks = load_networks(finished)
    assert tuple(networks) == tiny.seeds
    accuracy = results.open_result(finished).test_accuracy.isel(epoch=-1)
    test = data.load(tiny.data).test
    for seed, variables in networks.items():
        logits, hidden = tiny.model.apply(variables, test.x, train=False)
        assert [t.shape for t in hidden] == [(len(test.y), 6), (len(test.y), 4)]
        right = np.asarray(logits).argmax(axis=-1) == np.asarray(test.y)
        assert np.float32(right.mean()) == accuracy.sel(seed=seed).item()


READ_ALONE = """
import sys
from jaxbnn.analysis.networks import load_networks
networks = load_networks(sys.argv[1])
print(len(networks), sorted(networks[0]))
"""


@pytest.mark.slow
def test_reading_needs_no_device_to_be_made_ready(finished):
    """Before `use_cores`, and in a process of another number of devices."""
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": ""}
    command = [sys.executable, "-c", READ_ALONE, str(finished)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.stdout == "5 ['batch_stats', 'params']\n", done.stderr


@pytest.mark.slow
def test_a_script_of_flax_and_orbax_alone_finds_the_same_accuracy(finished, tiny, tmp_path):
    """docs/restore_with_flax.py, in a process on one CPU device, of a run on two."""
    assert "jaxbnn" not in FLAX_SCRIPT.read_text()
    test = data.load(tiny.data).test
    np.savez(tmp_path / "test.npz", x=np.asarray(test.x), y=np.asarray(test.y))
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": ""}
    accuracy = results.open_result(finished).test_accuracy.isel(epoch=-1)
    for made in run_folder.block_folders(finished):
        state = checkpoints.folders(made)[-1] / checkpoints.STATE
        command = [sys.executable, str(FLAX_SCRIPT), str(state), str(tmp_path / "test.npz")]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        seeds = run_folder.seeds_of(made)
        shares = [np.float32(line.split()[1]) for line in done.stdout.splitlines()]
        assert shares == accuracy.sel(seed=list(seeds)).values.tolist()


def test_networks_are_numpy_arrays(finished):
    for leaf in jax.tree.leaves(load_networks(finished)):
        assert type(leaf) is np.ndarray and leaf.dtype == np.float32
