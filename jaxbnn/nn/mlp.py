"""Dense networks. Every parameter is a field: the module is its own specification."""

from collections.abc import Callable
from functools import partial
from numbers import Integral
from typing import Any, Literal

import flax.linen as nn
import jax

from jaxbnn.nn.layers import Activation, BinaryDense, SignActivation, check_sign_of_zero
from jaxbnn.nn.pixels import flat
from jaxbnn.nn.products import stable_matmul
from jaxbnn.nn.steps import Step, mlp_steps
from jaxbnn.nn.surrogate import STE, Surrogate

MAX_UNITS = 10**6

Kind = Literal["real", "binary", "signs"]


class MLP(nn.Module):
    """Dense layers of the given widths, then an output layer.

    Each layer is dense, then BatchNorm without scale, then the activation; the output has no
    activation. A dense layer has a bias only where no BatchNorm follows and its weights are real.
    Weights start Glorot-uniform. The hidden layers are hidden_1, ..., hidden_L; the submodules
    dense_1, norm_1, ..., dense_output, norm_output.

    Args:
        widths: D_1, ..., D_L, the units of the hidden layers.
        n_classes: C, the number of logits.
        activation: of the hidden layers.
        kernel_surrogate: the derivative of the weights' sign; None makes every weight real.
        kernel_sign_of_zero: the weight of a latent weight of 0, -1 or +1.
        binary_first: False makes the first layer's weights real.
        binary_last: False makes the output layer's weights real.
        normalise: whether BatchNorm follows each dense layer.
        momentum: of BatchNorm's running statistics.
        epsilon: added to BatchNorm's variance.

    Raises:
        TypeError: for widths or n_classes that are no whole numbers.
        ValueError: for numbers out of range.

    Source: Raj et al. 2020, section 2 (BatchNorm's defaults are those of Keras and Larq).
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

    def __post_init__(self) -> None:
        super().__post_init__()
        check_dense_fields(self)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """hidden_1, ..., hidden_L: the names of `hidden`, input side first."""
        return tuple(f"hidden_{i}" for i in range(1, len(self.widths) + 1))

    def units(self, shape: tuple[int, ...]) -> dict[str, int]:
        """Each hidden layer's number of units, for examples of this shape."""
        return dict(zip(self.layer_names, self.widths, strict=True))

    @property
    def steps(self) -> Callable[[Any], tuple[Step, ...]] | None:
        """Variables -> a function for each hidden layer and the output; None where hidden layers
        are not signs, and of a subclass, whose layers may be others."""
        if type(self) is not MLP or type(self.activation) is not SignActivation:
            return None
        return partial(mlp_steps, self)

    @property
    def takes_pixels(self) -> bool:
        """Whether the first layer can take bytes as they are: its weights are binary."""
        return type(self) is MLP and self.binary_first and self.kernel_surrogate is not None

    @nn.compact
    def __call__(self, x: Any, *, train: bool) -> tuple[jax.Array, tuple[jax.Array, ...]]:
        """The network at x.

        Args:
            x: examples [B, ...] of any numbers, or Pixels where `takes_pixels`.
            train: whether BatchNorm takes the batch's statistics.

        Returns:
            The logits [B, C], and the activations of each hidden layer, [B, D_l].
        """
        x = flat(x)
        first = "binary" if self.binary_first else "real"
        last = "signs" if self.binary_last else "real"
        hidden = []
        for i, width in enumerate(self.widths, 1):
            kind = "signs" if i > 1 else first
            x = dense_block(self, x, width, str(i), kind, train=train)
            x = self.activation(x)
            hidden.append(x)
        logits = dense_block(self, x, self.n_classes, "output", last, train=train)
        return logits, tuple(hidden)


def check_dense_fields(model: Any) -> None:
    """Checks the fields that MLP and ConvNet share; TypeError or ValueError as MLP says."""
    widths = model.widths
    sizes = (*widths, model.n_classes) if isinstance(widths, tuple) else (None,)
    if not all(isinstance(size, Integral) for size in sizes):
        raise TypeError(
            f"expected widths as a tuple of integers and n_classes as one, got {widths!r}"
        )
    if len(widths) < 1 or min(widths) < 1 or max(widths) > MAX_UNITS:
        limits = f"1 to {MAX_UNITS} units in one layer or more"
        raise ValueError(f"expected widths of {limits}, got {widths}")
    if model.n_classes < 1:
        raise ValueError(f"expected n_classes >= 1, got {model.n_classes}")
    if not 0 <= model.momentum < 1 or not model.epsilon > 0:
        got = f"{model.momentum} and {model.epsilon}"
        raise ValueError(f"expected 0 <= momentum < 1 and epsilon > 0, got {got}")
    check_sign_of_zero(model.kernel_sign_of_zero)


def dense_block(model: Any, x: Any, width: int, name: str, kind: Kind, *, train: bool) -> jax.Array:
    """A dense layer and its BatchNorm, as submodules dense_NAME and norm_NAME of the model.

    Args:
        model: the MLP or ConvNet that is being applied.
        x: [B, D].
        width: F, units of the layer.
        name: of the layer, "1" or "output".
        kind: "real" weights; "binary" ones, where the model's are; or "signs", binary ones of x
            that is -1 and +1, where the model's activations are.
        train: whether BatchNorm takes the batch's statistics.

    Returns:
        [B, F].
    """
    if kind != "real" and model.kernel_surrogate is not None:
        surrogate = model.kernel_surrogate
        x = BinaryDense(
            width,
            surrogate,
            model.kernel_sign_of_zero,
            of_signs=kind == "signs" and type(model.activation) is SignActivation,
            name=f"dense_{name}",
        )(x)
    else:
        x = nn.Dense(
            width,
            use_bias=not model.normalise,
            kernel_init=nn.initializers.glorot_uniform(),
            dot_general=_product,
            name=f"dense_{name}",
        )(x)
    return normalised(model, x, f"norm_{name}", axis=-1, train=train)


def normalised(model: Any, x: jax.Array, name: str, *, axis: int, train: bool) -> jax.Array:
    """x behind a BatchNorm of this name, where the model normalises; its units are on `axis`."""
    if not model.normalise:
        return x
    norm = nn.BatchNorm(
        not train,
        axis=axis,
        momentum=model.momentum,
        epsilon=model.epsilon,
        use_scale=False,
        use_fast_variance=False,  # which loses the variance of values far from 0
        name=name,
    )
    return norm(x)


def _product(x: jax.Array, kernel: jax.Array, *_: Any, **__: Any) -> jax.Array:
    """What Flax's Dense asks for: [..., D] [D, F] -> [..., F]."""
    return stable_matmul(x, kernel)
