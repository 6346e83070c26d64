import numpy as np
import pytest

from jaxbnn.info import ragged
from jaxbnn.info.spectrum import Spectrum


def spectra():
    """Two by three points, one of them with nothing."""
    times = np.array(
        [[[1, 2, 0], [5, 0, 0], [0, 0, 0]], [[1, 0, 0], [1, 2, 4], [3, 4, 0]]], np.int32
    )
    return Spectrum(times, np.where(times > 0, 10 * times + 1, 0).astype(np.int32))


def test_pack_keeps_what_is_no_padding_in_order():
    packed = ragged.pack(spectra())
    np.testing.assert_array_equal(packed.size, [[2, 1, 0], [1, 3, 2]])
    assert packed.multiplicity.tolist() == [1, 2, 5, 1, 1, 2, 4, 3, 4]
    assert packed.number.tolist() == [11, 21, 51, 11, 11, 21, 41, 31, 41]


@pytest.mark.parametrize("width", [None, 3, 9])
def test_unpack_gives_it_back_with_any_padding(width):
    back = ragged.unpack(ragged.pack(spectra()), width)
    for found, leaf in zip(back, spectra(), strict=True):
        np.testing.assert_array_equal(found[..., :3], leaf)
        assert not found[..., 3:].any() and found.shape[-1] == (width or 3)


def test_join_puts_points_behind_each_other():
    whole = spectra()
    halves = [ragged.pack(Spectrum(*(leaf[i : i + 1] for leaf in whole))) for i in range(2)]
    for found, leaf in zip(ragged.join(halves), ragged.pack(whole), strict=True):
        np.testing.assert_array_equal(found, leaf)


def test_nothing_counted_is_an_empty_array():
    nothing = ragged.pack(Spectrum(np.zeros((2, 4), np.int32), np.zeros((2, 4), np.int32)))
    assert (
        nothing.size.tolist() == [0, 0]
        and nothing.number.size == 0
        and ragged.unpack(nothing).number.shape == (2, 1)
    )
