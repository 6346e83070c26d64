import math

import jax
import pytest

from jaxbnn import cost


def test_estimate_states_time_and_memory(tiny):
    taken = cost.estimate(tiny, seconds=0.1)
    assert 0 < taken.seconds < 600 and taken.compile_seconds > 0 and 10_000 < taken.bytes < 2**31
    assert math.isfinite(taken.seconds)


def test_programs_that_do_not_fit_are_refused_before_anything_is_run(tiny, monkeypatch):
    assert cost.room(jax.devices()) > 2**20
    monkeypatch.setattr(cost, "room", lambda devices: 2**14)
    monkeypatch.setattr(cost, "_timed", None)
    with pytest.raises(
        MemoryError, match=r"expected a program of at most 0 MiB \(what a device has\), got .*--lanes 1"
    ):
        cost.estimate(tiny)


def test_nothing_is_timed_in_0_seconds(tiny, monkeypatch):
    monkeypatch.setattr(cost, "_timed", None)
    taken = cost.estimate(tiny, seconds=0)
    assert math.isnan(taken.seconds) and taken.bytes > 10_000
