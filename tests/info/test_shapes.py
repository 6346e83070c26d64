"""The public functions of the room say their arrays' shapes and types, and keep to them."""

import importlib
import inspect
import pkgutil

import beartype
import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest

from jaxbnn import info
from jaxbnn.info import (
    corrected_entropy,
    counting_direct,
    counting_scatter,
    counting_sort,
    dirichlet_posterior,
    entropy,
    expectation,
    known_truth,
    labels,
    mask_indices,
    packing,
    pairwise,
    redundancy,
    reliability,
    sample_size,
    tables,
)
from jaxbnn.info import spectrum as spectra
from jaxbnn.info.counting import Counts, count
from jaxbnn.info.estimators import protocol
from jaxbnn.info.spectrum import Spectrum

MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(info.__path__, "jaxbnn.info.")
]
SIGNS = jnp.asarray(np.random.default_rng(0).choice([-1.0, 1.0], (12, 5)), jnp.float32)
Y = jnp.asarray(np.arange(12) % 3, jnp.int32)
WORDS = jnp.asarray(packing.pack_signs(SIGNS))
VALID = jnp.ones(12, bool)
CODES = jnp.zeros((12, 5), jnp.int32)
SALT = jnp.uint32(1)
COUNTS = count(WORDS, Y, bits=5, classes=3)
SPECTRUM = Spectrum.from_histogram([4, 2, 3, 0, 2])
SEVERAL = jax.tree.map(lambda leaf: np.stack([leaf, leaf]), SPECTRUM)
TRUST = reliability.judge(SEVERAL)
THREE = jnp.full((12, 3), 1 / 3, jnp.float32)
ONES = np.ones(2)
TABLE = tables.count_patterns(Y, jnp.zeros_like(Y), Y, (4, 1, 3))
# A function, arguments that it takes, and one of them in a form that it does not: its index and the
# form. None: it takes any form.
CASES = [
    (labels.class_labels, ([1, 0],), None),
    (labels.check_labels, ([1, 0],), None),
    (packing.pack_signs, (SIGNS,), (0, SIGNS[0])),
    (tables.all_patterns, (3,), None),
    (
        redundancy.number_redundant,
        (jnp.bool_(True), jnp.ones(3, bool), jnp.eye(3, dtype=bool), jnp.eye(3, dtype=bool)),
        (1, jnp.eye(3, dtype=bool)),
    ),
    (tables.count_patterns, (Y, Y, Y, (4, 3, 3)), (0, SIGNS)),
    (tables.push, (TABLE, jnp.arange(4), 4), (1, SIGNS)),
    (tables.patterns_of, (SIGNS,), (0, SIGNS[0])),
    (tables.pair_counts, (TABLE, (0,)), None),
    (packing.pack_bits, (SIGNS > 0,), (0, SIGNS)),
    (packing.are_signs, (SIGNS,), (0, SIGNS[0])),
    (packing.pack_codes, (CODES, 2), (0, SIGNS)),
    (packing.value_words, (SIGNS,), (0, SIGNS[0])),
    (packing.pack_values, (np.ones((3, 2)),), None),
    (packing.hash_rows, (WORDS, SALT), (0, SIGNS)),
    (mask_indices.written_indices, (VALID, 4, 0), (0, Y)),
    (mask_indices.searched_indices, (VALID, 4, 0), (0, Y)),
    (counting_direct.direct, (WORDS, Y, 5, 3), (0, SIGNS)),
    (counting_scatter.scatter, (WORDS, Y, 3, packing.hash_rows), (1, Y[:5])),
    (counting_scatter.group, (WORDS, packing.hash_rows), (0, SIGNS)),
    (counting_scatter.label_counts, (Y, 3, packing.hash_rows), (0, SIGNS)),
    (counting_sort.sort, (WORDS, Y, 5, 3, packing.hash_rows), (1, Y[:5])),
    (count, (WORDS, Y), (1, Y[:5])),
    (entropy.plugin, (COUNTS[0],), (0, 1.0)),
    (entropy.miller_madow, (COUNTS[0],), (0, 1.0)),
    (entropy.information_error, COUNTS, (0, 1.0)),
    (entropy.of_distribution, (THREE,), (0, Y)),
    (entropy.summed, (THREE,), (0, Y)),
    (entropy.without_rounding, (THREE,), (0, Y)),
    (dirichlet_posterior.posterior_moments, (ONES, ONES, 9), (1, np.ones(3))),
    *[(f, (SEVERAL,), (0, 1.0)) for f in corrected_entropy.ESTIMATORS.values()],
    *[(f, (SEVERAL, 99), (0, 1.0)) for f in corrected_entropy.WITH_ALPHABET.values()],
    (corrected_entropy.nsb, (SEVERAL, 99), (0, 1.0)),
    (corrected_entropy.information_error, COUNTS, (0, 1.0)),
    (expectation.rarefaction, (SEVERAL, [1, 5]), (0, 1.0)),
    (expectation.rarefied_plugin, (SEVERAL, np.array([3, 4])), (1, 3.0)),
    (expectation.mean_of_drawn, (np.full(2, 9), np.full(2, 4), np.full(2, 3)), (0, 9)),
    (reliability.judge_label, (ONES, ONES, ONES, ONES), None),
    (reliability.label_bias, (SEVERAL, [6, 5]), (0, 1.0)),
    (reliability.null_information, (SEVERAL, [6, 5]), (0, 1.0)),
    (sample_size.needed, (SEVERAL, TRUST), (1, 1.0)),
    (known_truth.draw, (np.random.default_rng(0), 0.5, 40, 7), (3, 7.5)),
    (known_truth.spectrum_of.__wrapped__, (WORDS,), (0, SIGNS)),
    (pairwise.count_units.__wrapped__, (WORDS, VALID, 5), (1, VALID[:5])),
    (redundancy.redundant_units, (WORDS, VALID, 5), (1, VALID[:5])),
    (protocol.prepare_counted, ("none", SIGNS, Y), (2, Y[:5])),
]


