"""An MLP of many seeds at once, seeds on the LAST axis.

Every operation of small layers then runs along the seeds, which is two to three times faster on a
CPU. The values are those of `MLP.__call__` vmapped over the seeds, up to the order of float sums.
Sums are written out term by term because XLA:CPU does not vectorise a reduction over a leading
axis, so this is for networks of few units (`is_small`).
"""

from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import Any

import jax
import jax.numpy as jnp

from jaxbnn.nn.layers import LATENT
from jaxbnn.nn.mlp import MLP
from jaxbnn.nn.surrogate import sign

# Units or inputs of a layer. A gradient's sum has as many terms as the batch has examples.
MAX_TERMS = 64


def is_small(model: Any, n_inputs: int) -> bool:
    """Whether `forward` takes this model.

    Args:
        model: a network.
        n_inputs: D, inputs of its first layer.

    Returns:
        True for an MLP none of whose layers has more than MAX_TERMS inputs or units, and whose
        activation and surrogate are this package's: one of the user's own may reduce over an axis.
    """
    if type(model) is not MLP or max(n_inputs, *model.widths, model.n_classes) > MAX_TERMS:
        return False
    functions = (model.activation, model.kernel_surrogate)
    nested = getattr(model.activation, "surrogate", None)
    return all(f is None or is_elementwise(f) for f in (*functions, nested))


def is_elementwise(function: Any) -> bool:
    """Whether an activation, a surrogate or an optimiser is this package's.

    These are known to treat each number alone, whatever axes there are.
    """
    return type(function).__module__.partition(".")[0] == __name__.partition(".")[0]


def forward(
    model: MLP, variables: dict, x: jax.Array, *, train: bool
) -> tuple[jax.Array, dict, dict]:
    """The network at x, for all seeds.

    Args:
        model: one that `is_small` takes.
        variables: its variables, seeds on the last axis.
        x: examples [B, D, S], or [B, D, 1] where all seeds share them.
        train: whether BatchNorm takes the batch's statistics.

    Returns:
        The logits [B, C, S]; the layers by their names dense_1, norm_1, hidden_1, ...,
        norm_output, each [B, D_l, S]; and the running statistics.
    """
    layers: dict[str, jax.Array] = {}
    statistics: dict[str, dict] = {}
    for i, name in enumerate((*map(str, range(1, len(model.widths) + 1)), "output"), 1):
        x = layers[f"dense_{name}"] = _dense_layer(model, variables["params"][f"dense_{name}"], x)
        if model.normalise:
            norm = f"norm_{name}"
            bias, running = variables["params"][norm]["bias"], variables["batch_stats"][norm]
            x, statistics[norm] = _normalise(model, x, bias, running, train)
            layers[norm] = x
        if i <= len(model.widths):
            x = layers[f"hidden_{name}"] = model.activation(x)
    return x, layers, statistics


def cross_entropy(logits: jax.Array, y: jax.Array) -> jax.Array:
    """-log softmax(logits)[y].

    Args:
        logits: [B, C, S].
        y: labels [B, S] or [B, 1].

    Returns:
        [B, S], nats.
    """
    columns = [logits[:, c] for c in range(logits.shape[1])]
    largest = jax.lax.stop_gradient(reduce(jnp.maximum, columns))
    total = _sum(jnp.exp(z - largest) for z in columns)
    own = _sum(jnp.where(y == c, z, 0) for c, z in enumerate(columns))
    return largest + jnp.log(total) - own


def argmax(x: jax.Array) -> jax.Array:
    """The index of the largest along the second axis, the first such: [B, C, S] -> int32 [B, S]."""

    def larger(best: tuple, other: tuple) -> tuple:
        better = other[1] > best[1]
        return jnp.where(better, other[0], best[0]), jnp.maximum(best[1], other[1])

    return reduce(larger, [(jnp.int32(c), x[:, c]) for c in range(x.shape[1])])[0]


def mean(x: jax.Array) -> jax.Array:
    """The mean over the first axis, [B, ...] -> [...]: as a product, which XLA:CPU vectorises."""
    row = jnp.full((1, x.shape[0]), 1 / x.shape[0], x.dtype)
    return (row @ x.reshape(x.shape[0], -1)).reshape(x.shape[1:])


def _dense_layer(model: MLP, params: dict, x: jax.Array) -> jax.Array:
    surrogate = model.kernel_surrogate
    if LATENT in params and surrogate is not None:
        return dense(x, sign(surrogate, params[LATENT], model.kernel_sign_of_zero))
    y = dense(x, params["kernel"])
    return y + params["bias"][None] if "bias" in params else y


def _normalise(
    model: MLP, x: jax.Array, bias: jax.Array, running: dict, train: bool
) -> tuple[jax.Array, dict]:
    if not train:
        scaled = (x - running["mean"][None]) * jax.lax.rsqrt(running["var"] + model.epsilon)[None]
        return scaled + bias[None], running
    y, average, variance = _batch_norm(x, bias, model.epsilon)
    old = model.momentum
    new = 1 - model.momentum
    return y, {
        "mean": old * running["mean"] + new * average,
        "var": old * running["var"] + new * variance,
    }


def _sum(terms: Iterable[jax.Array]) -> jax.Array:
    return reduce(add, terms)


@jax.custom_vjp
def dense(x: jax.Array, w: jax.Array) -> jax.Array:
    """x [B, D, S], w [D, F, S] -> [B, F, S]."""
    return _sum(x[:, d, None] * w[None, d] for d in range(w.shape[0]))


def _dense_forward(x: jax.Array, w: jax.Array) -> tuple[jax.Array, tuple]:
    return dense(x, w), (x, w)


def _dense_backward(saved: tuple, g: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, w = saved
    to_x = _sum(g[:, f, None] * w[None, :, f] for f in range(w.shape[1]))
    return to_x, _sum(x[b][:, None] * g[b][None] for b in range(x.shape[0]))


dense.defvjp(_dense_forward, _dense_backward)


@jax.custom_vjp
def _batch_norm(x: jax.Array, bias: jax.Array, epsilon: float) -> tuple:
    """((x - m) / sqrt(v + epsilon) + bias, m, v), m the batch's mean, v its population variance.

    Its own gradient takes two means over the batch where the chain rule through m and v takes five.
    """
    return _batch_norm_forward(x, bias, epsilon)[0]


def _batch_norm_forward(x: jax.Array, bias: jax.Array, epsilon: float) -> tuple[tuple, tuple]:
    average = mean(x)
    centred = x - average[None]
    variance = mean(centred * centred)
    scale = jax.lax.rsqrt(variance + epsilon)
    normal = centred * scale[None]
    return (normal + bias[None], average, variance), (normal, scale)


def _batch_norm_backward(saved: tuple, gradients: tuple) -> tuple:
    normal, scale = saved
    g, *_ = gradients  # running statistics take no gradient
    average = mean(g)
    to_x = (g - average[None] - normal * mean(g * normal)[None]) * scale[None]
    return to_x, average * g.shape[0], None


_batch_norm.defvjp(_batch_norm_forward, _batch_norm_backward)
