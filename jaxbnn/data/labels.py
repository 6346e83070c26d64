"""Labels as loaders give them, read as whole numbers from 0.

The rules, which any other reader of labels can follow (numpy alone is needed):

1. Bool, integers and floats (narrow ones of ml_dtypes too) that hold whole numbers. Text, complex
   numbers, NaN, fractions and masked values are refused.
2. [N] is as it is. [N, 1] becomes [N]. [N, C] with C > 1 must be one-hot (in each row one 1, else
   0) and becomes the column of the 1. Any other shape is refused.
3. {-1, +1}, both present and nothing else, becomes {0, 1}. Any other negative label is refused: -1
   beside other labels often means "unlabelled".
4. Floats are refused where they may have been rounded: in float16 a label of 2048 may have been
   2049. The largest label and the next whole number must both be exact in their dtype.
5. Two parts of one data set are read together: {-1, +1} in both or in neither, and one-hot rows of
   one length.
"""

from __future__ import annotations

import numpy as np

from jaxbnn.data.plain_arrays import is_narrow, plain_array

MAX_LABEL = 2**31 - 2  # the number of classes is one more, in int32


def whole_labels(y: np.ndarray, name: str = "labels") -> np.ndarray:
    """The labels as int32 from 0, by the rules above.

    Args:
        y: [N], [N, 1], or one-hot [N, C]; of any real dtype.
        name: what the messages call them.

    Returns:
        [N] int32, each from 0 to 2**31 - 2.

    Raises:
        ValueError: anything that is not clearly labels; one line says what came.
    """
    return without_signs(signed_labels(y, name), name)


def whole_labels_of_parts(
    train: np.ndarray, test: np.ndarray, names: tuple[str, str] = ("y_train", "y_test")
) -> tuple[np.ndarray, np.ndarray]:
    """The labels of both parts of a data set, read together (rule 5).

    Args:
        train: labels of the training set, as `whole_labels` takes them.
        test: those of the test set.
        names: what the messages call the two.

    Returns:
        [N] int32 and [M] int32.

    Raises:
        ValueError: as `whole_labels`; one-hot rows of two lengths.
    """
    if train.ndim == 2 and test.ndim == 2 and train.shape[1] != test.shape[1]:
        raise ValueError(
            f"expected {names[0]} and {names[1]} with as many columns, "
            f"got {list(train.shape)} and {list(test.shape)}"
        )
    parts = [signed_labels(train, names[0]), signed_labels(test, names[1])]
    together = without_signs(np.concatenate(parts), f"{names[0]} and {names[1]}")
    return together[: len(parts[0])], together[len(parts[0]) :]


def signed_labels(y: np.ndarray, name: str) -> np.ndarray:
    """The labels [N] as int64, -1 still among them (rules 1, 2 and 4)."""
    plain = plain_array(y, name)
    if plain.ndim == 2 and plain.shape[1] > 1 and plain.size > 0:
        return one_hot_columns(plain, name)
    if plain.ndim == 2 and plain.shape[1] == 1:
        plain = plain[:, 0]
    if plain.ndim != 1 or plain.size == 0:
        raise ValueError(
            f"expected {name} of shape [N], [N, 1] or one-hot [N, C] and not empty, "
            f"got {list(y.shape)}"
        )
    check_whole(plain, name)
    check_exact(plain, y.dtype, name)
    return plain.astype(np.int64)


def one_hot_columns(y: np.ndarray, name: str) -> np.ndarray:
    """The column of the 1 in each row of [N, C], int64 [N].

    Raises:
        ValueError: a row has anything but one 1 and zeros.
    """
    is_one = y == 1
    is_one_hot = (is_one.sum(1) == 1) & (is_one | (y == 0)).all(1)
    if not is_one_hot.all():
        row = int(np.argmin(is_one_hot))
        raise ValueError(
            f"expected {name} of shape {list(y.shape)} to be one-hot, in each row one 1 and zeros, "
            f"got row {row}: {_first_values(y[row])}"
        )
    return is_one.argmax(1).astype(np.int64)


def _first_values(row: np.ndarray) -> str:
    """The first values of a row, as a message shows them."""
    shown = ", ".join(str(value) for value in row[:5].tolist())
    return shown if len(row) <= 5 else f"{shown}, ..."


def check_whole(y: np.ndarray, name: str) -> None:
    """ValueError unless each label is a whole number from -1 to MAX_LABEL."""
    if y.dtype.kind == "f":
        broken = y[y != np.floor(y)]  # NaN too
        if broken.size:
            raise ValueError(f"expected whole numbers as {name}, got {broken[0]}")
    if float(y.min()) < -1 or float(y.max()) > MAX_LABEL:  # float16 cannot hold MAX_LABEL
        raise _out_of_range(y, name)


def check_exact(y: np.ndarray, dtype: np.dtype, name: str) -> None:
    """ValueError where labels of a float dtype may have been rounded (rule 4)."""
    if dtype.kind != "f" and not (is_narrow(dtype) and "float" in dtype.name):
        return
    top = float(y.max())
    with np.errstate(over="ignore"):
        stored = np.array([top, top + 1]).astype(dtype).astype(np.float64)
    if stored.tolist() != [top, top + 1]:
        raise ValueError(
            f"expected {name} that {dtype} holds exactly, got {top:.0f}, "
            f"from which it cannot tell {top + 1:.0f}: save integers"
        )


def without_signs(y: np.ndarray, name: str) -> np.ndarray:
    """The labels as int32, {-1, +1} as {0, 1} (rule 3)."""
    if y.min() < 0:
        if set(np.unique(y).tolist()) != {-1, 1}:
            raise _out_of_range(y, name)
        y = (y + 1) // 2
    return y.astype(np.int32)


def _out_of_range(y: np.ndarray, name: str) -> ValueError:
    return ValueError(
        f"expected labels from 0 to 2**31 - 2, or -1 and +1 alone, as {name}, "
        f"got {y.min()} to {y.max()}"
    )
