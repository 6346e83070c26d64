"""Layers measured by tables say what the same layers measured by examples say."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from two_ways import check_equal, variables_of

from jaxbnn.data import Dataset, Split
from jaxbnn.engine import program
from jaxbnn.info import Exact, FixedBins, plane
from jaxbnn.info.estimators.protocol import TableRows, WeightedRows
from jaxbnn.nn import MLP, ApproxSign, SignActivation, SwishSign
from jaxbnn.nn.steps import mlp_steps
from jaxbnn.observe import Probe, observer, recorder, viewer
from jaxbnn.observe.probe import PARTS
from jaxbnn.observe.tabled import Chain, chain_of

CUBE = 2.0 * ((np.arange(256)[:, None] >> np.arange(8)) & 1) - 1
PROBES = (
    Probe(),
    Probe("test", sample="test"),
    Probe("corrected", (), Exact("miller_madow"), "all"),
)


def split_of(x, seed=0, n_classes=3, n_train=None):
    rng = np.random.default_rng(seed)
    x = np.asarray(x, np.float32)[rng.permutation(len(x))]
    y = rng.integers(0, n_classes, len(x)).astype(np.int32)
    n_train = n_train or 3 * len(x) // 4
    parts = Dataset(x[:n_train], y[:n_train]), Dataset(x[n_train:], y[n_train:])
    return Split(*jax.tree.map(jnp.asarray, parts), n_classes, False)


MODELS = {
    "binary": MLP((6, 5, 4), 3),
    "wide first": MLP((9, 5, 3), 3, SignActivation(ApproxSign(), sign_of_zero=1.0)),
    "wide inside": MLP((3, 12, 1), 3),
    "no norm": MLP((5, 4), 3, SignActivation(SwishSign()), normalise=False),
    "real ends": MLP((5, 4), 4, binary_first=False, binary_last=False),
    "real": MLP((5, 4), 3, kernel_surrogate=None),
}


@pytest.mark.parametrize(
    ("name", "trained"),
    [
        ("binary", True),
        ("wide first", True),
        *[pytest.param(name, True, marks=pytest.mark.slow) for name in list(MODELS)[2:]],
        *[pytest.param(name, False, marks=pytest.mark.slow) for name in MODELS],
    ],
)
def test_tables_say_what_examples_say(name, trained):
    split = split_of(CUBE)
    variables = variables_of(MODELS[name], split.train.x, 3, trained)
    check_equal(MODELS[name], PROBES, split, variables)


@pytest.mark.slow
@settings(max_examples=4, deadline=None, derandomize=True, phases=[Phase.generate])
@given(
    widths=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    n=st.integers(2, 300),
    seed=st.integers(0, 1000),
)
def test_tables_say_what_examples_say_at_any_width(widths, n, seed):
    x = np.random.default_rng(seed).normal(size=(n + 1, 5))
    model = MLP(tuple(widths), 3)
    split = split_of(x, seed, n_train=n // 2 + 1)
    check_equal(model, PROBES, split, variables_of(model, split.train.x, seed))


def test_the_last_hidden_layers_with_few_patterns_are_in_tables():
    assert chain_of((10, 8, 2), 1024) == Chain(0, (10, 8, 2))
    assert chain_of((10, 8, 2), 1023) == Chain(1, (10, 8, 2))
    assert chain_of((3, 13, 2), 10**6) == Chain(2, (3, 13, 2))
    assert chain_of((2, 13), 10**6) is None and chain_of((), 10) is None


def test_a_probe_of_other_things_sees_examples_beside_the_tables():
    model = MLP((3, 2), 3)
    split = split_of(CUBE)
    variables = variables_of(model, split.train.x)
    bins = Probe("bins", ("norm_2", "hidden_2", "output"), FixedBins())
    alone = viewer(model, (bins,), classes=None)(split, variables)
    beside = viewer(model, (Probe(sample="test"), bins), classes=3)(split, variables)
    jax.tree.map(np.testing.assert_array_equal, beside.codes["bins"], alone.codes["bins"])
    assert all(isinstance(code, (TableRows, WeightedRows)) for code in beside.codes["main"])


@pytest.mark.parametrize("broken", ["weight", "label", "input"])
def test_what_no_table_can_hold_gives_no_number(broken):
    model = MLP((3, 2), 3)
    split = split_of(CUBE)
    variables = variables_of(model, split.train.x)
    if broken == "weight":
        latent = variables["params"]["dense_1"]["latent"].at[0].set(jnp.nan)
        variables["params"]["dense_1"]["latent"] = latent
    elif broken == "label":
        split = split._replace(train=split.train._replace(y=split.train.y.at[0].set(3)))
    else:
        split = split._replace(train=split.train._replace(x=split.train.x.at[0, 0].set(jnp.nan)))
    view = viewer(model, (Probe(),), PARTS, classes=3)(split, variables)
    prepare, record = recorder((Probe(),), 3)
    reference = jax.jit(lambda data: prepare(split._replace(train=data)))(split.train)
    point = plane.from_columns(record(reference, view.codes)[0].values)
    assert np.isnan(point.xt).all() and not point.certified.any()
    score = program._score_of(view.logits["train"], split.train.y, jnp.bool_(True))
    assert np.isnan(score.loss) and np.isnan(score.accuracy)


def test_a_network_of_ones_own_is_measured_as_it_says():
    class Constant(MLP):
        def __call__(self, x, *, train):
            logits, hidden = super().__call__(x, train=train)
            return -logits, tuple(jnp.ones_like(t) for t in hidden)

    class Counted(nn.Module):
        steps: int = 3

        @nn.compact
        def __call__(self, x):
            return nn.Dense(2)(x), ()

    assert Constant((3, 2), 3).steps is None
    split = split_of(CUBE)
    for model in (Constant((3, 2), 3), Counted()):
        variables = model.init(jax.random.key(0), split.train.x[:1], **flags_of(model))
        prepare, measure = observer(model, (Probe(),), classes=3)
        point = measure(prepare(split), split, variables)[0]
        assert point.h_t[:-1].tolist() == [0.0] * (len(point.h_t) - 1)


def flags_of(model):
    return {"train": False} if isinstance(model, MLP) else {}


def test_units_are_read_by_name_and_rows_at_once_hold_and_labels_may_be_floats():
    looked_at = []

    class Own(nn.Module):
        n_classes: int = 3
        rows_at_once: int = 64
        layer_names = ("a", "b")
        inner: MLP = MLP((5, 4), 3)

        def units(self, shape):
            return {"b": 4, "a": 5}

        def steps(self, variables):
            first, *others = mlp_steps(self.inner, variables)

            def watched(t, moments=None):
                looked_at.append(len(t))
                return first(t, moments)

            return watched, *others

    split = split_of(CUBE)
    variables = variables_of(MLP((5, 4), 3), split.train.x)
    as_floats = split._replace(train=split.train._replace(y=split.train.y.astype(jnp.float32)))
    probes = (Probe(normalisation="running"),)
    view = viewer(Own(), probes, classes=3)(as_floats, variables)
    expected = viewer(MLP((5, 4), 3), probes, classes=3)(split, variables)
    assert max(looked_at) <= 64
    jax.tree.map(np.testing.assert_array_equal, view.codes, expected.codes)
