"""Tables of patterns beside counting the examples themselves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxbnn.info import entropy, tables
from jaxbnn.info.counting import count
from jaxbnn.info.packing import are_signs, pack_signs
from jaxbnn.info.redundancy import redundant_units
from jaxbnn.info.spectrum import spectra, spectrum
from jaxbnn.info.tables import PatternTable

N_PARTS = 2
N_LABELS = 3
SIZES = st.sampled_from((1, 30, 200))  # few shapes: each is compiled
SAMPLES = {(0,): "train", (1,): "test", (0, 1): "all"}


def examples(n, width, seed):
    """(layer [N, D] of -1 and +1, part [N], label [N])."""
    rng = np.random.default_rng(seed)
    t = rng.choice(np.float32([-1, 1]), (n, width), p=[0.3, 0.7])
    return t, rng.integers(0, N_PARTS, n, np.int32), rng.integers(0, N_LABELS, n, np.int32)


def table_of(t, part, label):
    shape = (2 ** t.shape[1], N_PARTS, N_LABELS)
    return tables.count_patterns(tables.patterns_of(t), part, label, shape)


def check_counts(table, t, part, label):
    """The counts of every sample are those of its examples, and so is what is made of them."""
    for parts in SAMPLES:
        mine = np.isin(part, parts)
        found_t, found_ty = tables.counts_of(table, parts)
        assert int(found_t.total) == mine.sum() and bool(found_t.certified)
        if not mine.any():
            continue
        expected_t, expected_ty = count(
            pack_signs(t[mine]), label[mine], bits=t.shape[1], classes=N_LABELS
        )
        np.testing.assert_array_equal(sorted_counts(found_t), sorted_counts(expected_t))
        np.testing.assert_array_equal(sorted_counts(found_ty), sorted_counts(expected_ty))
        for one, other in ((found_t, expected_t), (found_ty, expected_ty)):
            n = int(mine.sum())
            for a, b in zip(spectrum(one, n), spectrum(other, n), strict=True):
                np.testing.assert_array_equal(a, b)
            assert float(entropy.plugin(one)) == pytest.approx(
                float(entropy.plugin(other)), abs=1e-5
            )
        error = entropy.information_error(found_t, found_ty)
        expected = entropy.information_error(expected_t, expected_ty)
        assert float(error) == pytest.approx(float(expected), abs=1e-5)


def sorted_counts(counts):
    values = np.asarray(counts.count).ravel()
    return np.sort(values[values > 0])


@settings(max_examples=5, deadline=None)
@given(SIZES, st.sampled_from((1, 3, 7)), st.integers(0, 2**31))
def test_a_table_counts_what_its_examples_do(n, width, seed):
    check_counts(table_of(*examples(n, width, seed)), *examples(n, width, seed))


@settings(max_examples=5, deadline=None)
@given(SIZES, st.sampled_from((1, 4)), st.sampled_from((1, 5)), st.integers(0, 2**31))
def test_a_pushed_table_is_that_of_the_deeper_layer(n, width, deeper, seed):
    t, part, label = examples(n, width, seed)
    weights = np.random.default_rng(seed).choice(np.float32([-1, 1]), (width, deeper))

    def layer(t):
        return np.where(t @ weights > 0, np.float32(1), np.float32(-1))

    behind = layer(np.asarray(tables.all_patterns(width)))
    table = table_of(t, part, label)
    pushed = tables.push(table, tables.patterns_of(behind), 2**deeper)
    check_counts(pushed, layer(t), part, label)


def test_spectra_of_several_tables_are_those_of_each():
    found = []
    for width in (1, 4):
        found += tables.counts_of(table_of(*examples(60, width, width)), (0, 1))
    found.append(found[0]._replace(certified=jnp.bool_(False)))
    together = spectra(found, 60)
    for k, one in enumerate(found):
        for a, b in zip(together, spectrum(one, 60), strict=True):
            np.testing.assert_array_equal(a[k], b)
    assert not together.multiplicity[-1].any()


def test_patterns_are_numbered_as_rows_are_packed():
    for width in (1, 12):
        patterns = tables.all_patterns(width)
        packed = pack_signs(patterns)[:, 0]
        np.testing.assert_array_equal(packed, np.arange(2**width))
        np.testing.assert_array_equal(tables.patterns_of(patterns), packed)


@pytest.mark.parametrize("width", [1, 5])
def test_units_are_counted_as_over_the_examples(width):
    t, part, label = examples(300, width, 1)
    table = table_of(t, part, label)
    for parts in SAMPLES:
        on = (t[np.isin(part, parts)] > 0).astype(int)
        found = tables.unit_counts(table, parts)
        np.testing.assert_array_equal(found.one, on.sum(axis=0))
        np.testing.assert_array_equal(found.two, on.T @ on)


def test_redundant_units_are_those_of_the_examples():
    t, part, label = examples(300, 2, 1)
    layers = {
        "duplicate, opposite and constant": np.c_[t, t[:, :1], -t[:, 1:], np.ones(300)],
        "constant alone": np.ones((300, 3)),
        "none": t,
    }
    for name, layer in layers.items():
        layer = layer.astype(np.float32)
        width = layer.shape[1]
        found = tables.redundant_units(table_of(layer, part, label), (0, 1))
        expected = redundant_units(pack_signs(layer), are_signs(layer), width)
        assert jax.tree.map(int, found) == jax.tree.map(int, expected), name


@pytest.mark.parametrize(
    ("field", "value"), [("pattern", 4), ("pattern", -1), ("part", 2), ("label", 3), ("label", -1)]
)
def test_a_number_out_of_range_takes_the_certificate(field, value):
    given = {
        "pattern": np.int32([0, 1, 3]),
        "part": np.int32([0, 1, 1]),
        "label": np.int32([0, 2, 2]),
    }
    given[field] = np.int32([*given[field][:2], value])
    table = tables.count_patterns(**given, shape=(4, 2, 3))
    assert not bool(table.certified) and int(table.count.sum()) == 2
    assert np.isnan(entropy.plugin(tables.counts_of(table, (0, 1))[0]))
    assert int(tables.redundant_units(table, (0, 1)).constant) == -1


def test_an_invalid_pattern_matters_where_it_was_seen_alone():
    count_of_0 = jnp.int32([[[5]], [[0]]])  # pattern 1 was not seen
    table = PatternTable(count_of_0, jnp.bool_(True))
    unseen = tables.push(table, np.int32([1, -1]), 2)
    assert bool(unseen.certified) and unseen.count.ravel().tolist() == [0, 5]
    seen = tables.push(table, np.int32([-1, 0]), 2)
    assert not bool(seen.certified) and int(seen.count.sum()) == 0


def test_few_enough_patterns():
    assert tables.is_enumerable(12, 60000) and not tables.is_enumerable(13, 60000)
    assert tables.is_enumerable(10, 1024) and not tables.is_enumerable(10, 1023)
    assert tables.is_enumerable(0, 1)


def test_seeds_are_mapped_and_the_program_is_compiled():
    layers = np.stack([examples(50, 4, seed)[0] for seed in range(3)])
    _, part, label = examples(50, 4, 0)
    found = jax.jit(jax.vmap(lambda t: table_of_traced(t, part, label)))(layers)
    for i, t in enumerate(layers):
        np.testing.assert_array_equal(found.count[i], table_of(t, part, label).count)


def table_of_traced(t, part, label):
    return table_of(t, jnp.asarray(part), jnp.asarray(label))
