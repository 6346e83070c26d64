"""Who may import whom is import-linter's contract in pyproject.toml; nothing heavy comes with
`import jaxbnn`."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_contract_of_the_rooms_is_kept():
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    linted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert linted.returncode == 0, linted.stdout


def test_no_room_imports_the_package_root():
    # import-linter does not see `import jaxbnn` inside the package.
    inside = [path for path in (ROOT / "jaxbnn").rglob("*.py") if path.name != "__init__.py"]
    assert not [path for path in inside if "\nimport jaxbnn\n" in path.read_text()]


def test_importing_jaxbnn_loads_nothing_heavy():
    code = (
        "import jaxbnn, sys\n"
        "heavy = {'xarray', 'zarr', 'h5netcdf', 'h5py', 'matplotlib', 'pooch'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"
