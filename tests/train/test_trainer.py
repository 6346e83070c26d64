from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen

from jaxbnn.data import Dataset
from jaxbnn.nn import MLP, Tanh
from jaxbnn.train.spec import Adam, AdamW, Bop, Hyper, Sgd, TrainSpec, rule_of
from jaxbnn.train.trainer import _squares, batches_of, trainer

RNG = np.random.default_rng(0)
DATA = Dataset(RNG.normal(size=(20, 3)).astype(np.float32), RNG.integers(0, 2, 20).astype(np.int32))
REAL = MLP((4,), 2, activation=Tanh(), kernel_surrogate=None, normalise=False)
BINARY = MLP((4,), 2)
HYPER = Hyper(jnp.float32(0.1), jnp.float32(0.0))


def loss(model, params, data):
    logits, _ = model.apply({"params": params}, data.x, train=True)
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, data.y))


def one_epoch(model, spec, hyper=HYPER, data=DATA, key=0):
    train = trainer(model, spec, data.x[:1])
    before = train.init(jax.random.key(key))
    return train, before, *jax.jit(train.epoch)(before, data, hyper)


def test_3276_examples_in_batches_of_64_make_52_steps_and_wrap_round_the_shuffled_order():
    batches = np.asarray(batches_of(jax.random.key(0), 3276, 64))
    assert batches.shape == (52, 64)
    order = batches.ravel()
    assert sorted(order[:3276]) == list(range(3276))
    np.testing.assert_array_equal(order[3276:], order[: 52 * 64 - 3276])
    assert not np.array_equal(order[:3276], np.arange(3276))


def test_another_key_is_another_order():
    one, other = (batches_of(jax.random.key(k), 100, 10) for k in (0, 1))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    "optimiser",
    [
        Sgd(momentum=0.9),
        AdamW(),
        pytest.param(Sgd(), marks=pytest.mark.slow),
        pytest.param(Adam(), marks=pytest.mark.slow),
    ],
)
def test_full_batch_steps_are_those_of_optax(optimiser):
    hyper = Hyper(jnp.float32(0.1), jnp.float32(0.3 if isinstance(optimiser, AdamW) else 0.0))
    spec = TrainSpec(epochs=1, batch_size=None, optimiser=optimiser, decay=float(hyper.decay))
    train, state, after, norm = one_epoch(REAL, spec, hyper)
    for _ in range(2):
        after, norm = jax.jit(train.epoch)(after, DATA, hyper)
    mask = {layer: {"kernel": True, "bias": False} for layer in ("dense_1", "dense_output")}
    theirs = {
        Sgd(): optax.sgd(0.1),
        Sgd(momentum=0.9): optax.sgd(0.1, momentum=0.9),
        Adam(): optax.adam(0.1),
        AdamW(): optax.adamw(0.1, weight_decay=0.3, mask=mask),
    }[optimiser]
    params, memory = state.variables["params"], theirs.init(state.variables["params"])
    for _ in range(3):
        gradient = jax.grad(lambda p: loss(REAL, p, DATA))(params)
        updates, memory = theirs.update(gradient, memory, params)
        params = optax.apply_updates(params, updates)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), after.variables["params"], params
    )
    assert float(norm.mean) == pytest.approx(float(optax.tree.norm(gradient)), rel=1e-4)
    assert float(norm.variance) == pytest.approx(0, abs=1e-10)


def test_gradient_norm_has_mean_and_variance_over_the_steps_of_the_epoch():
    spec = TrainSpec(epochs=1, batch_size=10, optimiser=Sgd())
    train, state, _, norm = one_epoch(REAL, spec)
    order = batches_of(jax.random.split(state.key)[1], 20, 10)
    params, norms = state.variables["params"], []
    for index in order:
        gradient = jax.grad(lambda p, i=index: loss(REAL, p, Dataset(DATA.x[i], DATA.y[i])))(params)
        norms.append(float(optax.tree.norm(gradient)))
        params = jax.tree.map(lambda p, g: p - 0.1 * g, params, gradient)
    assert (float(norm.mean), float(norm.variance)) == pytest.approx(
        (np.mean(norms), np.var(norms)), rel=1e-4
    )


def test_a_parameter_may_be_a_single_number():
    assert _squares(jnp.float32(3)) == 9
    assert _squares(jnp.arange(6.0).reshape(1, 2, 3)) == 55


