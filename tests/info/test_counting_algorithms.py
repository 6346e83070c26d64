"""Every algorithm from rows to counts: equal to the others and to brute force, whatever the hash;
lowered everywhere."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxbnn.info import counting as counts_module
from jaxbnn.info import entropy
from jaxbnn.info.counting import Counts, choose_algorithm, count
from jaxbnn.info.counting_scatter import group
from jaxbnn.info.packing import hash_rows, pack_signs
from jaxbnn.info.spectrum import Spectrum, room, spectrum


def broken_hash(words, salt):
    """Three bits of the first word, whatever the salt: eight slots for everything."""
    return (words[:, 0] & 7) * jnp.uint32(2654435761)


def constant_hash(words, salt):
    return jnp.zeros(words.shape[0], jnp.uint32)


@partial(jax.jit, static_argnames=("bits", "classes", "algorithm", "hash_rows"))
def counted(words, y, **static):
    """Spectra, entropies and more of T and of (T, Y)."""
    t, ty = count(words, y, **static)
    n = words.shape[0]
    entropies = entropy.plugin(t), entropy.plugin(ty), entropy.information_error(t, ty)
    return t, ty, spectrum(t, n), spectrum(ty, n), entropies


def sample(n, d, n_patterns, n_classes, seed=0):
    rng = np.random.default_rng(seed)
    t = rng.choice([-1.0, 1.0], (n_patterns, d)).astype(np.float32)[rng.integers(0, n_patterns, n)]
    return t, rng.integers(0, n_classes, n).astype(np.int32)


def brute_spectrum(rows, n):
    """Counts of counts by np.unique, padded like the library's."""
    times, number = np.unique(np.unique(rows, axis=0, return_counts=True)[1], return_counts=True)
    padding = (0, room(n) - len(times))
    return np.pad(times, padding), np.pad(number, padding)


def brute_error(t, y):
    """The standard error of I(T;Y) row by row."""
    _, pattern = np.unique(t, axis=0, return_inverse=True)
    c_t, c_y = (np.bincount(v.ravel())[v.ravel()] for v in (pattern, y))
    c_ty = np.unique(np.c_[pattern.ravel(), y], axis=0, return_inverse=True, return_counts=True)
    ratio = np.log2(len(y) * c_ty[2][c_ty[1].ravel()] / (c_t * c_y))
    return np.sqrt(np.var(ratio) / len(y))


CASES = [((1, 3, 1, 1), hash_rows), ((300, 6, 20, 3), hash_rows), ((300, 70, 300, 12), hash_rows)]
CASES += [((300, 40, 300, 4), broken_hash), ((600, 70, 300, 3), hash_rows)]


@pytest.mark.parametrize(
    ("case", "hashing"),
    [*CASES[:4], pytest.param(*CASES[4], marks=pytest.mark.slow)],
    ids=["one row", "direct", "three words", "broken hash", "hash and index sorted"],
)
def test_every_algorithm_gives_the_counts_of_np_unique_bit_for_bit(case, hashing):
    n, d, _, n_classes = case
    t, y = sample(*case)
    words = pack_signs(jnp.asarray(t))
    expected = brute_spectrum(t, n), brute_spectrum(np.c_[t, y], n)
    algorithms = [("scatter", n_classes), ("scatter", None), ("sort", n_classes), ("sort", None)]
    if d <= 16:
        algorithms += [("direct", n_classes), ("direct", n_classes + 1)]
    for algorithm, classes in algorithms:
        of_t, of_ty, *spectra, entropies = counted(
            words, y, bits=d, classes=classes, algorithm=algorithm, hash_rows=hashing
        )
        assert bool(of_t.certified) and bool(of_ty.certified) and int(of_t.total) == n
        for found, (times, number) in zip(spectra, expected, strict=True):
            np.testing.assert_array_equal(found.multiplicity, times)
            np.testing.assert_array_equal(found.number, number)
        np.testing.assert_allclose(entropies[2], brute_error(t, y), atol=2e-6)
        for counts in (of_t, of_ty):  # each row's multiplicity and each pattern's once say the same
            once = np.asarray(counts.count).ravel()
            np.testing.assert_array_equal(np.sort(np.repeat(once, once)), np.sort(counts.row))


