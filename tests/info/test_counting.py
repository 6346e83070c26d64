import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbnn.info.counting import Counts, count
from jaxbnn.info.packing import pack_signs


def broken_hash(words, salt):
    """Three bits of the first word, whatever the salt: eight slots for everything."""
    return (words[:, 0] & 7) * jnp.uint32(2654435761)


def constant_hash(words, salt):
    return jnp.zeros(words.shape[0], jnp.uint32)


TALLY = jax.jit(count, static_argnames="hash_rows")


def seen(counts):
    """The multiplicities, rising."""
    c = np.asarray(counts.count)
    return sorted(c[c > 0].tolist())


def repeating_signs(n, d, n_patterns, seed):
    rng = np.random.default_rng(seed)
    return rng.choice([-1.0, 1.0], (n_patterns, d)).astype(np.float32)[
        rng.integers(0, n_patterns, n)
    ]


@pytest.mark.slow
def test_counts_equal_np_unique_for_every_width_from_1_to_300_also_with_a_broken_hash():
    pack, hashed, broken = (
        jax.jit(pack_signs),
        jax.jit(count),
        jax.jit(lambda words, y: count(words, y, hash_rows=broken_hash)),
    )
    for d in range(1, 301):
        t = repeating_signs(200, d, 40, d)
        y = np.random.default_rng(d).integers(0, 3, 200).astype(np.int32)
        # Units of -1 behind the last are zero bits: 300 widths, one compilation of pack.
        words = pack(np.pad(t, ((0, 0), (0, 300 - d)), constant_values=-1))[:, : -(-d // 32)]
        if d in (1, 32, 33, 299):
            np.testing.assert_array_equal(words, pack_signs(jnp.asarray(t)))
        # Words of 0 behind the last change no pattern: four widths, four compilations.
        words = np.pad(
            words, ((0, 0), (0, next(w for w in (1, 2, 5, 10) if 32 * w >= d) - words.shape[1]))
        )
        counters = (hashed, broken) if d <= 64 else (hashed,)
        for of_t, of_ty in (counter(words, jnp.asarray(y)) for counter in counters):
            assert bool(of_t.certified) and bool(of_ty.certified)
            assert seen(of_t) == sorted(
                np.unique(t.astype(np.int8), axis=0, return_counts=True)[1].tolist()
            )
            assert seen(of_ty) == sorted(
                np.unique(np.c_[t, y].astype(np.int8), axis=0, return_counts=True)[1].tolist()
            )


@pytest.mark.parametrize("n", [1, 2, 1000])
def test_all_rows_equal_and_all_different(n):
    y = jnp.zeros(n, jnp.int32)
    equal, _ = TALLY(jnp.zeros((n, 2), jnp.uint32), y)
    different, _ = TALLY(
        jnp.stack([jnp.zeros(n, jnp.uint32), jnp.arange(n, dtype=jnp.uint32)], axis=1), y
    )
    assert seen(equal) == [n] and seen(different) == [1] * n
    assert (int(equal.n_patterns), int(different.n_patterns)) == (1, n)
    assert (int(equal.n_singletons), int(different.n_singletons)) == (int(n == 1), n)


def test_from_histogram_keeps_the_counts():
    counts = Counts.from_histogram([4, 2, 3, 0, 2, 4, 0, 0, 2, 1, 1])
    assert (int(counts.total), int(counts.n_patterns), int(counts.n_singletons)) == (19, 8, 2)
    assert bool(counts.certified)


@pytest.mark.parametrize("histogram", [[], [0, 0], [1, -1], [0.5], [[1]]])
def test_bad_histograms_are_refused(histogram):
    with pytest.raises(ValueError, match="expected non-negative integer counts"):
        Counts.from_histogram(histogram)


def test_histograms_beyond_int32_are_refused():
    with pytest.raises(ValueError, match=r"at most 2\*\*31 - 1 examples"):
        Counts.from_histogram([2**31 - 1, 1])


@pytest.mark.parametrize(("words", "labels"), [((3, 1), (2,)), ((3,), (3,)), ((0, 1), (0,))])
def test_words_and_labels_must_fit(words, labels):
    with pytest.raises(ValueError, match=r"expected words \[N, W\] and labels \[N\]"):
        count(jnp.zeros(words, jnp.uint32), jnp.zeros(labels, jnp.int32))


def test_words_of_another_type_and_bad_labels_are_refused():
    with pytest.raises(TypeError, match=r"words of uint32 .* got uint64"):
        count(np.array([[1], [1 + 2**32]], np.uint64), [0, 0])
    for labels in ([0.5, 1.0], [-1, 0], [np.nan, 0.0]):
        with pytest.raises(ValueError, match="labels"):
            count(np.zeros((2, 1), np.uint32), labels)