def test_bop_flips_the_binary_weights_and_adam_moves_the_others():
    spec = TrainSpec(epochs=1, batch_size=None, optimiser=Bop(threshold=1e-4, gamma=0.5))
    _, state, after, _ = one_epoch(BINARY, spec, Hyper(jnp.float32(0.1), jnp.float32(0)))
    before, now = state.variables["params"], after.variables["params"]
    gradient = jax.grad(lambda p: trained_loss(BINARY, state, p, DATA))(before)
    flipped = 0
    for name in ("dense_1", "dense_output"):
        weight, g = before[name]["latent"], gradient[name]["latent"]
        clear = jnp.abs(jnp.abs(g) - 2e-4) > 1e-6  # further from the threshold than rounding
        expected = jnp.where((jnp.abs(0.5 * g) > 1e-4) & (g * weight > 0), -weight, weight)
        np.testing.assert_array_equal(
            jnp.where(clear, now[name]["latent"], 0), jnp.where(clear, expected, 0)
        )
        flipped += int((now[name]["latent"] != weight).sum())
    assert flipped > 0
    moved = (
        now["norm_1"]["bias"] - before["norm_1"]["bias"]
    )  # Adam's first step is the rate, against the gradient
    real = jnp.abs(gradient["norm_1"]["bias"]) > 1e-4
    np.testing.assert_allclose(
        moved[real], -0.1 * jnp.sign(gradient["norm_1"]["bias"])[real], rtol=1e-3
    )


def trained_loss(model, state, params, data):
    """The loss of a training step: BatchNorm over the batch."""
    variables = state.variables | {"params": params}
    (logits, _), _ = model.apply(variables, data.x, train=True, mutable=["batch_stats"])
    return optax.softmax_cross_entropy_with_integer_labels(logits, data.y).mean()


def test_latent_weights_are_clipped_or_let_go():
    hyper = Hyper(jnp.float32(5.0), jnp.float32(0.0))
    for limit, beyond in ((1.0, False), (0.5, False), (None, True)):
        _, _, after, _ = one_epoch(
            BINARY, TrainSpec(epochs=1, batch_size=5, latent_clip=limit), hyper
        )
        largest = max(
            float(jnp.abs(p["latent"]).max())
            for n, p in after.variables["params"].items()
            if "dense" in n
        )
        assert (
            (largest > 1.0)
            if beyond
            else (largest == pytest.approx(limit, abs=1e-6) and largest <= limit)
        )


def test_score_is_loss_and_accuracy_with_running_statistics():
    train, state, after, _ = one_epoch(BINARY, TrainSpec(epochs=1, batch_size=5))
    score = jax.jit(train.score)(after, DATA)
    logits, _ = BINARY.apply(after.variables, DATA.x, train=False)
    p = np.asarray(jax.nn.softmax(logits))
    assert float(score.loss) == pytest.approx(-np.log(p[np.arange(20), DATA.y]).mean(), rel=1e-5)
    assert float(score.accuracy) == pytest.approx((p.argmax(1) == DATA.y).mean())


def test_training_learns():
    spec = TrainSpec(epochs=1, batch_size=5)
    data = Dataset(DATA.x, (DATA.x[:, 0] > 0).astype(np.int32))
    train = trainer(BINARY, spec, data.x[:1])
    state = train.init(jax.random.key(0))
    epoch = jax.jit(train.epoch)
    for _ in range(60):
        state, _ = epoch(state, data, Hyper(jnp.float32(0.02), jnp.float32(0)))
    assert float(train.score(state, data).accuracy) >= 0.9


def test_a_diverged_seed_says_so_from_then_on():
    bad = Dataset(DATA.x.copy(), DATA.y)
    bad.x[3, 1] = np.inf
    train, _, after, norm = one_epoch(REAL, TrainSpec(epochs=1, batch_size=5), data=bad)
    assert not bool(after.finite) and np.isnan(float(norm.mean))
    again, _ = jax.jit(train.epoch)(after, DATA, HYPER)
    assert not bool(again.finite)
    assert np.isnan(train.score(again, DATA).loss) and np.isnan(train.score(again, DATA).accuracy)


