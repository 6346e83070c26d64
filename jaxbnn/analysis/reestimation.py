"""What is learnt from finished runs: entropies estimated anew from their spectra."""

from collections.abc import Mapping

import numpy as np

from jaxbnn.engine import verdicts as results
from jaxbnn.info import corrected_entropy
from jaxbnn.info.spectrum import Spectrum


def reestimate(result, estimator: str, alphabets: Mapping[str, int] | None = None):
    """I(X;T) and I(T;Y) of a run by another estimator of entropy, from its spectra; bits, float64.

    result: a group of a result, whole, as `store.read_result` gives it. estimator: a name in
    `host.ESTIMATORS`, or in `host.WITH_ALPHABET`, which needs `alphabets`: the number of patterns
    possible of each layer (see `observe.alphabets_of`). Returns an xarray.Dataset of i_xt, i_ty
    (seed, epoch, layer), NaN where nothing was counted, and the verdicts on the plug-in values; of
    nsb also sd_xt, the posterior's standard deviation of I(X;T). I(X;T) = H(T), I(T;Y) = H(T) +
    H(Y) - H(T,Y), each entropy by the estimator. ValueError for an unknown name.
    """
    _check(estimator, alphabets, result)
    h_t, h_ty = (np.full(result.i_xt.shape, np.nan) for _ in range(2))
    t, ty, sizes = (
        *(results.spectra(result, key) for key in ("t", "ty")),
        result.class_size.values,
    )
    h_y = np.asarray(_estimate(estimator, _spectra_of(sizes), sizes.shape[1]))
    for i, layer in enumerate(result.layer.values):
        m = alphabets.get(str(layer)) if alphabets else None
        h_t[:, :, i] = _estimate(estimator, Spectrum(*(leaf[:, :, i] for leaf in t)), m)
        h_ty[:, :, i] = _estimate(
            estimator, Spectrum(*(leaf[:, :, i] for leaf in ty)), m and m * sizes.shape[1]
        )
    estimated = result[["i_xt", "i_ty", "verdict_xt", "verdict_ty", "null_ty"]].copy()
    for name, values in (("i_xt", h_t), ("i_ty", h_t + h_y[:, None, None] - h_ty)):
        estimated[name] = (result[name].dims, values, result[name].attrs)
    if estimator == "nsb":
        estimated["sd_xt"] = (result.i_xt.dims, _widths(result, t, alphabets), result.i_xt.attrs)
    return estimated.assign_attrs({**result.attrs, "estimator": estimator})


def _estimate(name, spectrum, m):
    """The entropy of spectra [..., M] with m patterns possible, where the estimator asks; NaN where
    m is unknown."""
    if name in corrected_entropy.ESTIMATORS:
        return corrected_entropy.ESTIMATORS[name](spectrum)
    if m is None:
        return np.full(spectrum.number.shape[:-1], np.nan)
    return corrected_entropy.WITH_ALPHABET[name](spectrum, m)


def _widths(result, t, alphabets):
    """The posterior's standard deviation of H(T) by nsb, [S, E, L]."""
    widths = np.full(result.i_xt.shape, np.nan)
    for i, layer in enumerate(result.layer.values):
        if str(layer) in alphabets:
            widths[:, :, i] = corrected_entropy.nsb(
                Spectrum(*(leaf[:, :, i] for leaf in t)), alphabets[str(layer)]
            ).sd
    return widths


def _spectra_of(sizes):
    """Class sizes [S, C] as spectra [S, C]: each class its own entry."""
    return Spectrum(sizes, (sizes > 0).astype(np.int64))


def _check(estimator, alphabets, result):
    known = (*corrected_entropy.ESTIMATORS, *corrected_entropy.WITH_ALPHABET)
    if estimator not in known:
        raise ValueError(f"expected an estimator among {', '.join(known)}, got {estimator!r}")
    if estimator in corrected_entropy.WITH_ALPHABET and not set(
        map(str, result.layer.values)
    ) & set(alphabets or ()):
        raise ValueError(
            f"{estimator} needs the number of patterns possible: none is known of the layers measured"
        )