@given(
    st.sampled_from([(33, 5), (128, 40)]),
    st.integers(1, 128),
    st.integers(1, 4),
    st.integers(0, 2**31),
)
@settings(max_examples=25, deadline=None)
def test_algorithms_agree_under_any_order_of_rows_and_relabelling_of_units_and_classes(
    size, n_patterns, n_classes, seed
):
    n, d = size
    t, y = sample(n, d, n_patterns, n_classes, seed)
    rng = np.random.default_rng(seed)
    changed = (
        (t * rng.choice([-1, 1], d).astype(np.float32))[:, rng.permutation(d)],
        rng.permutation(4)[y].astype(np.int32),
    )
    order = rng.permutation(n)
    found = []
    for rows, labels in ((t, y), (changed[0][order], changed[1][order])):
        words = pack_signs(jnp.asarray(rows))
        for algorithm in ("scatter", "sort", *(("direct",) if d < 10 else ())):
            found.append(
                counted(words, labels, bits=d, classes=4, algorithm=algorithm, hash_rows=hash_rows)
            )
    expected = brute_spectrum(t, n), brute_spectrum(np.c_[t, y], n)
    for other in found:
        for a, b in zip(jax.tree.leaves(expected), jax.tree.leaves(other[2:4]), strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(other[4], found[0][4], atol=4e-6)


@pytest.mark.parametrize(
    ("algorithm", "d"),
    [
        ("direct", 8),
        ("scatter", 8),
        ("sort", 48),
        pytest.param("sort", 8, marks=pytest.mark.slow),
        pytest.param("sort", 100, marks=pytest.mark.slow),
    ],
)
def test_a_batch_is_a_loop_and_jit_is_eager(algorithm, d):
    samples = [sample(64, d, 30, 3, seed) for seed in range(4)]
    words = jnp.stack([pack_signs(jnp.asarray(t)) for t, _ in samples])
    y = jnp.stack([jnp.asarray(y) for _, y in samples])
    one = partial(counted, bits=d, classes=3, algorithm=algorithm, hash_rows=hash_rows)
    mapped, batched = jax.lax.map(lambda both: one(*both), (words, y)), jax.vmap(one)(words, y)
    for i in range(4):
        t, ty = count(words[i], y[i], bits=d, classes=3, algorithm=algorithm)
        alone = one(words[i], y[i])
        jax.tree.map(np.testing.assert_array_equal, (t, ty), alone[:2])
        for many in (mapped, batched):
            jax.tree.map(
                lambda m, a, i=i: np.testing.assert_allclose(m[i], a, atol=4e-6), many, alone
            )


@pytest.mark.parametrize("algorithm", ["scatter", "sort"])
def test_rows_that_all_collide_take_longer_and_count_the_same(algorithm):
    t, y = sample(60, 100, 25, 2)
    words = pack_signs(jnp.asarray(t))
    good = counted(words, y, bits=100, classes=2, algorithm=algorithm, hash_rows=hash_rows)
    bad = counted(words, y, bits=100, classes=2, algorithm=algorithm, hash_rows=constant_hash)
    jax.tree.map(np.testing.assert_array_equal, good[2:4], bad[2:4])
    assert bool(bad[0].certified)


LOWERED = [("direct", 10), ("scatter", 10), ("scatter", 96), ("sort", 10), ("sort", 96)]


@pytest.mark.parametrize(("algorithm", "width"), LOWERED)
def test_every_algorithm_lowers_for_cpu_cuda_and_tpu(algorithm, width):
    program = jax.jit(lambda words, y: count(words, y, bits=width, classes=3, algorithm=algorithm))
    shapes = (
        jax.ShapeDtypeStruct((100, -(-width // 32)), jnp.uint32),
        jax.ShapeDtypeStruct((100,), jnp.int32),
    )
    assert jax.export.export(program, platforms=["cpu", "cuda", "tpu"])(*shapes).platforms == (
        "cpu",
        "cuda",
        "tpu",
    )


def test_the_users_x64_setting_is_left_alone():
    words, y = jnp.arange(8, dtype=jnp.uint32)[:, None], jnp.zeros(8, jnp.int32)
    before = jax.config.jax_enable_x64
    t, _ = count(words, y, bits=32, classes=2, algorithm="sort")
    assert jax.config.jax_enable_x64 == before and t.count.dtype == jnp.int32
    with jax.enable_x64(True):
        for algorithm, bits in (("sort", 32), ("direct", 4), ("scatter", 32)):
            t, ty = count(words, y, bits=bits, classes=2, algorithm=algorithm)
            assert (
                t.count.dtype == ty.count.dtype == t.row.dtype == jnp.int32
                and int(t.n_patterns) == 8
            )


def test_the_algorithm_is_chosen_from_what_is_known_before():
    assert (
        choose_algorithm(4096, 1, 10, 2, "cpu") == "direct"
        and choose_algorithm(4096, 1, 10, 2, "gpu") == "sort"
    )
    assert (
        choose_algorithm(60000, 1, 20, 10, "cpu") == "scatter"
        and choose_algorithm(60000, 1, 20, 10, "gpu") == "sort"
    )
    assert (
        choose_algorithm(60000, 1, 10, None, "cpu") == "scatter"
        and choose_algorithm(60000, 32, 1024, 10, "tpu") == "sort"
    )


def test_the_algorithm_is_that_of_the_device_the_program_is_for(monkeypatch):
    """A block on the CPU of a machine whose first device is another."""
    asked = []
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(
        counts_module, "choose_algorithm", lambda *shape: asked.append(shape[-1]) or "sort"
    )
    words, y = jnp.asarray([[3], [1]], jnp.uint32), jnp.asarray([0, 1], jnp.int32)
    for device in (None, "cpu", jax.devices()[0]):
        with jax.default_device(device):
            jax.jit(lambda words: count(words, y)[0].count)(words)
    assert asked == ["gpu", "cpu", "cpu"]


@pytest.mark.parametrize("algorithm", ["scatter", "sort"])
def test_more_classes_than_65536_and_labels_up_to_2_to_the_31(algorithm):
    y = np.array([0, 2**31 - 1, 70000, 70000, 0], np.int32)
    words = jnp.asarray([[5], [5], [5], [5], [9]], jnp.uint32)
    for classes in (None, 2**31):
        t, ty, *_ = counted(
            words, y, bits=4, classes=classes, algorithm=algorithm, hash_rows=hash_rows
        )
        assert sorted(np.asarray(t.count)[np.asarray(t.count) > 0].tolist()) == [1, 4]
        assert sorted(np.asarray(ty.count)[np.asarray(ty.count) > 0].tolist()) == [1, 1, 1, 2]
        np.testing.assert_array_equal(np.sort(ty.label), [1, 2, 2, 2, 2])


@pytest.mark.parametrize("algorithm", ["direct", "scatter", "sort"])
def test_what_lies_past_its_bound_is_not_certified_inside_jit(algorithm):
    words, y = jnp.asarray([[3], [1]], jnp.uint32), jnp.asarray([0, 1], jnp.int32)
    static = {"bits": 2, "classes": 2, "algorithm": algorithm, "hash_rows": hash_rows}
    assert bool(counted(words, y, **static)[0].certified)
    unbounded = static | {"classes": None}
    bad = [(words + 4, y, static), (words, y + 1, static), (words, y - 1, static)]
    for bad_words, bad_y, bounds in bad + (
        [(words, y - 1, unbounded)] if algorithm != "direct" else []
    ):
        t, ty, _, _, entropies = counted(bad_words, bad_y, **bounds)
        assert not bool(t.certified) and not bool(ty.certified) and np.isnan(entropies).all()


def test_bad_input_outside_jit_is_refused_in_one_line():
    words, y = jnp.asarray([[3], [1]], jnp.uint32), jnp.asarray([0, 1], jnp.int32)
    for arguments, message in (
        ({"bits": 1}, "expected words with no bit at or above 1 (padding is 0), got some"),
        ({"classes": 1}, "expected labels from 0 to 0, got 1"),
        ({"classes": 0}, "expected bits >= 0 and classes >= 1, got None and 0"),
        (
            {"algorithm": "fast"},
            "expected algorithm to be one of ('direct', 'scatter', 'sort'), got 'fast'",
        ),
        (
            {"algorithm": "direct", "bits": 30, "classes": 2},
            "< 2**31 for the direct algorithm, got 1 words, bits 30, classes 2",
        ),
        (
            {"algorithm": "direct"},
            "2**bits * classes < 2**31 for the direct algorithm, "
            "got 1 words, bits 32, classes None",
        ),
    ):
        with pytest.raises(ValueError) as error:
            count(words, y, **arguments)
        assert message in str(error.value)


@pytest.mark.parametrize("algorithm", ["scatter", "sort"])
@pytest.mark.parametrize("classes", [None, 3])
def test_no_units_are_one_pattern(algorithm, classes):
    y = jnp.asarray([0, 0, 1, 2, 2, 2], jnp.int32)
    t, ty = count(jnp.zeros((6, 0), jnp.uint32), y, algorithm=algorithm, classes=classes)
    times = [np.asarray(counts.count)[np.asarray(counts.count) > 0] for counts in (t, ty)]
    assert times[0].tolist() == [6] and float(entropy.plugin(t)) == 0 and bool(ty.certified)
    assert sorted(times[1].tolist()) == [1, 2, 3]


def test_counts_near_2_to_the_31_do_not_overflow():
    big = Counts.from_histogram([2**30, 2**30 - 1])
    assert float(entropy.plugin(big)) == pytest.approx(1.0, abs=1e-6)
    with pytest.raises(ValueError, match=r"at most 2\*\*31 - 1 examples"):
        Counts.from_histogram([2**30, 2**30])
    with pytest.raises(ValueError, match=r"at most 2\*\*31 - 1 examples"):
        Counts.from_histogram(np.array([2**63, 2**63, 5], np.uint64))


def test_group_names_the_first_row_also_where_only_few_are_open():
    rng = np.random.default_rng(3)
    words = rng.integers(0, 700, (2000, 1)).astype(np.uint32)
    first = {int(w): i for i, w in reversed(list(enumerate(words[:, 0])))}
    np.testing.assert_array_equal(
        jax.jit(partial(group, hash_rows=hash_rows))(words), [first[int(w)] for w in words[:, 0]]
    )


def test_room_is_enough_for_every_sample():
    for n in (1, 2, 3, 5, 6, 60000):
        m = room(n)
        assert m * (m + 1) // 2 <= n < (m + 1) * (m + 2) // 2
    assert room(60000) == 345


def test_a_spectrum_of_a_histogram_is_that_of_its_counts():
    found = Spectrum.from_histogram([4, 2, 3, 0, 2, 4, 0, 0, 2, 1, 1])
    assert (found.multiplicity.tolist(), found.number.tolist()) == ([1, 2, 3, 4], [2, 3, 1, 2])
    in_program = spectrum(Counts.from_histogram([4, 2, 3, 0, 2, 4, 0, 0, 2, 1, 1]), 19)
    assert in_program.multiplicity.tolist() == [1, 2, 3, 4, 0] and in_program.number.tolist() == [
        2,
        3,
        1,
        2,
        0,
    ]
