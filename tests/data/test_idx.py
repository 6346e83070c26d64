import tracemalloc

import numpy as np
import pytest
from made import idx

from jaxbnn.data import read_idx
from jaxbnn.data.idx import idx_shape, write_idx


@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4), (2, 3, 1, 2)])
def test_read_idx_gives_the_array_back(shape):
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    again = read_idx(idx(array), "a")
    assert again.dtype == np.uint8
    assert np.array_equal(again, array)


def test_read_idx_reads_a_literal_file():
    payload = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255])
    assert read_idx(payload, "a").tolist() == [[1, 2, 3], [4, 5, 255]]


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "expected digits to begin with 00 00 08 and 01 to 04 .*, got an empty file"),
        (b"\0\0\x08", "got 00 00 08$"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "got 00 00 0d 01"),
        (b"\0\0\x08\x00", "got 00 00 08 00"),
        (b"\0\0\x08\x05" + b"\0\0\0\x01" * 5 + b"\0", "got 00 00 08 05"),
        (b"\x1f\x8b\x08\x00", "got 1f 8b 08 00"),
        (
            b"\0\0\x08\x03\0\0\0\x01",
            "expected digits to have a header of 16 bytes, got 8 bytes in all",
        ),
        (
            b"\0\0\x08\x01\0\0\0\x04abc",
            r"expected digits to hold 4 bytes for shape \[4\], got 3: it is cut off",
        ),
        (
            b"\0\0\x08\x01\0\0\0\x02abc",
            r"expected digits to hold 2 bytes for shape \[2\], got 3: bytes are left over",
        ),
        (
            b"\0\0\x08\x02\0\0\0\x00\xff\xff\xff\xff",
            r"something along each axis, got shape \[0, 4294967295\]",
        ),
    ],
)
def test_read_idx_refuses_each_broken_file(payload, message):
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(payload, "digits")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_read_idx_neither_allocates_nor_overflows_for_a_huge_claim(rank):
    payload = b"\0\0\x08" + bytes([rank]) + b"\xff" * (4 * rank) + b"abc"
    tracemalloc.start()
    with pytest.raises(
        ValueError, match=f"to hold {(2**32 - 1) ** rank} bytes for shape .*, got 3: it is cut off"
    ):
        read_idx(payload, "digits")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
    # four axes of 65536 are 2**64 bytes, which is 0 in 64-bit arithmetic
    with pytest.raises(ValueError, match="to hold 18446744073709551616 bytes"):
        read_idx(b"\0\0\x08\x04" + b"\0\x01\0\0" * 4, "digits")


def test_write_idx_writes_what_read_idx_reads():
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    payload = write_idx(array)
    assert payload[:16] == b"\0\0\x08\x03\0\0\0\x02\0\0\0\x03\0\0\0\x04"
    assert payload == idx(array) and np.array_equal(read_idx(payload, "a"), array)
    assert idx_shape(payload, "a") == [2, 3, 4]
