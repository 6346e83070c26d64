"""The trained networks of a finished run, from its last checkpoints."""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxbnn.engine.block_runner import identity_of, restore
from jaxbnn.engine.run_plan import alone, keys_of, make_job, starter
from jaxbnn.storage import checkpoints, run_folder


def networks(folder: str | Path, data_root: str | Path | None = None) -> dict[int, Any]:
    """Seed -> the variables of its network after the last epoch, as the experiment's model takes
    them; numpy arrays.

    model.apply(variables, x, train=False) gives the logits and the hidden layers. ValueError where
    the run is not finished, its checkpoints are gone, or its data are not those it was trained on.
    """
    folder = Path(folder)
    experiment, device = run_folder.read_config(folder), jax.local_devices()[0]
    job = make_job([experiment], [folder], data_root, device.platform)
    split = job.split
    if job.plan.split_per_lane:
        split = jax.tree.map(lambda leaf: np.stack([leaf] * experiment.seeds_per_program), split)
    like = jax.eval_shape(starter(job), keys_of(job, alone([0])), split)
    found: dict[int, Any] = {}
    for seeds in run_folder.begun_blocks(folder):
        place = run_folder.block_folder(folder, seeds)
        if checkpoints.newest(place) == job.steps:
            block = restore([checkpoints.load(place, identity_of(job, 0, like))], like, device)
            variables = jax.device_get(block.state.variables)
            found |= {
                seed: jax.tree.map(lambda leaf, i=i: leaf[i], variables)
                for i, seed in enumerate(seeds)
            }
    missing = sorted(set(run_folder.finished_seeds(folder, job.checksum)) - set(found))
    if missing or not found:
        raise ValueError(
            f"expected the last checkpoints of all seeds in {folder / run_folder.BLOCKS}, without {missing[:9]}"
        )
    return dict(sorted(found.items()))
