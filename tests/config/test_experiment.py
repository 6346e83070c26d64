import dataclasses
import json

import numpy as np
import pytest
from flax import linen

from jaxbnn import config, data, info, nn, observe, studies, train
from jaxbnn.config import codec, registry
from jaxbnn.config.codec import digest, from_json, to_json
from jaxbnn.config.experiment import Experiment
from jaxbnn.config.overrides import override

BASE = Experiment("base", data.Szt(), nn.MLP((10, 8), 2), train.TrainSpec(epochs=100))
RICH = Experiment(
    name="rich",
    data=data.Npz("a.npz", value_range=(0.0, 1.0)),
    model=nn.MLP(
        (5,), 3, activation=nn.SwishSignActivation(3.0), kernel_surrogate=None, binary_first=False
    ),
    train=train.TrainSpec(
        epochs=7, batch_size=None, optimiser=train.AdamW(b1=0.8), decay=0.5, latent_clip=None
    ),
    schedule=observe.Schedule(every=3),
    probes=(
        observe.Probe(estimator=info.FixedBins(0.0, 2.0, 10, "miller_madow")),
        observe.Probe("own", layers=("dense_1",), sample="all", population=True),
    ),
    seeds=(3, 5),
    root_seed=9,
)
ALL = [BASE, RICH, *(e for study in studies.STUDIES for e in study.experiments)]


@pytest.mark.parametrize("experiment", ALL, ids=lambda e: e.name)
def test_json_gives_the_experiment_back(experiment):
    assert from_json(to_json(experiment)) == experiment
    assert hash(from_json(to_json(experiment))) == hash(experiment)
    assert "parent" not in to_json(experiment)


@pytest.mark.parametrize("spec", registry.SPECS.values(), ids=lambda s: s.__name__)
def test_every_specification_survives_json_with_its_defaults(spec):
    needed = {"widths": (4,), "n_classes": 2, "epochs": 3, "path": "a.npz"}
    names = {f.name for f in dataclasses.fields(spec)}
    value = spec(**{k: v for k, v in needed.items() if k in names})
    plain = json.loads(json.dumps(codec.plain_of(value)))
    kind = next((kind for kind, family in registry.FAMILIES.items() if spec in family), spec)
    assert plain["type"] == spec.__name__ and codec.build(plain, kind, "x") == value


def test_digest_is_of_everything_but_name_and_seeds():
    one = digest(BASE)
    assert len(one) == 12 and int(one, 16) >= 0
    assert digest(dataclasses.replace(BASE, name="other", seeds=(7,))) == one
    changes = [
        "train.epochs=101",
        "data.train_fraction=0.7",
        "model.widths=10,9",
        "seeds_per_program=4",
        "root_seed=1",
        "probes.0.sample=all",
    ]
    assert len({digest(override(BASE, c)) for c in changes} | {one}) == len(changes) + 1


def test_digest_does_not_change_between_machines_and_versions():
    assert digest(BASE) == "f8982bce622a"


def test_numbers_of_the_declared_type_have_one_digest():
    whole = dataclasses.replace(
        BASE, train=train.TrainSpec(epochs=100, learning_rate=1), data=data.Szt(value_range=(0, 1))
    )
    real = dataclasses.replace(
        BASE,
        train=train.TrainSpec(epochs=100, learning_rate=1.0),
        data=data.Szt(value_range=(0.0, 1.0)),
    )
    assert digest(whole) == digest(real) and config.normal(whole) == real
    assert type(config.normal(whole).train.learning_rate) is float


