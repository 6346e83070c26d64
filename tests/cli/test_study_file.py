"""Experiments in Python files that the command line names."""

import json

import pytest

from jaxbnn.cli import startup, study_file
from jaxbnn.cli.main import main

STUDY = """
import jaxbnn
from beside import WIDTHS
from jaxbnn import data, nn

MINE = jaxbnn.Experiment(
    "mine", data.Szt(), nn.MLP(WIDTHS, 2), jaxbnn.TrainSpec(epochs=3), seeds_per_program=2
)
OTHER = 3
"""


@pytest.fixture(autouse=True)
def cores_are_in_use(monkeypatch):
    monkeypatch.setattr(startup, "use_cores", lambda: None)


@pytest.fixture
def study(tmp_path):
    (tmp_path / "beside.py").write_text("WIDTHS = (4, 3)\n")
    path = tmp_path / "my_study.py"
    path.write_text(STUDY)
    return str(path)


def refused(capsys, *arguments):
    assert main(list(arguments)) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and err.startswith("jaxbnn: error: ")
    return err


def test_an_experiment_of_a_file_is_shown_and_changed(study, capsys):
    assert main(["show", f"{study}:MINE", "--set", "train.epochs=7", "--seeds", "2"]) == 0
    out = capsys.readouterr().out
    shown = json.loads(out[: out.index("\n}\n") + 2])
    assert (shown["name"], shown["train"]["epochs"]) == ("mine", 7)
    assert (shown["model"]["widths"], shown["seeds"]) == ([4, 3], [0, 1])
    assert "digest" in out and "Assumptions" not in out


def test_a_name_that_is_not_there_or_no_experiment_is_refused(study, capsys):
    err = refused(capsys, "show", f"{study}:MIEN")
    assert f"expected an Experiment MIEN in {study}, got no such name: it has MINE" in err
    err = refused(capsys, "run", f"{study}:OTHER")
    assert f"expected OTHER in {study} as an Experiment, got int: it has MINE" in err


def test_a_file_that_is_not_there_or_has_no_name_is_refused(study, capsys, tmp_path):
    err = refused(capsys, "run", str(tmp_path / "none.py:MINE"))
    assert "expected a Python file, got" in err
    assert "expected FILE.py:NAME" in refused(capsys, "run", study)
    assert "expected FILE.py:NAME" in refused(capsys, "run", f"{study}:not a name")
    assert "--only with a grid" in refused(capsys, "run", f"{study}:MINE", "--only", "a")
    assert "expected a Python file" in refused(capsys, "run", "demo", "--import", "none.py")


def test_a_file_that_fails_is_refused_with_its_line(tmp_path, capsys):
    path = tmp_path / "broken.py"
    path.write_text("a = 1\nb = a / 0\n")
    err = refused(capsys, "show", f"{path}:MINE")
    assert f"{path}, line 2: ZeroDivisionError: division by zero" in err
    path.write_text("a = (\n")
    assert f"{path}, line 1: SyntaxError" in refused(capsys, "show", f"{path}:MINE")


def test_imported_files_are_executed_once_before_the_command(tmp_path, capsys):
    path = tmp_path / "types_of_mine.py"
    path.write_text("print('imported')\n")
    again = ["show", "demo", "--import", str(path), "--import", str(path)]
    assert main(again) == 0
    assert capsys.readouterr().out.count("imported") == 1


def test_names_of_experiments_are_no_files():
    assert study_file.split("demo") is None and study_file.split("raj2020/szt-ste") is None
    assert study_file.split("a/b.py:C") == ("a/b.py", "C")
