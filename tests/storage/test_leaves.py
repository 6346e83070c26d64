import numpy as np

from jaxbnn.storage.leaves import flat, nested

FLAT = {"params/dense_1/latent": np.ones((2, 3)), "params/dense_2/latent": np.zeros(2), "step": 3}
NESTED = {"params": {"dense_1": {"latent": np.ones((2, 3))}, "dense_2": {"latent": [0.0, 0.0]}}}


def test_leaves_are_nested_by_the_parts_of_their_paths():
    tree = nested(FLAT)
    assert list(tree) == ["params", "step"] and list(tree["params"]) == ["dense_1", "dense_2"]
    assert tree["params"]["dense_1"]["latent"] is FLAT["params/dense_1/latent"]
    assert tree["step"] == 3
    assert nested({}) == {}


def test_leaves_are_named_by_their_paths():
    leaves = flat(NESTED)
    assert list(leaves) == ["params/dense_1/latent", "params/dense_2/latent"]
    assert all(isinstance(leaf, np.ndarray) for leaf in leaves.values())
    assert leaves["params/dense_2/latent"].tolist() == [0, 0]
    assert flat({}) == flat({"a": {}}) == {}


def test_one_undoes_the_other():
    again = flat(nested(FLAT))
    assert list(again) == list(FLAT)
    for name, leaf in FLAT.items():
        np.testing.assert_array_equal(again[name], leaf)
