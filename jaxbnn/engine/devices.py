"""Where blocks are trained: devices and cores, the flags with which XLA computes on them, and where
compiled programs are kept."""

import hashlib
import itertools
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import jax

VECTORS = "--xla_cpu_prefer_vector_width"  # XLA's own choice is 256 bits, also where there are 512
# Without "reduce" sums are right and end (jax-ml/jax#39103, #39257):
SUMS = "--xla_cpu_experimental_ynn_fusion_type"
WRONG_SUMS = ("0.10.2", "0.11.")  # versions of jaxlib

if TYPE_CHECKING:

    class Device(Protocol):
        """What is asked of a `jax.Device`: to a type checker compiled code has no classes."""

        @property
        def platform(self) -> str: ...

        @property
        def device_kind(self) -> str: ...

        @property
        def id(self) -> int: ...

        @property
        def process_index(self) -> int: ...

        def memory_stats(self) -> dict[str, Any] | None: ...

else:
    Device = jax.Device


def use_cores(n: int | None = None) -> None:
    """Gives XLA the flags that the bits of runs on CPUs depend on; call it before JAX starts.

    It asks XLA for the widest vectors the CPU has, and keeps some versions of it from a way to sum
    that can be wrong (flags in XLA_FLAGS, unless they are there). Runs use all cores (`workers`),
    and the bits of `nn.MLP` and `nn.ConvNet` do not depend on how many there are. A second call
    changes nothing.

    Args:
        n: virtual CPU devices; by default as many as JAX was told to have, else one.

    Raises:
        ValueError: for fewer than one device.
        RuntimeError: where JAX's backend has started already without it.
    """
    if n is not None and n < 1:
        raise ValueError(f"expected 1 or more devices, got {n}")
    told = jax.config.values["jax_num_cpu_devices"]
    jax.config.update("jax_num_cpu_devices", n or max(told, 1))
    flags = os.environ.get("XLA_FLAGS", "")
    missing = [flag for flag in _wanted() if flag.partition("=")[0] not in flags]
    os.environ["XLA_FLAGS"] = " ".join([flags, *missing]).strip()


def workers(n: int | None = None) -> tuple[Device, ...]:
    """The devices of this process, each as often as it trains blocks at the same time.

    A GPU or TPU does one block after the other. On a CPU each core does one, in a thread of its
    own: one device for all of them compiles one program and holds one copy of the data.

    Args:
        n: how many at most; on a CPU how many. By default all devices, and all cores.
    """
    devices = tuple(jax.local_devices())
    if devices[0].platform != "cpu":
        return devices[:n]
    n = n or max(len(devices), count_cores())
    return tuple(itertools.islice(itertools.cycle(devices), n))


def _wanted() -> list[str]:
    """The flags that `use_cores` gives XLA."""
    flags = [f"{VECTORS}=512"]
    if version("jaxlib").startswith(WRONG_SUMS):
        flags.append(f"{SUMS}=-reduce")
    return flags


def pool_size() -> int:
    """The threads of XLA's pool: $PJRT_NPROC or else the cores, or the number of CPU devices where
    that is more.

    Programs are cut for them; the bits of our networks do not depend on them
    (`benchmarks/pools.py`).
    """
    size = os.environ.get("PJRT_NPROC") or str(count_cores())
    if not size.isdecimal() or int(size) < 1:
        raise ValueError(f"expected PJRT_NPROC as a number of threads, got {size!r}: unset it")
    return max(int(size), jax.config.values["jax_num_cpu_devices"])


def is_ready(device: Device) -> bool:
    """Whether XLA was given `use_cores`' flags, which the bits depend on; true on all but CPUs."""
    given = set(os.environ.get("XLA_FLAGS", "").split())
    return device.platform != "cpu" or set(_wanted()) <= given


def count_cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def keep_programs() -> None:
    """Has JAX keep what it compiles in the user's cache folder, unless the user has named a folder
    for it already: a second run of an experiment starts in seconds.

    The folder is $XDG_CACHE_HOME/jaxbnn/programs (~/.cache without it), a part of it for each kind
    of CPU and size of XLA's thread pool: a program compiled for one CPU may not run on another, and
    is cut for so many threads. It may be removed at any time.
    """
    if jax.config.values["jax_compilation_cache_dir"] is not None:
        return
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "jaxbnn" / "programs" / f"{_kind_of_cpu()}-{pool_size()}"
    jax.config.update("jax_compilation_cache_dir", str(folder))


def _kind_of_cpu() -> str:
    """A name for this kind of CPU: what it can do, not which one it is."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    kinds = [line for line in lines if line.startswith(("model name", "flags", "Features"))]
    described = "".join([platform.machine(), platform.processor(), *kinds[:2]])
    return hashlib.sha256(described.encode()).hexdigest()[:12]
