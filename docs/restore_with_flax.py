"""A trained network of a run, restored with Orbax and Flax alone.

    python docs/restore_with_flax.py runs/first/<digest>/blocks/0-3/<step>/state test.npz

The checkpoint holds named leaves. Every leaf of `params` and `batch_stats` has the seeds' axis in
front: params/dense_1/latent is [S, inputs, units], one network for each seed of the block, in the
order of the block's seeds.json. test.npz has the examples x [N, ...] and their labels y [N]. The
script prints the share of examples that each network classifies right. It runs on any machine,
whatever the devices that the networks were trained on.
"""

import sys
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp


class BinaryDense(nn.Module):
    """A dense layer whose weights are the signs of the latent ones; sign(0) = -1."""

    features: int

    @nn.compact
    def __call__(self, x):
        shape = (x.shape[-1], self.features)
        latent = self.param("latent", nn.initializers.glorot_uniform(), shape)
        return x @ jnp.where(latent > 0, 1.0, -1.0)


class BinaryMLP(nn.Module):
    """Binary dense layers, each with a BatchNorm and a sign; the output has no sign."""

    widths: tuple[int, ...]
    n_classes: int

    @nn.compact
    def __call__(self, x):
        names = [*(str(i + 1) for i in range(len(self.widths))), "output"]
        x = x.reshape(len(x), -1)
        for name, width in zip(names, (*self.widths, self.n_classes), strict=True):
            x = BinaryDense(width, name=f"dense_{name}")(x)
            x = nn.BatchNorm(True, epsilon=1e-3, use_scale=False, name=f"norm_{name}")(x)
            if name != "output":
                x = jnp.where(x > 0, 1.0, -1.0)
        return x


def restore(checkpoint: Path) -> dict:
    """The leaves as nested dictionaries of numpy arrays, without a description of them."""
    with ocp.PyTreeCheckpointer() as checkpointer:
        tree = checkpointer.metadata(checkpoint).item_metadata.tree
        as_numpy = jax.tree.map(lambda leaf: ocp.RestoreArgs(restore_type=np.ndarray), tree)
        return checkpointer.restore(checkpoint, restore_args=as_numpy)


def main(checkpoint: str, examples: str) -> None:
    state = restore(Path(checkpoint).absolute())
    networks = {name: state[name] for name in ("params", "batch_stats")}
    dense = sorted(name for name in networks["params"] if name.startswith("dense_"))
    latent = [networks["params"][name]["latent"] for name in dense]  # dense_output comes last
    widths = [weights.shape[-1] for weights in latent]
    model = BinaryMLP(tuple(widths[:-1]), widths[-1])
    with np.load(examples) as test:
        x, y = test["x"], test["y"]
    for place in range(len(latent[0])):
        variables = jax.tree.map(lambda leaf, place=place: leaf[place], networks)
        right = np.asarray(model.apply(variables, x)).argmax(axis=-1) == y
        print(place, np.float32(right.mean()))


if __name__ == "__main__":
    main(*sys.argv[1:])
