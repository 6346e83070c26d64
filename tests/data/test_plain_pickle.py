import collections
import fractions
import os
import pickle

import numpy as np
import pytest

from jaxbnn.data.plain_pickle import read_plain_pickle

# As Python 2 and its numpy wrote CIFAR-10's batches: text opcodes, str as bytes.
PYTHON_2 = (
    b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\n"
    b"q\x04K\x00\x85U\x01b\x87Rq\x05(K\x01K\x02K\x03\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87R"
    b"q\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x06\x00\x01\x02\xfd\xfe\xfft"
    b"bU\x06labelsq\x08]q\x09(K\x03K\x09eu."
)


def test_a_pickle_of_python_2_is_read():
    value = read_plain_pickle(PYTHON_2, "a")
    assert value[b"data"].tolist() == [[0, 1, 2], [253, 254, 255]]
    assert value[b"data"].dtype == np.uint8 and value[b"labels"] == [3, 9]
    general = pickle.loads(PYTHON_2, encoding="bytes")
    assert np.array_equal(value[b"data"], general[b"data"])


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_keep_their_order(order):
    array = np.arange(12, dtype=np.uint8).reshape(3, 4).copy(order)
    assert np.array_equal(read_plain_pickle(pickle.dumps(array, 2), "a"), array)


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_plain_values_are_read(protocol):
    value = {b"a": [1, "text", b"bytes", {}], "b": -5, 3: []}
    assert read_plain_pickle(pickle.dumps(value, protocol), "a") == value


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


class Names:
    """What a pickle may name beside numpy's four."""

    def __init__(self, function, *arguments):
        self.parts = function, arguments

    def __reduce__(self):
        return self.parts


def test_nothing_that_a_pickle_names_is_run(tmp_path):
    with pytest.raises(ValueError, match="expected a to be a pickle of dict, .* got _?io.open"):
        read_plain_pickle(pickle.dumps([Bomb(str(tmp_path / "ran"))], 2), "a")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (pickle.dumps(Names(os.system, "true"), 2), "got (posix|nt).system"),
        (pickle.dumps(Names(eval, "1"), 2), "got __builtin__.eval"),
        (pickle.dumps(Names(np.load, "x"), 2), "got numpy.load"),
        (pickle.dumps(collections.OrderedDict(), 2), "got collections.OrderedDict"),
        (pickle.dumps(fractions.Fraction(1), 2), "got fractions.Fraction"),
        (pickle.dumps(np.zeros(2, np.float32), 2), "got an array of dtype 'f4'"),
        (pickle.dumps(np.array([None]), 2), "got an array of dtype 'O8'"),
        (pickle.dumps(np.uint8(3), 2), "got numpy.*multiarray.scalar"),
        (pickle.dumps(np.zeros(2, np.uint8), 5), "got numpy.*_frombuffer"),
        (pickle.dumps(1.5), "got a float"),
        (pickle.dumps([True]), "got a bool"),
        (pickle.dumps({"a": None}), "got a NoneType"),
        (pickle.dumps((1, 2)), "got a tuple"),
        (pickle.dumps({1}), "got a set"),
        (pickle.dumps(bytearray(2), 5), "got a bytearray"),
        (b"", "got Ran out of input"),
        (b"no pickle", "got "),
        (PYTHON_2[:-20], "got "),
        (
            PYTHON_2.replace(b"K\x02K\x03\x86", b"K\x02K\x04\x86"),
            "got an array of 6 bytes and shape",
        ),
        (PYTHON_2.replace(b"K\x02K\x03\x86", b"K\x02U\x003\x86"), "got "),
        (b"\x80\x02cnumpy\nndarray\n.", "got a partial"),
        (b"\x80\x02cnumpy\ndtype\nU\x02u1\x85R.", "got a PickledDtype"),
        (b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n)R.", "got a PickledArray"),
        (b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n)RK\x01b.", "without its five parts"),
        (b"\x80\x02Pid\n.", "got "),
        (b"\x80\x02]q\x00h\x00a.", "got maximum recursion depth exceeded"),
    ],
)
def test_everything_else_is_refused_in_one_line(payload, message):
    with pytest.raises(ValueError, match=message) as caught:
        read_plain_pickle(payload, "a")
    assert "\n" not in str(caught.value)
