import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxbnn.info.packing import are_signs, hash_rows, pack_codes, pack_signs, pack_values


def signs(n, d, seed=0):
    return np.random.default_rng(seed).choice([-1.0, 1.0], (n, d)).astype(np.float32)


def unpack(words, bits, k):
    """The first k codes of each row, by Python integers."""
    per = 32 // bits
    return [
        [(int(row[j // per]) >> (bits * (j % per))) & (2**bits - 1) for j in range(k)]
        for row in np.asarray(words)
    ]


def test_pack_signs_has_known_words():
    t = -np.ones((2, 34), np.float32)
    t[0, [0, 1, 31, 33]] = 1
    np.testing.assert_array_equal(pack_signs(t), [[1 + 2 + 2**31, 2], [0, 0]])


@pytest.mark.parametrize("d", [1, 31, 32, 33, 64, 65, 300])
def test_pack_signs_keeps_every_bit(d):
    t = signs(20, d)
    words = pack_signs(t)
    assert words.shape == (20, -(-d // 32)) and words.dtype == jnp.uint32
    assert unpack(words, 1, d) == (t > 0).astype(int).tolist()
    np.testing.assert_array_equal(jax.jit(pack_signs)(t), words)
    np.testing.assert_array_equal(pack_signs(t > 0), words)


@given(st.integers(1, 32), st.integers(1, 40), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_pack_codes_keeps_every_code(bits, k, seed):
    codes = (
        np.random.default_rng(seed).integers(0, 2**bits, (5, k), dtype=np.int64).astype(np.uint32)
    )
    words = pack_codes(jnp.asarray(codes), bits)
    assert words.shape == (5, -(-k // (32 // bits)))
    assert unpack(words, bits, k) == codes.tolist()


def test_are_signs_points_at_the_bad_rows():
    t = jnp.array([[1.0, -1.0], [0.0, 1.0], [1.0, jnp.nan], [1.0, 1.0 + 1e-6]])
    np.testing.assert_array_equal(are_signs(t), [True, False, False, False])
    np.testing.assert_array_equal(are_signs(t > 0), [True] * 4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: pack_signs(jnp.array([[1.0, 0.5]])),
            ValueError,
            r"-1 and \+1 \(or bool\), got 0.5 in row 0, unit 1",
        ),
        (lambda: pack_signs(jnp.array([[jnp.nan]])), ValueError, "got nan in row 0, unit 0"),
        (
            lambda: pack_signs(jnp.zeros((0, 3))),
            ValueError,
            r"N >= 1 and D >= 1, got shape \(0, 3\)",
        ),
        (
            lambda: pack_signs(jnp.zeros((3, 0))),
            ValueError,
            r"N >= 1 and D >= 1, got shape \(3, 0\)",
        ),
        (lambda: pack_signs(jnp.ones(3)), ValueError, r"\[N, D\].* got shape \(3,\)"),
        (
            lambda: pack_codes(jnp.array([[4]]), 2),
            ValueError,
            r"codes from 0 to 3 \(2 bits\), got 4 to 4",
        ),
        (lambda: pack_codes(jnp.array([[-1, 0]]), 2), ValueError, "got -1 to 0"),
        (lambda: pack_codes(jnp.array([[0]]), 33), ValueError, "bits from 1 to 32, got 33"),
        (lambda: pack_codes(jnp.array([[0.0]]), 2), TypeError, "integer codes, got float32"),
        (
            lambda: pack_values(np.array([[np.nan, 1.0], [1.0, 1.0]])),
            ValueError,
            "without NaN, got 1 rows with NaN",
        ),
        (lambda: pack_values(np.array([["a"]])), TypeError, "bool, integers or floats, got <U1"),
        (
            lambda: pack_values(np.array([[object()]])),
            TypeError,
            "bool, integers or floats, got object",
        ),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    "dtype",
    [
        bool,
        np.int8,
        np.uint8,
        np.int32,
        np.uint32,
        np.int64,
        np.uint64,
        np.float16,
        np.float32,
        np.float64,
    ],
)
def test_pack_values_separates_exactly_the_different_rows(dtype):
    t = np.random.default_rng(1).integers(0, 2, (50, 3)).astype(dtype) * (1 if dtype is bool else 3)
    words = pack_values(t)
    assert words.dtype == np.uint32
    assert len(np.unique(words, axis=0)) == len(np.unique(t, axis=0))


def test_pack_values_takes_both_zeros_as_one_value_and_packs_signs():
    assert len(np.unique(pack_values(np.array([[0.0, 2.0], [-0.0, 2.0]])), axis=0)) == 1
    assert pack_values(signs(4, 64)).shape == (4, 2)
    assert pack_values(np.full((4, 2, 3), 0.25, np.float32)).shape == (4, 6)


def test_hash_rows_depends_on_every_word_and_on_the_salt():
    for w in (1, 3, 8, 9, 40):
        words = np.zeros((w + 1, w), np.uint32)
        words[np.arange(w), np.arange(w)] = 1
        hashes = hash_rows(jnp.asarray(words), jnp.uint32(0))
        assert len(set(np.asarray(hashes).tolist())) == w + 1
        assert not np.array_equal(hashes, hash_rows(jnp.asarray(words), jnp.uint32(1)))


def test_hash_rows_spreads_all_patterns_of_sixteen_bits():
    hashes = hash_rows(jnp.arange(2**16, dtype=jnp.uint32)[:, None], jnp.uint32(7))
    assert len(np.unique(np.asarray(hashes))) == 2**16  # one word: the hash is a bijection


def test_lists_are_taken_as_arrays():
    np.testing.assert_array_equal(pack_signs([[1, -1], [1, 1]]), [[1], [3]])
    np.testing.assert_array_equal(pack_codes([[1, 2]], 2), [[9]])
