"""Networks that return (logits, hidden). Every parameter is a field: the module is its own specification."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxbnn.nn.layers import Activation, BinaryDense, SignActivation, check_zero
from jaxbnn.nn.surrogate import Slope, Ste

MOST_UNITS = 10**6


class MLP(nn.Module):
    """Dense layers of the given widths, then an output: x [B, ...] -> logits [B, C], hidden ([B, D_l], ...).

    Each layer is dense, then BatchNorm without scale (`normalise`), then `activation`; the output has no activation.
    `kernel_slope` is the slope of the weights' sign; None makes every weight real. `binary_first` and `binary_last`
    False make the first and the output layer's weights real. A dense layer has a bias only where no BatchNorm follows
    and its weights are real. Submodules are dense_1, norm_1, ..., dense_output, norm_output.
    Weights start Glorot-uniform. Source: Raj et al. 2020, section 2 (BatchNorm's defaults are those of Keras and Larq).
    """

    widths: tuple[int, ...]
    n_classes: int
    activation: Activation = SignActivation()
    kernel_slope: Slope | None = Ste()
    kernel_zero: float = -1.0
    binary_first: bool = True
    binary_last: bool = True
    normalise: bool = True
    momentum: float = 0.99
    epsilon: float = 1e-3

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.widths, tuple) or not all(isinstance(w, int) for w in (*self.widths, self.n_classes)):
            raise TypeError(f"expected widths as a tuple of integers and n_classes as one, got {self.widths!r}")
        if len(self.widths) < 1 or min(self.widths) < 1 or max(self.widths) > MOST_UNITS:
            raise ValueError(f"expected widths of 1 to {MOST_UNITS} units in one layer or more, got {self.widths}")
        if self.n_classes < 1:
            raise ValueError(f"expected n_classes >= 1, got {self.n_classes}")
        if not 0 <= self.momentum < 1 or not self.epsilon > 0:
            raise ValueError(f"expected 0 <= momentum < 1 and epsilon > 0, got {self.momentum} and {self.epsilon}")
        check_zero(self.kernel_zero)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """hidden_1, ..., hidden_L: the names of `hidden`, input side first."""
        return tuple(f"hidden_{i}" for i in range(1, len(self.widths) + 1))

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> tuple[jax.Array, tuple[jax.Array, ...]]:
        x = x.reshape(x.shape[0], -1).astype(jnp.float32)
        hidden = []
        for i, width in enumerate(self.widths, 1):
            x = self._dense(x, width, str(i), binary=i > 1 or self.binary_first, train=train)
            x = self.activation(x)
            hidden.append(x)
        logits = self._dense(x, self.n_classes, "output", binary=self.binary_last, train=train)
        return logits, tuple(hidden)

    def _dense(self, x, width, name, *, binary, train):
        if binary and self.kernel_slope is not None:
            x = BinaryDense(width, self.kernel_slope, self.kernel_zero, name=f"dense_{name}")(x)
        else:
            glorot = nn.initializers.glorot_uniform()
            x = nn.Dense(width, use_bias=not self.normalise, kernel_init=glorot, name=f"dense_{name}")(x)
        if not self.normalise:
            return x
        return nn.BatchNorm(
            use_running_average=not train,
            momentum=self.momentum,
            epsilon=self.epsilon,
            use_scale=False,
            name=f"norm_{name}",
        )(x)
