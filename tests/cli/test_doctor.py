import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray

from jaxbnn.cli import doctor
from jaxbnn.cli.main import main
from jaxbnn.engine import cost
from jaxbnn.info import counting

ONE = jax.devices()[:1]


@pytest.fixture
def small(monkeypatch, plain):
    """Programs that are compiled already, or soon."""
    monkeypatch.setattr(doctor, "SHORT", dataclasses.replace(plain, seeds_per_program=2))
    monkeypatch.setattr(doctor, "STANDARD", dataclasses.replace(plain, seeds_per_program=2))


def test_a_machine_that_is_ready(small, monkeypatch, capsys):
    monkeypatch.setattr("jaxbnn.cli.startup.use_cores", lambda n: None)
    monkeypatch.setattr(doctor, "KNOWN", ())
    assert main(["doctor", "--devices", "2"]) == 0
    out = capsys.readouterr().out
    assert out.endswith("\nready\n") and "!!" not in out
    for line in (
        "ok  devices: 2 x cpu cpu",
        "ok  counting on cpu:1: equals numpy's on 35 tries",
        "ok  sums on cpu:1: are right",
        "ok  a short run: has the same bits a second time and on 2 devices",
        "networks x epochs a second of SZT (1750 on 2 threads of one Xeon core",
    ):
        assert line in out


def test_what_is_to_be_done_is_said(monkeypatch, capsys):
    findings = [doctor.Finding("a", "fine"), doctor.Finding("b", "broken", "mend it")]
    monkeypatch.setattr("jaxbnn.cli.startup.use_cores", lambda n: None)
    monkeypatch.setattr(doctor, "examine", lambda devices: iter(findings))
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out == "ok  a: fine\n!!  b: broken\nto do: mend it\n"


def test_counts_that_are_wrong_are_found(monkeypatch):
    def merged(words, labels, **how):
        t, ty = counting.count(words, labels, **how)
        return t._replace(count=jnp.sort(t.count.ravel()).at[-2:].set(jnp.int32(t.total) // 2)), ty

    monkeypatch.setattr(doctor, "count", merged)
    found = doctor.counting(ONE[0])
    assert (
        "random rows are counted wrongly by direct" in found.found
        and "do not trust" in found.advice
    )


def test_rows_to_try_are_what_they_are_called():
    rng = np.random.default_rng(0)
    tried = {
        (name, width): words
        for width in doctor.WIDTHS
        for name, words, _ in doctor.rows_to_try(rng, width)
    }
    assert len(tried) == 10 and all(words.shape[0] == doctor.ROWS for words in tried.values())
    n = {key: len(np.unique(words, axis=0)) for key, words in tried.items()}
    assert (
        n["equal", 4] == 1
        and n["one bit apart", 4] == 2
        and n["few", 1] <= 7
        and n["random", 4] == doctor.ROWS
    )
    assert n["many twice", 4] == doctor.ROWS // 2
    a, b = np.unique(tried["one bit apart", 4], axis=0)
    assert bin(int(np.bitwise_xor(a, b).sum())).count("1") == 1


def test_a_run_that_gives_other_bits_is_found(small, monkeypatch):
    made = iter([0.0, 0.5, 0.0])
    monkeypatch.setattr(doctor, "run", lambda *_, **__: "folder")
    monkeypatch.setattr(
        doctor.run_folder,
        "read_result",
        lambda folder: xarray.Dataset({"i_xt": ("seed", [next(made)])}),
    )
    found = doctor.repeating(ONE)
    assert (
        found.found == "gives other bits a second time: i_xt"
        and "docs/reliability.md" in found.advice
    )


def test_sums_that_are_wrong_are_found(monkeypatch):
    assert doctor.summing(ONE[0]).advice == ""
    monkeypatch.setattr(jax, "jit", lambda f: lambda rows: f(rows) * 1.01)
    assert "use_cores" in doctor.summing(ONE[0]).advice


def test_little_memory_old_packages_and_bad_versions_are_found(monkeypatch):
    monkeypatch.setattr(cost, "room", lambda devices: 2**20)
    assert "fewer --seeds-per-program" in doctor.memory(ONE).advice
    monkeypatch.setattr(doctor, "required", lambda: [("numpy", "99.1"), ("jax", "0.1")])
    monkeypatch.setattr(
        doctor, "KNOWN", (doctor.Known("0.0.1", "99.0", "cpu", "is bad", "1", "get another"),)
    )
    old, bad, versions = doctor.versions("cpu")
    assert old.advice.startswith("expected numpy 99.1 or newer") and bad.advice == "get another"
    assert versions.advice == "" and "jaxlib" in versions.found


def test_what_jaxbnn_requires_is_read_from_its_own_package(monkeypatch):
    lines = ["flax>=0.12", "jax>=0.10", "torch>=2.6; extra == 'bench'", "thing"]
    monkeypatch.setattr("importlib.metadata.requires", lambda name: lines)
    assert doctor.required() == [("flax", "0.12"), ("jax", "0.10")]
    monkeypatch.setattr("importlib.metadata.requires", _missing)
    assert doctor.required() == []


def _missing(name):
    raise doctor.importlib.metadata.PackageNotFoundError(name)


def test_flags_that_bits_depend_on_are_looked_for(monkeypatch):
    assert doctor.flags(ONE[0]).advice == ""
    monkeypatch.setenv("XLA_FLAGS", "")
    assert "use_cores" in doctor.flags(ONE[0]).advice
