"""Where a result comes from: versions, devices, precision, source, data."""

import platform
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jax

from jaxbnn.engine.devices import Device, is_ready, pool_size
from jaxbnn.nn.products import whole_factors

PACKAGES = (
    "jaxbnn",
    "jax",
    "jaxlib",
    "flax",
    "optax",
    "numpy",
    "scipy",
    "xarray",
    "zarr",
    "orbax-checkpoint",
)


def facts(devices: Sequence[Device]) -> dict[str, Any]:
    """The facts of one run, as JSON values; they go into the manifest of each block."""
    on_cpu = devices[0].platform == "cpu"
    versions = {name: version_of(name) for name in PACKAGES}
    return {
        "began": now(),
        "versions": {"python": platform.python_version(), **versions},
        "devices": [f"{d.platform}:{d.id} {d.device_kind}" for d in dict.fromkeys(devices)],
        "blocks_at_once": len(devices),
        "processes": jax.process_count(),
        "whole_products": whole_factors(devices[0].platform),
        "thread_pool": str(pool_size()) if on_cpu else None,
        "promise": promise(devices[0]),
        "precision": {
            name: getattr(jax.config, f"jax_{name}")
            for name in ("enable_x64", "default_matmul_precision")
        },
        "commit": commit(),
    }


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def version_of(package: str) -> str:
    """The installed version of a package; "not installed" where it runs from a folder alone."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def promise(device: Device) -> str:
    """How far a seed's bits hold that is trained on such a device."""
    if device.platform != "cpu":
        return "a seed's bits were not tried on this kind of device: see jaxbnn doctor"
    if not is_ready(device):
        return "a seed's bits are those of runs without jaxbnn.use_cores()"
    return (
        "a seed's bits hold among any other seeds, on any devices and processes of one kind of "
        "CPU, cut anywhere"
    )


def commit() -> str | None:
    """The commit of the source that runs, "+" behind it where it was changed since; None where it
    is no checkout."""
    source = Path(__file__).resolve().parents[2]
    if not (source / ".git").exists() or shutil.which("git") is None:
        return None
    git = partial(subprocess.run, cwd=source, capture_output=True, text=True, check=False)
    head = git(["git", "rev-parse", "--verify", "HEAD"]).stdout.strip()
    if not head:
        return None
    changed = git(["git", "status", "--porcelain", "jaxbnn"]).stdout
    return f"{head}+" if changed else head
