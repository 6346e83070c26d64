"""Python files of a user's that the command line names: FILE.py:NAME, and --import FILE.py."""

import importlib.util
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from jaxbnn.config.experiment import Experiment

SUFFIX = ".py"


class Named(NamedTuple):
    """An experiment in a file."""

    path: str
    name: str


def split(text: str) -> Named | None:
    """ "my_study.py:MINE" as its file and its name; None for what names no file.

    Raises:
        ValueError: for a file without a name.
    """
    path, _, name = text.rpartition(":")
    if path.endswith(SUFFIX) and name.isidentifier():
        return Named(path, name)
    if text.endswith(SUFFIX) or path.endswith(SUFFIX):
        raise ValueError(f"expected FILE.py:NAME, NAME an Experiment in the file, got {text!r}")
    return None


def check(path: str) -> None:
    """ValueError where there is no such file."""
    if not path.endswith(SUFFIX) or not Path(path).is_file():
        raise ValueError(f"expected a Python file, got {path!r}, which is none")


def experiment_of(named: Named) -> "Experiment":
    """The experiment of that name in the file, which is executed.

    Args:
        named: file and name.

    Raises:
        ValueError: where the file fails, or has no Experiment of that name.
    """
    module = load(named.path)
    from jaxbnn.config.experiment import Experiment

    known = [name for name, value in vars(module).items() if isinstance(value, Experiment)]
    offer = f"it has {', '.join(known)}" if known else "it has none"
    if not hasattr(module, named.name):
        raise ValueError(
            f"expected an Experiment {named.name} in {named.path}, got no such name: {offer}"
        )
    value = getattr(module, named.name)
    if not isinstance(value, Experiment):
        kind = type(value).__name__
        raise ValueError(
            f"expected {named.name} in {named.path} as an Experiment, got {kind}: {offer}"
        )
    return value


def import_all(paths: Iterable[str]) -> None:
    """Executes files that register types. ValueError where one fails."""
    for path in paths:
        load(path)


def load(path: str) -> ModuleType:
    """The file as a module; it can import what is beside it. A second call does not execute it
    again.

    Raises:
        ValueError: where it fails, with the line and the reason.
    """
    from jaxbnn.cli import startup

    file = Path(path).resolve()
    name = f"{file.stem}_from_file_{abs(hash(str(file)))}"
    if name in sys.modules:
        return sys.modules[name]
    startup.use_cores()  # JAX may start as the file is executed
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ValueError(f"expected a Python file, got {path!r}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's code raises
        del sys.modules[name]
        raise ValueError(_failure(path, file, error)) from error
    finally:
        sys.path.remove(str(file.parent))
    return module


def _failure(path: str, file: Path, error: Exception) -> str:
    """In which line a file failed, and why."""
    lines = []
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == str(file):
            lines.append(frame.lineno)
    if isinstance(error, SyntaxError):
        lines.append(error.lineno)
    where = f", line {lines[-1]}" if lines else ""
    return f"{path}{where}: {type(error).__name__}: {error}"
