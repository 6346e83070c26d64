"""Samples drawn with replacement from the activations of a trained layer, whose entropy is
known."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn.info import reliability
from jaxbnn.info.counting import count
from jaxbnn.info.entropy import information_error, plugin
from jaxbnn.info.known_truth import evaluate
from jaxbnn.info.measurement import measure
from jaxbnn.info.spectrum import Spectrum, spectrum
from jaxbnn.studies.known_truth.pieces import stacked


class Drawn(NamedTuple):
    """A sample with replacement; of several, leaves have their axis in front."""

    t: Spectrum
    class_sizes: np.ndarray  # [C]
    h_t: np.ndarray  # [] bits
    h_ty: np.ndarray  # [] bits
    h_y: np.float64  # bits
    se_ty: np.ndarray  # [] bits


def all_sizes(
    sizes: Sequence[int],
    repetitions: int,
    words: np.ndarray,
    y: np.ndarray,
    bits: int,
    key: Sequence[int],
) -> dict[str, np.ndarray]:
    """What is said of samples of a layer.

    Args:
        sizes: how many rows are drawn, one after another.
        repetitions: of each size.
        words: the layer's packed rows, uint32 [N, W].
        y: labels [N].
        bits: units of a row.
        key: of the random numbers.

    Returns:
        Arrays [sizes, repetitions, ...] by name, and the truth of the layer.
    """
    true = measure(words, y, population=True, bits=bits)
    by_size = []
    for n in sizes:
        keys = [np.random.default_rng([*key, n, r]) for r in range(repetitions)]
        drawn = [_draw(rng, words, y, n, bits) for rng in keys]
        by_size.append(_said(drawn, bits))
    said = stacked(by_size)
    said["truth"] = np.asarray(true.xt.value, np.float64)
    said["truth_ty"] = np.asarray(true.ty.value, np.float64)
    said["bits"] = np.asarray(bits, np.int64)
    return said


def _said(drawn: Sequence[Drawn], bits: int) -> dict[str, np.ndarray]:
    """What is said of the samples of one size, [repetitions, ...]."""
    multiplicity = np.stack([np.asarray(sample.t.multiplicity) for sample in drawn])
    number = np.stack([np.asarray(sample.t.number) for sample in drawn])
    evaluated = evaluate(Spectrum(multiplicity, number), 2**bits)
    h_t, h_ty, h_y = np.array([(one.h_t, one.h_ty, one.h_y) for one in drawn], np.float64).T
    error = np.asarray([sample.se_ty for sample in drawn])
    null = np.array([reliability.null_information(one.t, one.class_sizes) for one in drawn])
    bias = np.array([reliability.label_bias(one.t, one.class_sizes) for one in drawn])
    return evaluated._asdict() | {
        "i_ty": h_t + h_y - h_ty,
        "null_ty": null,
        "bias_ty": bias,
        "se_ty": error,
        "verdict_ty": reliability.judge_label(null, bias, error, h_y),
    }


def _draw(rng: np.random.Generator, words: np.ndarray, y: np.ndarray, n: int, bits: int) -> Drawn:
    """A sample of n rows with replacement."""
    classes = int(y.max()) + 1
    chosen = rng.integers(0, len(y), n)
    counted = COUNTED(
        jnp.asarray(words[chosen]), jnp.asarray(y[chosen]), bits=bits, classes=classes
    )
    t, h_t, h_ty, error = jax.device_get(counted)
    sizes = np.bincount(y[chosen], minlength=classes)
    share = sizes[sizes > 0] / n
    return Drawn(t, sizes, h_t, h_ty, -np.sum(share * np.log2(share)), error)


def _counted(
    words: jax.Array, y: jax.Array, bits: int, classes: int
) -> tuple[Spectrum, jax.Array, jax.Array, jax.Array]:
    t, ty = count(words, y, bits=bits, classes=classes)
    return spectrum(t, words.shape[0]), plugin(t), plugin(ty), information_error(t, ty)


COUNTED = jax.jit(_counted, static_argnames=("bits", "classes"))
