"""A training step of LeNet-5: eight networks in one program, beside a vmapped convolution and
PyTorch.

All train the same network on made images 28 x 28, batch 64: binary weights and activations,
BatchNorm, Adam. PyTorch (extra `bench`) trains one network after another, its signs by the
straight-through estimator.
"""

import argparse
import importlib.util
import os
from functools import partial
from statistics import median
from unittest.mock import patch

import jax
import jax.numpy as jnp
import numpy as np
import timing

from jaxbnn.data import Dataset
from jaxbnn.engine.devices import use_cores
from jaxbnn.nn import ConvNet, conv
from jaxbnn.train.spec import Hyper, TrainSpec
from jaxbnn.train.trainer import trainer

SEEDS, BATCH, STEPS = 8, 64, 20


def images(seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    n = BATCH * STEPS
    return Dataset(
        rng.uniform(-1, 1, (n, 28, 28)).astype(np.float32), rng.integers(0, 10, n).astype(np.int32)
    )


def direct(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """JAX's own convolution in the place of `conv.convolve`."""
    layout = ("NHWC", "HWIO", "NHWC")
    y = jax.lax.conv_general_dilated(
        x.transpose(3, 1, 2, 0), kernel, (1, 1), "VALID", dimension_numbers=layout
    )
    return y.transpose(3, 1, 2, 0)


def ours(mapped: bool, rounds: int) -> float:
    """Milliseconds a network and step, seed after seed or all seeds at once."""
    data = jax.tree.map(jnp.asarray, images())
    one = trainer(ConvNet(), TrainSpec(epochs=1, batch_size=BATCH), data.x[:1])
    state = jax.jit(jax.vmap(one.init))(jax.random.split(jax.random.key(0), SEEDS))
    hyper = Hyper(jnp.full(SEEDS, 1e-3), jnp.zeros(SEEDS))

    def epoch(state, hyper):
        return one.epoch(state, data, hyper)

    together = (
        (lambda *seeds: jax.lax.map(lambda seed: epoch(*seed), seeds))
        if mapped
        else jax.vmap(epoch)
    )
    call = partial(jax.jit(together), state, hyper)
    jax.block_until_ready(call())
    return (
        1000
        * median(timing.once(lambda: jax.block_until_ready(call())) for _ in range(rounds))
        / (SEEDS * STEPS)
    )


def theirs(threads: int, rounds: int) -> float:
    """PyTorch's milliseconds a network and step."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)

    class Sign(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.where(x > 0, 1.0, -1.0)

        @staticmethod
        def backward(ctx, *gradients):
            (x,) = ctx.saved_tensors
            return gradients[0] * (x.abs() <= 1)

    class LeNet(nn.Module):
        def __init__(self):
            super().__init__()
            shapes = [(6, 1, 5, 5), (16, 6, 5, 5), (120, 256), (84, 120), (10, 84)]
            self.latent = nn.ParameterList(
                [nn.init.xavier_uniform_(torch.empty(shape)) for shape in shapes]
            )
            self.norms = nn.ModuleList(
                [nn.BatchNorm2d(6), nn.BatchNorm2d(16), *map(nn.BatchNorm1d, (120, 84, 10))]
            )

        def forward(self, x):
            for i, (latent, norm) in enumerate(zip(self.latent, self.norms, strict=True)):
                weight = Sign.apply(latent)
                if i < 2:
                    x = nn.functional.max_pool2d(nn.functional.conv2d(x, weight), 2)
                else:
                    x = nn.functional.linear(x.flatten(1), weight)
                x = norm(x) if i == 4 else Sign.apply(norm(x))
            return x

    model, made = LeNet(), images()
    x, y = torch.tensor(made.x)[:, None], torch.tensor(made.y).long()
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)

    def epoch():
        for index in torch.randperm(len(y)).split(BATCH):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(x[index]), y[index]).backward()
            optimiser.step()
            with torch.no_grad():
                for latent in model.latent:
                    latent.clamp_(-1, 1)

    epoch()
    return 1000 * median(timing.once(epoch) for _ in range(rounds)) / STEPS


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke test: its times mean nothing")
    rounds = 1 if parser.parse_args().quick else 5
    use_cores(1)
    timing.heading("LeNet-5, batch 64, 8 networks: a training step")
    print(timing.device(), "\n")
    rows = [("jaxbnn: patches, vmapped", ours(False, rounds))]
    rows.append(("patches, network after network", ours(True, rounds)))
    with patch.object(conv, "convolve", direct):
        rows.append(("vmapped lax.conv", ours(False, rounds)))
        rows.append(("lax.conv, network after network", ours(True, rounds)))
    if importlib.util.find_spec("torch"):
        for threads in sorted({1, os.cpu_count() or 1}):
            rows.append((f"PyTorch, one by one, {threads} threads", theirs(threads, rounds)))
    print(
        timing.table(
            ("LeNet-5", "ms a network and step"), [(name, timing.number(ms)) for name, ms in rows]
        ),
        "\n",
    )
    reached = [(name, timing.ratio(ms / rows[0][1])) for name, ms in rows[1:]]
    print(
        timing.table(
            ("against", "reached (vmapped lax.conv: at least 2 x, aim 4 x; PyTorch: aim 0.5 x)"),
            reached,
        )
    )


if __name__ == "__main__":
    main()
