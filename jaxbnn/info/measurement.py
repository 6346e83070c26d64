"""Information of anyone's activations, in one call on the host."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn.info import host
from jaxbnn.info.bits import pack_values
from jaxbnn.info.counts import check_labels, count


class Measurement(NamedTuple):
    """What a sample of activations and labels says. All information in bits, float64."""

    i_xt: float  # I(X;T) = H(T), plug-in
    i_ty: float  # I(T;Y), plug-in
    h_y: float  # H(Y), the most I(T;Y) can be
    i_xt_corrected: float  # Miller-Madow; the plug-in value itself for a population
    i_ty_corrected: float  # Miller-Madow on each entropy; the plug-in value itself for a population
    n: int  # examples; log2 n is the most that the plug-in I(X;T) can be
    d: int  # units
    n_patterns: int  # different rows seen
    n_singletons: int  # rows seen exactly once
    exact: bool  # the counts are certified
    population: bool  # as declared by the caller


def measure(t, y, population: bool = False) -> Measurement:
    """I(X;T), I(T;Y) and what their trust rests on, for activations t [N, D] (or [N, ...]) and labels y [N].

    T is taken as a function of X. Rows are compared exactly, whatever the dtype: bool, integers, floats. Labels are
    whole numbers >= 0. `population=True` declares that these N rows are all there are. ValueError or TypeError for
    empty or mismatched arrays, NaN, negative or fractional labels.
    """
    t, labels = np.asarray(t), check_labels(y)
    if t.ndim < 2:
        raise ValueError(f"expected t [N, D] with an axis of units, got shape {t.shape}")
    if t.shape[0] != labels.shape[0]:
        raise ValueError(f"expected t [N, D] and y [N] of one length, got {t.shape} and {labels.shape}")
    words = jnp.asarray(pack_values(t))
    of_t, of_ty = jax.jit(count)(words, jnp.asarray(labels))
    of_y, _ = jax.jit(count)(jnp.asarray(labels.astype(np.uint32)[:, None]), jnp.asarray(labels))
    i_xt, i_ty, h_y = _informations(host.plugin, of_t, of_ty, of_y)
    corrected = host.plugin if population else host.miller_madow
    i_xt_corrected, i_ty_corrected, _ = _informations(corrected, of_t, of_ty, of_y)
    return Measurement(
        i_xt=i_xt,
        i_ty=i_ty,
        h_y=h_y,
        i_xt_corrected=i_xt_corrected,
        i_ty_corrected=i_ty_corrected,
        n=t.shape[0],
        d=int(np.prod(t.shape[1:])),
        n_patterns=int(of_t.n_patterns),
        n_singletons=int(of_t.n_singletons),
        exact=bool(of_t.exact & of_ty.exact),
        population=population,
    )


def _informations(entropy, of_t, of_ty, of_y):
    h_t, h_ty, h_y = entropy(of_t), entropy(of_ty), entropy(of_y)
    return h_t, h_t + h_y - h_ty, h_y
