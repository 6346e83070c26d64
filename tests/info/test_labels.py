import ml_dtypes
import numpy as np
import pytest

from jaxbnn.info.labels import check_labels, class_labels


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([2, 0, 1], [2, 0, 1]),
        ([[2], [0]], [2, 0]),
        ([-1, 1, 1], [0, 1, 1]),
        ([[-1.0], [1.0]], [0, 1]),
        ([[0, 0, 1], [1, 0, 0]], [2, 0]),
        ([[True, False]], [0]),
        ([True, False], [1, 0]),
        (np.array([3, 7], np.float16), [3, 7]),
        (np.array([3, 7], ml_dtypes.bfloat16), [3, 7]),
        (np.array([3, 0], ml_dtypes.uint4), [3, 0]),
        (np.array([1, 1]), [1, 1]),
        ([2**31 - 1], [2**31 - 1]),
    ],
)
def test_every_form_of_labels_becomes_int32(y, expected):
    labels = class_labels(y)
    assert labels.dtype == np.int32 and labels.tolist() == expected


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([-1, -1], "labels from 0 to 2**31 - 1, got -1 to -1"),
        ([-1, 0, 1], "got -1 to 1"),
        ([[0.9, 0.1]], "one-hot [N, C], got float64 of shape (1, 2)"),
        ([[1, 1], [1, 0]], "rows that are not one 1"),
        ([[0, 0], [1, 0]], "rows that are not one 1"),
        ([[-1, 1]], "rows that are not one 1"),
        (np.zeros((2, 2, 2)), "labels [N] with N >= 1, got shape (2, 2, 2)"),
        ([], "labels [N] with N >= 1"),
        ([0.5], "whole labels, got fractions"),
        ([np.inf], "NaN or infinity"),
        ([2**31], "got 2147483648 to 2147483648"),
        (np.array([2048.0], np.float16), "float16 labels below 2048"),
        (np.array([256.0], ml_dtypes.bfloat16), "bfloat16 labels below 256"),
        (np.array([2.0**24], np.float32), "float32 labels below 16777216"),
    ],
)
def test_what_are_no_labels_is_refused_in_one_line(y, message):
    with pytest.raises(ValueError) as caught:
        class_labels(y)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_compiled_counting_takes_one_form_alone():
    assert check_labels([1.0, 0.0]).tolist() == [1, 0]
    with pytest.raises(ValueError, match="got shape"):
        check_labels([[1], [0]])
    with pytest.raises(ValueError, match="got -1 to 1"):
        check_labels([-1, 1])
    with pytest.raises(TypeError, match="labels of bool, integers or floats, got <U1"):
        check_labels(["a"])
