"""Values as people write them, and assignments that go together."""

import dataclasses

import numpy as np
import pytest

from jaxbnn import data, info, nn, train
from jaxbnn.config import overrides
from jaxbnn.config.codec import digest, from_json, to_json
from jaxbnn.config.experiment import Experiment, Resampled
from jaxbnn.config.overrides import combinations, override
from jaxbnn.observe.probe import Probe

BASE = Experiment("base", data.Szt(), nn.MLP((10, 8), 2), train.TrainSpec(epochs=100))


@pytest.mark.parametrize("text", [".001", "1e-3", "+0.001", "0.001", "1.e-3", "1E-3"])
def test_a_real_number_is_read_as_people_write_it(text):
    assert override(BASE, f"train.learning_rate={text}").train.learning_rate == 0.001


@pytest.mark.parametrize("text", ["1", "1.", "+1", "1.0", "1e0", ".1e1"])
def test_one_is_one(text):
    rate = override(BASE, f"train.learning_rate={text}").train.learning_rate
    assert rate == 1.0 and type(rate) is float


@pytest.mark.parametrize("text", ["1e3", "1000", "1000.", "1.0e3", "+1000", "10E2"])
def test_a_whole_number_may_have_an_exponent(text):
    epochs = override(BASE, f"train.epochs={text}").train.epochs
    assert epochs == 1000 and type(epochs) is int


@pytest.mark.parametrize(
    "text", ["1.5", "1e-3", "1e400", "ten", "1_000_", "0x10", "--5", "1e", "."]
)
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(ValueError, match=r"^train\.epochs: expected int, got ") as caught:
        override(BASE, f"train.epochs={text}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["nan", "NaN", "inf", "-Infinity"])
def test_a_number_that_is_not_finite_is_refused(text):
    with pytest.raises(ValueError, match=r"^train\.decay: expected finite numbers, got"):
        override(BASE, f"train.decay={text}")


@pytest.mark.parametrize("text", ["50,10", "( 50 , 10 )", "[50, 10]", "(50,10,)", "(5e1,10.)"])
def test_a_list_is_read_as_people_write_it(text):
    assert override(BASE, f"model.widths={text}").model.widths == (50, 10)


def test_a_list_of_one_and_of_real_numbers():
    assert override(BASE, "model.widths=(50,)").model.widths == (50,)
    assert override(BASE, "data.value_range=[-.5,+1.]").data.value_range == (-0.5, 1.0)
    with pytest.raises(ValueError, match=r"model\.widths\.0: expected int, got '\(50'"):
        override(BASE, "model.widths=(50,10")


@pytest.mark.parametrize("text", ["adamw", "AdamW", "ADAMW"])
def test_a_type_is_found_whatever_its_capital_letters(text):
    assert override(BASE, f"train.optimiser={text}").train.optimiser == train.AdamW()


def test_a_near_name_of_a_type_is_offered():
    with pytest.raises(
        ValueError,
        match=(
            r"^train\.optimiser: expected one of Adam, AdamW, Sgd, Bop, got 'adm' "
            r"\(near: Adam\)$"
        ),
    ):
        override(BASE, "train.optimiser=adm")


def test_assignments_are_applied_together():
    changed = override(BASE, "data=Npz", "data.path=mine.npz")
    assert changed.data == data.Npz("mine.npz")
    decayed = override(BASE, "train.decay=.5", "train.optimiser=AdamW", "train.optimiser.b1=0.5")
    assert decayed.train.optimiser == train.AdamW(b1=0.5) and decayed.train.decay == 0.5
    assert from_json(to_json(changed)) == changed


def test_the_fields_that_are_still_missing_are_named():
    with pytest.raises(ValueError, match=r"^data: expected the fields path of Npz too$"):
        override(BASE, "data=Npz")


def test_a_chosen_type_has_its_defaults_and_they_can_be_changed():
    model = override(BASE, "model=ConvNet", "model.activation=SwishSignActivation").model
    assert model == nn.ConvNet(activation=nn.SwishSignActivation())
    bins = override(BASE, "probes.0.estimator=fixedbins", "probes.0.estimator.bins=7")
    assert bins.probes[0].estimator == info.FixedBins(bins=7)
    sgd = override(BASE, 'train.optimiser={"type": "sgd", "momentum": 0.5}')
    assert sgd.train.optimiser == train.Sgd(0.5)
    with pytest.raises(ValueError, match="train.optimiser: expected fields of Sgd"):
        override(BASE, 'train.optimiser={"type": "Sgd", "b1": 0.5}')
    with pytest.raises(ValueError, match="train.optimiser: expected a JSON object"):
        override(BASE, 'train.optimiser={"type"')


def test_combinations_are_of_all_values():
    made = combinations(
        BASE, ["train.optimiser=adamw", "train.decay=0,.1", "seeds_per_program=2,4"]
    )
    assert [(e.train.decay, e.seeds_per_program) for e in made] == [
        (0.0, 2),
        (0.0, 4),
        (0.1, 2),
        (0.1, 4),
    ]
    assert combinations(BASE, []) == [BASE]
    (one,) = combinations(BASE, ["model.widths=(4,3)"])
    assert one.model.widths == (4, 3)


def test_the_base_of_a_draft_stays_as_it_is():
    draft = overrides.draft_of(BASE)
    before = repr(draft)
    overrides.assign(draft, "model.activation.sign_of_zero=1")
    assert repr(draft) == before and overrides.built(draft) == BASE


def test_an_experiment_within_a_study_is_changed_but_for_its_name_and_seeds():
    kept = dataclasses.replace(BASE, probes=(Probe(sample="all", activations_at=(0, -1)),))
    study = Resampled("samples", kept, n=(100, 300))
    assert override(study, "experiment.train.epochs=7").experiment.train.epochs == 7
    assert override(study, "n=(10,20,30)").n == (10, 20, 30)
    with pytest.raises(ValueError, match="unknown key 'experiment.seeds'"):
        override(study, "experiment.seeds=3")


def test_whole_numbers_of_numpy_are_taken():
    ours = dataclasses.replace(
        BASE, seeds=np.arange(3), seeds_per_program=np.int64(4), root_seed=np.uint32(7)
    )
    plain = dataclasses.replace(BASE, seeds=(0, 1, 2), seeds_per_program=4, root_seed=7)
    assert ours == plain and hash(ours) == hash(plain) and digest(ours) == digest(plain)
    assert [type(seed) for seed in ours.seeds] == [int] * 3 and type(ours.root_seed) is int
    with pytest.raises(TypeError, match=r"expected seeds as whole numbers, got \(0.5,\)"):
        dataclasses.replace(BASE, seeds=(0.5,))
