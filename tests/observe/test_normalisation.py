"""BatchNorm has the moments of the training set under the current weights."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from two_ways import variables_of

from jaxbnn import data
from jaxbnn.data import Dataset, Split
from jaxbnn.engine.run_data import with_bytes
from jaxbnn.nn import MLP, ConvNet, Tanh
from jaxbnn.observe import Probe, viewer
from jaxbnn.observe import normalisation as n
from jaxbnn.observe.layout import ONE_SEED
from jaxbnn.train.batches import of_batches

SMALL = ONE_SEED._replace(limit=50)


def split_of(n_rows=180, shape=(6,), seed=0):
    x = np.random.default_rng(seed).integers(0, 5, (n_rows, *shape)).astype(np.float32) / 4
    y = np.arange(n_rows, dtype=np.int32) % 3
    n_train = n_rows - n_rows // 4
    parts = [Dataset(x[:n_train], y[:n_train]), Dataset(x[n_train:], y[n_train:])]
    return Split(*jax.tree.map(jnp.asarray, parts), 3, False)


def by_hand(model, variables, x):
    """The moments of each BatchNorm: applied in training mode, each takes those of its batch, which
    is the whole set; with momentum 0 it keeps them."""
    model = model.clone(momentum=0.0)
    return model.apply(variables, x, train=True, mutable=["batch_stats"])[1]["batch_stats"]


def check(found, expected):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6), found, expected
    )


MODELS = {
    "signs": MLP((7, 5, 4), 3),
    "real ends": MLP((5, 4), 3, binary_first=False, binary_last=False),
    "tanh": MLP((5, 4), 3, Tanh()),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("limit", [4096, 50])
def test_moments_are_those_of_the_whole_training_set(name, trained, limit):
    model = MODELS[name]
    split = split_of()
    variables = variables_of(model, split.train.x, trained=trained)
    expected = by_hand(model, variables, split.train.x)
    layout = ONE_SEED._replace(limit=limit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(n, "LIMIT", limit)
        normalise = n.normaliser_of(model, layout)
    for inputs in (n.input_moments(model, split), None):
        found = jax.jit(normalise)(split, variables, inputs)
        check(found["batch_stats"], expected)
        jax.tree.map(np.testing.assert_array_equal, found["params"], variables["params"])


def test_inputs_held_as_bytes_have_the_same_moments():
    model = MODELS["signs"]
    split = split_of()
    as_bytes = with_bytes(split)
    variables = variables_of(model, split.train.x)
    normalise = n.normaliser_of(model, SMALL)
    for inputs in (n.input_moments(model, as_bytes), None):
        found = normalise(as_bytes, variables, inputs)["batch_stats"]
        check(found, by_hand(model, variables, split.train.x))


@pytest.mark.parametrize("rows", [16, 4096])
def test_convolutions_are_gone_through_norm_by_norm(rows, monkeypatch):
    model = ConvNet((6,), 3, (2,), 3)
    split = split_of(60, (8, 8))
    variables = variables_of(model, split.train.x)
    monkeypatch.setattr(ConvNet, "rows_at_once", rows)
    found = jax.jit(n.normaliser_of(model, ONE_SEED))(split, variables, None)
    check(found["batch_stats"], by_hand(model, variables, split.train.x))


class Own(nn.Module):
    """A network of one's own: nested, its norms of other axes and with a scale."""

    n_classes: int = 3
    momentum: float = 0.9
    layer_names = ("first",)

    @nn.compact
    def __call__(self, x, *, train):
        h = nn.Dense(4)(x)
        h = nn.BatchNorm(not train, momentum=self.momentum, name="norm")(h)
        logits, _ = MLP((4,), 3, momentum=self.momentum, name="inner")(jnp.tanh(h), train=train)
        return logits, (jnp.sign(h),)


@pytest.mark.parametrize("limit", [4096, 50])
def test_a_network_of_ones_own_has_them_too(limit, monkeypatch):
    split = split_of()
    model = Own()
    variables = variables_of(model, split.train.x)
    monkeypatch.setattr(n, "LIMIT", limit)
    found = n.normaliser_of(model, ONE_SEED)(split, variables, None)
    check(found["batch_stats"], by_hand(model, variables, split.train.x))


def test_statistics_of_another_kind_are_refused_in_one_line():
    class Other(nn.Module):
        n_classes: int = 3
        layer_names = ("first",)

        @nn.compact
        def __call__(self, x, *, train):
            mean = self.variable("batch_stats", "mean", jnp.zeros, x.shape[-1:])
            h = nn.Dense(4)(x - mean.value[None])
            return nn.Dense(3)(h), (jnp.sign(h),)

    split = split_of()
    variables = Other().init(jax.random.key(0), split.train.x[:1], train=False)
    with pytest.raises(ValueError, match=r'Flax.s BatchNorms.*normalisation="running"'):
        viewer(Other(), (Probe(),))(split, variables)
    seen = viewer(Other(), (Probe(normalisation="running"),))(split, variables)
    assert seen.codes["main"][0].valid.all()


def test_a_probe_has_the_moments_that_it_names():
    split = split_of()
    model = MODELS["signs"]
    variables = variables_of(model, split.train.x)
    probes = (Probe(), Probe("running", normalisation="running"))
    together = viewer(model, probes, ("train", "test"), classes=3)(split, variables)
    settled = variables | {"batch_stats": by_hand(model, variables, split.train.x)}
    for name, theirs in (("main", settled), ("running", variables)):
        alone = viewer(model, (Probe(normalisation="running"),), ("train",))(split, theirs)
        of_examples = viewer(model, (probes[0 if name == "main" else 1],))(split, variables)
        jax.tree.map(
            np.testing.assert_array_equal, alone.codes["main"][:-1], of_examples.codes[name][:-1]
        )
    deployed = viewer(model, (Probe("x", normalisation="running"),), ("train",), classes=3)
    expected = deployed(split, variables).logits["train"]
    jax.tree.map(np.testing.assert_array_equal, together.logits["train"], expected)


def test_an_untrained_layer_of_szt_is_not_seen_warming_up():
    """The largest I(X;T) of the first epochs was that of the untrained network all along."""
    split = data.load(data.Szt())
    model = MLP((10, 8, 6, 4, 2), 2)
    variables = model.init(jax.random.key(0), split.train.x[:1], train=False)
    probes = (Probe(), Probe("running", normalisation="running"))
    codes = viewer(model, probes)(split, variables).codes
    patterns = {}
    for name in ("main", "running"):
        patterns[name] = len(np.unique(codes[name][0].words))
    assert patterns["main"] > 2 * patterns["running"]


def test_sums_of_batches_leave_out_no_row_and_fill_none():
    for rows, limit in ((12, 5), (13, 5), (7, 50), (1, 3)):
        x = jnp.arange(rows, dtype=jnp.float32)[:, None] + 1e4
        sums = of_batches(lambda x: n.sums_of(x, (0,)), x, limit)
        assert int(sums.n.sum()) == rows and sums.n.max() <= limit
        moments = n.moments_of(sums)
        np.testing.assert_allclose(moments.mean, np.mean(x, 0), rtol=1e-7)
        np.testing.assert_allclose(moments.var, np.var(np.float64(x), 0), rtol=1e-5)


def test_another_normalisation_is_refused():
    with pytest.raises(ValueError, match="normalisation to be one of"):
        Probe(normalisation="batch")
