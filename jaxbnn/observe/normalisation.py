"""BatchNorm's moments over the training set under the current weights.

The running statistics follow the weights with a delay, and start from mean 0 and variance 1: in the
first epochs they show themselves warming up, not the network.
"""

import inspect
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen
from flax.traverse_util import flatten_dict, unflatten_dict

from jaxbnn.data import Split
from jaxbnn.nn import (
    MLP,
    InputMoments,
    Moments,
    SignActivation,
    Step,
    inputs_for,
    real_inputs,
    stable_matmul,
)
from jaxbnn.nn.products import transposed
from jaxbnn.nn.steps import layer_name, mlp_steps
from jaxbnn.observe.layout import ONE_SEED, Layout
from jaxbnn.train.batches import LIMIT, in_batches, of_batches

STATISTICS = "batch_stats"  # the collection of BatchNorm's running statistics
MAX_INPUTS = 1024  # whose covariance is held: 4 MiB

# (split, variables, InputMoments or None) -> variables with the training set's moments
Normalise = Callable[[Split, Any, InputMoments | None], Any]


class Sums(NamedTuple):
    """Of a batch of values [B, F]; of several batches with their axis in front."""

    n: jax.Array  # []
    mean: jax.Array  # [F]
    squares: jax.Array  # [F], the sum of the squared differences from the mean


def has_batch_norm(variables: Any) -> bool:
    """Whether a network has running statistics."""
    return bool(jax.tree.leaves(variables.get(STATISTICS, {})))


def input_moments(model: Any, split: Split) -> InputMoments | None:
    """What a model's first layer needs of the training set's inputs, once for all epochs.

    Args:
        model: any Linen module.
        split: the data.

    Returns:
        Leaves [D], [D, D]; None where the model cannot use them.
    """
    x = split.train.x
    n_inputs = math.prod(x.shape[1:])
    if type(model) is not MLP or not model.normalise or n_inputs > MAX_INPUTS:
        return None

    def rows(x: Any) -> jax.Array:
        x = real_inputs(x)
        return x.reshape(x.shape[0], -1).astype(jnp.float32)

    mean = jnp.sum(of_batches(lambda x: jnp.sum(rows(x), axis=0), x), axis=0) / x.shape[0]

    def products(x: Any) -> jax.Array:
        centred = rows(x) - mean[None]
        return stable_matmul(transposed(centred), centred)

    covariance = jnp.sum(of_batches(products, x), axis=0) / x.shape[0]
    return InputMoments(mean, covariance)


def with_training_moments(model: linen.Module, split: Split, variables: Any) -> Any:
    """A network's variables with the moments of its training set in place of the running ones.

    Args:
        model: any Linen module.
        split: the data.
        variables: of one network; they are not changed.

    Returns:
        The variables; the same where there is no BatchNorm.

    Raises:
        ValueError: for running statistics that are not those of one call of a Flax BatchNorm each.
    """
    if not has_batch_norm(variables):
        return variables
    limit = getattr(model, "rows_at_once", LIMIT)
    normalise = normaliser_of(model, ONE_SEED._replace(limit=limit))
    return normalise(split, variables, input_moments(model, split))


def normaliser_of(model: linen.Module, layout: Layout) -> Normalise:
    """What gives a network the moments of its training set.

    An MLP of signs is gone through once, layer by layer. Any other module is applied once in all
    where the training set is one batch, else once for each of its BatchNorms, which all have to be
    Flax's.

    Args:
        model: any Linen module.
        layout: of one seed.

    Returns:
        The function; with it the running statistics are not changed but replaced.

    Raises:
        ValueError: when traced, for running statistics that are not those of one call of a Flax
            BatchNorm each.
    """
    if type(model) is MLP and type(model.activation) is SignActivation:
        return partial(by_layer, model, partial(mlp_steps, model), layout)
    return partial(_by_module, model, getattr(model, "rows_at_once", LIMIT))


def by_layer(
    model: MLP,
    steps: Callable[[Any], Sequence[Any]],
    layout: Layout,
    split: Split,
    variables: Any,
    inputs: InputMoments | None,
) -> Any:
    """An MLP's variables with the moments of its training set.

    Args:
        model: the MLP.
        steps: variables -> its layers, as `mlp_steps` gives them.
        layout: where the seeds' axis is.
        split: the data.
        variables: of the network.
        inputs: as `input_moments` gives them.

    Returns:
        The variables.
    """
    is_sign = type(model.activation) is SignActivation
    layers = steps(variables)
    t = inputs_for(model, split.train.x)
    statistics = {}
    for i, step in enumerate(layers):
        if i == 0 and inputs is not None:
            moments = step.moments(inputs)
        else:
            sums = partial(_sums_of_product, layout, variables, step)
            moments = moments_of(of_batches(sums, t, layout.limit))
        statistics[f"norm_{layer_name(model, i)}"] = moments._asdict()
        if i + 1 < len(layers):
            t = in_batches(partial(_held, step, moments, is_sign), t, layout.limit)
    return {**variables, STATISTICS: statistics}


def _sums_of_product(layout: Layout, variables: Any, step: Step, t: Any) -> Sums:
    product = layout.computed_once(variables, lambda t: step(_real(t)).product, t)
    return sums_of(product, (0,))


