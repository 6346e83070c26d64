import os
import subprocess
import sys

import jax
import pytest

from jaxbnn import cores
from jaxbnn.cores import count_cores, unpinned, use_cores


def test_use_cores_gives_devices_and_a_pinned_pool():
    code = "import jaxbnn, jax, os; jaxbnn.use_cores(3); print(len(jax.devices()), os.environ['PJRT_NPROC'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3 8"
    assert len(jax.devices()) == 2 and unpinned(jax.devices()[0]) == ""  # the tests' own


def test_a_pool_of_another_size_is_the_users_choice_and_holds_for_one_machine(monkeypatch):
    monkeypatch.setenv("PJRT_NPROC", "2")
    use_cores(len(jax.devices()))
    assert os.environ["PJRT_NPROC"] == "2"
    assert unpinned(jax.devices()[0]) == "unset PJRT_NPROC, which is 2"


def test_more_devices_than_the_pool_has_threads_make_it_larger(monkeypatch):
    assert unpinned(jax.devices()[0]) == ""
    monkeypatch.setattr(jax, "local_device_count", lambda platform: 9)
    assert unpinned(jax.devices()[0]) == "use at most 8 devices"


def test_use_cores_asks_for_wide_vectors_unless_the_user_has_said_otherwise(monkeypatch):
    for given, kept in (("", "--xla_cpu_prefer_vector_width=512"), ("--xla_cpu_prefer_vector_width=128",) * 2):
        monkeypatch.setenv("XLA_FLAGS", given)
        use_cores(len(jax.devices()))
        assert os.environ["XLA_FLAGS"].split()[0] == kept


@pytest.mark.parametrize(
    ("version", "there"), [("0.10.1", False), ("0.10.2", True), ("0.11.1", True), ("0.12.0", False)]
)
def test_versions_whose_sums_can_be_wrong_are_kept_from_them(monkeypatch, version, there):
    monkeypatch.setattr(cores, "version", lambda package: version)
    monkeypatch.setenv("XLA_FLAGS", "")
    use_cores(len(jax.devices()))
    assert ("ynn_fusion_type=-reduce" in os.environ["XLA_FLAGS"]) == there


def test_use_cores_after_jax_has_started_is_refused():
    n = len(jax.devices())
    with pytest.raises(RuntimeError, match="before backends are initialized"):
        use_cores(n + 1)
    use_cores(n)


def test_a_run_without_it_says_that_its_bits_hold_for_this_machine_only(monkeypatch, plain, tmp_path):
    from jaxbnn import run

    monkeypatch.delenv("PJRT_NPROC")
    assert unpinned(jax.devices()[0])
    with (
        pytest.warns(UserWarning, match=r"this machine only: call jaxbnn.use_cores\(\) before JAX starts"),
        pytest.raises(ValueError, match="output folder"),
    ):
        (tmp_path / "file").write_text("")
        run(plain, tmp_path / "file")


def test_cores_are_those_this_process_may_use():
    assert 1 <= count_cores() <= (os.cpu_count() or 1)
    with pytest.raises(ValueError, match="1 or more devices, got 0"):
        use_cores(0)