@pytest.mark.parametrize(("function", "arguments", "wrong"), CASES)
def test_a_function_keeps_to_the_shapes_it_says(function, arguments, wrong):
    checked = jaxtyping.jaxtyped(function, typechecker=beartype.beartype)
    checked(*arguments)
    if wrong is not None:
        index, form = wrong
        changed = [*arguments[:index], form, *arguments[index + 1 :]]
        with pytest.raises(jaxtyping.TypeCheckError):
            checked(*changed)


def functions(module):
    """The public functions that a module defines, compiled ones as they were written."""
    for name, value in vars(module).items():
        plain = inspect.unwrap(value) if callable(value) else value
        if inspect.isfunction(plain) and plain.__module__ == module.__name__ and name[0] != "_":
            yield plain


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_public_function_says_types_arguments_and_what_it_returns(module):
    for function in functions(module):
        signature = inspect.signature(function)
        parameters = signature.parameters.values()
        assert inspect.Signature.empty not in [p.annotation for p in parameters], function
        assert signature.return_annotation is not inspect.Signature.empty, function
        assert "Args:" in function.__doc__, function
        assert "Returns:" in function.__doc__ or signature.return_annotation is None, function


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_function_that_says_shapes_is_tried_here(module):
    tried = {function for function, *_ in CASES}
    for function in functions(module):
        annotations = str(inspect.signature(function))
        assert "jaxtyping" not in annotations or function in tried, function


def test_counts_and_spectra_are_what_their_fields_say():
    counts, spectrum = COUNTS[0], spectra.spectrum(COUNTS[0], 12)
    assert isinstance(counts.row, Counts.__annotations__["row"].__args__[0])
    for name, leaf in spectrum._asdict().items():
        assert isinstance(leaf, jaxtyping.Integer[jax.Array, "*points m"]), name


def test_no_name_of_the_room_is_a_module_and_something_else():
    for module in MODULES:
        parent, _, name = module.__name__.rpartition(".")
        assert getattr(importlib.import_module(parent), name) is module
