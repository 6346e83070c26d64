import inspect
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles import entropy, informations

from jaxbnn.info import Exact, ExactValues, FixedBins, OwnRangeBins, SoftOutput

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4)).astype(np.float32)
Y = RNG.integers(0, 3, 300).astype(np.int32)
T = np.where(X[:, :3] + Y[:, None] > 1, 1, -1).astype(np.float32)


@partial(jax.jit, static_argnames="estimator")
def measured(estimator, t, y, x):
    return estimator.estimate(estimator.prepare(x, y), estimator.encode(t))


def point(estimator, t=T):
    return measured(estimator, jnp.asarray(t), jnp.asarray(Y), jnp.asarray(X))


def test_exact_equals_brute_force():
    h, i = informations(T, Y)
    p = point(Exact())
    assert (float(p.xt), float(p.h_t), float(p.ty)) == pytest.approx((h, h, i), abs=1e-5)
    assert int(p.n_patterns) == len(np.unique(T, axis=0)) and bool(p.certified)


def test_exact_with_miller_madow_corrects_each_entropy():
    h, i = informations(T, Y)
    k_t, k_ty, k_y = len(np.unique(T, axis=0)), len(np.unique(np.c_[T, Y], axis=0)), 3
    scale = 1 / (2 * 300 * np.log(2))
    p = point(Exact("miller_madow"))
    assert float(p.xt) == pytest.approx(h + (k_t - 1) * scale, abs=1e-5)
    assert float(p.ty) == pytest.approx(i - (k_ty - k_t - k_y + 1) * scale, abs=1e-5)


@pytest.mark.parametrize("bad", [0.0, 0.5, np.nan])
def test_exact_gives_nan_for_a_layer_that_is_not_binary(bad):
    t = T.copy()
    t[7, 1] = bad
    p = point(Exact(), t)
    assert np.isnan([p.xt, p.ty, p.h_t]).all() and int(p.n_patterns) == -1 and not bool(p.certified)


def test_reference_holds_the_entropies_of_inputs_and_labels():
    x = np.repeat(X[:100], 3, axis=0)
    reference = Exact().prepare(jnp.asarray(x), jnp.asarray(Y))
    assert float(reference.h_x) == pytest.approx(np.log2(100), abs=1e-5)
    assert float(reference.h_y) == pytest.approx(entropy(Y.tolist()), abs=1e-5)


def test_fixed_grid_has_known_codes_and_keeps_the_outside_in_its_end_bins():
    t = jnp.array([-9.0, -1.0, -0.51, -0.5, 0.0, 0.99, 1.0, 9.0])
    np.testing.assert_array_equal(FixedBins(-1, 1, 4).codes(t), [0, 0, 0, 1, 2, 3, 3, 3])
    assert [FixedBins(bins=b).bits for b in (1, 2, 3, 4, 5, 30, 256)] == [1, 1, 2, 2, 3, 5, 8]


def test_binned_equals_brute_force_on_rounded_values():
    t = RNG.normal(size=(300, 3)).astype(np.float32)
    codes = np.clip(np.floor((t + 2) * (8 / 4)), 0, 7)
    h, i = informations(codes, Y)
    p = point(FixedBins(-2, 2, 8), t)
    assert (float(p.xt), float(p.ty)) == pytest.approx((h, i), abs=1e-5) and bool(p.certified)


@pytest.mark.parametrize("bins", [2, 3, 30, 256])
def test_binned_is_exact_on_a_binary_layer(bins):
    jax.tree.map(np.testing.assert_array_equal, point(FixedBins(-1, 1, bins)), point(Exact()))


def test_binned_gives_nan_for_values_that_are_not_finite():
    t = T.copy()
    t[0, 0] = np.inf
    assert np.isnan(point(FixedBins(), t).xt)


def softmax_informations(p, y):
    """The formulas of the soft output in float64, term by term."""

    def h(q):
        return -sum(v * np.log2(v) for v in q if v > 0)

    h_t = h(p.mean(axis=0))
    within = sum((y == c).mean() * h(p[y == c].mean(axis=0)) for c in set(y.tolist()))
    return h_t - np.mean([h(row) for row in p]), h_t - within, h_t


def test_soft_output_equals_its_formulas():
    p = RNG.dirichlet([0.3, 1.0, 2.0], 300)
    found = point(SoftOutput(), p.astype(np.float32))
    assert [float(v) for v in (found.xt, found.ty, found.h_t)] == pytest.approx(
        softmax_informations(p, Y), abs=1e-5
    )
    assert int(found.n_patterns) == int(found.n_singletons) == -1 and not bool(found.certified)


