"""How a command starts JAX: its devices, the processes it shares a run with, the programs it
keeps."""

import argparse
from collections.abc import Sequence

from jaxbnn.engine import processes
from jaxbnn.engine.devices import Device, keep_programs, use_cores, workers

MAX_PORT = 2**16


def start(options: argparse.Namespace) -> Sequence[Device]:
    """The devices of this process as `run` takes them, once it has met the others."""
    use_cores()
    join(options)
    keep_programs()
    chosen = workers(options.devices)
    if options.devices and options.devices > len(chosen):
        kind = chosen[0].device_kind
        raise ValueError(
            f"expected --devices of at most {len(chosen)} ({kind}), got {options.devices}"
        )
    return chosen


def join(options: argparse.Namespace) -> None:
    """Meets the other processes of a run, where the options say that there are any."""
    count = getattr(options, "processes", None)
    index = getattr(options, "process_id", None)
    coordinator = getattr(options, "coordinator", None)
    if count is None and index is None and coordinator is None:
        return
    if count == "auto" and index is None and coordinator is None:
        processes.use_processes()
    elif isinstance(count, int) and index is not None and coordinator is not None:
        _check_processes(count, index, coordinator)
        processes.use_processes(coordinator, count, index)
    else:
        raise ValueError(
            "expected --processes auto, or --processes N with --process-id I and "
            "--coordinator HOST:PORT"
        )


def _check_processes(count: int, index: int, coordinator: str) -> None:
    if not 0 <= index < count:
        raise ValueError(f"expected --process-id from 0 to {count - 1}, got {index}")
    host, colon, port = coordinator.rpartition(":")
    if not (host and colon and port.isdecimal() and 0 < int(port) < MAX_PORT):
        raise ValueError(f"expected --coordinator HOST:PORT, got {coordinator!r}")
