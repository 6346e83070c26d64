"""How a command starts JAX: its devices, the processes it shares a run with, the programs it
keeps."""

import argparse
from collections.abc import Sequence

import jax

from jaxbnn.engine import processes
from jaxbnn.engine.devices import keep_programs
from jaxbnn.engine.devices import use_cores


def start(options: argparse.Namespace) -> Sequence[jax.Device]:
    """The devices of this process, once it has met the others."""
    use_cores(options.devices)
    join(options)
    keep_programs()
    devices = jax.local_devices()
    if options.devices and options.devices > len(devices):
        kind = devices[0].device_kind
        raise ValueError(
            f"expected --devices of at most {len(devices)} ({kind}), got {options.devices}"
        )
    return devices[: options.devices]


def join(options: argparse.Namespace) -> None:
    """Meets the other processes of a run, where the options say that there are any."""
    count, which, coordinator = (
        getattr(options, name, None) for name in ("processes", "process_id", "coordinator")
    )
    if count == "auto" and which is None and coordinator is None:
        processes.use_processes()
    elif isinstance(count, int) and which is not None and coordinator is not None:
        if not 0 <= which < count:
            raise ValueError(f"expected --process-id from 0 to {count - 1}, got {which}")
        host, colon, port = coordinator.rpartition(":")
        if not (host and colon and port.isdecimal() and 0 < int(port) < 2**16):
            raise ValueError(f"expected --coordinator HOST:PORT, got {coordinator!r}")
        processes.use_processes(coordinator, count, which)
    elif (count, which, coordinator) != (None, None, None):
        raise ValueError(
            "expected --processes auto, or --processes N with --process-id I and --coordinator HOST:PORT"
        )
