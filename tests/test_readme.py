"""The README's examples run, shrunk, and what it says of commands, files and variables is so."""

import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest

import jaxbnn
from jaxbnn.storage import results
from jaxbnn import studies
from jaxbnn.cli.main import parser
from jaxbnn.storage import run_folder

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.S)
SHORTER = {"epochs=1000": "epochs=2", "(10, 8, 6, 4, 2)": "(4, 3)", "range(20)": "range(2)"}


def shrunk(code):
    for long, short in SHORTER.items():
        code = code.replace(long, short)
    return code


@pytest.mark.parametrize("i", range(len(EXAMPLES)))
def test_every_python_example_runs(i, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(jaxbnn, "use_cores", lambda: None)
    names = {}
    exec(compile(shrunk(EXAMPLES[i]), f"README example {i + 1}", "exec"), names)
    printed = [float(n) for n in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", capsys.readouterr().out)]
    assert printed and np.isfinite(printed).all()


def test_the_first_example_has_twelve_lines_and_the_others_are_there():
    assert len(EXAMPLES) == 3 and len(EXAMPLES[0].strip().splitlines()) == 12


def test_every_command_is_one_of_the_command_line():
    commands = re.findall(r"^jaxbnn (.*?)(?:  +#.*)?$", README, re.M)
    assert {c.split()[0] for c in commands} == {
        "list",
        "show",
        "run",
        "plot",
        "measure",
        "compare",
        "report",
        "doctor",
    }
    for command in commands:
        parser().parse_args(command.split())
    named = re.search(r"the experiments: (.*) and more", README).group(1).split(", ")
    assert set(named) < {e.name for study in studies.STUDIES for e in study.experiments}


def test_every_variable_of_a_result_is_explained(finished):
    table = README[README.index("| variable |") : README.index("Attributes say")]
    names = {
        name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line.split(" | ")[0])
    }
    assert names == set(results.open_result(finished).data_vars)


def test_the_picture_is_there_and_the_make_targets_exist():
    picture = ROOT / re.search(r"!\[.*?\]\((.*?)\)", README).group(1)
    assert matplotlib.image.imread(picture).shape[0] > 300
    makefile = (ROOT / "Makefile").read_text()
    assert all(
        re.search(rf"^{target}:", makefile, re.M)
        for target in re.findall(r"^make (\w+)", README, re.M)
    )