def test_soft_output_that_is_certain_is_the_plug_in_value():
    hot = np.eye(3, dtype=np.float32)[(Y + (X[:, 0] > 1)) % 3]
    h, i = informations(hot, Y)
    assert [float(v) for v in point(SoftOutput(), hot)[:2]] == pytest.approx([h, i], abs=1e-5)


def test_soft_output_of_a_constant_is_nothing():
    p = point(SoftOutput(), np.full((300, 3), 1 / 3, np.float32))
    assert (float(p.xt), float(p.ty)) == pytest.approx((0, 0), abs=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_soft_output_that_says_nothing_of_the_label_is_not_below_0(seed):
    p = np.random.default_rng(seed).dirichlet([1.0, 1.0, 1.0]).astype(np.float32)
    found = point(SoftOutput(), np.tile(p, (300, 1)))
    assert 0 <= float(found.xt) < 1e-5 and 0 <= float(found.ty) < 1e-5
    assert "-" not in f"{float(found.xt)} {float(found.ty)}".replace("e-", "")


def test_soft_output_with_a_class_that_never_occurs():
    p = RNG.dirichlet([1.0] * 5, 300)
    found = point(SoftOutput(), p.astype(np.float32))
    assert [float(found.xt), float(found.ty)] == pytest.approx(
        softmax_informations(p, Y)[:2], abs=1e-5
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Exact("jackknife"), "correction to be one of"),
        (lambda: FixedBins(correction=None), "correction to be one of"),
        (lambda: FixedBins(1, 1), "finite low < high, got 1 and 1"),
        (lambda: FixedBins(0, np.inf), "finite low < high"),
        (lambda: FixedBins(0, 1e-40), r"high - low from 2\*\*-100 to 1e38"),
        (lambda: FixedBins(bins=0), r"bins from 1 to 2\*\*24, got 0"),
    ],
)
def test_bad_parameters_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_inputs_and_labels_must_have_one_length():
    with pytest.raises(ValueError, match=r"expected x \[N, ...\] and y \[N\]"):
        Exact().prepare(jnp.asarray(X), jnp.asarray(Y[:5]))


@pytest.mark.parametrize("bad", [[3.0, -2.0, 0.0], [0.5, 0.5, 0.5], [1.5, -0.5, 0.0]])
def test_soft_output_gives_nan_for_what_are_no_probabilities(bad):
    p = np.full((300, 3), 1 / 3, np.float32)
    p[7] = bad
    assert np.isnan(list(point(SoftOutput(), p)[:3])).all()


def test_soft_output_gives_nan_for_labels_it_has_no_class_for():
    assert np.isnan(
        point(SoftOutput(), np.full((300, 2), 0.5, np.float32)).ty
    )  # Y has three classes


def test_both_zeros_are_one_input_in_and_outside_jit():
    x = jnp.array([[0.0], [-0.0], [1.0], [1.0]])
    y = jnp.zeros(4, jnp.int32)
    for prepare in (Exact().prepare, jax.jit(Exact().prepare)):
        assert float(prepare(x, y).h_x) == 1.0


def test_inputs_outside_jit_are_compared_in_their_own_precision():
    assert float(Exact().prepare(1 + 1e-12 * np.arange(4.0)[:, None], [0, 0, 1, 1]).h_x) == 2.0


def test_the_references_h_y_is_that_of_the_sample_whatever_the_correction():
    one, other = (e.prepare(X, Y) for e in (Exact(), Exact("miller_madow")))
    assert float(one.h_y) == float(other.h_y) == float(one.h_y_corrected)
    assert float(other.h_y_corrected) == pytest.approx(
        float(one.h_y) + 2 / (2 * 300 * np.log(2)), abs=1e-6
    )


@pytest.mark.parametrize("y", [[0.5] * 300, [-1] * 300, [np.nan] * 300])
def test_bad_labels_are_refused(y):
    with pytest.raises(ValueError, match="labels"):
        Exact().prepare(X, y)


def test_nan_in_the_inputs_is_refused():
    with pytest.raises(ValueError, match="without NaN"):
        Exact().prepare(np.full((300, 1), np.nan), Y)


def test_every_method_of_an_estimator_says_what_it_does():
    for estimator in (Exact, ExactValues, FixedBins, OwnRangeBins, SoftOutput):
        for name in ("prepare", "encode", "estimate"):
            text = inspect.getdoc(getattr(estimator, name))
            assert "Args:" in text and "Returns:" in text, (estimator, name)
