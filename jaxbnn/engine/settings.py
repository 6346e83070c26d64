"""The settings of JAX and XLA that can change a seed's bits: refused, or part of a run's
identity."""

import os
from typing import Any

import jax

# Flags of XLA that change where and what is told, and no bit of a result.
HARMLESS = (
    "--xla_force_host_platform_device_count",
    "--xla_dump",
    "--xla_gpu_cuda_data_dir",
    "--xla_hlo_profile",
)


def check_settings() -> None:
    """ValueError for a setting under which no run is comparable with others."""
    if _setting("enable_x64"):
        raise ValueError(
            "expected JAX's 32-bit numbers, got jax_enable_x64: seeds would be other "
            "networks under "
            "the same name; unset JAX_ENABLE_X64"
        )
    if _setting("disable_jit"):
        raise ValueError("expected compiled programs, got jax_disable_jit: unset JAX_DISABLE_JIT")


def current_settings() -> dict[str, str]:
    """The settings that a result's bits depend on, as text. Seeds of other settings are not put
    beside each other."""
    flags = [flag for flag in os.environ.get("XLA_FLAGS", "").split() if _matters(flag)]
    return {
        "XLA_FLAGS": " ".join(sorted(flags)),
        "default_matmul_precision": str(matmul_precision()),
    }


def matmul_precision() -> str | None:
    """The precision of products that JAX was asked for in this thread."""
    return _setting("default_matmul_precision")


def _matters(flag: str) -> bool:
    return not flag.startswith(HARMLESS)


def _setting(name: str) -> Any:
    """A setting of JAX, as it holds in this thread."""
    return getattr(jax.config, f"jax_{name}")
