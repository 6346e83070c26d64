import math

from jaxbnn import cost


def test_estimate_states_time_and_memory(tiny):
    taken = cost.estimate(tiny, seconds=0.1)
    assert 0 < taken.seconds < 600 and taken.compile_seconds > 0 and 10_000 < taken.bytes < 2**31
    assert math.isfinite(taken.seconds)


def test_programs_that_do_not_fit_are_refused_before_the_run(monkeypatch):
    import jax
    import pytest

    assert cost.room(jax.devices()) > 2**20
    cost.check_room(cost.Cost(1.0, 1.0, 2**20), jax.devices())
    monkeypatch.setattr(cost, "room", lambda devices: 2**20)
    with pytest.raises(ValueError, match="expected programs of at most 1 MiB .* got 3 MiB: fewer lanes take less"):
        cost.check_room(cost.Cost(1.0, 1.0, 3 * 2**20), jax.devices())
