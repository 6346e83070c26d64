"""What the package of plots offers, and what it must not know."""

import ast
import inspect
from pathlib import Path

import pytest

from jaxbnn import plots

FOLDER = Path(plots.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py"))
FUNCTIONS = {name: value for name, value in vars(plots).items() if inspect.isfunction(value)}
NAMES = ("plane", "scatter", "strip", "forest", "lines", "swarm", "curves", "overview")
STUDY_NAMES = ("errors", "variances", "verdicts", "rightness")


def test_the_pictures_have_the_fields_names_and_no_module_has_one_of_them():
    assert set(FUNCTIONS) == {*NAMES, *STUDY_NAMES}
    assert not set(FUNCTIONS) & set(MODULES)


@pytest.mark.parametrize("name", [*NAMES, *STUDY_NAMES])
def test_every_picture_says_what_it_takes_and_refuses(name):
    text = inspect.getdoc(FUNCTIONS[name])
    assert text is not None and "Args:" in text and "Raises:" in text
    arguments = inspect.signature(FUNCTIONS[name]).parameters
    assert len(arguments) <= 6
    for argument in arguments:
        assert f"    {argument}: " in text


@pytest.mark.parametrize("module", MODULES)
def test_plots_know_neither_jax_nor_config(module):
    imported = []
    for node in ast.walk(ast.parse((FOLDER / f"{module}.py").read_text())):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            imported.append(str(node.module))
    known = [name for name in imported if name.split(".")[0] in ("jax", "jaxlib", "flax")]
    known += [name for name in imported if name.startswith("jaxbnn.config")]
    assert known == []
