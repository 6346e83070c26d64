"""Entropies of a finished run estimated anew from its spectra."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxbnn.analysis.spectra import spectra
from jaxbnn.info import corrected_entropy
from jaxbnn.info.spectrum import Spectrum

KEPT = ("i_xt", "i_ty", "verdict_xt", "verdict_ty", "null_ty")


def reestimate(result: Any, estimator: str, alphabets: Mapping[str, int] | None = None) -> Any:
    """I(X;T) and I(T;Y) of a run by another estimator of entropy, from its spectra.

    I(X;T) = H(T) and I(T;Y) = H(T) + H(Y) - H(T,Y), each entropy by the estimator, in float64.

    Args:
        result: an xarray.Dataset of one probe of a finished run, whole.
        estimator: a name in `corrected_entropy.ESTIMATORS`, or in
            `corrected_entropy.WITH_ALPHABET`, which needs `alphabets`.
        alphabets: layer -> the number of patterns possible (see `observe.alphabets_of`).

    Returns:
        An xarray.Dataset of i_xt, i_ty [seed, epoch, layer] in bits, NaN where nothing was counted,
        and the verdicts on the plug-in values; of nsb also sd_xt, the posterior's standard
        deviation of I(X;T) in bits.

    Raises:
        ValueError: for an unknown estimator, one that needs `alphabets` of layers that have none,
            and a result of which seeds, epochs or layers were selected.
    """
    known = dict(alphabets or {})
    _check_estimator(estimator, known, [str(layer) for layer in result.layer.values])
    t = spectra(result, "t")
    ty = spectra(result, "ty")
    class_sizes = result.class_size.values
    n_classes = class_sizes.shape[1]
    h_y = _entropy(estimator, _class_spectra(class_sizes), n_classes)
    h_t = np.full(result.i_xt.shape, np.nan)
    h_ty = np.full(result.i_xt.shape, np.nan)
    for i, layer in enumerate(result.layer.values):
        n_patterns = known.get(str(layer))
        n_joint = n_patterns and n_patterns * n_classes
        h_t[:, :, i] = _entropy(estimator, _layer_spectrum(t, i), n_patterns)
        h_ty[:, :, i] = _entropy(estimator, _layer_spectrum(ty, i), n_joint)
    estimated = result[list(KEPT)].copy()
    estimated["i_xt"] = _like(result.i_xt, h_t)
    estimated["i_ty"] = _like(result.i_ty, h_t + h_y[:, None, None] - h_ty)
    if estimator == "nsb":
        estimated["sd_xt"] = _like(result.i_xt, _posterior_deviations(result, t, known))
    return estimated.assign_attrs({**result.attrs, "estimator": estimator})


def _like(variable: Any, values: NDArray) -> tuple:
    """Values with the dimensions and attributes of a variable."""
    return variable.dims, values, variable.attrs


def _layer_spectrum(spectra: Spectrum, i: int) -> Spectrum:
    """Spectra [S, E, M] of layer number i, of [S, E, L, M]."""
    return Spectrum(spectra.multiplicity[:, :, i], spectra.number[:, :, i])


def _class_spectra(class_sizes: NDArray) -> Spectrum:
    """Class sizes [S, C] as spectra [S, C]: each class its own entry."""
    return Spectrum(class_sizes, (class_sizes > 0).astype(np.int64))


def _entropy(estimator: str, spectrum: Spectrum, n_patterns: int | None) -> NDArray:
    """The entropy of spectra [..., M], bits; NaN where the estimator needs the number of patterns
    possible, and it is unknown."""
    if estimator in corrected_entropy.ESTIMATORS:
        return np.asarray(corrected_entropy.ESTIMATORS[estimator](spectrum))
    if n_patterns is None:
        return np.full(spectrum.number.shape[:-1], np.nan)
    return np.asarray(corrected_entropy.WITH_ALPHABET[estimator](spectrum, n_patterns))


def _posterior_deviations(result: Any, t: Spectrum, alphabets: Mapping[str, int]) -> NDArray:
    """The posterior's standard deviation of H(T) by nsb, [S, E, L] bits."""
    deviations = np.full(result.i_xt.shape, np.nan)
    for i, layer in enumerate(result.layer.values):
        if str(layer) in alphabets:
            estimate = corrected_entropy.nsb(_layer_spectrum(t, i), alphabets[str(layer)])
            deviations[:, :, i] = estimate.sd
    return deviations


def _check_estimator(estimator: str, alphabets: Mapping[str, int], layers: list[str]) -> None:
    known = (*corrected_entropy.ESTIMATORS, *corrected_entropy.WITH_ALPHABET)
    if estimator not in known:
        raise ValueError(f"expected an estimator among {', '.join(known)}, got {estimator!r}")
    if estimator in corrected_entropy.WITH_ALPHABET and not set(layers) & set(alphabets):
        raise ValueError(
            f"{estimator} needs the number of patterns possible: none is known of the layers "
            "measured"
        )
