"""What every member of a family must do: slopes, activations, estimators, data sets."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbnn import data, info, nn
from jaxbnn.config import codec
from jaxbnn.info.estimators.protocol import Estimator

SLOPES = [
    nn.STE(),
    nn.STE(0.5),
    nn.ApproxSign(),
    nn.SwishSign(),
    nn.SwishSign(2.0),
    nn.PassThrough(),
]
ACTIVATIONS = [
    nn.SignActivation(),
    nn.SignActivation(nn.ApproxSign(), 1.0),
    nn.Tanh(),
    nn.HardTanh(),
    nn.Relu(),
    nn.SwishSignActivation(),
]
ESTIMATORS = [
    info.Exact(),
    info.FixedBins(),
    info.SoftOutput(),
    info.ExactValues(),
    pytest.param(info.Exact("miller_madow"), marks=pytest.mark.slow),
    pytest.param(info.FixedBins(0, 2, 5), marks=pytest.mark.slow),
    pytest.param(info.OwnRangeBins(7), marks=pytest.mark.slow),
]
DATA = [
    data.Szt(),
    data.Szt(train_fraction=0.5, split_seed=3, value_range=(-1.0, 1.0)),
    data.TicTacToe(),
]
X = jnp.linspace(-2.5, 2.5, 24, dtype=jnp.float32).reshape(6, 4)


def through_json(value, family):
    return codec.build(json.loads(json.dumps(codec.plain_of(value))), family, "x")


@pytest.mark.parametrize("f", SLOPES + ACTIVATIONS, ids=repr)
def test_slopes_and_activations(f):
    assert f(X).shape == X.shape and f(X).dtype == X.dtype and bool(jnp.isfinite(f(X)).all())
    np.testing.assert_allclose(jax.jit(f)(X), f(X), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(jax.vmap(f)(X), f(X), rtol=1e-6, atol=1e-6)
    family = nn.Surrogate if f in SLOPES else nn.Activation
    assert through_json(f, family) == f and hash(through_json(f, family)) == hash(f)
    assert bool(jnp.isfinite(jax.grad(lambda x: f(x).sum())(X)).all())


def samples(estimator, n_seeds=3):
    """t, y for a few seeds: softmax outputs for SoftOutput, binary layers for the rest."""
    rng = np.random.default_rng(0)
    t = rng.normal(size=(n_seeds, 40, 3)).astype(np.float32)
    t = (
        jax.nn.softmax(t)
        if estimator == info.SoftOutput()
        else np.where(t > 0, 1, -1).astype(np.float32)
    )
    return jnp.asarray(t), jnp.asarray(rng.integers(0, 3, (n_seeds, 40)), jnp.int32)


def point(estimator, t, y):
    x = jnp.arange(t.shape[0], dtype=jnp.float32)[:, None]
    return estimator.estimate(estimator.prepare(x, y), estimator.encode(t))


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_estimators(estimator):
    assert isinstance(estimator, Estimator) and through_json(estimator, info.Estimator) == estimator
    t, y = samples(estimator)
    one = jax.jit(lambda t, y: point(estimator, t, y))
    loop = [one(a, b) for a, b in zip(t, y, strict=True)]
    eager = point(estimator, t[0], y[0])
    assert all(leaf.shape == () for leaf in eager)
    assert [leaf.dtype for leaf in eager] == [jnp.float32] * 4 + [jnp.int32] * 2 + [jnp.bool_]
    np.testing.assert_allclose(eager[:4], loop[0][:4], atol=2e-6)
    for many in (
        jax.jit(jax.vmap(lambda t, y: point(estimator, t, y)))(t, y),
        jax.lax.map(lambda both: one(*both), (t, y)),
    ):
        for i, alone in enumerate(loop):
            np.testing.assert_allclose([leaf[i] for leaf in many], alone, atol=2e-6)
    order = np.random.default_rng(1).permutation(40)
    np.testing.assert_allclose(one(t[0][order], y[0][order]), loop[0], atol=2e-6)
    correction = (
        40 if getattr(estimator, "correction", "none") != "none" else 0
    )  # corrected values may pass the bounds
    for p in loop:
        assert -1e-5 - correction <= float(p.ty) <= np.log2(3) + 1e-5
        assert -1e-5 <= float(p.xt) <= np.log2(40) + correction


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_estimators_encode_row_by_row(estimator):
    t, _ = samples(estimator)
    whole = estimator.encode(t[0])
    parts = [estimator.encode(part) for part in (t[0][:13], t[0][13:])]
    jax.tree.map(lambda w, *p: np.testing.assert_array_equal(w, jnp.concatenate(p)), whole, *parts)


@pytest.mark.parametrize("spec", DATA, ids=repr)
def test_data_sets(spec):
    split = data.load(spec)
    assert through_json(spec, data.DataSpec) == spec
    for part in (split.train, split.test):
        assert (
            part.x.dtype == np.float32
            and part.y.dtype == np.int32
            and len(part.x) == len(part.y) > 0
        )
        assert part.y.min() >= 0 and part.y.max() < split.n_classes and np.isfinite(part.x).all()
    rows = np.r_[split.train.x, split.test.x]
    assert len(np.unique(rows, axis=0)) == len(rows) and split.population
    assert data.checksum(data.load(spec)) == data.checksum(split)