def test_one_key_gives_one_network_and_another_key_another():
    spec = TrainSpec(epochs=1, batch_size=5)
    runs = [
        one_epoch(BINARY, spec, key=k)[2].variables["params"]["dense_1"]["latent"]
        for k in (0, 0, 1)
    ]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_vmap_over_seeds_with_their_own_rates_agrees_with_a_loop():
    train = trainer(REAL, TrainSpec(epochs=1, batch_size=5, optimiser=AdamW()), DATA.x[:1])
    keys = jax.random.split(jax.random.key(0), 3)
    hyper = Hyper(jnp.array([0.1, 0.01, 0.1]), jnp.array([0.0, 0.0, 0.5]))
    many, _ = jax.vmap(lambda k, h: train.epoch(train.init(k), DATA, h))(keys, hyper)
    for i in range(3):
        one, _ = train.epoch(
            train.init(keys[i]), DATA, jax.tree.map(lambda leaf, i=i: leaf[i], hyper)
        )
        jax.tree.map(
            lambda a, b, i=i: np.testing.assert_allclose(a[i], b, atol=1e-5),
            many.variables["params"],
            one.variables["params"],
        )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"epochs": 0}, "train.epochs from 1 to 100000000, got 0"),
        ({"batch_size": 0}, r"train.batch_size >= 1 or none \(full batch\), got 0"),
        ({"learning_rate": 0.0}, r"train.learning_rate > 0 \(in float32\), got 0.0"),
        ({"learning_rate": float("nan")}, "train.learning_rate > 0 .* got nan"),
        ({"decay": -1.0, "optimiser": AdamW()}, "train.decay >= 0 .* got -1.0"),
        ({"decay": 0.1}, "AdamW where decay is 0.1"),
        ({"latent_clip": 0.0}, "train.latent_clip > 0 or none, got 0.0"),
    ],
)
def test_bad_settings_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        TrainSpec(**{"epochs": 1, **fields})


def test_a_bad_bop_is_refused():
    with pytest.raises(ValueError, match="expected 0 < Bop.gamma <= 1"):
        Bop(gamma=0.0)


@pytest.mark.parametrize(
    "make",
    [lambda: Adam(b1=1.0), lambda: AdamW(eps=0.0), lambda: Sgd(momentum=1.0), lambda: Bop(b1=1.0)],
)
def test_bad_optimisers_are_refused(make):
    with pytest.raises(ValueError, match="expected 0 <= "):
        make()


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(ValueError, match=r"at most 20 \(the training examples\), got 21"):
        one_epoch(BINARY, TrainSpec(epochs=1, batch_size=21))


def test_decay_shrinks_latent_weights_before_the_clip_and_no_bias():
    """The first step by hand: Adam's direction is the gradient's sign; p - rate (sign + decay p),
    then the clip."""
    params = {
        "dense_1": {"latent": jnp.array([[0.5, -0.95, 1.0, 0.2]])},
        "norm_1": {"bias": jnp.array([0.5])},
    }
    gradient = {
        "dense_1": {"latent": jnp.array([[1.0, 3.0, -2.0, 0.0]])},
        "norm_1": {"bias": jnp.array([1.0])},
    }
    spec = TrainSpec(epochs=1, optimiser=AdamW(), decay=0.5)
    rule = rule_of(spec, Hyper(jnp.float32(0.1), jnp.float32(0.5)))
    update, _ = rule.update(gradient, rule.init(params), params)
    moved = jax.tree.map(jnp.add, params, update)
    # 0.5 - 0.1 (1 + 0.25); -0.95 - 0.1 (1 - 0.475) = -1.0025, clipped; 1 - 0.1 (-1 + 0.5) = 1.05,
    # clipped
    np.testing.assert_allclose(moved["dense_1"]["latent"], [[0.375, -1.0, 1.0, 0.19]], atol=1e-6)
    np.testing.assert_allclose(moved["norm_1"]["bias"], [0.4], atol=1e-6)


def test_a_model_with_other_collections_is_refused():
    class Counting(linen.Module):
        @linen.compact
        def __call__(self, x, *, train):
            self.variable("cache", "n", lambda: jnp.zeros(()))
            return linen.Dense(2)(x), ()

    train = trainer(Counting(), TrainSpec(epochs=1), DATA.x[:1])
    with pytest.raises(ValueError, match="Counting with the collections params .* got also cache"):
        train.init(jax.random.key(0))


@dataclass(frozen=True)
class Decaying:
    """An optimiser of the user's own: the sign of the gradient."""

    decays: ClassVar[bool] = True

    def transform(self):
        return optax.stateless(lambda updates, params: jax.tree.map(jnp.sign, updates))


def test_an_optimiser_of_ones_own_decays_where_it_says_so():
    spec = TrainSpec(epochs=1, optimiser=Decaying(), decay=0.5, latent_clip=None)
    rule = rule_of(spec, Hyper(jnp.float32(0.1), jnp.float32(0.5)))
    params = {"a": {"kernel": jnp.array([2.0])}, "b": {"bias": jnp.array([2.0])}}
    gradient = jax.tree.map(lambda p: 3 * p, params)
    update, _ = rule.update(gradient, rule.init(params), params)
    np.testing.assert_allclose(update["a"]["kernel"], -0.1 * (1 + 0.5 * 2), rtol=1e-6)
    np.testing.assert_allclose(update["b"]["bias"], -0.1, rtol=1e-6)
    with pytest.raises(TypeError, match=r"train.optimiser with transform\(\), got 'Adam'"):
        TrainSpec(epochs=1, optimiser="Adam")
