import dataclasses
import math

import jax
import pytest

from jaxbnn.engine import cost


def test_estimate_states_time_and_memory(tiny):
    taken = cost.estimate(tiny, seconds=0.1)
    assert 0 < taken.seconds < 600 and taken.compile_seconds > 0 and 10_000 < taken.bytes < 2**31
    assert math.isfinite(taken.seconds)


def test_programs_that_do_not_fit_are_refused_before_anything_is_run(tiny, monkeypatch):
    assert cost.room(jax.devices()) > 2**20
    monkeypatch.setattr(cost, "room", lambda devices: 2**14)
    monkeypatch.setattr(cost, "_timed", None)
    with pytest.raises(
        MemoryError,
        match=r"expected a program of at most 0 MiB \(what a device has\), got .*: fewer seeds a program take less",
    ):
        cost.estimate(tiny)


@pytest.mark.parametrize("fitting", [0, 1, 2, 37, 62, 63])
def test_the_largest_number_of_seeds_per_program_that_fits_is_named_after_few_tries(
    plain, monkeypatch, fitting
):
    def held(n_seeds):
        return 10_000 + 700 * n_seeds + 100 * (n_seeds % 3) + (5_000 if n_seeds >= 16 else 0)

    tried = []

    def try_block(job, seconds, space, pieces, device):
        tried.append(job.experiment.seeds_per_program)
        return 0.0, math.nan, math.nan, held(job.experiment.seeds_per_program)

    monkeypatch.setattr(cost, "_try_block", try_block)
    monkeypatch.setattr(
        cost, "room", lambda devices: held(fitting) * len(devices) if fitting else 100
    )
    assert (
        cost.largest_seeds_per_program(
            dataclasses.replace(plain, seeds_per_program=64, seeds=tuple(range(64)))
        )
        == fitting
    )
    assert 64 in tried and len(tried) <= 9


def test_nothing_is_timed_in_0_seconds(tiny, monkeypatch):
    monkeypatch.setattr(cost, "_timed", None)
    taken = cost.estimate(tiny, seconds=0)
    assert math.isnan(taken.seconds) and taken.bytes > 10_000
