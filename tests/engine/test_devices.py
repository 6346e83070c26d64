import os
import subprocess
import sys
from types import SimpleNamespace

import jax
import pytest

from jaxbnn import run
from jaxbnn.cli import startup
from jaxbnn.engine import devices
from jaxbnn.engine.devices import (
    count_cores,
    is_ready,
    keep_programs,
    pool_size,
    use_cores,
    workers,
)


def test_use_cores_gives_devices_and_the_pool_is_as_large_as_their_number_or_the_cores():
    code = """
import jax, os, jaxbnn
from jaxbnn.engine import devices
for n in (1, 9):
    jaxbnn.use_cores(n)
    print(devices.pool_size())
print(len(jax.devices()))
tasks = (open(f"/proc/self/task/{task}/comm").read() for task in os.listdir("/proc/self/task"))
print(sum("XLAEigen" in task for task in tasks))
"""
    environment = {key: value for key, value in os.environ.items() if key != "PJRT_NPROC"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    one, nine, devices, threads = map(int, done.stdout.splitlines())
    assert one == count_cores() and nine == max(9, count_cores()) == threads and devices == 9


def test_without_a_number_there_is_one_device_unless_jax_was_told_otherwise():
    code = """
import jax, jaxbnn
jax.config.update("jax_num_cpu_devices", {told})
jaxbnn.use_cores()
jaxbnn.use_cores()
print(len(jax.devices()))
"""
    for told, expected in (("-1", 1), ("3", 3)):
        done = subprocess.run(
            [sys.executable, "-c", code.format(told=told)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert int(done.stdout) == expected


def test_a_core_is_a_worker_and_so_is_any_other_device(monkeypatch):
    one, two = jax.devices()
    monkeypatch.setattr(devices, "count_cores", lambda: 3)
    assert workers() == (one, two, one) and workers(1) == (one,)
    assert workers(5) == (one, two, one, two, one)
    monkeypatch.setattr(devices, "count_cores", lambda: 1)
    assert workers() == (one, two)
    cards = [SimpleNamespace(platform="gpu"), SimpleNamespace(platform="gpu")]
    monkeypatch.setattr(jax, "local_devices", lambda: cards)
    assert len(workers()) == 2 and len(workers(1)) == 1 and len(workers(9)) == 2


def test_more_gpus_than_there_are_are_refused(monkeypatch):
    cards = [SimpleNamespace(platform="gpu", device_kind="H100")] * 2
    monkeypatch.setattr(jax, "local_devices", lambda: cards)
    monkeypatch.setattr(startup, "use_cores", lambda: None)
    monkeypatch.setattr(startup, "keep_programs", lambda: None)
    assert startup.start(SimpleNamespace(devices=2)) == tuple(cards)
    with pytest.raises(ValueError, match=r"--devices of at most 2 \(H100\), got 3"):
        startup.start(SimpleNamespace(devices=3))


def test_a_pool_of_another_size_is_the_users_choice(monkeypatch):
    monkeypatch.setenv("PJRT_NPROC", "16")
    assert pool_size() == 16
    monkeypatch.setenv("PJRT_NPROC", "two")
    with pytest.raises(
        ValueError, match="expected PJRT_NPROC as a number of threads, got 'two': unset it"
    ):
        pool_size()


def test_use_cores_asks_for_wide_vectors_unless_the_user_has_said_otherwise(monkeypatch):
    for given, kept in (
        ("", "--xla_cpu_prefer_vector_width=512"),
        ("--xla_cpu_prefer_vector_width=128",) * 2,
    ):
        monkeypatch.setenv("XLA_FLAGS", given)
        use_cores(len(jax.devices()))
        assert os.environ["XLA_FLAGS"].split()[0] == kept


@pytest.mark.parametrize(
    ("version", "there"), [("0.10.1", False), ("0.10.2", True), ("0.11.1", True), ("0.12.0", False)]
)
def test_versions_whose_sums_can_be_wrong_are_kept_from_them(monkeypatch, version, there):
    monkeypatch.setattr(devices, "version", lambda package: version)
    monkeypatch.setenv("XLA_FLAGS", "")
    use_cores(len(jax.devices()))
    assert ("ynn_fusion_type=-reduce" in os.environ["XLA_FLAGS"]) == there


def test_use_cores_after_jax_has_started_is_refused():
    n = len(jax.devices())
    with pytest.raises(RuntimeError, match="before backends are initialized"):
        use_cores(n + 1)
    use_cores(n)


def test_a_run_without_it_says_that_its_bits_are_others(monkeypatch, plain, tmp_path):
    assert is_ready(jax.devices()[0])  # the tests' own
    monkeypatch.setenv("XLA_FLAGS", "")
    assert not is_ready(jax.devices()[0])
    with (
        pytest.warns(
            UserWarning,
            match=r"not those of other runs: call jaxbnn.use_cores\(\) before JAX starts",
        ),
        pytest.raises(ValueError, match="output folder"),
    ):
        (tmp_path / "file").write_text("")
        run(plain, tmp_path / "file")


def test_cores_are_those_this_process_may_use():
    assert 1 <= count_cores() <= (os.cpu_count() or 1)
    with pytest.raises(ValueError, match="1 or more devices, got 0"):
        use_cores(0)


CODE = """
import os, jax
from jaxbnn.engine.devices import keep_programs
keep_programs()
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.block_until_ready(jax.jit(lambda x: x * 3 + 1)(jax.numpy.ones(7)))
print(jax.config.jax_compilation_cache_dir)
"""


def test_what_is_compiled_is_kept_in_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    (kept,) = (tmp_path / "jaxbnn" / "programs").iterdir()
    assert done.stdout.strip() == str(kept) and any(kept.iterdir())


def test_a_folder_the_user_has_named_is_left():
    named = jax.config.jax_compilation_cache_dir
    keep_programs()
    assert named and jax.config.jax_compilation_cache_dir == named
