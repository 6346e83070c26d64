"""Networks that return (logits, hidden). Every parameter is a field: the module is its own
specification."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxbnn.nn.conv import Conv, max_pool
from jaxbnn.nn.layers import Activation, BinaryDense, SignActivation, check_sign_of_zero
from jaxbnn.nn.products import stable_matmul
from jaxbnn.nn.surrogate import STE, Surrogate

MAX_UNITS = 10**6


class MLP(nn.Module):
    """Dense layers of the given widths, then an output: x [B, ...] -> logits [B, C], hidden ([B,
    D_l], ...).

    Each layer is dense, then BatchNorm without scale (`normalise`), then `activation`; the output
    has no activation. `kernel_surrogate` is the surrogate of the weights' sign; None makes every weight
    real. `binary_first` and `binary_last` False make the first and the output layer's weights real.
    A dense layer has a bias only where no BatchNorm follows and its weights are real. Submodules
    are dense_1, norm_1, ..., dense_output, norm_output. Weights start Glorot-uniform. Source: Raj
    et al. 2020, section 2 (BatchNorm's defaults are those of Keras and Larq).
    """

    widths: tuple[int, ...]
    n_classes: int
    activation: Activation = SignActivation()
    kernel_surrogate: Surrogate | None = STE()
    kernel_sign_of_zero: float = -1.0
    binary_first: bool = True
    binary_last: bool = True
    normalise: bool = True
    momentum: float = 0.99
    epsilon: float = 1e-3

    def __post_init__(self):
        super().__post_init__()
        _check(self)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """hidden_1, ..., hidden_L: the names of `hidden`, input side first."""
        return tuple(f"hidden_{i}" for i in range(1, len(self.widths) + 1))

    def units(self, shape: tuple[int, ...]) -> dict[str, int]:
        """Each hidden layer's number of units, for examples of this shape."""
        return dict(zip(self.layer_names, self.widths, strict=True))

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> tuple[jax.Array, tuple[jax.Array, ...]]:
        x = x.reshape(x.shape[0], -1).astype(jnp.float32)
        hidden = []
        for i, width in enumerate(self.widths, 1):
            x = self.activation(
                _dense(self, x, width, str(i), binary=i > 1 or self.binary_first, train=train)
            )
            hidden.append(x)
        logits = _dense(self, x, self.n_classes, "output", binary=self.binary_last, train=train)
        return logits, tuple(hidden)


class ConvNet(nn.Module):
    """Convolutions, then dense layers, then an output: x [B, H, W] or [B, H, W, C] -> logits,
    hidden, as `MLP`.

    Each convolution (`side` x `side`, no padding) is followed by max-pooling (`pool` x `pool`),
    BatchNorm without scale and `activation`: pooled before its sign, as a maximum of signs is
    nearly always +1. Everything else is as in `MLP`; `binary_first` is about the first convolution.
    Hidden layers are conv_1, ..., hidden_1, ..., each [B, D_l]; submodules kernel_1, kernel_norm_1,
    ..., dense_1, norm_1, ..., dense_output, norm_output. The defaults are LeNet-5. Sources: LeCun
    et al. 1998; Courbariaux et al. 2016.
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

    def __post_init__(self):
        super().__post_init__()
        _check(self)
        if not isinstance(self.channels, tuple) or not all(
            isinstance(c, int) for c in self.channels
        ):
            raise TypeError(f"expected channels as a tuple of integers, got {self.channels!r}")
        if len(self.channels) < 1 or min(self.channels) < 1 or min(self.side, self.pool) < 1:
            raise ValueError(
                f"expected channels, side and pool >= 1, got {self.channels}, {self.side} and {self.pool}"
            )

    @property
    def layer_names(self) -> tuple[str, ...]:
        """conv_1, ..., hidden_1, ...: the names of `hidden`, input side first."""
        convolutions = tuple(f"conv_{i}" for i in range(1, len(self.channels) + 1))
        return convolutions + tuple(f"hidden_{i}" for i in range(1, len(self.widths) + 1))

    @property
    def rows_at_once(self) -> int:
        """How many examples to look at together: the patches of more are fetched from memory more
        than once."""
        return 256

    @property
    def batch_last(self) -> tuple[str, ...]:
        """The submodules whose values [C, H, W, B] have the batch on the last axis: no layers to be
        measured."""
        return tuple(
            f"{kind}_{i}"
            for i in range(1, len(self.channels) + 1)
            for kind in ("kernel", "kernel_norm")
        )

    def units(self, shape: tuple[int, ...]) -> dict[str, int]:
        """Each hidden layer's number of units, for examples of this shape. ValueError where they
        are too small."""
        height, width = _image(shape)[:2]
        sizes = []
        for channels in self.channels:
            height, width = (
                (height - self.side + 1) // self.pool,
                (width - self.side + 1) // self.pool,
            )
            sizes.append(channels * height * width)
            if min(height, width) < 1:
                raise ValueError(
                    f"expected images large enough for {len(self.channels)} convolutions, got {shape}"
                )
        return dict(zip(self.layer_names, (*sizes, *self.widths), strict=True))

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> tuple[jax.Array, tuple[jax.Array, ...]]:
        self.units(x.shape[1:])
        x = x.reshape(x.shape[0], *_image(x.shape[1:])).astype(jnp.float32).transpose(3, 1, 2, 0)
        hidden = []
        for i, channels in enumerate(self.channels, 1):
            surrogate = self.kernel_surrogate if i > 1 or self.binary_first else None
            bias = surrogate is None and not self.normalise
            x = Conv(
                channels, self.side, surrogate, self.kernel_sign_of_zero, bias, name=f"kernel_{i}"
            )(x)
            x = self.activation(
                _normalised(self, max_pool(x, self.pool), f"kernel_norm_{i}", 0, train)
            )
            hidden.append(x.transpose(3, 1, 2, 0).reshape(x.shape[3], -1))
        x = hidden[-1]
        for i, width in enumerate(self.widths, 1):
            x = self.activation(_dense(self, x, width, str(i), binary=True, train=train))
            hidden.append(x)
        logits = _dense(self, x, self.n_classes, "output", binary=self.binary_last, train=train)
        return logits, tuple(hidden)


Model = MLP | ConvNet


def _image(shape):
    """The shape of one example, [H, W] or [H, W, C], with its channels."""
    if len(shape) not in (2, 3):
        raise ValueError(
            f"expected images [H, W] or [H, W, C] for a ConvNet, got examples of shape {shape}"
        )
    return (*shape, 1)[:3]


def _check(model):
    if not isinstance(model.widths, tuple) or not all(
        isinstance(w, int) for w in (*model.widths, model.n_classes)
    ):
        raise TypeError(
            f"expected widths as a tuple of integers and n_classes as one, got {model.widths!r}"
        )
    if len(model.widths) < 1 or min(model.widths) < 1 or max(model.widths) > MAX_UNITS:
        raise ValueError(
            f"expected widths of 1 to {MAX_UNITS} units in one layer or more, got {model.widths}"
        )
    if model.n_classes < 1:
        raise ValueError(f"expected n_classes >= 1, got {model.n_classes}")
    if not 0 <= model.momentum < 1 or not model.epsilon > 0:
        raise ValueError(
            f"expected 0 <= momentum < 1 and epsilon > 0, got {model.momentum} and {model.epsilon}"
        )
    check_sign_of_zero(model.kernel_sign_of_zero)


def _dense(model, x, width, name, *, binary, train):
    """A dense layer of a model and its BatchNorm."""
    if binary and model.kernel_surrogate is not None:
        x = BinaryDense(
            width, model.kernel_surrogate, model.kernel_sign_of_zero, name=f"dense_{name}"
        )(x)
    else:
        glorot = nn.initializers.glorot_uniform()
        options = {"use_bias": not model.normalise, "kernel_init": glorot, "dot_general": _product}
        x = nn.Dense(width, name=f"dense_{name}", **options)(x)
    return _normalised(model, x, f"norm_{name}", -1, train)


def _product(x, kernel, *_, **__):
    """What Flax's Dense asks for: [..., D] [D, F] -> [..., F]."""
    return stable_matmul(x, kernel)


def _normalised(model, x, name, axis, train):
    """x [..., F, ...] with its units on `axis`, normalised where the model does so."""
    if not model.normalise:
        return x
    norm = nn.BatchNorm(
        not train,
        axis=axis,
        momentum=model.momentum,
        epsilon=model.epsilon,
        use_scale=False,
        name=name,
    )
    return norm(x)
