"""Convolution and pooling with the batch on the LAST axis: every slice of an image then runs along
the examples."""

from functools import reduce

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxbnn.nn.layers import LATENT
from jaxbnn.nn.products import stable_matmul, transposed
from jaxbnn.nn.surrogate import Surrogate, sign


def convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """x [C, H, W, B], kernel [K, K, C, F] -> [F, H - K + 1, W - K + 1, B]: sum_kjc x[c, h + k, w +
    j] kernel[k, j, c].

    One product of the kernel with all patches of the images. Many networks at once stay one batched
    product, where vmap of `lax.conv` becomes a grouped convolution, which CPUs run several times
    slower.
    """
    side, _, channels, features = kernel.shape
    height, width = x.shape[1] - side + 1, x.shape[2] - side + 1
    patches = jnp.stack(
        [x[:, k : k + height, j : j + width] for k in range(side) for j in range(side)]
    )
    y = stable_matmul(
        transposed(kernel.reshape(-1, features)), patches.reshape(side * side * channels, -1)
    )
    return y.reshape(features, height, width, -1)


def max_pool(x: jax.Array, size: int) -> jax.Array:
    """The largest of each square of `size` pixels a side, [C, H, W, B] -> [C, H // size, W // size,
    B]; the rest drops.

    The gradient goes to the largest, in parts where several are.
    """
    channels, height, width = x.shape[0], x.shape[1] // size, x.shape[2] // size
    squares = x[:, : height * size, : width * size].reshape(channels, height, size, width, size, -1)
    rows = reduce(jnp.maximum, [squares[:, :, :, :, i] for i in range(size)])
    return reduce(jnp.maximum, [rows[:, :, i] for i in range(size)])


class Conv(nn.Module):
    """`convolve` with a kernel of `features` squares; with a `surrogate` its weights are signs of the
    parameter `latent`.

    Without one the parameter is `kernel`, and there may be a `bias` [F]. Glorot-uniform.
    """

    features: int
    side: int
    surrogate: Surrogate | None = None
    sign_of_zero: float = -1.0
    use_bias: bool = False

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        name = "kernel" if self.surrogate is None else LATENT
        shape = (self.side, self.side, x.shape[0], self.features)
        kernel = self.param(name, nn.initializers.glorot_uniform(), shape, jnp.float32)
        y = convolve(
            x, kernel if self.surrogate is None else sign(self.surrogate, kernel, self.sign_of_zero)
        )
        if not self.use_bias:
            return y
        return y + self.param(
            "bias", nn.initializers.zeros_init(), (self.features,), jnp.float32
        ).reshape(-1, 1, 1, 1)
