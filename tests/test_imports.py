"""Who may import whom: `MAY` is the whole of it, and nothing heavy comes with `import jaxbnn`."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "jaxbnn"
NN, INFO, DATA = {"nn"}, {"info"}, {"data"}
SPECS = {"nn", "info", "data", "train", "observe"}
EVERYTHING = SPECS | {
    "batches",
    "block",
    "config",
    "cores",
    "figures",
    "merging",
    "growing",
    "hdf5",
    "words",
    "plots",
    "progress",
    "provenance",
}
EVERYTHING |= {"analysis", "tables", "calibration", "result", "run", "snapshot", "store", "studies", "commands", ""}
EVERYTHING |= {
    "job",
    "worker",
    "cost",
    "shuffle",
    "comparison",
    "lanes",
    "health",
    "phases",
    "grid",
    "compression",
    "correlation",
    "report",
    "checkpoint",
    "typeset",
    "trained",
    "programs",
    "arrays",
    "files",
    "processes",
    "doctor",
    "autolanes",
}
MAY = {
    "nn": NN,
    "info": INFO,
    "data": {"data", "arrays"},
    "batches": set(),
    "arrays": {"files"},
    "files": set(),
    "cores": set(),
    "processes": set(),
    "hdf5": {"files"},
    "growing": {"files", "hdf5"},
    "merging": {"files", "hdf5"},
    "plots": {"plots"},
    "progress": set(),
    "provenance": {"", "cores"},
    "shuffle": set(),
    "train": {"nn", "data", "batches", "shuffle"},
    "words": set(),
    "observe": {"info", "data", "batches", "words"},
    "config": SPECS,
    "lanes": {"data", "nn", "observe", "train"},
    "health": {"info", "nn", "observe"},
    "block": {"data", "health", "info", "lanes", "observe", "train", "words"},
    "store": {"arrays", "checkpoint", "config", "files", "growing", "hdf5", "info", "merging", "typeset"},
    "checkpoint": {"arrays"},
    "result": {"config", "store", "block", "observe", "data", "health", "info"},
    "job": {"block", "config", "data", "lanes", "observe", "snapshot", "train"},
    "worker": {"arrays", "block", "checkpoint", "config", "cores", "info", "job", "result", "snapshot", "store"},
    "cost": {"block", "config", "files", "job"},
    "run": {"config", "cores", "grid", "job", "processes", "progress", "provenance", "result", "store", "worker"},
    "snapshot": {"config", "info", "observe", "store"},
    "calibration": {"arrays", "config", "info", "result", "run", "store"},
    "analysis": {"info", "result"},
    "comparison": set(),
    "tables": {"comparison", "info"},
    "figures": {"plots"},
    "programs": {"cores"},
    "doctor": {"config", "cores", "cost", "data", "info", "nn", "observe", "run", "store", "train", ""},
    "autolanes": {"config", "cost", "store"},
    "trained": {"checkpoint", "job", "store", "worker"},
    "phases": set(),
    "grid": {"config", "data"},
    "compression": {"phases"},
    "correlation": set(),
    "report": {"config", "data", "store", "studies", "trained", "typeset"},
    "typeset": set(),
    "studies": {
        *SPECS,
        "analysis",
        "comparison",
        "compression",
        "config",
        "correlation",
        "phases",
        "plots",
        "result",
        "studies",
    },
    "commands": EVERYTHING,
    "cli": {"commands", "config", "info", "studies"},
    "__main__": {"cli"},
    "": EVERYTHING - {"commands", "figures", "plots"},
}
OUTSIDE = {
    "nn": {"jax", "flax", "optax"},
    "info": {"jax", "numpy", "scipy"},
    "data": {"numpy", "pooch"},
    "plots": {"numpy", "matplotlib", "scipy"},
    "figures": {"matplotlib", "numpy"},
    "progress": {"numpy"},
    "analysis": {"numpy"},
    "comparison": {"numpy"},
    "tables": {"numpy", "rich"},
    "hdf5": {"numpy", "h5py"},
    "growing": {"numpy", "h5py"},
    "merging": {"numpy", "h5netcdf", "h5py"},
    "checkpoint": {"numpy"},
    "store": {"numpy", "xarray"},
    "commands": {"jax", "rich"},
    "cli": {"jax"},
    "studies": {"jax", "matplotlib", "numpy", "scipy"},
    "config": {"numpy"},
}
TRAINING = {"jax", "flax", "optax", "numpy", "scipy"}


def imports(path):
    """(room or module of jaxbnn, None) or (None, package outside the standard library) for every import in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"jaxbnn.{a.name}" for a in node.names] if node.module == "jaxbnn" else [node.module]
        for name in names:
            top, _, rest = name.partition(".")
            if top == "jaxbnn":
                yield rest.split(".")[0], None
            elif top not in sys.stdlib_module_names:
                yield None, top


def room(path):
    first = path.relative_to(ROOT).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


FILES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_imports_only_what_its_room_may(path):
    inside = {name for name, outside in imports(path) if outside is None}
    outside = {name for inside, name in imports(path) if inside is None}
    assert inside <= MAY[room(path)] and outside <= OUTSIDE.get(room(path), TRAINING)


def test_the_table_has_every_room_and_no_other():
    assert set(MAY) == {room(path) for path in FILES}


def loaded(code, *packages):
    script = f"{code}\nimport sys\nprint(*[p for p in {packages!r} if p in sys.modules])"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()


def test_importing_jaxbnn_loads_nothing_heavy():
    assert loaded("import jaxbnn", "xarray", "h5netcdf", "h5py", "matplotlib", "pooch") == []


def test_xarray_and_pooch_have_one_file_each():
    users = {p: {room(f) for f in FILES for _, o in imports(f) if o == p} for p in ("xarray", "pooch", "matplotlib")}
    users |= {"h5netcdf": {room(f) for f in FILES for _, o in imports(f) if o == "h5netcdf"}}
    assert users.pop("h5netcdf") == {"merging"}
    assert users == {
        "xarray": {"store"},
        "pooch": {"data"},
        "matplotlib": {"plots", "figures", "studies"},
    }
