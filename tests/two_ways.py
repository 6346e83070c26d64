"""A network measured by its examples as numbers, and by tables of counts and inputs as bytes."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn.engine import program
from jaxbnn.observe import Probe, diagnostics, recorder, viewer
from jaxbnn.observe.probe import PARTS


def variables_of(model, x, seed=0, trained=True):
    """Variables of a network; as after some training, with moments and biases away from where they
    start."""
    key = jax.random.key(seed)
    variables = {"batch_stats": {}} | dict(model.init(key, x[:1], train=False))
    if not trained:
        return variables
    moved = jax.tree.map(
        lambda leaf: leaf + 0.5 * jax.random.normal(jax.random.key(seed + 1), leaf.shape),
        variables,
    )
    positive = jax.tree_util.tree_map_with_path(
        lambda path, leaf: jnp.abs(leaf) if path[-1].key == "var" else leaf,
        moved["batch_stats"],
    )
    return moved | {"batch_stats": positive}


def everything(model, probes, classes, split, reference, variables):
    """What a view says: records, units, scores, diagnostics."""
    passing = diagnostics.passing_of(model, Probe(sample="all"))
    view = viewer(model, probes, PARTS, passing, classes)(split, variables)
    scores = []
    for part in PARTS:
        y = getattr(split, part).y
        scores.append(program._score_of(view.logits[part], y, jnp.bool_(True)))
    hidden = view.codes[probes[0].name][: len(model.widths)]
    params = variables["params"]
    redundant = diagnostics.measure(model, hidden, view.n_passing, params, params, 1.0)
    return recorder(probes, classes)[1](reference, view.codes), scores, redundant


def check_equal(model, probes, split, variables, as_bytes=None):
    """By tables and by examples; `as_bytes`: the split for the new way, if not the same."""
    classes = split.n_classes
    reference = recorder(probes, classes)[0](split)

    def both(old_split, new_split, *arguments):
        by_tables = everything(model, probes, classes, new_split, *arguments)
        return by_tables, everything(model, probes, None, old_split, *arguments)

    ours, theirs = jax.jit(both)(split, as_bytes or split, reference, variables)
    for one, other in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_array_equal(one.spectra, other.spectra)
        np.testing.assert_array_equal(one.values[:, 4:], other.values[:, 4:])  # counts
        np.testing.assert_allclose(one.values, other.values, atol=2e-5)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5), ours[1], theirs[1])
    jax.tree.map(np.testing.assert_array_equal, ours[2], theirs[2])
