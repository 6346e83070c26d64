import math

from jaxbnn import cost


def test_estimate_states_time_and_memory(tiny, monkeypatch):
    monkeypatch.setattr(cost, "TIMED_SECONDS", 0.1)
    taken = cost.estimate(tiny)
    assert 0 < taken.seconds < 600 and taken.compile_seconds > 0 and 10_000 < taken.bytes < 2**31
    assert math.isfinite(taken.seconds)
