"""A program's inputs, once on each device however many workers train there."""

import threading

import jax

from jaxbnn.engine.devices import Device
from jaxbnn.engine.program import Inputs
from jaxbnn.engine.run_plan import BlockSeeds, RunPlan, hyper_of, inputs_of


class SharedInputs:
    """The inputs of a plan's blocks.

    Args:
        plan: of the run.
    """

    def __init__(self, plan: RunPlan):
        self.plan = plan
        self._lock = threading.Lock()
        self._on: dict[Device, Inputs] = {}

    def of(self, block: BlockSeeds, device: Device) -> Inputs:
        """Those of a block: its own learning rates and decays, and its own data where each seed has
        a split.

        Args:
            block: to be trained.
            device: where.
        """
        if self.plan.program.split_per_seed:
            return inputs_of(self.plan, block, device)
        with self._lock:
            if device not in self._on:
                self._on[device] = inputs_of(self.plan, block, device)
        hyper = jax.device_put(hyper_of(self.plan, block), device)
        return self._on[device]._replace(hyper=hyper)
