"""Convolution and pooling with the batch on the LAST axis.

Every slice of an image then runs along the examples.
"""

import itertools
from functools import reduce
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxbnn.nn.layers import LATENT
from jaxbnn.nn.products import stable_matmul, transposed
from jaxbnn.nn.surrogate import Surrogate, sign


def convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """The convolution without padding: y[f, h, w] = sum_kjc x[c, h + k, w + j] kernel[k, j, c, f].

    It is one product of the kernel with all patches of the images. Many networks at once stay one
    batched product, where vmap of `lax.conv` becomes a grouped convolution, which CPUs run several
    times slower.

    Args:
        x: images [C, H, W, B].
        kernel: [K, K, C, F].

    Returns:
        [F, H - K + 1, W - K + 1, B].
    """
    side, _, channels, features = kernel.shape
    height = x.shape[1] - side + 1
    width = x.shape[2] - side + 1
    patches = []
    for k, j in itertools.product(range(side), range(side)):
        patches.append(x[:, k : k + height, j : j + width])
    columns = jnp.stack(patches).reshape(side * side * channels, -1)
    y = stable_matmul(transposed(kernel.reshape(-1, features)), columns)
    return y.reshape(features, height, width, -1)


def max_pool(x: jax.Array, size: int) -> jax.Array:
    """The largest of each square of size x size pixels; what fills no square is dropped.

    The gradient goes to the largest, in parts where several are.

    Args:
        x: images [C, H, W, B].
        size: pixels along a square's side.

    Returns:
        [C, H // size, W // size, B].
    """
    channels = x.shape[0]
    height = x.shape[1] // size
    width = x.shape[2] // size
    squares = x[:, : height * size, : width * size].reshape(channels, height, size, width, size, -1)
    rows = reduce(jnp.maximum, [squares[:, :, :, :, i] for i in range(size)])
    return reduce(jnp.maximum, [rows[:, :, i] for i in range(size)])


class BinaryConv(nn.Module):
    """`convolve` with kernels of weights -1 or +1, the signs of the parameter `latent`.

    Weights start Glorot-uniform.

    Args:
        features: F, the number of kernels.
        side: K, pixels along a kernel's side.
        surrogate: the derivative of the weights' sign. None: the weights are real, and the
            parameter is called `kernel`.
        sign_of_zero: the weight of a latent weight of 0, -1 or +1.
        use_bias: adds the parameter `bias` [F].

    Source: Courbariaux et al. 2016.
    """

    features: int
    side: int
    surrogate: Surrogate | None = None
    sign_of_zero: float = -1.0
    use_bias: bool = False

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """The layer's pre-activations.

        Args:
            x: images [C, H, W, B] float32, the batch last.

        Returns:
            [F, H - K + 1, W - K + 1, B] float32.
        """
        name = "kernel" if self.surrogate is None else LATENT
        shape = (self.side, self.side, x.shape[0], self.features)
        kernel: Any = self.param(name, nn.initializers.glorot_uniform(), shape, jnp.float32)
        if self.surrogate is not None:
            kernel = sign(self.surrogate, kernel, self.sign_of_zero)
        y = convolve(x, kernel)
        if not self.use_bias:
            return y
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,), jnp.float32)
        return y + bias.reshape(-1, 1, 1, 1)
