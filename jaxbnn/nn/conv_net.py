"""Convolutional networks. Every parameter is a field: the module is its own specification."""

from numbers import Integral

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxbnn.nn.conv import BinaryConv, max_pool
from jaxbnn.nn.layers import Activation, SignActivation
from jaxbnn.nn.mlp import check_dense_fields, dense_block, normalised
from jaxbnn.nn.surrogate import STE, Surrogate


class ConvNet(nn.Module):
    """Convolutions, then dense layers, then an output layer.

    Each convolution, without padding, is followed by max-pooling, BatchNorm without scale and the
    activation: pooled before its sign, as a maximum of signs is nearly always +1. Everything else
    is as in `MLP`; `binary_first` is about the first convolution. The hidden layers are conv_1,
    ..., hidden_1, ...; the submodules kernel_1, kernel_norm_1, ..., dense_1, norm_1, ...,
    dense_output, norm_output. The defaults are LeNet-5.

    Args:
        widths: the units of the hidden dense layers.
        n_classes: C, the number of logits.
        channels: the kernels of each convolution.
        side: pixels along a kernel's side.
        pool: pixels along the side of a square of which the largest is taken.

    The others are those of `MLP`.

    Raises:
        TypeError: for widths, n_classes or channels that are no whole numbers.
        ValueError: for numbers out of range.

    Sources: LeCun et al. 1998; Courbariaux et al. 2016.
    """

    widths: tuple[int, ...] = (120, 84)
    n_classes: int = 10
    channels: tuple[int, ...] = (6, 16)
    side: int = 5
    pool: int = 2
    activation: Activation = SignActivation()
    kernel_surrogate: Surrogate | None = STE()
    kernel_sign_of_zero: float = -1.0
    binary_first: bool = True
    binary_last: bool = True
    normalise: bool = True
    momentum: float = 0.99
    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        check_dense_fields(self)
        channels = self.channels
        sizes = channels if isinstance(channels, tuple) else (None,)
        if not all(isinstance(size, Integral) for size in sizes):
            raise TypeError(f"expected channels as a tuple of integers, got {channels!r}")
        if len(channels) < 1 or min(channels) < 1 or min(self.side, self.pool) < 1:
            got = f"{channels}, {self.side} and {self.pool}"
            raise ValueError(f"expected channels, side and pool >= 1, got {got}")

    @property
    def layer_names(self) -> tuple[str, ...]:
        """conv_1, ..., hidden_1, ...: the names of `hidden`, input side first."""
        convolutions = tuple(f"conv_{i}" for i in range(1, len(self.channels) + 1))
        return convolutions + tuple(f"hidden_{i}" for i in range(1, len(self.widths) + 1))

    @property
    def rows_at_once(self) -> int:
        """How many examples to measure together: the patches of more leave the cache."""
        return 256

    @property
    def batch_last(self) -> tuple[str, ...]:
        """The submodules whose values [C, H, W, B] have the batch on the last axis; no probe can
        measure them."""
        names = []
        for i in range(1, len(self.channels) + 1):
            names += [f"kernel_{i}", f"kernel_norm_{i}"]
        return tuple(names)

    def units(self, shape: tuple[int, ...]) -> dict[str, int]:
        """Each hidden layer's number of units.

        Args:
            shape: of an example, [H, W] or [H, W, C].

        Returns:
            Layer name -> units.

        Raises:
            ValueError: for images that are too small for the convolutions.
        """
        height, width, _ = _image_shape(shape)
        sizes = []
        for channels in self.channels:
            height = (height - self.side + 1) // self.pool
            width = (width - self.side + 1) // self.pool
            sizes.append(channels * height * width)
            if min(height, width) < 1:
                depth = len(self.channels)
                raise ValueError(
                    f"expected images large enough for {depth} convolutions, got {shape}"
                )
        return dict(zip(self.layer_names, (*sizes, *self.widths), strict=True))

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> tuple[jax.Array, tuple[jax.Array, ...]]:
        """The network at x.

        Args:
            x: images [B, H, W] or [B, H, W, C] of any numbers.
            train: whether BatchNorm takes the batch's statistics.

        Returns:
            The logits [B, C], and the activations of each hidden layer, [B, D_l].

        Raises:
            ValueError: for images that are too small, or no images.
        """
        self.units(x.shape[1:])
        images = x.reshape(x.shape[0], *_image_shape(x.shape[1:])).astype(jnp.float32)
        x = images.transpose(3, 1, 2, 0)
        hidden = []
        for i, channels in enumerate(self.channels, 1):
            x = _conv_block(self, x, channels, i, train=train)
            hidden.append(x.transpose(3, 1, 2, 0).reshape(x.shape[3], -1))
        x = hidden[-1]
        for i, width in enumerate(self.widths, 1):
            x = dense_block(self, x, width, str(i), "signs", train=train)
            x = self.activation(x)
            hidden.append(x)
        last = "signs" if self.binary_last else "real"
        logits = dense_block(self, x, self.n_classes, "output", last, train=train)
        return logits, tuple(hidden)


def _conv_block(
    model: ConvNet, x: jax.Array, channels: int, number: int, *, train: bool
) -> jax.Array:
    """The model's convolution of this number with all that follows it: [C, H, W, B] -> the same."""
    surrogate = model.kernel_surrogate if number > 1 or model.binary_first else None
    convolution = BinaryConv(
        channels,
        model.side,
        surrogate,
        model.kernel_sign_of_zero,
        use_bias=surrogate is None and not model.normalise,
        name=f"kernel_{number}",
    )
    pooled = max_pool(convolution(x), model.pool)
    return model.activation(normalised(model, pooled, f"kernel_norm_{number}", axis=0, train=train))


def _image_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The shape of one example, [H, W] or [H, W, C], with its channels."""
    if len(shape) not in (2, 3):
        got = f"examples of shape {shape}"
        raise ValueError(f"expected images [H, W] or [H, W, C] for a ConvNet, got {got}")
    height, width, channels = (*shape, 1)[:3]
    return height, width, channels
