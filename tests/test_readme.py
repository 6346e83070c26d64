"""The README's examples run, shrunk, and what it says of commands and links is so."""

import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest

import jaxbnn
from jaxbnn import studies
from jaxbnn.cli.main import parser
from jaxbnn.config import registry

matplotlib.use("agg")
ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.S)
SHORTER = {
    "epochs=1000": "epochs=2",
    "epochs=300": "epochs=2",
    "(10, 8, 6, 4, 2)": "(4, 3)",
    "range(16)": "range(3)",
}


@pytest.fixture(autouse=True)
def own_types():
    """What an example registers is not there for other tests."""
    families = dict(registry.FAMILIES)
    specs = dict(registry.SPECS)
    yield
    registry.FAMILIES.update(families)
    registry.SPECS.clear()
    registry.SPECS.update(specs)
    registry.SOURCES.clear()


def shrunk(code):
    for long, short in SHORTER.items():
        code = code.replace(long, short)
    return code


@pytest.mark.parametrize("i", range(len(EXAMPLES)))
def test_every_python_example_runs_and_prints_finite_numbers(i, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(jaxbnn, "use_cores", lambda: None)
    names = {"__name__": f"readme_{i}"}
    path = tmp_path / f"example_{i}.py"
    path.write_text(shrunk(EXAMPLES[i]))
    exec(compile(path.read_text(), str(path), "exec"), names)
    printed = re.findall(r"-?\d+\.\d+(?:e-?\d+)?", capsys.readouterr().out)
    assert printed and np.isfinite([float(number) for number in printed]).all()


def test_the_readme_is_short_and_its_first_example_has_twelve_lines():
    assert len(README.splitlines()) <= 120
    assert len(EXAMPLES) == 3 and len(EXAMPLES[0].strip().splitlines()) == 12


def test_every_command_is_one_of_the_command_line():
    blocks = re.findall(r"^```\n(jaxbnn.*?)^```", README, re.S | re.M)
    commands = re.findall(r"^jaxbnn (.*?)(?:  +#.*)?$", "".join(blocks), re.M)
    assert len(commands) == 8
    for command in commands:
        parser().parse_args(command.split())
    named = re.search(r"the experiments: (.*) and more", README)
    assert named is not None
    experiments = {e.name for study in studies.STUDIES for e in study.experiments}
    assert set(named[1].split(", ")) < experiments


def test_every_link_leads_to_a_file():
    for page in (README, *(path.read_text() for path in (ROOT / "docs").glob("*.md"))):
        folder = ROOT if page is README else ROOT / "docs"
        for target in re.findall(r"\]\(([\w./-]+\.\w+)(?:#[\w-]+)?\)", page):
            assert target.startswith("http") or (folder / target).exists(), target
