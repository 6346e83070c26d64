import itertools
import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles import informations

from jaxbnn.data import Dataset, Split
from jaxbnn.info import Exact, FixedBins, plane
from jaxbnn.info.spectrum import room
from jaxbnn.nn import MLP, Tanh
from jaxbnn.observe.probe import Probe, Schedule, choose, layers_of, log2_patterns_of
from jaxbnn.observe.record import check_size, observer, recorder
from jaxbnn.observe.view import viewer
from jaxbnn.train.batches import in_batches

RNG = np.random.default_rng(0)


def dataset(n):
    return Dataset(
        RNG.integers(0, 2, (n, 6)).astype(np.float32), RNG.integers(0, 2, n).astype(np.int32)
    )


SPLIT = Split(dataset(50), dataset(30), 2, False)
MODEL = MLP((5, 3), 2)
VARIABLES = MODEL.init(jax.random.key(0), SPLIT.train.x[:1], train=False)
# The same with the training set's moments: those of one batch, kept as they are.
SETTLED = (
    VARIABLES
    | MODEL.clone(momentum=0.0).apply(
        VARIABLES, SPLIT.train.x, train=True, mutable=["batch_stats"]
    )[1]
)


def measured(model, probes, variables=VARIABLES, split=SPLIT):
    prepare, measure = observer(model, probes)
    return jax.jit(lambda v, s: measure(prepare(s), s, v))(variables, split)


def test_main_probe_measures_hidden_layers_exactly_and_the_output_as_a_variable():
    (point,) = measured(MODEL, [Probe(sample="train")])
    logits, hidden = MODEL.apply(SETTLED, SPLIT.train.x, train=False)
    for i, t in enumerate(hidden):
        h, mutual = informations(t, SPLIT.train.y)
        assert (float(point.xt[i]), float(point.ty[i])) == pytest.approx((h, mutual), abs=1e-5)
    p = np.asarray(jax.nn.softmax(logits), np.float64)
    h_mean = -(p.mean(0) * np.log2(p.mean(0))).sum()
    assert float(point.xt[2]) == pytest.approx(h_mean + (p * np.log2(p)).sum(1).mean(), abs=1e-5)
    np.testing.assert_array_equal(point.certified, [True, True, False])


@pytest.mark.parametrize("sample", ["train", "test", "all"])
def test_a_probe_measures_its_own_sample(sample):
    (point,) = measured(MODEL, [Probe(sample=sample)])
    chosen = {"train": SPLIT.train, "test": SPLIT.test}.get(sample) or Dataset(
        np.r_[SPLIT.train.x, SPLIT.test.x], np.r_[SPLIT.train.y, SPLIT.test.y]
    )
    jax.tree.map(np.testing.assert_array_equal, tuple(choose(SPLIT, sample)), tuple(chosen))
    _, hidden = MODEL.apply(SETTLED, chosen.x, train=False)
    assert (float(point.xt[0]), float(point.ty[0])) == pytest.approx(
        informations(hidden[0], chosen.y), abs=1e-5
    )


def test_named_layers_are_hidden_ones_the_softmax_or_any_submodule():
    grid = FixedBins(-7, 7, 14)
    main, named = measured(
        MODEL, [Probe(), Probe("named", ("hidden_2", "dense_1", "norm_1", "output"), grid)]
    )
    dense = SPLIT.train.x @ np.where(VARIABLES["params"]["dense_1"]["latent"] > 0, 1.0, -1.0)
    assert float(named.xt[1]) == pytest.approx(informations(dense, SPLIT.train.y)[0], abs=1e-5)
    assert float(named.xt[0]) == float(
        main.xt[1]
    )  # a binary layer has one value under any grid that separates its two
    assert named.xt.shape == (4,) and bool(named.certified.all())


def test_any_linen_module_is_measured_with_or_without_train_and_layer_names():
    class Own(nn.Module):
        @nn.compact
        def __call__(self, x):
            t = jnp.sign(nn.Dense(4)(x) + 1e-3)
            return nn.Dense(2)(t), (t.reshape(-1, 2, 2),)

    variables = Own().init(jax.random.key(1), SPLIT.train.x[:1])
    (point,) = measured(Own(), [Probe()], variables)
    _, (t,) = Own().apply(variables, SPLIT.train.x)
    assert (float(point.xt[0]), float(point.ty[0])) == pytest.approx(
        informations(t, SPLIT.train.y), abs=1e-5
    )


