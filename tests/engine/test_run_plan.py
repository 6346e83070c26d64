"""Which seeds make a block, and where its chunks end."""

import dataclasses

import jax
import pytest
from bitwise import stopping_after

from jaxbnn import run
from jaxbnn.config.overrides import override
from jaxbnn.engine import block_runner
from jaxbnn.engine.run_plan import SeedRange, blocks_of, by_program, make_run_plan, of_first
from jaxbnn.observe.probe import Schedule
from jaxbnn.storage import results


def test_missing_seeds_are_cut_into_blocks():
    assert blocks_of([(0, 1, 2, 3, 4)], 2) == [*map(of_first, ((0, 1), (2, 3), (4,)))]
    assert blocks_of([()], 2) == []
    # A block may hold seeds of several experiments.
    assert blocks_of([(0, 1, 2), (7,)], 2) == [
        (SeedRange(0, (0, 1)),),
        (SeedRange(0, (2,)), SeedRange(1, (7,))),
    ]


def test_seed_ranges_with_a_checkpoint_stay_together():
    begun = [(SeedRange(0, seeds), 5) for seeds in ((1, 2), (2, 3), (8, 9))]
    assert blocks_of([(0, 1, 2, 3, 4)], 2, begun) == [*map(of_first, ((0, 3), (1, 2), (4,)))]
    too_long = [(SeedRange(0, (0, 1, 2)), 5)]
    assert blocks_of([(0, 1, 2)], 2, too_long) == [*map(of_first, ((0, 1), (2,)))]


def test_seed_ranges_of_one_step_share_a_block_and_those_of_two_steps_do_not():
    one = SeedRange(0, (0,))
    other = SeedRange(1, (4,))
    assert blocks_of([(0,), (4,)], 2, [(one, 5), (other, 5)]) == [(one, other)]
    assert blocks_of([(0,), (4,)], 2, [(one, 5), (other, 6)]) == [(one,), (other,)]


def test_a_short_block_repeats_its_last_seed(plain):
    plan = make_run_plan([dataclasses.replace(plain, seeds_per_program=4)], [], None, jax.devices())
    assert [seed for _, seed in plan.padded(of_first((3, 5)))] == [3, 5, 5, 5]


def test_rows_of_a_plan_are_those_of_its_schedule(plain):
    plan = make_run_plan([plain], [], None, jax.devices())
    assert plan.experiment.epochs == (0, 1, 2, 5, 10, 12) and plan.steps == 13
    assert [plan.rows(step) for step in (0, 1, 2, 3, 5, 6, 11, 12, 13)] == [
        *(0, 1, 2, 3, 3, 4, 5, 5, 6)
    ]


def test_a_chunk_ends_where_its_rows_fill_the_program(plain):
    long = override(dataclasses.replace(plain, schedule=Schedule(every=1)), "train.epochs=100")
    plan = make_run_plan([long], [], None, jax.devices())
    assert plan.program.rows_per_chunk == 32
    assert [plan.chunk_end(0, size) for size in (1, 31, 32, 33, 200)] == [1, 31, 32, 32, 32]
    assert plan.chunk_end(96, 200) == 101
    step = 0
    while step < plan.steps:
        until = plan.chunk_end(step, 10**6)
        assert 0 < plan.rows(until) - plan.rows(step) <= 32
        step = until
    assert step == 101


def test_a_chunk_ends_with_an_epoch_whose_activations_are_kept(plain):
    probe = dataclasses.replace(plain.probes[0], unit_counts_at=(0, 3), activations_at=(-1,))
    plan = make_run_plan([dataclasses.replace(plain, probes=(probe,))], [], None, jax.devices())
    assert plan.kept_epochs == (0, 3, 12)
    assert [plan.chunk_end(step, 100) for step in (0, 1, 3, 4, 12)] == [1, 4, 4, 13, 13]


def test_what_the_host_alone_uses_does_not_change_the_program(plain):
    probe = dataclasses.replace(plain.probes[0], activations_at=(0,), tolerance=0.3)
    other = override(dataclasses.replace(plain, probes=(probe,)), "train.epochs=7")
    first, second = [
        make_run_plan([one], [], None, jax.devices()).program for one in (plain, other)
    ]
    assert first == second and hash(first) == hash(second)


def test_experiments_are_grouped_by_their_program(plain):
    faster = override(plain, "train.learning_rate=0.02")
    wider = override(plain, "model.widths=7,4")
    more = dataclasses.replace(plain, name="more", seeds=(7,))
    groups = by_program([plain, faster, wider, more])
    assert [[one.train.learning_rate for one in group] for group in groups] == [
        [0.01, 0.02, 0.01],
        [0.01],
    ]


def test_checkpointed_blocks_go_on_when_other_seeds_are_asked_for(plain, tmp_path, monkeypatch):
    monkeypatch.setattr(block_runner, "CHUNK_SECONDS", 0.0)
    one = jax.devices()[:1]
    some = dataclasses.replace(plain, seeds=(1, 2))
    folder = run(some, tmp_path, devices=one, stop=stopping_after(5))
    plan = make_run_plan([plain], [folder], None, jax.devices())
    assert block_runner.checkpointed(plan, [(0, 1, 2, 3, 4)]) == [(SeedRange(0, (1, 2)), 4)]
    assert block_runner.checkpointed(plan, [(0, 1)]) == []
    messages = []
    run(plain, tmp_path, devices=one, report=lambda p: messages.append(p.message))
    assert any("seeds 1 to 2 go on from epoch 3" in m for m in messages)
    assert results.open_result(folder).seed.values.tolist() == [0, 1, 2, 3, 4]
    assert block_runner.checkpointed(plan, [(0, 1, 2, 3, 4)]) == []  # all are finished


def test_a_block_is_named_by_its_seeds(plain):
    names = "seeds 1 to 2, seeds 4 to 4"
    plan = make_run_plan([plain], [], None, jax.devices())
    block = (SeedRange(0, (1, 2)), SeedRange(0, (4,)))
    assert block_runner.name_of(plan, block) == names


@pytest.mark.parametrize("seeds_per_program", [1, 3])
def test_every_missing_seed_is_in_one_block(seeds_per_program):
    missing = [(0, 5, 6), (), (1, 2, 3, 9)]
    blocks = blocks_of(missing, seeds_per_program)
    pairs = [(r.number, seed) for block in blocks for r in block for seed in r.seeds]
    assert sorted(pairs) == [(0, 0), (0, 5), (0, 6), (2, 1), (2, 2), (2, 3), (2, 9)]
    assert all(sum(len(r.seeds) for r in block) <= seeds_per_program for block in blocks)