@pytest.mark.parametrize(
    ("assignment", "get", "value"),
    [
        ("train.epochs=10", lambda e: e.train.epochs, 10),
        ("train.learning_rate=1", lambda e: e.train.learning_rate, 1.0),
        ("train.batch_size=none", lambda e: e.train.batch_size, None),
        ("train.optimiser=AdamW", lambda e: e.train.optimiser, train.AdamW()),
        (
            'train.optimiser={"type": "Sgd", "momentum": 0.5}',
            lambda e: e.train.optimiser,
            train.Sgd(0.5),
        ),
        ("train.optimiser.b1=0.5", lambda e: e.train.optimiser, train.Adam(b1=0.5)),
        ("model.widths=50,10,10", lambda e: e.model.widths, (50, 10, 10)),
        ("model.widths=[7]", lambda e: e.model.widths, (7,)),
        ("model.widths=7", lambda e: e.model.widths, (7,)),
        ("model.binary_first=false", lambda e: e.model.binary_first, False),
        ("model.binary_first=False", lambda e: e.model.binary_first, False),
        ("model.kernel_surrogate=SwishSign", lambda e: e.model.kernel_surrogate, nn.SwishSign()),
        ("model.kernel_surrogate=none", lambda e: e.model.kernel_surrogate, None),
        (
            "model.activation.sign_of_zero=1",
            lambda e: e.model.activation,
            nn.SignActivation(sign_of_zero=1.0),
        ),
        ("data=TicTacToe", lambda e: e.data, data.TicTacToe()),
        ("data.value_range=-1,1", lambda e: e.data, data.Szt(value_range=(-1.0, 1.0))),
        ("probes.0.estimator=FixedBins", lambda e: e.probes[0].estimator, info.FixedBins()),
        ("probes.0.layers=dense_1,hidden_2", lambda e: e.probes[0].layers, ("dense_1", "hidden_2")),
        ("schedule.every=5", lambda e: e.schedule.every, 5),
        ("seeds_per_program=3", lambda e: e.seeds_per_program, 3),
    ],
)
def test_override_changes_one_value(assignment, get, value):
    changed = override(BASE, assignment)
    assert get(changed) == value
    assert from_json(to_json(changed)) == changed and BASE.seeds_per_program == 8


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        (
            "train.epoch=3",
            r"unknown key 'train.epoch': expected one of epochs, .* \(near: epochs\)",
        ),
        ("model.parent=none", "unknown key 'model.parent'"),
        ("nonsense", "key=value, e.g. train.epochs=10, got 'nonsense'"),
        ("train.epochs=ten", "train.epochs: expected int, got 'ten'"),
        ("train.epochs=1.5", "train.epochs: expected int, got 1.5"),
        ("train.epochs=true", "train.epochs: expected int, got True"),
        ("train.epochs=none", "train.epochs: expected int, got None"),
        ("train.epochs=0", "train.epochs from 1 to 100000000, got 0"),
        ("train.learning_rate=NaN", "finite numbers, got NaN"),
        ("train.batch_size=0", "train.batch_size >= 1"),
        ("seeds_per_program=0", "seeds_per_program from 1 to 65536, got 0"),
        ("root_seed=-1", "root_seed from 0"),
        ("model.widths=10,0", "widths of 1 to"),
        ("model.widths=a", "model.widths.0: expected int, got 'a'"),
        ("model.kernel_surrogate=Tanh", "one of STE, ApproxSign, SwishSign, PassThrough, got"),
        ("model.activation=os.system", "one of SignActivation, Tanh, HardTanh"),
        ("train.optimiser.momentum=1", "unknown key 'train.optimiser.momentum'"),
        ("train.epochs.more=1", "unknown key 'train.epochs.more'"),
        ("probes.3.sample=test", "unknown key 'probes.3.sample': expected an index from 0 to 0"),
        ("probes.0.sample=both", "one of train, test, all, got 'both'"),
        ("data.value_range=0", "a list of 2 values"),
        ("data.train_fraction=2", "train_fraction between 0 and 1"),
        ("seeds=4", "unknown key 'seeds'"),
        ("name=x", "unknown key 'name'"),
        ("=3", "key=value"),
    ],
)
def test_bad_overrides_are_refused_in_one_line(assignment, message):
    with pytest.raises(ValueError, match=message) as caught:
        override(BASE, assignment)
    assert "\n" not in str(caught.value)


