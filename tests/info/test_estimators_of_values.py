import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbnn.info import Exact, ExactValues, FixedBins, OwnRangeBins, measure

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(200, 3)).astype(np.float32), RNG.integers(0, 3, 200).astype(np.int32)


def point(estimator, t):
    reference = estimator.prepare(X, Y, classes=3)
    return jax.jit(lambda t: estimator.estimate(reference, estimator.encode(t)))(jnp.asarray(t))


def test_values_are_counted_one_by_one():
    t = RNG.choice([-0.0, 0.0, 0.1, 0.2, 1e30], (200, 2)).astype(np.float32)
    found, expected = point(ExactValues(), t), measure(t, Y)
    assert (float(found.xt), float(found.ty)) == pytest.approx(
        (expected.xt.value, expected.ty.value), abs=2e-5
    )
    assert int(found.n_patterns) == expected.counts.n_patterns == 16 and bool(found.certified)


def test_an_affine_map_of_each_unit_loses_nothing():
    t = RNG.integers(-5, 6, (200, 4)).astype(np.float32)
    scale, shift = RNG.uniform(0.3, 2, 4).astype(np.float32), RNG.normal(size=4).astype(np.float32)
    assert float(point(ExactValues(), t).xt) == float(point(ExactValues(), t * scale + shift).xt)


def test_signs_have_one_value_whatever_counts_them():
    t = RNG.choice([-1.0, 1.0], (200, 5)).astype(np.float32)
    exact = point(Exact(), t)
    for estimator in (ExactValues(), OwnRangeBins(), FixedBins(-1, 1, 30)):
        found = point(estimator, t)
        assert float(found.xt) == pytest.approx(float(exact.xt), abs=2e-6)
        assert float(found.ty) == pytest.approx(float(exact.ty), abs=4e-6)
        assert int(found.n_patterns) == int(exact.n_patterns)


def test_the_range_is_the_layers_own():
    t = RNG.uniform(-3, 7, (200, 2)).astype(np.float32)
    t[0, 0], t[1, 1] = -3, 7
    expected = point(FixedBins(-3, 7, 10), t)
    assert float(point(OwnRangeBins(10), t).xt) == pytest.approx(float(expected.xt), abs=1e-6)
    moved = point(OwnRangeBins(10), 4 * t + 8)  # powers of two: no rounding
    assert float(moved.xt) == pytest.approx(float(expected.xt), abs=1e-6)


def test_a_constant_layer_is_one_pattern():
    found = point(OwnRangeBins(), np.full((200, 2), 3.5, np.float32))
    assert float(found.xt) == 0 and int(found.n_patterns) == 1


@pytest.mark.parametrize("estimator", [ExactValues(), OwnRangeBins()])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_has_no_value(estimator, bad):
    t = RNG.normal(size=(200, 2)).astype(np.float32)
    t[7, 1] = bad
    found = point(estimator, t)
    assert np.isnan(found.xt) and not bool(found.certified) and int(found.n_patterns) == -1


@pytest.mark.parametrize(
    ("bins", "error"), [(0, ValueError), (2**24 + 1, ValueError), (1.5, TypeError)]
)
def test_bad_bins_are_refused(bins, error):
    with pytest.raises(error, match="expected bins"):
        OwnRangeBins(bins)


TINY = np.array([0, -0.0, 1e-40, -1e-40, 2e-40, 1e-45, 1.2e-38, 1], np.float32)  # denormals


def compiled(estimator, t, **options):
    reference = estimator.prepare(np.arange(len(t))[:, None], np.zeros(len(t), np.int32))
    return jax.jit(lambda t: estimator.estimate(reference, estimator.encode(t)), **options)(t)


def test_numbers_next_to_0_are_not_0_in_compiled_code():
    found = compiled(ExactValues(), TINY[:, None])
    assert int(found.n_patterns) == measure(TINY[:, None], [0] * 8).counts.n_patterns == 7
    assert float(found.xt) == pytest.approx(2.75, abs=1e-6) and bool(found.certified)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int8", "int32", "uint32", "bool"])
def test_values_of_every_type_up_to_32_bits_are_counted_exactly(dtype):
    large = {"int32": 2**31 - 4, "uint32": 2**32 - 4}.get(dtype, 0)
    t = jnp.asarray(RNG.integers(0, 4, (200, 2)) + large).astype(dtype)
    if dtype in ("int32", "uint32"):  # float32 would round them together
        t = jnp.asarray((RNG.integers(0, 4, (200, 2)) + large).astype(dtype))
    found = point(ExactValues(), t)
    assert int(found.n_patterns) == len(np.unique(np.asarray(t, np.float64), axis=0))


def test_wider_values_are_refused_and_not_rounded_together():
    with pytest.raises(TypeError, match="at most 32 bits in compiled code, got float64"):
        ExactValues().encode(np.array([[1.0], [1 + 1e-12]]))


def test_inputs_next_to_0_are_not_0_in_compiled_code():
    x, y = jnp.asarray(TINY[:, None]), jnp.zeros(8, jnp.int32)
    for prepare in (ExactValues().prepare, jax.jit(ExactValues().prepare)):
        assert float(prepare(x, y).h_x) == pytest.approx(2.75, abs=1e-6)


@pytest.mark.parametrize("high", [1e-40, 1e-37, 2.0**-101, 1e38, 3e38])
def test_a_range_that_float32_cannot_divide_is_not_certified(high):
    found = compiled(OwnRangeBins(), np.float32([[0], [high], [high / 2], [0]]))
    assert np.isnan(found.xt) and not bool(found.certified) and int(found.n_patterns) == -1


@pytest.mark.parametrize("value", [0.0, 1e-40, 1e-30, 3e38])
def test_a_constant_layer_of_any_value_is_one_pattern(value):
    found = compiled(OwnRangeBins(), np.full((4, 1), value, np.float32))
    assert float(found.xt) == 0 and int(found.n_patterns) == 1 and bool(found.certified)


def test_bins_of_a_small_but_divisible_range_are_right():
    t = np.float32([[0], [1], [2], [3]])
    expected = compiled(OwnRangeBins(4), t)
    found = compiled(OwnRangeBins(4), t * np.float32(2.0**-99))
    assert float(found.xt) == float(expected.xt) == 2 and bool(found.certified)
