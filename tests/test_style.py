"""How the package is written: what a reader of CONTRIBUTING is promised."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "jaxbnn"
FILES = sorted(ROOT.rglob("*.py"))
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
MAX_FILE_LINES = 350
MAX_FUNCTION_LINES = 60


def nodes(path: Path, kinds: tuple[type, ...]) -> list[ast.AST]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)]


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in nodes(path, (ast.FunctionDef,)):
        assert isinstance(node, ast.FunctionDef)
        yield node


def code_lines(function: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = function.body[0]
    has_docstring = ast.get_docstring(function) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def test_the_root_holds_the_rooms_and_nothing_else():
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py", "__main__.py"}
    assert (ROOT / "py.typed").is_file()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_short_its_comprehensions_are_not_nested_and_its_functions_are_annotated(path):
    assert len(path.read_text().splitlines()) <= MAX_FILE_LINES
    nested = []
    for node in nodes(path, COMPREHENSIONS):
        inner = [child for child in ast.walk(node) if isinstance(child, COMPREHENSIONS)]
        if len(inner) > 1:
            nested.append(node.lineno)
    long = [one.name for one in functions(path) if code_lines(one) > MAX_FUNCTION_LINES]
    unannotated = []
    for function in functions(path):
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        named = [one for one in arguments if one.arg not in ("self", "cls")]
        is_private = function.name.startswith("_") and not function.name.startswith("__")
        is_annotated = function.returns is not None and all(one.annotation for one in named)
        if is_private and not is_annotated:
            unannotated.append(function.name)
    assert (nested, long, unannotated) == ([], [], [])


def test_no_name_is_a_module_and_a_function_of_one_package():
    for package in {path.parent for path in FILES}:
        modules = {path.stem for path in package.glob("*.py")}
        modules |= {path.parent.name for path in package.glob("*/__init__.py")}
        exported = set()
        for node in nodes(package / "__init__.py", (ast.ImportFrom,)):
            assert isinstance(node, ast.ImportFrom)
            names = {alias.asname or alias.name for alias in node.names}
            taken_from = f"{node.module}.".split(".")[-2]
            exported |= {name for name in names if name not in modules or taken_from == name}
        assert not exported & modules, package
