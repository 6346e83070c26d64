"""Processes that share a run, on one machine or many: JAX's runtime has them meet, the run's folder
holds their work.

None sends another anything. Each trains its own blocks on its own devices, so the folder must be
one that all see.
"""

import socket
import time

import jax
from jax.experimental.multihost_utils import ProcessFailureError, live_devices

from jaxbnn.engine.devices import Device

HEARTBEAT = 30  # seconds without a sign of life, after which a process is taken for dead
PATIENCE = 300  # seconds that processes wait for the others to start


def use_processes(
    coordinator: str | None = None, count: int | None = None, index: int | None = None
) -> None:
    """Makes this process one of `count` that share a run; call it before JAX starts.

    Without arguments JAX asks SLURM or Open MPI.

    Args:
        coordinator: "host:port" of process 0, the same in all.
        count: how many processes share the run.
        index: which of them this is, 0 to count - 1.

    Raises:
        ValueError: where the others cannot be found.
    """
    # A process that dies does not end the others, and SIGTERM stops a run at its next checkpoint.
    jax.config.update("jax_enable_recoverability", True)
    jax.config.update("jax_enable_preemption_service", False)
    if coordinator and index:
        _wait_for(coordinator)
    try:
        jax.distributed.initialize(
            coordinator,
            count,
            index,
            heartbeat_timeout_seconds=HEARTBEAT,
            initialization_timeout=PATIENCE,
        )
    except (RuntimeError, ValueError) as error:
        what = " ".join(str(error).split())[:200]
        asked = f"{coordinator}, {count} processes" if coordinator else "SLURM or Open MPI"
        raise ValueError(f"expected to meet the other processes by {asked}, got: {what}") from None


def _wait_for(coordinator: str) -> None:
    """Returns once process 0 listens: without it JAX would end this process with a trace of its own
    insides."""
    host, _, port = coordinator.rpartition(":")
    until = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > until:
                raise ValueError(
                    f"expected process 0 at {coordinator} within {PATIENCE} s, got: {error}"
                ) from None
            time.sleep(0.2)


def index() -> int:
    """Which of the processes this is; 0 where there is one."""
    return jax.process_index()


def count() -> int:
    """How many processes share the run."""
    return jax.process_count()


def meet() -> tuple[int, ...]:
    """Waits until the other processes come here too, or end; returns those that have ended."""
    if count() == 1:
        return ()
    devices = jax.devices()
    lost: set[Device] = set()
    try:
        with live_devices(devices) as before:
            pass
    except ProcessFailureError as error:
        lost = error.failed_devices
    present = {device.process_index for device in set(before) - lost}
    return tuple(sorted(set(range(count())) - present))


def leave() -> None:
    """Ends the sharing. Process 0, whom the others need, waits until they have left."""
    if not jax.distributed.is_initialized():
        return
    while index() == 0 and len(meet()) < count() - 1:
        pass
    jax.distributed.shutdown()
