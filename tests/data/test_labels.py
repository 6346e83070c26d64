import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxbnn.data import whole_labels
from jaxbnn.data.labels import whole_labels_of_parts

LABELS = [2, 0, 1, 2]
WHOLE = np.array(LABELS)
ONE_HOT = np.eye(3)[WHOLE]


@pytest.mark.parametrize(
    "y",
    [
        WHOLE,
        WHOLE[:, None],
        WHOLE.astype(np.uint8),
        WHOLE.astype(np.float16),
        WHOLE.astype(np.longdouble),
        WHOLE.astype(ml_dtypes.bfloat16),
        WHOLE.astype(ml_dtypes.float8_e4m3fn),
        WHOLE.astype(ml_dtypes.float8_e5m2)[:, None],
        WHOLE.astype(ml_dtypes.int4),
        WHOLE.astype(ml_dtypes.uint4),
        ONE_HOT,
        ONE_HOT.astype(bool),
        ONE_HOT.astype(np.int8),
        ONE_HOT.astype(ml_dtypes.bfloat16),
        np.ma.masked_array(WHOLE, mask=False),
    ],
    ids=lambda y: f"{y.dtype} {y.shape}",
)
def test_labels_are_read_in_every_form(y):
    read = whole_labels(y)
    assert read.dtype == np.int32 and read.tolist() == LABELS


@pytest.mark.parametrize("dtype", [np.int8, np.float32, np.float16, ml_dtypes.int4, np.longdouble])
def test_signs_become_0_and_1(dtype):
    assert whole_labels(np.array([1, -1, -1]).astype(dtype)).tolist() == [1, 0, 0]
    assert whole_labels(np.array([[1], [-1]]).astype(dtype)).tolist() == [1, 0]
    assert whole_labels(np.array([1, 1]).astype(dtype)).tolist() == [1, 1]


def test_true_and_false_are_1_and_0():
    assert whole_labels(np.array([True, False])).tolist() == [1, 0]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(10, 12))
def test_one_hot_rows_are_the_labels_they_were_made_of(labels, columns):
    rows = np.zeros((len(labels), columns))
    for row, label in zip(rows, labels, strict=True):
        row[label] = 1
    assert whole_labels(rows).tolist() == labels


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array(["a"]), "expected real numbers as labels, got dtype <U1"),
        (np.array([1j]), "expected real numbers as labels, got dtype complex128"),
        (np.array([None]), "expected real numbers as labels, got dtype object"),
        (np.zeros(2, "V2"), "expected real numbers as labels, got raw bytes .*V2.*bfloat16"),
        (np.array([0.5]), "expected whole numbers as labels, got 0.5"),
        (np.array([0, np.nan]), "expected whole numbers as labels, got nan"),
        (np.array([1 + np.longdouble(1e-18)]), "expected whole numbers as labels, got 1"),
        (np.array([np.inf]), "expected labels from 0 to .*, got inf to inf"),
        (np.array([2**31 - 1]), "expected labels from 0 to .*, got 2147483647 to 2147483647"),
        (np.array([-2, 2]), "or -1 and .1 alone, as labels, got -2 to 2"),
        (np.array([-1, 0, 1]), "or -1 and .1 alone, as labels, got -1 to 1"),
        (np.array([-1, -1]), "or -1 and .1 alone, as labels, got -1 to -1"),
        (np.array([], int), r"of shape \[N\], \[N, 1\] or one-hot .* not empty, got \[0\]"),
        (np.zeros((0, 3)), r"not empty, got \[0, 3\]"),
        (np.zeros((2, 3, 1)), r"not empty, got \[2, 3, 1\]"),
        (np.array(3), r"not empty, got \[\]"),
        (np.array([[0, 1], [1, 1]]), r"shape \[2, 2\] to be one-hot, .* got row 1: 1, 1$"),
        (np.array([[0.2, 0.8]]), "to be one-hot, .* got row 0: 0.2, 0.8"),
        (np.array([[1, np.nan]]), "to be one-hot, .* got row 0: 1.0, nan"),
        (np.array([[0, 2], [1, 0]]), "to be one-hot, .* got row 0: 0, 2"),
        (np.array([[-1, 1], [1, -1]]), "to be one-hot, .* got row 0: -1, 1"),
        (np.zeros((2, 7)), "got row 0: 0.0, 0.0, 0.0, 0.0, 0.0, ...$"),
        (
            np.ma.masked_array([0, 1, 2], mask=[0, 1, 0]),
            "expected labels without masked values, got 1 masked",
        ),
    ],
)
def test_what_is_not_clearly_labels_is_refused_in_one_line(y, message):
    with pytest.raises(ValueError, match=message) as caught:
        whole_labels(y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("dtype", "largest"),
    [
        (np.float16, 2047),
        (np.float32, 2**24 - 1),
        (ml_dtypes.bfloat16, 255),
        (ml_dtypes.float8_e4m3fn, 15),
        (ml_dtypes.float8_e5m2, 7),
    ],
)
def test_floats_are_taken_up_to_the_last_label_that_none_was_rounded_to(dtype, largest):
    assert whole_labels(np.array([largest]).astype(dtype)).tolist() == [largest]
    with pytest.raises(ValueError, match=f"holds exactly, got {largest + 1}, from which it cannot"):
        whole_labels(np.array([largest + 1]).astype(dtype))


def test_the_two_parts_are_read_together():
    signs = np.array([-1, 1, -1])
    train, test = whole_labels_of_parts(signs, np.array([-1.0, -1.0]))
    assert train.tolist() == [0, 1, 0] and test.tolist() == [0, 0]
    train, test = whole_labels_of_parts(ONE_HOT, np.array([1, 0]))
    assert train.tolist() == LABELS and test.tolist() == [1, 0]
    with pytest.raises(ValueError, match="as y_train and y_test, got -1 to 2"):
        whole_labels_of_parts(signs, WHOLE)
    with pytest.raises(ValueError, match=r"with as many columns, got \[4, 3\] and \[4, 2\]"):
        whole_labels_of_parts(ONE_HOT, np.eye(2)[[0, 1, 0, 1]])
