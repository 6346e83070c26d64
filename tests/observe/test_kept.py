import numpy as np
import pytest

from jaxbnn.info import FixedBins
from jaxbnn.info.estimators.protocol import Rows
from jaxbnn.info.packing import pack_signs
from jaxbnn.nn import MLP
from jaxbnn.observe import kept
from jaxbnn.observe.probe import Probe

MODEL = MLP((3, 2), 2)
PROBE = Probe(unit_counts_at=(-1, 0, 3), activations_at=(2, -2))
PLAIN = Probe("plain", layers=("hidden_1", "output"), estimator=FixedBins())


def test_epochs_are_named_from_the_front_or_the_end():
    assert kept.epochs_of(PROBE, "unit_counts", 12) == (0, 3, 12)
    assert kept.epochs_of(PROBE, "activations", 12) == (2, 11)
    assert kept.epochs_of(PROBE, "activations", 3) == (2,)  # -2 is epoch 2 as well
    assert kept.epochs([PLAIN, PROBE], 12) == (0, 2, 3, 11, 12)
    assert kept.epochs([PLAIN], 12) == () and kept.kinds(PLAIN) == {}
    assert kept.epochs_of(PLAIN, "activations", 12) == ()


def test_the_softmax_is_not_kept_unless_it_is_named():
    assert kept.layers(MODEL, PROBE) == ["hidden_1", "hidden_2"]
    assert kept.layers(MODEL, PLAIN) == ["hidden_1", "output"]


def rows_of(signs):
    """Two seeds' layers of -1 and +1, [S, N, D], packed."""
    packed = [np.asarray(pack_signs(one)) for one in signs]
    words = np.stack(packed)
    return Rows(words, np.ones(words.shape[:2], bool), signs.shape[-1])


SIGNS = np.where(np.random.default_rng(0).random((2, 50, 3)) > 0.4, 1.0, -1.0)


def test_units_and_pairs_are_counted_by_brute_force():
    arrays = kept.arrays("unit_counts", rows_of(SIGNS))
    on = (SIGNS > 0).astype(int)
    np.testing.assert_array_equal(arrays["count"], on.sum(axis=1))
    np.testing.assert_array_equal(arrays["together"], np.einsum("snd,sne->sde", on, on))
    assert set(arrays) == set(kept.dims("unit_counts", "hidden_1")) <= set(kept.MEANINGS)


def test_activations_are_kept_packed():
    arrays = kept.arrays("activations", rows_of(SIGNS))
    on = (arrays["words"][..., 0][..., None] >> np.arange(3)) & 1
    np.testing.assert_array_equal(on, SIGNS > 0)
    assert arrays["bits"].tolist() == [3, 3] and arrays["valid"].tolist() == [True, True]
    assert set(arrays) == set(kept.dims("activations", "hidden_1")) <= set(kept.MEANINGS)


@pytest.mark.parametrize("kind", ["unit_counts", "activations"])
def test_a_seed_that_is_not_of_signs_is_marked(kind):
    rows = rows_of(SIGNS)
    valid = rows.valid.copy()
    valid[1, 7] = False
    arrays = kept.arrays(kind, Rows(rows.words, valid, rows.bits))
    if kind == "activations":
        assert arrays["valid"].tolist() == [True, False]
    else:
        assert (arrays["count"][1] == -1).all() and (arrays["together"][1] == -1).all()
        assert (arrays["count"][0] >= 0).all()


def test_each_variable_has_its_dimensions():
    assert kept.dims("unit_counts", "hidden_1")["together"] == ("unit_hidden_1", "other_hidden_1")
    assert kept.dims("activations", "hidden_1") == {
        "words": ("example", "word_hidden_1"),
        "bits": (),
        "valid": (),
    }
