"""Types of a user's own: written, hashed, overridden, run, grown and refused."""

import dataclasses
import json
import textwrap

import flax.linen as linen
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxbnn import config, data, info, nn, observe, train
from jaxbnn.config import registry
from jaxbnn.engine.runner import run
from jaxbnn.nn import models
from jaxbnn.storage import results, run_folder


@pytest.fixture(autouse=True)
def own_tables():
    """Each test begins and ends with this package's types alone."""
    families, specs = dict(registry.FAMILIES), dict(registry.SPECS)
    yield
    for table, kept in ((registry.FAMILIES, families), (registry.SPECS, specs)):
        table.clear()
        table.update(kept)
    registry.SOURCES.clear()


class ResidualNet(linen.Module):
    """Binary blocks that add their input, x + sign(BatchNorm(x @ sign(W)))."""

    width: int = 6
    n_blocks: int = 2
    n_classes: int = 2

    @property
    def layer_names(self):
        return tuple(f"block_{i + 1}" for i in range(self.n_blocks))

    @linen.compact
    def __call__(self, x, *, train):
        x = nn.BinaryDense(self.width)(x)
        hidden = []
        for _ in range(self.n_blocks):
            t = linen.BatchNorm(not train)(nn.BinaryDense(self.width)(x))
            hidden.append(nn.sign(nn.STE(), t))
            x = x + hidden[-1]
        return linen.Dense(self.n_classes)(x), tuple(hidden)


@dataclasses.dataclass(frozen=True)
class Parity(data.DataSource):
    n_bits: int = 7

    def load(self, root, seed):
        x = (np.arange(2**self.n_bits)[:, None] >> np.arange(self.n_bits)) & 1
        y = x.sum(axis=1) % 2
        return data.Split(data.Dataset(x[::2], y[::2]), data.Dataset(x[1::2], y[1::2]), 2, True)


@dataclasses.dataclass(frozen=True)
class Quartic(nn.Surrogate):
    scale: float = 1.0

    def __call__(self, x):
        return jnp.maximum(1 - (x / self.scale) ** 4, 0)


@dataclasses.dataclass(frozen=True)
class Soft(nn.Activation):
    def __call__(self, x):
        return x / (1 + jnp.abs(x))


@dataclasses.dataclass(frozen=True)
class Halves(info.Exact):
    pass


@dataclasses.dataclass(frozen=True)
class Lion:
    b1: float = 0.9

    def transform(self):
        return optax.scale_by_lion(self.b1, 0.99)


def experiment(**changes):
    fields = {
        "name": "own",
        "data": data.Szt(),
        "model": ResidualNet(),
        "train": train.TrainSpec(epochs=2, batch_size=256),
        "probes": (
            observe.Probe(sample="all"),
            observe.Probe("norm", ("BatchNorm_0",), info.ExactValues()),
        ),
        "seeds": (0, 1),
        "seeds_per_program": 2,
    }
    return config.Experiment(**{**fields, **changes})


def test_a_network_of_ones_own_is_run_resumed_and_given_another_seed(tmp_path):
    config.register(ResidualNet)
    spec = experiment()
    folder = run(spec, tmp_path, devices=jax.devices()[:1])
    first = results.open_result(folder)
    assert first.layer.values.tolist() == ["block_1", "block_2", "output"]
    assert first.certified[..., :2].all() and (first.i_xt[..., :2] > 0).all()
    assert run_folder.read_config(folder) == spec
    more = dataclasses.replace(spec, seeds=(0, 1, 2))
    assert run(more, tmp_path, devices=jax.devices()[:1]) == folder
    grown = results.open_result(folder)
    assert grown.seed.values.tolist() == [0, 1, 2]
    for name in ("i_xt", "i_ty", "train_loss", "verdict_xt"):
        np.testing.assert_array_equal(grown[name][:2], first[name])


def test_everything_of_ones_own_at_once_is_run(tmp_path):
    for cls in (Parity, Quartic, Soft, Halves, Lion):
        assert config.register(cls) is cls
    model = nn.MLP((5, 4), 2, nn.SignActivation(Quartic(2.0)), Quartic())
    spec = experiment(
        data=Parity(),
        model=model,
        train=train.TrainSpec(epochs=2, batch_size=16, optimiser=Lion(b1=0.8)),
        probes=(observe.Probe(estimator=Halves(), sample="all"),),
    )
    assert config.from_json(config.to_json(spec)) == spec
    assert (
        config.from_json(config.to_json(experiment(model=nn.MLP((5,), 2, Soft())))).model.activation
        == Soft()
    )
    result = results.open_result(run(spec, tmp_path, devices=jax.devices()[:1]))
    assert result.i_xt.shape == (2, 3, 3) and np.isfinite(result.train_loss).all()
    assert float(result.h_x[0]) == 7


