"""The compiled program of a block: measuring lanes one by one or all at once, and lowering for
every platform."""

import dataclasses

import jax
import numpy as np
import pytest

from jaxbnn.engine import program as block
from jaxbnn.engine import run_plan as jobs


@pytest.fixture(scope="module")
def begun(tiny):
    """(plan, a block before its first step, its inputs) of the first two seeds."""
    job = jobs.make_job([tiny], [], None, "cpu")
    device = jax.devices()[0]
    inputs = jobs.inputs_of(job, jobs.alone((0, 1)), device)
    return job.plan, jobs.beginning(job, jobs.alone((0, 1)), inputs, device), inputs


def copied(state):
    return jax.tree.map(lambda leaf: leaf.copy(), state)


def test_lanes_measured_all_at_once_are_those_measured_one_by_one(begun):
    plan, state, inputs = begun
    together = dataclasses.replace(plan, map_lanes=False)
    one, other = (
        block.record_of(plan, block.advance(each, copied(state), np.int32(1), inputs)[0].rows)
        for each in (plan, together)
    )
    for mapped, vmapped in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(mapped, vmapped, atol=5e-6)
    counts = [record.points[0].n_patterns for record in (one, other)]
    np.testing.assert_array_equal(*counts)


def test_step_0_trains_nothing_and_records_the_untrained_network(begun):
    plan, state, inputs = begun
    after, _ = block.advance(plan, copied(state), np.int32(1), inputs)
    record = block.record_of(plan, after.rows)
    before = jax.tree.leaves(state.state.variables["params"])
    for leaf, old in zip(jax.tree.leaves(after.state.variables["params"]), before, strict=True):
        np.testing.assert_array_equal(leaf, old)
    assert (
        np.isfinite(record.series.train_loss[:, 0]).all()
        and np.isnan(record.series.train_loss[:, 1:]).all()
    )
    assert (
        np.isnan(record.series.gradient_norm_mean).all()
        and (record.points[0].n_patterns[:, 0, :2] > 0).all()
    )


def test_a_block_in_parts_has_the_bits_of_the_block_in_one(begun):
    plan, state, inputs = begun
    whole, spectra = block.advance(plan, copied(state), np.int32(7), inputs)
    parts, rows = copied(state), 0
    for until, n_rows in ((1, 1), (2, 1), (6, 2), (7, 0)):
        parts, new = block.advance(plan, parts, np.int32(until), inputs)
        for one, other in zip(jax.tree.leaves(spectra), jax.tree.leaves(new), strict=True):
            np.testing.assert_array_equal(one[:, rows : rows + n_rows], other[:, :n_rows])
            assert not other[:, n_rows:].any()
        rows += n_rows
    for one, other in zip(jax.tree.leaves(whole), jax.tree.leaves(parts), strict=True):
        if not jax.dtypes.issubdtype(one.dtype, jax.dtypes.prng_key):
            np.testing.assert_array_equal(one, other)


def test_unscheduled_epochs_are_trained_and_not_recorded(begun, tiny):
    plan, state, inputs = begun
    assert tiny.epochs == (0, 1, 2, 5, 10, 12)
    for until, n_rows in ((2, 2), (3, 3), (5, 3), (6, 4), (9, 4)):
        after, _ = block.advance(plan, copied(state), np.int32(until), inputs)
        there = np.isfinite(block.record_of(plan, after.rows).series.train_loss)
        assert (
            int(after.step) == until
            and there.tolist() == [[True] * n_rows + [False] * (6 - n_rows)] * 2
        )


def test_spectra_hold_what_the_points_say(begun):
    plan, state, inputs = begun
    after, spectra = block.advance(plan, copied(state), np.int32(3), inputs)
    record, spectra = (
        block.record_of(plan, after.rows),
        (block.spectra_of(np.asarray(each)) for each in spectra),
    )
    for points, of, reference in zip(record.points, spectra, inputs.reference, strict=True):
        n, counted = reference[0].y.shape[0], points.n_patterns[:, :3] >= 0
        np.testing.assert_array_equal(
            of.t.number[:, :3].sum(-1), np.maximum(points.n_patterns[:, :3], 0)
        )
        for spectrum in of:
            examples = (spectrum.multiplicity * spectrum.number)[:, :3].sum(-1)
            np.testing.assert_array_equal(examples, np.where(counted, n, 0))


@pytest.mark.parametrize("map_lanes", [True, False])
def test_the_program_lowers_for_cpu_cuda_and_tpu(begun, map_lanes):
    plan, state, inputs = begun
    program = jax.jit(lambda *a: block.advance(dataclasses.replace(plan, map_lanes=map_lanes), *a))
    shapes = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(np.shape(leaf), leaf.dtype), (state, np.int32(1), inputs)
    )
    exported = jax.export.export(program, platforms=["cpu", "cuda", "tpu"])(*shapes)
    assert exported.platforms == ("cpu", "cuda", "tpu")
