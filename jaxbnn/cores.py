"""CPU cores as JAX devices, with a thread pool of one size everywhere."""

import os
from importlib.metadata import version

import jax

POOL = "8"  # XLA splits large CPU products by the size of its thread pool: one size, the same bits on any machine
VECTORS = "--xla_cpu_prefer_vector_width"  # XLA's own choice is 256 bits, also where there are 512
SUMS = "--xla_cpu_experimental_ynn_fusion_type"  # without "reduce": sums are right and end (jax-ml/jax#39103, #39257)
WRONG_SUMS = ("0.10.2", "0.11.")  # versions of jaxlib


def use_cores(n: int | None = None) -> None:
    """Gives JAX one virtual CPU device per core (or `n`) and a thread pool of fixed size; call it before JAX starts.

    It also asks XLA for the widest vectors the CPU has, and keeps some versions of it from a way to sum that can be
    wrong (flags in XLA_FLAGS, unless they are there). Seeds are then trained on all cores, and their bits do not depend
    on how many there are. A second call changes nothing.
    RuntimeError when JAX's backend has started already without it.
    """
    if n is not None and n < 1:
        raise ValueError(f"expected 1 or more devices, got {n}")
    jax.config.update("jax_num_cpu_devices", n or count_cores())
    os.environ["PJRT_NPROC"] = POOL
    flags = os.environ.get("XLA_FLAGS", "")
    wanted = {VECTORS: "512"} | ({SUMS: "-reduce"} if version("jaxlib").startswith(WRONG_SUMS) else {})
    missing = [f"{name}={value}" for name, value in wanted.items() if name not in flags]
    os.environ["XLA_FLAGS"] = " ".join([flags, *missing]).strip()


def is_pinned(device: jax.Device) -> bool:
    """Whether results on this device are free of the number of cores; on anything but a CPU they are."""
    return device.platform != "cpu" or os.environ.get("PJRT_NPROC") == POOL


def count_cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