def test_json_has_the_name_and_the_source_and_digest_and_overrides_follow_the_fields():
    config.register(ResidualNet)
    spec = experiment()
    plain = json.loads(config.to_json(spec))["model"]
    assert list(plain) == ["type", "source", "width", "n_blocks", "n_classes"]
    assert plain["type"] == "ResidualNet" and len(plain["source"]) == 12
    assert config.from_json(config.to_json(spec)) == spec
    wide = config.override(spec, "model.width=8")
    assert wide.model == ResidualNet(8) and config.digest(wide) != config.digest(spec)
    assert config.changes(wide, spec) == ["model.width=8 (not 6)"]
    dense = experiment(model=nn.MLP((6,), 2))
    assert config.override(dense, "model=ResidualNet").model == ResidualNet()
    with pytest.raises(ValueError, match="unknown key 'model.parent'"):
        config.override(spec, "model.parent=none")


def test_another_version_of_a_class_is_another_experiment_and_is_refused_by_name():
    config.register(ResidualNet)
    text, digest = config.to_json(experiment()), config.digest(experiment())
    registry._forget(ResidualNet)
    config.register(ResidualNet, version="2")
    assert config.digest(experiment()) != digest
    assert json.loads(config.to_json(experiment()))["model"]["source"] == "version 2"
    with pytest.raises(
        ValueError, match=r"^experiment.model: expected ResidualNet as it was run"
    ) as caught:
        config.from_json(text)
    assert "\n" not in str(caught.value)
    shown = config.from_json(text, run=False)
    assert config.digest(shown) == digest and json.loads(config.to_json(shown)) == json.loads(text)


def test_what_is_not_registered_is_refused_with_the_line_to_add_but_can_be_shown():
    config.register(ResidualNet)
    text, digest = config.to_json(experiment()), config.digest(experiment())
    registry._forget(ResidualNet)
    with pytest.raises(
        ValueError, match=r"jaxbnn.register\(ResidualNet\).*--import my_study.py"
    ) as caught:
        config.from_json(text)
    assert "\n" not in str(caught.value)
    shown = config.from_json(text, run=False)
    assert shown.seeds == (0, 1) and config.digest(shown) == digest
    assert config.to_json(shown) == text and repr(shown.model).startswith("ResidualNet(source=")
    with pytest.raises(AttributeError, match=r"no init here: .*jaxbnn.register\(ResidualNet\)"):
        shown.model.init()
    with pytest.raises(ValueError, match=r"jaxbnn.register\(ResidualNet\)"):
        config.normal(shown)
    with pytest.raises(TypeError, match=r"jaxbnn.register\(ResidualNet\)"):
        config.to_json(experiment())