def test_batches_do_not_change_what_is_measured(monkeypatch):
    whole = measured(MODEL, [Probe()])
    monkeypatch.setattr("jaxbnn.observe.view.in_batches", lambda f, x, limit: in_batches(f, x, 7))
    jax.tree.map(np.testing.assert_array_equal, measured(MODEL, [Probe()]), whole)


def test_a_network_is_looked_at_as_many_rows_at_once_as_it_says():
    looked_at = []

    class Few(nn.Module):
        rows_at_once = 20

        @nn.compact
        def __call__(self, x):
            looked_at.append(len(x))
            return nn.Dense(2)(x), ()

    model, probe = Few(), Probe("input", ("Dense_0",), FixedBins(-1, 1, 4))
    variables = model.init(jax.random.key(0), SPLIT.train.x[:1])
    looked_at.clear()
    measured(model, [probe], variables)
    assert looked_at and max(looked_at) <= 20


def test_population_is_declared_or_follows_from_the_data():
    enumerated = SPLIT._replace(population=True)
    assert Probe(sample="all").is_population(enumerated) and not Probe(
        sample="train"
    ).is_population(enumerated)
    assert not Probe(sample="all").is_population(SPLIT)
    assert not Probe(sample="all", population=False).is_population(enumerated)
    declared = Probe(population=True)  # which is said, and changes no verdict
    assert declared.is_declared(SPLIT) and not declared.is_population(SPLIT)
    assert not Probe(sample="all", population=True).is_declared(enumerated)
    assert not Probe().is_declared(SPLIT)


def test_a_deeper_layer_has_no_more_patterns_than_a_shallower_one():
    model = MLP((9, 3, 7), 2)
    assert log2_patterns_of(model, Probe(), SPLIT) == {
        "hidden_1": 9.0,
        "hidden_2": 3.0,
        "hidden_3": 3.0,
    }
    enumerated = SPLIT._replace(population=True)
    assert log2_patterns_of(model, Probe(), enumerated)["hidden_1"] == math.log2(80)
    bins = Probe("bins", ("hidden_1", "hidden_3"), FixedBins(bins=30))
    tanh = MLP((9, 3, 7), 2, Tanh())
    expected = {"hidden_1": 9 * math.log2(30), "hidden_3": 7 * math.log2(30)}
    assert log2_patterns_of(tanh, bins, SPLIT) == pytest.approx(expected)


def test_layers_of_a_probe():
    assert layers_of(MODEL, Probe()) == ("hidden_1", "hidden_2", "output")
    assert layers_of(MODEL, Probe(layers=("norm_1",))) == ("norm_1",)


@pytest.mark.parametrize(
    ("schedule", "total", "epochs"),
    [
        (Schedule(), 3, (0, 1, 2, 3)),
        (Schedule(every=4, first_epochs=0, last_epochs=0), 10, (0, 4, 8, 10)),
        (Schedule(every=100, first_epochs=2, last_epochs=2), 10, (0, 1, 2, 9, 10)),
        (Schedule(first_epochs=0, last_epochs=1), 6, (0, 1, 2, 3, 4, 5, 6)),
        (Schedule(every=1, first_epochs=0, last_epochs=0), 4, (0, 1, 2, 3, 4)),
    ],
)
def test_schedules_have_known_epochs(schedule, total, epochs):
    assert schedule.epochs(total) == epochs


