"""An MLP of many seeds at once, the seeds on the LAST axis: every operation of small layers then runs
along the seeds.

The values are those of `MLP.__call__` with the seeds vmapped, up to the order of float sums. A CPU
runs small networks this way two to three times faster; sums are written out term by term because
XLA:CPU does not vectorise a reduction over a leading axis, so this is for networks of few units
(`is_small`).
"""

from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import Any

import jax
import jax.numpy as jnp

from jaxbnn.nn.layers import LATENT
from jaxbnn.nn.models import MLP
from jaxbnn.nn.surrogate import sign

MAX_TERMS = (
    64  # units or inputs of a layer; a gradient's sum has as many terms as the batch has examples
)


def is_small(model: Any, n_inputs: int) -> bool:
    """Whether `forward` takes this model: an MLP none of whose layers has more than MAX_TERMS
    inputs or units."""
    return type(model) is MLP and max(n_inputs, *model.widths, model.n_classes) <= MAX_TERMS


def forward(
    model: MLP, variables: dict, x: jax.Array, *, train: bool
) -> tuple[jax.Array, dict, dict]:
    """(logits, layers by name, batch_stats): x [B, D, S] or [B, D, 1], variables with seeds last,
    layers [B, D_l, S].

    Names are the model's: dense_1, norm_1, hidden_1, ..., norm_output.
    """
    layers, statistics = {}, {}
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
    """-log softmax(logits)[y] in nats, logits [B, C, S] and y [B, S] -> [B, S]."""
    each = [logits[:, c] for c in range(logits.shape[1])]
    largest = jax.lax.stop_gradient(reduce(jnp.maximum, each))
    total = _sum(jnp.exp(z - largest) for z in each)
    return largest + jnp.log(total) - _sum(jnp.where(y == c, z, 0) for c, z in enumerate(each))


def argmax(x: jax.Array) -> jax.Array:
    """The place of the largest along the second axis, the first such place: [B, C, S] -> int32 [B,
    S]."""

    def larger(best, other):
        better = other[1] > best[1]
        return jnp.where(better, other[0], best[0]), jnp.maximum(best[1], other[1])

    return reduce(larger, [(jnp.int32(c), x[:, c]) for c in range(x.shape[1])])[0]


def mean(x: jax.Array) -> jax.Array:
    """The mean over the first axis, [B, ...] -> [...]: as a product, which XLA:CPU vectorises."""
    row = jnp.full((1, x.shape[0]), 1 / x.shape[0], x.dtype)
    return (row @ x.reshape(x.shape[0], -1)).reshape(x.shape[1:])


def _dense_layer(model, params, x):
    if LATENT in params:
        return _dense(x, sign(model.kernel_surrogate, params[LATENT], model.kernel_sign_of_zero))
    y = _dense(x, params["kernel"])
    return y + params["bias"][None] if "bias" in params else y


def _normalise(model, x, bias, running, train):
    if not train:
        scaled = (x - running["mean"][None]) * jax.lax.rsqrt(running["var"] + model.epsilon)[None]
        return scaled + bias[None], running
    y, average, variance = _batch_norm(x, bias, model.epsilon)
    old, new = model.momentum, 1 - model.momentum
    return y, {
        "mean": old * running["mean"] + new * average,
        "var": old * running["var"] + new * variance,
    }


def _sum(terms: Iterable[jax.Array]) -> jax.Array:
    return reduce(add, terms)


@jax.custom_vjp
def _dense(x, w):
    """x [B, D, S], w [D, F, S] -> [B, F, S]."""
    return _sum(x[:, d, None] * w[None, d] for d in range(w.shape[0]))


def _dense_forward(x, w):
    return _dense(x, w), (x, w)


def _dense_backward(saved, g):
    x, w = saved
    to_x = _sum(g[:, f, None] * w[None, :, f] for f in range(w.shape[1]))
    return to_x, _sum(x[b][:, None] * g[b][None] for b in range(x.shape[0]))


_dense.defvjp(_dense_forward, _dense_backward)


@jax.custom_vjp
def _batch_norm(x, bias, epsilon):
    """((x - m) / sqrt(v + epsilon) + bias, m, v) with the batch's mean m and population variance v;
    m, v are given.

    Its own gradient takes two means over the batch where the chain rule through m and v takes five.
    """
    return _batch_norm_forward(x, bias, epsilon)[0]


def _batch_norm_forward(x, bias, epsilon):
    average = mean(x)
    centred = x - average[None]
    variance = mean(centred * centred)
    scale = jax.lax.rsqrt(variance + epsilon)
    normal = centred * scale[None]
    return (normal + bias[None], average, variance), (normal, scale)


def _batch_norm_backward(saved, gradients):
    normal, scale = saved
    g, *_ = gradients  # running statistics take no gradient
    average = mean(g)
    to_x = (g - average[None] - normal * mean(g * normal)[None]) * scale[None]
    return to_x, average * g.shape[0], None


_batch_norm.defvjp(_batch_norm_forward, _batch_norm_backward)