def _held(step: Step, moments: Moments, is_sign: bool, t: Any) -> jax.Array:
    """A layer's activations, signs as bytes."""
    activation = step(_real(t), moments).activation
    return activation.astype(jnp.int8) if is_sign else activation


def _real(t: Any) -> Any:
    """Signs held as bytes as numbers; others as they are."""
    is_held = isinstance(t, jax.Array) and t.dtype == jnp.int8
    return t.astype(jnp.float32) if is_held else t


def sums_of(values: jax.Array, axes: Sequence[int]) -> Sums:
    """The sums of values over some axes.

    Args:
        values: of any shape.
        axes: summed over, none negative.

    Returns:
        Leaves of the other axes.
    """
    n = 1
    for axis in axes:
        n *= values.shape[axis]
    mean = jnp.sum(values, axis=tuple(axes), keepdims=True) / n
    squares = jnp.sum(jnp.square(values - mean), axis=tuple(axes))
    return Sums(jnp.float32(n), jnp.squeeze(mean, tuple(axes)), squares)


def moments_of(sums: Sums) -> Moments:
    """The moments of all batches together.

    n = sum n_b, mean = sum n_b mean_b / n, var = sum (squares_b + n_b (mean_b - mean)^2) / n.
    Source: Chan, Golub & LeVeque 1983.

    Args:
        sums: leaves [batches, ...].

    Returns:
        Leaves [...].
    """
    n = sums.n.reshape(-1, *[1] * (sums.mean.ndim - 1))
    total = jnp.sum(sums.n)
    mean = jnp.sum(n * sums.mean, axis=0) / total
    var = jnp.sum(sums.squares + n * jnp.square(sums.mean - mean[None]), axis=0) / total
    return Moments(mean, var)


def _by_module(
    model: linen.Module, limit: int, split: Split, variables: Any, inputs: InputMoments | None
) -> Any:
    """Any network's variables with the moments of its training set."""
    x = split.train.x
    names = _norms_of(model, variables, x)
    if x.shape[0] <= limit:
        found = _batch_sums(model, names, variables, True, x)
        one_batch = jax.tree.map(lambda leaf: leaf[None], found)
        return _replaced(variables, {name: moments_of(one_batch[name]) for name in names})
    for name in names:
        sums = partial(_batch_sums, model, (name,), variables, False)
        variables = _replaced(variables, {name: moments_of(of_batches(sums, x, limit)[name])})
    return variables


def _norms_of(model: linen.Module, variables: Any, x: Any) -> tuple[str, ...]:
    """The paths of a network's BatchNorms, input side first."""
    names: list[str] = []

    def note(module: linen.Module, values: Any) -> None:
        names.append("/".join(module.path))

    one = jax.eval_shape(lambda x: inputs_for(model, x[:1]), x)
    jax.eval_shape(lambda x: _applied(model, variables, x, False, note), one)
    have = set()
    for path in flatten_dict(variables[STATISTICS]):
        have.add("/".join(path[:-1]))
    if sorted(names) != sorted(have):
        got = f"{', '.join(sorted(have))} of {type(model).__name__}"
        raise ValueError(
            f"expected running statistics of Flax's BatchNorms, each called once, got {got}: "
            'measure it by Probe(normalisation="running")'
        )
    return tuple(names)


def _batch_sums(
    model: linen.Module, names: Sequence[str], variables: Any, train: bool, x: Any
) -> dict[str, Sums]:
    """The sums of what some BatchNorms are given.

    Args:
        train: whether each takes the moments of this batch itself.
    """
    found = {}

    def note(module: linen.BatchNorm, values: jax.Array) -> None:
        name = "/".join(module.path)
        if name in names:
            found[name] = sums_of(values, _summed_axes(module, values.ndim))

    _applied(model, variables, inputs_for(model, x), train, note)
    return found


def _summed_axes(module: linen.BatchNorm, n_axes: int) -> tuple[int, ...]:
    """The axes over which a BatchNorm takes its moments."""
    kept = module.axis if isinstance(module.axis, Sequence) else (module.axis,)
    kept = {axis % n_axes for axis in kept}
    return tuple(axis for axis in range(n_axes) if axis not in kept)


def _applied(
    model: linen.Module, variables: Any, x: Any, train: bool, note: Callable[[Any, Any], None]
) -> Any:
    """The network at x; `note` is given each BatchNorm and its input."""
    parameters = inspect.signature(type(model).__call__).parameters
    flags = {"train": train} if "train" in parameters else {}

    def listen(next_call: Callable, args: tuple, kwargs: dict, context: Any) -> Any:
        if isinstance(context.module, linen.BatchNorm) and context.method_name == "__call__":
            note(context.module, args[0])
        return next_call(*args, **kwargs)

    module: Any = model
    with linen.intercept_methods(listen):
        return module.apply(variables, x, **flags, mutable=[STATISTICS])


def _replaced(variables: Any, moments: dict[str, Moments]) -> Any:
    """Variables with these moments as running statistics of their BatchNorms."""
    flat: dict[Any, Any] = dict(flatten_dict(variables[STATISTICS]))
    for name, of_norm in moments.items():
        path = tuple(name.split("/"))
        for field, value in of_norm._asdict().items():
            flat[(*path, field)] = value.reshape(flat[(*path, field)].shape)
    return {**variables, STATISTICS: unflatten_dict(flat)}
