import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxbnn.info import Counts, corrected_entropy, miller_madow, plugin
from jaxbnn.info.entropy import information_error, of_distribution, without_rounding

HISTOGRAM = [4, 2, 3, 0, 2, 4, 0, 0, 2, 1, 1]
KNOWN = {"plugin": 2.839775539646, "miller_madow": 3.105535152441}


@pytest.mark.parametrize("name", KNOWN)
def test_known_answers(name):
    counts = Counts.from_histogram(HISTOGRAM)
    in_program = {"plugin": plugin, "miller_madow": miller_madow}[name]
    assert getattr(corrected_entropy, name)(counts) == pytest.approx(KNOWN[name], abs=1e-12)
    assert float(in_program(counts)) == pytest.approx(KNOWN[name], abs=1e-6)
    assert float(jax.jit(in_program)(counts)) == pytest.approx(float(in_program(counts)), abs=1e-6)


@given(
    st.sampled_from([1, 300])
    .flatmap(lambda n: st.lists(st.integers(0, 1000), min_size=n, max_size=n))
    .filter(any)
)
@settings(max_examples=40, deadline=None)
def test_program_agrees_with_host_and_lies_between_0_and_log2_patterns(histogram):
    counts = Counts.from_histogram(histogram)
    h = corrected_entropy.plugin(counts)
    assert float(plugin(counts)) == pytest.approx(h, abs=1e-5)
    assert 0 <= h <= np.log2(int(counts.n_patterns)) + 1e-9


@pytest.mark.parametrize("n", [4096, 60000, 1_000_000])
def test_float32_is_good_to_1e5_bit_when_every_pattern_is_seen_once(n):
    counts = Counts(jnp.ones(n, jnp.int32), jnp.int32(n), jnp.bool_(True))
    assert float(plugin(counts)) == pytest.approx(np.log2(n), abs=1e-5)


def test_one_pattern_has_no_entropy():
    counts = Counts.from_histogram([7, 0])
    assert (
        float(plugin(counts))
        == corrected_entropy.plugin(counts)
        == float(miller_madow(counts))
        == 0.0
    )


def test_uncertified_counts_have_no_entropy():
    counts = Counts.from_histogram([1, 2])._replace(certified=jnp.bool_(False))
    assert all(
        np.isnan(float(h(counts)))
        for h in (plugin, miller_madow, corrected_entropy.plugin, corrected_entropy.miller_madow)
    )


def test_entropy_of_distributions_counts_zero_as_nothing():
    p = jnp.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.25, 0.25, 0.5]])
    np.testing.assert_allclose(of_distribution(p), [1.0, 0.0, 1.5], atol=1e-7)


def test_rounding_below_0_is_0_and_everything_else_stays():
    bits = jnp.asarray([-0.0, -1e-7, -1e-5, 0.0, 1e-7, 1.5, -1.1e-5, -0.3, jnp.nan], jnp.float32)
    for clip in (without_rounding, jax.jit(without_rounding)):
        found = np.asarray(clip(bits))
        assert not np.signbit(found[:4]).any() and (found[:4] == 0).all()
        np.testing.assert_array_equal(found[4:].view(np.uint32), np.asarray(bits)[4:].view("u4"))


def test_a_histogram_has_no_standard_error_of_information():
    counts = Counts.from_histogram(HISTOGRAM)
    with pytest.raises(ValueError, match="expected counts with rows, as `count` gives them"):
        information_error(counts, counts)
