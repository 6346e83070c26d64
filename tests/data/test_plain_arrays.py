import ml_dtypes
import numpy as np
import pytest

from jaxbnn.data.plain_arrays import is_narrow, plain_array

NARROW = [
    getattr(ml_dtypes, name)
    for name in dir(ml_dtypes)
    if name.startswith(("bfloat", "float", "int", "uint"))
]


@pytest.mark.parametrize("kind", NARROW, ids=lambda kind: kind.__name__)
def test_narrow_types_keep_every_value(kind):
    values = np.array([0, 1, 1, 0])
    if kind is ml_dtypes.float8_e8m0fnu:  # powers of two only
        values = np.array([1, 2, 4, 0.5])
    if kind is ml_dtypes.int1:  # 0 and -1
        values = -values
    narrow = values.astype(kind)
    assert is_narrow(narrow.dtype)
    plain = plain_array(narrow, "a")
    assert plain.dtype in (np.float32, np.int32) and plain.tolist() == values.tolist()


def test_bfloat16_is_exact_in_float32():
    every = np.arange(2**16, dtype=np.uint16).view(ml_dtypes.bfloat16)
    finite = every[(np.arange(2**16) >> 7) % 256 < 255]
    assert np.array_equal(plain_array(finite, "a"), finite.astype(np.float64))


@pytest.mark.parametrize("dtype", ["?", "i1", "u8", "f2", "f4", ">f8", "g"])
def test_numpys_own_types_are_left_alone(dtype):
    array = np.array([0, 1]).astype(dtype)
    assert plain_array(array, "a") is array and not is_narrow(array.dtype)


def test_masked_arrays_are_taken_only_without_masked_values():
    assert type(plain_array(np.ma.masked_array([1.0, 2.0]), "a")) is np.ndarray
    with pytest.raises(ValueError, match="expected a without masked values, got 2 masked"):
        plain_array(np.ma.masked_array([1.0, 2.0, 3.0], mask=[1, 0, 1]), "a")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(2, "M8[s]"), r"got dtype datetime64\[s\]"),
        (np.zeros(2, "S3"), r"got dtype \|S3"),
        (np.zeros(2, complex), "got dtype complex128"),
        (np.zeros(2, [("a", "f4")]), r"got dtype \[\('a', '<f4'\)\]"),
        (np.zeros(2, "V1"), r"got raw bytes \(dtype \|V1\)"),
    ],
)
def test_what_is_no_real_number_is_refused(array, message):
    with pytest.raises(ValueError, match=f"expected real numbers as x, {message}"):
        plain_array(array, "x")


@pytest.mark.parametrize("name", ["complex32", "bcomplex32"])
def test_narrow_complex_numbers_are_refused(name):
    if not hasattr(ml_dtypes, name):
        pytest.skip(f"this ml_dtypes has no {name}")
    with pytest.raises(ValueError, match=f"expected real numbers as x, got dtype {name}"):
        plain_array(np.zeros(2, getattr(ml_dtypes, name)), "x")