@pytest.mark.parametrize("total", [1, 49, 50, 51, 1000, 8000])
def test_the_default_schedule_has_the_first_and_the_last_and_grows_by_5_percent(total):
    epochs = Schedule().epochs(total)
    assert set(range(min(20, total) + 1)) <= set(epochs) and set(
        range(max(0, total - 49), total + 1)
    ) <= set(epochs)
    assert list(epochs) == sorted(set(epochs)) and len(epochs) <= 20 + 51 + 130
    assert all(b <= max(a + 1, -(-a * 105 // 100)) for a, b in itertools.pairwise(epochs))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Schedule(every=0), "every >= 1 or none, got 0"),
        (lambda: Schedule(first_epochs=-1), "first_epochs, last_epochs >= 0, got -1"),
        (lambda: Schedule().epochs(0), "1 or more epochs, got 0"),
        (lambda: Probe(name="a b"), "letters, digits and _, got 'a b'"),
        (lambda: Probe(sample="both"), r"one of \('train', 'test', 'all'\), got 'both'"),
        (lambda: Probe(layers=("a", "a")), "each layer once"),
        (lambda: observer(MODEL, []), "one or more probes with different names"),
        (lambda: observer(MODEL, [Probe(), Probe()]), "one or more probes with different names"),
        (
            lambda: measured(MODEL, [Probe(layers=("hidden_9",), estimator=Exact())]),
            "among hidden_1, hidden_2, output, .*got 'hidden_9'",
        ),
    ],
)
def test_bad_input_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_network_of_nan_has_no_information():
    broken = jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.nan), VARIABLES)
    (point,) = measured(MODEL, [Probe()], broken)
    assert np.isnan(point.xt).all() and np.isnan(point.ty).all() and not point.certified.any()
    assert (point.n_patterns == -1).all()


def test_a_submodule_called_like_a_layer_does_not_hide_it():
    class Own(nn.Module):
        @nn.compact
        def __call__(self, x):
            t = jnp.where(nn.Dense(4, name="hidden_1")(x) > 0, 1.0, -1.0)
            return nn.Dense(2, name="output")(t), (t,)

    variables = Own().init(jax.random.key(1), SPLIT.train.x[:1])
    main, named = measured(Own(), [Probe(), Probe("named", layers=("hidden_1",))], variables)
    (alone,) = measured(Own(), [Probe()], variables)
    np.testing.assert_allclose(
        main.se_ty, alone.se_ty, rtol=1e-6
    )  # two programs, two orders of a float sum
    jax.tree.map(np.testing.assert_array_equal, main._replace(se_ty=0), alone._replace(se_ty=0))
    assert float(named.xt[0]) == float(main.xt[0]) and bool(named.certified[0])


def test_layers_must_be_a_tuple():
    with pytest.raises(TypeError, match="layers as a tuple of names, got 'abc'"):
        Probe(layers="abc")


def test_too_many_examples_for_a_points_counts_are_refused():
    check_size(plane.MAX_EXAMPLES)
    with pytest.raises(
        ValueError, match="at most 16777215 examples .*, got 16777216: measure a part of them"
    ) as caught:
        check_size(2**24)
    assert "\n" not in str(caught.value)


def test_too_many_examples_are_refused_before_they_are_counted(monkeypatch):
    """The rule is asked for each probe's own sample."""
    monkeypatch.setattr(plane, "MAX_EXAMPLES", 50)
    prepare, _ = observer(MODEL, [Probe(sample="train")])
    prepare(SPLIT)
    prepare, _ = observer(MODEL, [Probe(sample="train"), Probe("all", sample="all")])
    with pytest.raises(ValueError, match="at most 50 examples .*, got 80"):
        prepare(SPLIT)


def test_a_record_is_the_points_columns_and_the_spectra():
    """[L, F] and [L, 4, M]; a layer that is not counted has spectra of 0."""
    probes = (Probe(sample="train"), Probe("binned", ("norm_1",), FixedBins()))
    prepare, record = recorder(probes, 2)
    codes = viewer(MODEL, probes)(SPLIT, VARIABLES).codes
    main, binned = record(prepare(SPLIT), codes)
    assert main.values.shape == (3, 7) and main.values.dtype == np.float32
    assert main.spectra.shape == (3, 4, room(50)) and main.spectra.dtype == np.int32
    assert binned.values.shape == (1, 7) and binned.spectra.shape == (1, 4, room(50))
    points = plane.from_columns(main.values)
    np.testing.assert_array_equal(main.spectra[:2, 1].sum(axis=1), points.n_patterns[:2])
    examples = (main.spectra[:, 0] * main.spectra[:, 1]).sum(axis=1)
    assert examples.tolist() == [50, 50, 0] and not main.spectra[2].any()
    pairs = (main.spectra[:, 2] * main.spectra[:, 3]).sum(axis=1)
    assert pairs.tolist() == [50, 50, 0]
    (measured_points,) = measured(MODEL, probes[:1])
    np.testing.assert_allclose(points.xt, measured_points.xt, atol=1e-6)
    np.testing.assert_array_equal(points.n_patterns, measured_points.n_patterns)
