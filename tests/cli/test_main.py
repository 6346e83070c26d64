"""Answers that need no JAX, errors in one line, and exit codes."""

import os
import subprocess
import sys

import pytest

from jaxbnn.cli import arguments, main
from jaxbnn.config.experiment import MAX_SEEDS_PER_PROGRAM
from jaxbnn.info import corrected_entropy

HEAVY = ("jax", "jaxlib", "flax", "optax", "numpy", "xarray", "matplotlib", "zarr")


def jaxbnn(*command, **environment):
    """The finished program."""
    return subprocess.run(
        [sys.executable, "-m", "jaxbnn", *command],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )


@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        ["--version"],
        ["list"],
        ["fly"],
        ["run", "--help"],
        ["run", "dmeo"],
        ["run", "nothnagel2026", "--only", "mnist"],
        ["run", "nothing.py:X"],
        ["report", "raj", "--out", "x"],
        ["show", "demo", "--seeds", "x"],
    ],
)
def test_what_needs_no_jax_does_not_import_it(command):
    code = (
        "import sys\n"
        "from jaxbnn.cli.main import main\n"
        "try:\n"
        f"    main({command!r})\n"
        "except SystemExit:\n"
        "    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as end:
        main.main(["--version"])
    assert end.value.code == 0 and capsys.readouterr().out.startswith("jaxbnn 0.")


def test_the_names_and_limits_that_are_kept_twice_agree():
    known = (*corrected_entropy.ESTIMATORS, *corrected_entropy.WITH_ALPHABET)
    assert known == arguments.ESTIMATORS
    assert arguments.MAX_SEEDS_PER_PROGRAM == MAX_SEEDS_PER_PROGRAM


@pytest.mark.parametrize("command", [["doctor"], ["run", "demo", "--out", "nowhere"]])
def test_a_platform_that_is_not_there_gets_one_line(command, tmp_path):
    done = jaxbnn(*command, JAX_PLATFORMS="cuda")
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("jaxbnn: ")]
    assert done.returncode == 2 and done.stdout == "" and "Traceback" not in done.stderr
    assert line.startswith("jaxbnn: error: expected a device for JAX_PLATFORMS=cuda, got none")
    assert not os.path.exists("nowhere")


@pytest.mark.parametrize(("command", "code"), [(["list"], 141), (["--help"], 0)])
def test_a_reader_that_has_ended_is_no_error(command, code):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "jaxbnn", *command], stdout=closed, stderr=subprocess.PIPE
        )
    assert (done.returncode, done.stderr) == (code, b"")


def test_errors_that_are_the_program_s_own_are_not_hidden(monkeypatch):
    def broken(name):
        raise RuntimeError("a fault")

    monkeypatch.setattr(main.pkgutil, "resolve_name", broken)
    with pytest.raises(RuntimeError, match="a fault"):
        main.main(["list"])


def test_an_error_of_many_lines_gets_one(monkeypatch, capsys):
    def broken(name):
        raise ValueError("one\ntwo")

    monkeypatch.setattr(main.pkgutil, "resolve_name", broken)
    assert main.main(["list"]) == 2
    assert capsys.readouterr().err == "jaxbnn: error: one two\n"


def test_a_full_disk_is_named():
    line = main.error_line(OSError(28, "No space left on device"))
    assert line is not None and "the disk has no room left" in line
