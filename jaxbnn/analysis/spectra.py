"""The spectra of a result."""

from typing import Any, Literal

from jaxbnn.info.spectrum import Spectrum


def spectra(result: Any, of: Literal["t", "ty"] = "t") -> Spectrum:
    """The spectra of a result, or of a selection of it.

    Args:
        result: an xarray.Dataset as `jaxbnn.open_result` gives it.
        of: "t" for T, "ty" for the pairs (T, Y).

    Returns:
        Counts of counts, leaves [seed, epoch, layer, M], numpy; without the axes that the
        selection has dropped.
    """
    return Spectrum(result[f"{of}_multiplicity"].values, result[f"{of}_number"].values)