def module_of(tmp_path, monkeypatch, name, text):
    """A module of this name with this text, imported."""
    import importlib

    (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    return importlib.import_module(name)


SURROGATE = """
    from dataclasses import dataclass
    from jaxbnn import nn

    class Base(nn.Surrogate):
        def __call__(self, x):
            return x * 0 + {factor}

    @dataclass(frozen=True)
    class Flat(Base):
        size: float = 1.0
"""


def test_an_edited_base_class_is_another_version(tmp_path, monkeypatch):
    sources = []
    for name, factor in (("own_a", 1), ("own_b", 2), ("own_c", 1)):
        module = module_of(tmp_path, monkeypatch, name, SURROGATE.format(factor=factor))
        config.register(module.Flat)
        sources.append(registry.SOURCES[module.Flat])
        registry._forget(module.Flat)
    assert sources[0] == sources[2] != sources[1]


def test_names_are_had_once_and_a_class_defined_again_takes_its_own_place(tmp_path, monkeypatch):
    first = module_of(tmp_path, monkeypatch, "own_d", SURROGATE.format(factor=1))
    other = module_of(tmp_path, monkeypatch, "own_e", SURROGATE.format(factor=1))
    config.register(first.Flat)
    config.register(first.Flat)
    with pytest.raises(ValueError, match="name of its own, got Flat: the registered own_d.Flat"):
        config.register(other.Flat)
    again = type("Flat", (first.Base,), {"__module__": "own_d", "__qualname__": "Flat"})
    again = config.register(dataclasses.dataclass(frozen=True)(again), version="cell 2")
    assert registry.SPECS["Flat"] is again and registry.FAMILIES[nn.Surrogate].count(again) == 1
    assert first.Flat not in registry.FAMILIES[nn.Surrogate]
    taken = dataclasses.make_dataclass("STE", [], bases=(nn.Surrogate,), frozen=True)
    with pytest.raises(ValueError, match="name of its own, got STE: one of jaxbnn's own has it"):
        config.register(taken)


def made(name, fields=(), bases=(), frozen=True, **namespace):
    return dataclasses.make_dataclass(name, fields, bases=bases, frozen=frozen, namespace=namespace)


def call(self, x):
    return x


@pytest.mark.parametrize(
    ("cls", "options", "error", "message"),
    [
        (3, {}, TypeError, "a Linen module or a frozen dataclass, got 3"),
        (
            made("Loose", frozen=False, __call__=call),
            {},
            TypeError,
            "a frozen dataclass, got Loose",
        ),
        (made("Bare"), {}, TypeError, "got Bare without them"),
        (made("Either", __call__=call), {}, ValueError, 'a role for Either, .*role="surrogate"'),
        (
            made("Either", __call__=call),
            {"role": "slope"},
            ValueError,
            "role as one of model, data",
        ),
        (
            made("Either", __call__=call),
            {"role": "data"},
            TypeError,
            "data classes with load, got Either",
        ),
        (
            made("Wild", [("f", dict)], __call__=call),
            {"role": "activation"},
            TypeError,
            "Wild's fields, got f",
        ),
        (
            made("Taken", [("source", int)], __call__=call),
            {"role": "activation"},
            ValueError,
            "field 'source'",
        ),
        (
            made("Unread", bases=(nn.Surrogate,)),
            {},
            ValueError,
            "can be read, got Unread: give its version",
        ),
    ],
)
def test_what_cannot_be_registered_is_refused_in_one_line(cls, options, error, message):
    with pytest.raises(error, match=message) as caught:
        config.register(cls, **options)
    assert "\n" not in str(caught.value)


def test_a_decorator_registers_with_or_without_arguments():
    @config.register
    @dataclasses.dataclass(frozen=True)
    class One(nn.Activation):
        def __call__(self, x):
            return x

    @config.register(role="surrogate", version="3")
    @dataclasses.dataclass(frozen=True)
    class Two:
        kinds: tuple[int, ...] = ()
        inner: nn.Surrogate | None = None

        def __call__(self, x):
            return x

    assert One in registry.FAMILIES[nn.Activation] and One not in registry.FAMILIES[nn.Surrogate]
    assert registry.SOURCES[Two] == "version 3" and Two in registry.FAMILIES[nn.Surrogate]
    spec = experiment(model=nn.MLP((3,), 2, One(), Two((1, 2), nn.STE(0.5))))
    assert config.from_json(config.to_json(spec)) == spec


def test_a_model_class_names_the_member_it_lacks():
    class Silent(linen.Module):
        n_classes: int = 2
        layer_names: tuple[str, ...] = ("a",)

    class Untrained(Silent):
        def __call__(self, x):
            return x, (x,)

    with pytest.raises(TypeError, match="got Silent without __call__"):
        config.register(Silent)
    with pytest.raises(TypeError, match="got Untrained without the argument train of __call__"):
        config.register(Untrained)
    assert isinstance(ResidualNet(), nn.MeasuredModel) and not isinstance(
        Silent(), nn.MeasuredModel
    )

    class Named(Silent):
        def __call__(self, x, *, train):
            return x, (x,)

    for names in (("a", "a"), ("output",), ["a"], "a", ("",)):
        with pytest.raises(ValueError, match=r"Named.layer_names as a tuple of different names"):
            models.check_model(Named(layer_names=names))
    with pytest.raises(ValueError, match="n_classes >= 1, got 0"):
        models.check_model(Named(n_classes=0))


def test_data_of_ones_own_is_checked():
    split = data.load(Parity())
    assert split.train.x.dtype == np.float32 and split.test.y.dtype == np.int32
    assert not data.is_per_seed(Parity()) and split.population

    @dataclasses.dataclass(frozen=True)
    class Given:
        value: object
        split_per_seed: bool = False

        def load(self, root, seed):
            return self.value

    x, y = np.zeros((3, 2)), np.arange(3) % 2
    good = data.Dataset(x, y)
    for value, error, message in (
        (None, TypeError, "Given.load to give a jaxbnn.data.Split, got None"),
        (data.Split(data.Dataset(x, y[:2]), good, 2, False), ValueError, r"train x \[N, ...\]"),
        (data.Split(good, data.Dataset(x * np.nan, y), 2, False), ValueError, "test x of finite"),
        (data.Split(good, data.Dataset(x, y - 1), 2, False), ValueError, "test y of whole labels"),
        (
            data.Split(good, data.Dataset(x[:, :1], y), 2, False),
            ValueError,
            "examples of one shape",
        ),
    ):
        with pytest.raises(error, match=message):
            data.load(Given(value))
    with pytest.raises(ValueError, match="Given has split_per_seed set, got None"):
        data.load(Given(None, True))
    assert data.is_per_seed(Given(None, True))
