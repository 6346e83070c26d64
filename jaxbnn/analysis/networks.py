"""The trained networks of a run, from its last checkpoints."""

from pathlib import Path
from typing import Any

import numpy as np

from jaxbnn.storage import checkpoints, results, run_folder
from jaxbnn.storage.leaves import nested

COLLECTIONS = ("params", "batch_stats")


def load_networks(folder: str | Path) -> dict[int, dict[str, Any]]:
    """The trained networks of a finished run. No program is built and no data set loaded.

    Args:
        folder: the run's, OUT/<name>/<digest>.

    Returns:
        Seed -> the variables of its network after the last epoch, numpy arrays in dictionaries, as
        the experiment's model takes them: model.apply(variables, x, train=False) gives the logits
        and the hidden layers.

    Raises:
        ValueError: where the run is not finished, or its last checkpoints are gone or damaged.
    """
    networks: dict[int, dict[str, Any]] = {}
    for block in results.finished_blocks(Path(folder)):
        leaves = checkpoints.load(block.folder)
        if leaves is None:
            raise ValueError(f"expected a checkpoint in {block.folder}, got none: run it again")
        kept = {name: leaf for name, leaf in leaves.items() if name.split("/")[0] in COLLECTIONS}
        for place, seed in enumerate(block.seeds):
            own = nested({name: np.asarray(leaf[place]) for name, leaf in kept.items()})
            networks.setdefault(seed, {"batch_stats": {}} | own)  # the first block counts
    if not networks:
        raise ValueError(f"expected a finished run's folder with {run_folder.BLOCKS}, got {folder}")
    return dict(sorted(networks.items()))
