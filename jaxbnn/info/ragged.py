"""Spectra of many points without their padding: what is written to disk. On the host, numpy."""

from typing import NamedTuple

import numpy as np

from jaxbnn.info.spectrum import Spectrum


class Ragged(NamedTuple):
    """Spectra of points [...], one after another in C order (netCDF's contiguous ragged array)."""

    size: np.ndarray  # [...] int32, entries of each point; 0 where nothing is counted
    multiplicity: np.ndarray  # [P] int32, P the sum of size
    number: np.ndarray  # [P] int32


def pack(spectrum: Spectrum) -> Ragged:
    """The entries of spectra [..., M] that are not padding."""
    multiplicity, number = (np.asarray(leaf) for leaf in spectrum)
    there = number > 0
    return Ragged(there.sum(axis=-1, dtype=np.int32), multiplicity[there], number[there])


def unpack(ragged: Ragged, width: int | None = None) -> Spectrum:
    """Spectra [..., M] of a Ragged, padded to M = `width`, by default to the longest (and at least
    1)."""
    there = np.arange(width or max(1, ragged.size.max(initial=0))) < ragged.size[..., None]
    spectrum = Spectrum(*(np.zeros(there.shape, np.int32) for _ in range(2)))
    spectrum.multiplicity[there], spectrum.number[there] = ragged.multiplicity, ragged.number
    return spectrum


def join(raggeds: list[Ragged]) -> Ragged:
    """Several, one behind the other along the first axis of their points."""
    return Ragged(*(np.concatenate(parts) for parts in zip(*raggeds, strict=True)))
