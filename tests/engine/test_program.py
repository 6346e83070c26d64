"""The compiled program of a block: chunks, rows, seeds measured one by one or all at once, and
lowering for every platform."""

import dataclasses

import jax
import numpy as np
import pytest

from jaxbnn.engine import program
from jaxbnn.engine.run_plan import initial_block, inputs_of, make_run_plan, of_first
from jaxbnn.info.spectrum import Spectrum
from jaxbnn.observe.record import Series


@pytest.fixture(scope="module")
def begun(tiny):
    """(program, a block before its first step, its inputs) of the first two seeds."""
    plan = make_run_plan([tiny], [], None, jax.devices())
    device = jax.devices()[0]
    inputs = inputs_of(plan, of_first((0, 1)), device)
    return plan.program, initial_block(plan, of_first((0, 1)), inputs, device), inputs


def copied(block):
    """A block that may be given away: `advance` takes its memory."""
    return jax.tree.map(lambda leaf: leaf.copy(), block)


def scores(rows):
    """Series with leaves [S, R]."""
    return Series(*np.moveaxis(np.asarray(rows.series), -1, 0))


def check_equal(one, other):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        if jax.dtypes.issubdtype(a.dtype, jax.dtypes.prng_key):
            a = jax.random.key_data(a)
            b = jax.random.key_data(b)
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_seeds_measured_all_at_once_are_those_measured_one_by_one(begun):
    tiny_program, block, inputs = begun
    together = dataclasses.replace(tiny_program, one_by_one=False)
    _, one = program.advance(tiny_program, copied(block), np.int32(1), inputs)
    _, other = program.advance(together, copied(block), np.int32(1), inputs)
    for mapped, vmapped in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(mapped, vmapped, atol=5e-6)
    np.testing.assert_array_equal(
        one.planes[0].points.n_patterns, other.planes[0].points.n_patterns
    )


def test_step_0_trains_nothing_and_records_the_untrained_network(begun):
    tiny_program, block, inputs = begun
    after, rows = program.advance(tiny_program, copied(block), np.int32(1), inputs)
    check_equal(after.state.variables["params"], block.state.variables["params"])
    series = scores(rows)
    assert int(rows.planes[0].rows) == 1 and rows.planes[0].epoch.tolist() == [0] + [-1] * 31
    assert np.isfinite(series.train_loss[:, 0]).all()
    assert np.isnan(series.gradient_norm_mean[:, 0]).all()
    assert (rows.planes[0].points.n_patterns[:, 0, :2] > 0).all()


def test_rows_that_are_not_recorded_are_unset(begun):
    tiny_program, block, inputs = begun
    _, rows = program.advance(tiny_program, copied(block), np.int32(1), inputs)
    points = rows.planes[0].points
    assert np.isnan(points.xt[:, 1:]).all() and (points.n_patterns[:, 1:] == -1).all()
    assert not points.certified[:, 1:].any()
    assert not rows.spectra[0][:, 1:].any() and not rows.series[:, 1:].any()


def test_a_block_in_parts_has_the_bits_of_the_block_in_one(begun):
    """The planes of the chunks, one behind the other, hold what one plane over all epochs holds."""
    tiny_program, block, inputs = begun
    whole, all_rows = program.advance(tiny_program, copied(block), np.int32(13), inputs)
    assert int(all_rows.planes[0].rows) == 6
    parts = copied(block)
    first = 0
    for until, n_rows in ((1, 1), (2, 1), (6, 2), (7, 0), (13, 2)):
        parts, rows = program.advance(tiny_program, parts, np.int32(until), inputs)
        for one, other in zip(all_rows.planes, rows.planes, strict=True):
            assert int(other.rows) == n_rows
            np.testing.assert_array_equal(other.epoch[:n_rows], one.epoch[first : first + n_rows])
            assert (other.epoch[n_rows:] == -1).all()
            np.testing.assert_array_equal(
                other.values[:, :n_rows], one.values[:, first : first + n_rows]
            )
        for one, other in zip(
            jax.tree.leaves(all_rows[1:]), jax.tree.leaves(rows[1:]), strict=True
        ):
            np.testing.assert_array_equal(one[:, first : first + n_rows], other[:, :n_rows])
            assert not other[:, n_rows:].any()
        first += n_rows
    assert first == 6
    check_equal(whole, parts)


def test_unscheduled_epochs_are_trained_and_not_recorded(begun, tiny):
    tiny_program, block, inputs = begun
    assert tiny.epochs == (0, 1, 2, 5, 10, 12)
    for until, n_rows in ((2, 2), (3, 3), (5, 3), (6, 4), (9, 4)):
        after, rows = program.advance(tiny_program, copied(block), np.int32(until), inputs)
        assert int(after.step) == until and int(rows.planes[0].rows) == n_rows
        assert rows.planes[0].epoch.tolist() == [*tiny.epochs[:n_rows], *[-1] * (32 - n_rows)]
        recorded = (scores(rows).train_loss > 0).tolist()
        assert recorded == [[True] * n_rows + [False] * (32 - n_rows)] * 2


def test_spectra_hold_what_the_points_say(begun):
    tiny_program, block, inputs = begun
    _, rows = program.advance(tiny_program, copied(block), np.int32(3), inputs)
    for measured, spectra, reference in zip(
        rows.planes, rows.spectra, inputs.reference, strict=True
    ):
        points = measured.points
        counted = points.n_patterns[:, :3] >= 0
        t = Spectrum(spectra[:, :3, :, 0], spectra[:, :3, :, 1])
        ty = Spectrum(spectra[:, :3, :, 2], spectra[:, :3, :, 3])
        seen = np.maximum(points.n_patterns[:, :3], 0)
        np.testing.assert_array_equal(t.number.sum(-1), seen)
        once = np.where(t.multiplicity == 1, t.number, 0).sum(-1)
        np.testing.assert_array_equal(once, np.maximum(points.n_singletons[:, :3], 0))
        n = reference[0].y.shape[0]
        for spectrum in (t, ty):
            examples = (spectrum.multiplicity * spectrum.number).sum(-1)
            np.testing.assert_array_equal(examples, np.where(counted, n, 0))


@pytest.mark.slow
@pytest.mark.parametrize("one_by_one", [True, False])
def test_the_program_lowers_for_cpu_cuda_and_tpu(begun, one_by_one):
    tiny_program, block, inputs = begun
    chosen = dataclasses.replace(tiny_program, one_by_one=one_by_one)
    whole = jax.jit(lambda *arguments: program.advance(chosen, *arguments))
    shapes = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(np.shape(leaf), leaf.dtype), (block, np.int32(1), inputs)
    )
    exported = jax.export.export(whole, platforms=["cpu", "cuda", "tpu"])(*shapes)
    assert exported.platforms == ("cpu", "cuda", "tpu")