def edited(**changes):
    return json.dumps(json.loads(to_json(BASE)) | changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "JSON, got text that is not JSON"),
        ("[]", "an object with the fields of Experiment"),
        ("{}", "expected the fields name, data, model, train of Experiment too"),
        (edited(more=1), "fields of Experiment .* got 'more'"),
        (edited(seeds=[]), "one or more different seeds"),
        (edited(seeds=[1, 1]), "one or more different seeds"),
        (edited(name="../x"), "letters, digits, - and _, with / between parts, got '../x'"),
        (edited(name="a//x"), "with / between parts, got 'a//x'"),
        (edited(name="/x"), "with / between parts, got '/x'"),
        (edited(train={"type": "Popen", "args": "x"}), "train: expected one of TrainSpec"),
        (
            edited(data={"type": "Szt", "train_fraction": 7}),
            "^experiment.data: expected train_fraction between 0 and 1",
        ),
        (edited(data={"type": "Szt", "share": 7}), "fields of Szt .* got 'share'"),
        (edited(seeds_per_program="8"), "seeds_per_program: expected int, got '8'"),
        (edited(root_seed=2.5), "root_seed: expected int"),
        (
            edited(model={"type": "MLP", "widths": [3, "a"], "n_classes": 2}),
            "experiment.model.widths.1",
        ),
        (
            edited(model={"type": "Net"}),
            r"MLP, ConvNet, got .*: a class of your own is .*register\(Net\)",
        ),
        (edited(train={"type": "Net"}), "expected one of TrainSpec, got {'type': 'Net'}$"),
        (edited(data={"type": "Szt", "source": "1"}), "fields of Szt .* got 'source'"),
        (to_json(BASE).replace("0.001", "Infinity"), "finite numbers, got Infinity"),
    ],
)
def test_bad_json_is_refused_in_one_line(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        from_json(text)
    assert "\n" not in str(caught.value)


def test_nan_and_strangers_are_not_written():
    with pytest.raises(ValueError, match="finite numbers"):
        to_json(
            dataclasses.replace(BASE, model=nn.MLP((1,), 2, momentum=0.5, epsilon=float("inf")))
        )

    @dataclasses.dataclass(frozen=True)
    class Mine:
        def __call__(self, x):
            return x

    with pytest.raises(TypeError, match=r"known to jaxbnn .*got a Mine: .*jaxbnn.register\(Mine\)"):
        to_json(dataclasses.replace(BASE, model=nn.MLP((1,), 2, activation=Mine())))


def test_probes_need_different_names():
    with pytest.raises(ValueError, match="different names"):
        dataclasses.replace(BASE, probes=(observe.Probe(), observe.Probe()))
    assert np.array_equal(BASE.epochs, BASE.schedule.epochs(100))


def test_numpy_numbers_and_any_sequence_of_seeds_are_taken():
    rate = np.logspace(-4, -3, 2)[0]
    odd = dataclasses.replace(
        BASE, train=train.TrainSpec(epochs=100, learning_rate=rate), seeds=np.arange(4)
    )
    assert odd.seeds == (0, 1, 2, 3) and type(config.normal(odd).train.learning_rate) is float
    assert dataclasses.replace(BASE, seeds=range(3)).seeds == (0, 1, 2)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"seeds": 3}, TypeError, "seeds as a sequence, got 3"),
        ({"probes": observe.Probe()}, TypeError, "probes as a sequence"),
        ({"seeds": (2**32,)}, ValueError, r"seeds from 0 to 2\*\*32 - 1"),
        ({"seeds_per_program": 10**9}, ValueError, "seeds_per_program from 1 to 65536"),
    ],
)
def test_bad_seeds_and_seeds_per_program_are_refused(fields, error, message):
    with pytest.raises(error, match=message):
        dataclasses.replace(BASE, **fields)


@pytest.mark.parametrize("text", ["9" * 400, "[" * 100_000, "1e999"])
def test_monstrous_numbers_are_refused_in_one_line(text):
    with pytest.raises(ValueError, match="train.learning_rate: expected float|finite") as caught:
        override(BASE, f"train.learning_rate={text}")
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError):
        from_json(text)


@pytest.mark.parametrize("depth", range(960, 1000, 5))
def test_json_nested_nearly_as_deep_as_python_goes_is_refused(depth):
    with pytest.raises(ValueError):
        from_json("[" * depth + "]" * depth)


def test_optional_tuples_and_words_are_read_as_they_are_declared():
    npz = dataclasses.replace(BASE, data=data.Npz("a.npz"))
    assert override(npz, "data.value_range=-1,1").data.value_range == (-1.0, 1.0)
    assert override(npz, "data.value_range=none").data.value_range is None
    assert override(npz, "data.path=2024").data.path == "2024"
    with pytest.raises(
        ValueError, match="data: expected one of Szt, TicTacToe, Mnist, FashionMnist, Cifar10, Npz"
    ):
        from_json(edited(data={"type": ["Szt"]}))


def test_numpys_whole_numbers_are_taken_where_whole_numbers_are_meant():
    two, three = np.int64(2), np.int32(3)
    odd = dataclasses.replace(
        BASE,
        model=nn.ConvNet((three,), two, (three,), two, two),
        train=train.TrainSpec(epochs=three, batch_size=two),
        schedule=observe.Schedule(every=two),
        seeds_per_program=two,
        root_seed=three,
    )
    plain = dataclasses.replace(
        BASE,
        model=nn.ConvNet((3,), 2, (3,), 2, 2),
        train=train.TrainSpec(epochs=3, batch_size=2),
        schedule=observe.Schedule(every=2),
        seeds_per_program=2,
        root_seed=3,
    )
    assert digest(odd) == digest(plain) and config.normal(odd) == plain
    assert type(config.normal(odd).model.widths[0]) is int


def test_a_model_without_a_member_of_the_protocol_is_refused_by_its_name():
    class Nameless(linen.Module):
        n_classes: int = 2

        def __call__(self, x, *, train):
            return x, (x,)

    members = r"n_classes, layer_names and __call__\(x, \*, train\)"
    with pytest.raises(TypeError, match=f"{members}, got Nameless without layer_names$"):
        dataclasses.replace(BASE, model=Nameless())
    with pytest.raises(TypeError, match="got str without init"):
        dataclasses.replace(BASE, model="MLP")
