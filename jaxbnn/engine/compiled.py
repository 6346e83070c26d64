"""Compiled programs kept between runs: a second run of an experiment starts in seconds."""

import hashlib
import os
import platform
from pathlib import Path

import jax

from jaxbnn.engine.devices import pool_size


def keep_programs() -> None:
    """Has JAX keep what it compiles in the user's cache folder, unless the user has named a folder
    for it already.

    The folder is $XDG_CACHE_HOME/jaxbnn/programs (~/.cache without it), a part of it for each kind
    of CPU and size of XLA's thread pool: a program compiled for one CPU may not run on another, and
    is cut for so many threads. It may be removed at any time.
    """
    if jax.config.values["jax_compilation_cache_dir"] is not None:
        return
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    jax.config.update(
        "jax_compilation_cache_dir",
        str(Path(cache) / "jaxbnn" / "programs" / f"{_machine()}-{pool_size()}"),
    )


def _machine():
    """A name for this kind of CPU: what it can do, not which one it is."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    kinds = [line for line in lines if line.startswith(("model name", "flags", "Features"))]
    return hashlib.sha256(
        "".join([platform.machine(), platform.processor(), *kinds[:2]]).encode()
    ).hexdigest()[:12]
