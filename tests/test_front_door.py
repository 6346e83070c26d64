"""The names of the package, which are imported when they are asked for."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import jaxbnn
from jaxbnn import studies


@pytest.mark.parametrize("name", jaxbnn.__all__)
def test_every_name_is_there(name):
    assert getattr(jaxbnn, name).__name__ == name and name in dir(jaxbnn)


@pytest.mark.parametrize("package", [jaxbnn, studies], ids=lambda package: package.__name__)
def test_type_checkers_see_the_names_where_they_are(package):
    tree = ast.parse(Path(package.__file__).read_text())
    (checked,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {}
    for line in checked.body:
        for alias in line.names:
            seen[alias.name] = line.module
    assert sorted(seen) == sorted(package.__all__)
    for name, module in seen.items():
        assert package._MODULES.get(name, "jaxbnn.studies.named") == module


def test_rooms_are_attributes_and_others_are_not():
    code = "import jaxbnn; print(jaxbnn.data.Szt().__class__.__name__, jaxbnn.__version__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["Szt", jaxbnn.__version__]
    for name in ("lanes", "worker"):
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
            getattr(jaxbnn, name)


def test_importing_the_package_imports_nothing_else():
    code = "import sys, jaxbnn; print([n for n in ('jax', 'numpy', 'flax') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
