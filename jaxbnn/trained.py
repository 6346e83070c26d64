"""The trained networks of a finished run, from its last checkpoints."""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxbnn import checkpoint, store
from jaxbnn.job import alone, keys_of, make_job, starter
from jaxbnn.worker import identity_of, restore


def networks(folder: str | Path, data_root: str | Path | None = None) -> dict[int, Any]:
    """Seed -> the variables of its network after the last epoch, as the experiment's model takes them; numpy arrays.

    model.apply(variables, x, train=False) gives the logits and the hidden layers. ValueError where the run is not
    finished, its checkpoints are gone, or its data are not those it was trained on.
    """
    folder = Path(folder)
    experiment, device = store.read_config(folder), jax.local_devices()[0]
    job = make_job([experiment], [folder], data_root, device.platform)
    split = job.split
    if job.plan.split_per_lane:
        split = jax.tree.map(lambda leaf: np.stack([leaf] * experiment.lanes), split)
    like = jax.eval_shape(starter(job), keys_of(job, alone([0])), split)
    found: dict[int, Any] = {}
    for seeds in store.begun_blocks(folder):
        place = store.block_folder(folder, seeds)
        if checkpoint.newest(place) == job.steps:
            block = restore([checkpoint.load(place, identity_of(job, 0, like))], like, device)
            variables = jax.device_get(block.state.variables)
            found |= {seed: jax.tree.map(lambda leaf, i=i: leaf[i], variables) for i, seed in enumerate(seeds)}
    missing = sorted(set(store.finished_seeds(folder, job.checksum)) - set(found))
    if missing or not found:
        raise ValueError(
            f"expected the last checkpoints of all seeds in {folder / store.BLOCKS}, without {missing[:9]}"
        )
    return dict(sorted(found.items()))
