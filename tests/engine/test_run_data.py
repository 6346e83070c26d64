"""Inputs lie on devices as bytes where they can, and a network of one's own does not notice."""

import dataclasses

import jax
import numpy as np
import pytest
from bitwise import check_same_runs

from jaxbnn import data, nn, observe, run
from jaxbnn.engine import run_data
from jaxbnn.engine.run_plan import make_run_plan

ONE = jax.devices()[:1]


@pytest.fixture
def images(plain, tmp_path):
    """The tiny experiment on a few images, and a network that takes numbers alone."""
    rng = np.random.default_rng(0)
    path = tmp_path / "images.npz"
    np.savez(path, x=rng.integers(0, 256, (300, 4, 5), np.uint8), y=rng.integers(0, 2, 300))
    source = data.Npz(str(path), value_range=(-1.0, 1.0))
    network = nn.MLP((6, 4), 2, nn.Tanh(), kernel_surrogate=None)
    spec = dataclasses.replace(plain.train, epochs=2, batch_size=32)
    probe = observe.Probe(sample="all")
    return dataclasses.replace(
        plain, data=source, model=network, train=spec, probes=(probe,), seeds=(0, 1)
    )


def inputs_in_plan(experiment):
    return make_run_plan([experiment], [], None, ONE).split.train.x


def test_inputs_are_bytes_where_the_network_takes_them_or_they_are_many(images, monkeypatch):
    binary = dataclasses.replace(images, model=nn.MLP((6, 4), 2))
    found = inputs_in_plan(binary)
    loaded = data.load(images.data).train.x
    assert isinstance(found, nn.Pixels) and found.shape == loaded.shape
    np.testing.assert_array_equal(found.real(), loaded)
    np.testing.assert_array_equal(inputs_in_plan(images), loaded)  # few, and not taken as bytes
    monkeypatch.setattr(run_data, "MANY_BYTES", 0)
    assert isinstance(inputs_in_plan(images), nn.Pixels)


def test_real_inputs_and_splits_of_each_seed_stay_numbers(images):
    binary = dataclasses.replace(images, model=nn.MLP((6, 4), 2))
    own = dataclasses.replace(images.data, split_per_seed=True)
    real = dataclasses.replace(images.data, value_range=None, standardise=True)
    for source in (own, real):
        assert isinstance(inputs_in_plan(dataclasses.replace(binary, data=source)), np.ndarray)


def test_a_network_that_takes_numbers_has_the_same_bits_from_bytes(images, tmp_path, monkeypatch):
    of_numbers = run(images, tmp_path / "numbers", devices=ONE)
    monkeypatch.setattr(run_data, "MANY_BYTES", 0)
    of_bytes = run(images, tmp_path / "bytes", devices=ONE)
    check_same_runs(of_bytes, of_numbers)
