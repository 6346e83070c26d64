import ml_dtypes
import numpy as np
import pytest

from jaxbnn.info.arrays import as_array, plain_array

NARROW = ["bfloat16", "float8_e4m3fn", "float8_e4m3b11fnuz", "float8_e5m2", "float8_e8m0fnu"]


@pytest.mark.parametrize("name", NARROW)
def test_every_value_of_a_narrow_float_is_kept(name):
    dtype = np.dtype(getattr(ml_dtypes, name))
    values = np.arange(2 ** (8 * dtype.itemsize)).astype(f"u{dtype.itemsize}").view(dtype)
    plain = plain_array(values, "values")
    assert plain.dtype.kind == "f" and plain.dtype.itemsize <= 4
    numbers = ~np.isnan(plain)
    bits = f"u{dtype.itemsize}"
    again = plain[numbers].astype(dtype).view(bits)
    np.testing.assert_array_equal(again, values[numbers].view(bits))


@pytest.mark.parametrize(("name", "low", "high"), [("int4", -8, 7), ("uint4", 0, 15)])
def test_every_value_of_a_narrow_integer_is_kept(name, low, high):
    values = np.arange(low, high + 1)
    plain = plain_array(values.astype(getattr(ml_dtypes, name)), "values")
    assert plain.dtype == np.int16 and plain.tolist() == values.tolist()


def test_arrays_of_plain_numbers_stay_as_they_are():
    for dtype in (bool, np.int8, np.uint64, np.float16, np.longdouble):
        array = np.ones(3, dtype)
        assert plain_array(array, "values") is array
    assert as_array([1, 2]).tolist() == [1, 2]


@pytest.mark.parametrize(
    "value", [["a"], [None], [1j], np.zeros(2, "M8[s]"), np.zeros(2, ml_dtypes.complex32)]
)
def test_what_are_no_numbers_is_refused(value):
    with pytest.raises(TypeError, match="expected values of bool, integers or floats, got"):
        plain_array(value, "values")


def test_masked_values_are_refused_with_their_number():
    with pytest.raises(ValueError, match="without masked values, got 1 masked: leave those rows"):
        plain_array(np.ma.array([1, 2], mask=[0, 1]), "values")
    assert plain_array(np.ma.array([1, 2]), "values").tolist() == [1, 2]


def test_a_type_that_a_file_lost_is_named():
    with pytest.raises(TypeError, match="lose their type in .npz: save them as float32"):
        plain_array(np.zeros(2, "V2"), "values")
