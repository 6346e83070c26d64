import dataclasses
import importlib.metadata

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray

from jaxbnn.cli import counting_checks, machine_checks, startup
from jaxbnn.cli.finding import Finding
from jaxbnn.cli.machine_checks import Check, Report
from jaxbnn.cli.main import main
from jaxbnn.engine import cost
from jaxbnn.info import counting

ONE = jax.devices()[:1]


@pytest.fixture
def small(monkeypatch, plain):
    """Programs that are compiled already, or soon."""
    short = dataclasses.replace(plain, seeds_per_program=2)
    monkeypatch.setattr(machine_checks, "SHORT", short)


def test_a_machine_that_is_ready(small, monkeypatch, capsys):
    monkeypatch.setattr(startup, "use_cores", lambda: None)
    monkeypatch.setattr(machine_checks, "KNOWN_FAULTS", ())
    assert main(["doctor", "--devices", "2"]) == 0
    out, err = capsys.readouterr()
    assert out.endswith("\nready\n") and "!!" not in out and err == ""
    for line in (
        "ok  devices: 2 x cpu cpu",
        "ok  counting on cpu:1: equals numpy's on 35 tries",
        "ok  sums on cpu:1: are right",
        "ok  products: have the same bits a second time and on 2 devices",
        "ok  a short run: has the same bits a second time and with 2 blocks at once",
        "networks x epochs a second of SZT (10-4)",
    ):
        assert line in out


def test_what_is_to_be_done_is_said(monkeypatch, capsys):
    findings = [Finding("a", "fine"), Finding("b", "broken", "mend it")]
    monkeypatch.setattr(startup, "use_cores", lambda: None)
    monkeypatch.setattr(
        machine_checks, "all_checks", lambda devices: [Check("all", lambda: findings)]
    )
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out == "ok  a: fine\n!!  b: broken\nto do: mend it\n"


def test_what_is_being_checked_is_shown_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(startup, "use_cores", lambda: None)
    checks = [Check("counting", lambda: [Finding("a", "fine")]), Check("speed", lambda: [])]
    monkeypatch.setattr(machine_checks, "all_checks", lambda devices: checks)
    assert main(["doctor"]) == 0
    err = capsys.readouterr().err
    assert "counting (1 of 2)" in err or "speed (2 of 2)" in err


def test_counts_that_are_wrong_are_found(monkeypatch):
    def merged(words, labels, **how):
        t, ty = counting.count(words, labels, **how)
        return t._replace(count=jnp.sort(t.count.ravel()).at[-2:].set(jnp.int32(t.total) // 2)), ty

    monkeypatch.setattr(counting_checks, "count", merged)
    (finding,) = counting_checks.counting(ONE)
    assert finding.outcome == "random rows are counted wrongly by direct"
    assert "do not trust" in finding.advice


def test_every_algorithm_is_tried_on_every_kind_of_rows_also_with_colliding_hashes():
    algorithms = [*counting_checks.algorithms_for(1), *counting_checks.algorithms_for(4)]
    tried = [(a.name, a.bits, collides) for a in algorithms for collides in a.hashes]
    assert len(tried) == len(set(tried)) == 7
    for name in ("scatter", "sort"):
        assert {(name, 10, False), (name, None, False), (name, None, True)} < set(tried)


def test_rows_to_try_are_what_they_are_called():
    rng = np.random.default_rng(0)
    n_patterns = {}
    for width in counting_checks.WIDTHS:
        for rows in counting_checks.rows_to_try(rng, width):
            assert rows.words.shape == (counting_checks.ROWS, width)
            n_patterns[rows.name, width] = len(np.unique(rows.words, axis=0))
            if rows.name == "one bit apart":
                a, b = np.unique(rows.words, axis=0)
                assert bin(int(np.bitwise_xor(a, b).sum())).count("1") == 1
    assert len(n_patterns) == 10
    assert n_patterns["equal", 4] == 1 and n_patterns["one bit apart", 4] == 2
    assert n_patterns["few", 1] <= 7 and n_patterns["random", 4] == counting_checks.ROWS
    assert n_patterns["many twice", 4] == counting_checks.ROWS // 2


def result(value):
    return xarray.Dataset({"i_xt": ("seed", [value])})


def test_a_run_that_gives_other_bits_is_found():
    same = machine_checks.repeating(2, result(0.5), result(0.5), result(0.5))
    assert same.outcome == "has the same bits a second time and with 2 blocks at once"
    again = machine_checks.repeating(2, result(0.5), result(0.0), result(0.5))
    assert again.outcome == "gives other bits a second time: i_xt"
    alone = machine_checks.repeating(2, result(0.0), result(0.0), result(-0.0))
    assert alone.outcome == "gives other bits with 2 blocks at once: i_xt"
    assert "docs/reliability.md" in alone.advice


def test_speed_is_counted_between_the_first_and_the_last_report():
    reports = [Report(10.0, 64), Report(11.0, 300), Report(14.0, 1064)]
    finding = machine_checks.speed(reports)
    assert finding == Finding("speed", "250 networks x epochs a second of SZT (10-4)")


def test_sums_that_are_wrong_are_found(monkeypatch):
    assert machine_checks.summing(ONE[0]).advice == ""
    monkeypatch.setattr(jax, "jit", lambda f: lambda rows: f(rows) * 1.01)
    assert "use_cores" in machine_checks.summing(ONE[0]).advice


def test_products_that_differ_are_found(monkeypatch):
    assert machine_checks.multiplying(jax.devices()).advice == ""
    values = iter([0.0, 0.0, 1e-7])
    monkeypatch.setattr(jax, "jit", lambda f: lambda *_: (np.float32(next(values)),))
    finding = machine_checks.multiplying(jax.devices())
    assert finding.outcome == "have other bits on cpu:1" and "do not hold" in finding.advice


def test_little_memory_old_packages_and_bad_versions_are_found(monkeypatch):
    monkeypatch.setattr(cost, "room", lambda devices: 2**20)
    assert "fewer --seeds-per-program" in machine_checks.memory(ONE).advice
    monkeypatch.setattr(machine_checks, "required", lambda: [("numpy", "99.1"), ("jax", "0.1")])
    fault = machine_checks.KnownFault("0.0.1", "99.0", "cpu", "is bad", "1", "get another")
    monkeypatch.setattr(machine_checks, "KNOWN_FAULTS", (fault,))
    old, bad, versions = machine_checks.versions("cpu")
    assert old.advice.startswith("expected numpy 99.1 or newer") and bad.advice == "get another"
    assert versions.advice == "" and "jaxlib" in versions.outcome


def test_what_jaxbnn_requires_is_read_from_its_own_package(monkeypatch):
    lines = ["flax>=0.12", "jax>=0.10", "torch>=2.6; extra == 'bench'", "thing"]
    monkeypatch.setattr("importlib.metadata.requires", lambda name: lines)
    assert machine_checks.required() == [("flax", "0.12"), ("jax", "0.10")]
    monkeypatch.setattr("importlib.metadata.requires", _missing)
    assert machine_checks.required() == []


def _missing(name):
    raise importlib.metadata.PackageNotFoundError(name)


def test_flags_that_bits_depend_on_are_looked_for(monkeypatch):
    assert machine_checks.flags(ONE[0]).advice == ""
    monkeypatch.setenv("XLA_FLAGS", "")
    assert "use_cores" in machine_checks.flags(ONE[0]).advice
