import numpy as np
import pytest
import zarr
from numcodecs.zstd import compress
from zarr.codecs import ZstdCodec

from jaxbnn.storage.bounded_zstd import BoundedZstdCodec, bounded, content_size

MAGIC = b"\x28\xb5\x2f\xfd"


@pytest.mark.parametrize("n", [1, 255, 256, 1000, 65_791, 65_792, 10**6])
def test_the_size_of_a_frame_is_read_from_its_header(n):
    assert content_size(compress(bytes(n))[:18]) == n
    assert content_size(compress(np.random.default_rng(0).bytes(n))[:18]) == n


@pytest.mark.parametrize(
    ("frame", "size"),
    [
        (MAGIC + b"\x20\x07", 7),  # a single segment, one byte
        (MAGIC + b"\x21\xff\x07", 7),  # a dictionary's number of one byte before it
        (MAGIC + b"\x40\x70\x01\x00", 257),  # a window, two bytes that count from 256
        (MAGIC + b"\x80\x70\x01\x00\x01\x00", 65_537),
        (MAGIC + b"\xc0\x70" + b"\0" * 6 + b"\x04\x00", 2**50),
        (MAGIC + b"\xc3\x70\x01\x02\x03\x04" + b"\x05" + b"\0" * 7, 5),
        (MAGIC + b"\x00\x70", None),  # a window alone: the size is not said
        (MAGIC + b"\xc0\x70\x00", None),  # cut
        (MAGIC, None),
        (b"\x50\x2a\x4d\x18\x04\0\0\0", None),  # a frame to be skipped
        (b"", None),
    ],
)
def test_headers_of_every_kind(frame, size):
    assert content_size(frame) == size


@pytest.fixture
def array(tmp_path):
    made = zarr.create_array(tmp_path / "x", shape=(4,), dtype="int32", compressors=ZstdCodec())
    made[:] = [1, 2, 3, 4]
    return tmp_path / "x"


def test_an_array_opened_within_is_bounded_and_one_opened_after_is_zarrs(array):
    with bounded():
        inside = zarr.open_array(array, mode="r")
    outside = zarr.open_array(array, mode="r")
    kinds = [type(each.compressors[0]) for each in (inside, outside)]
    assert kinds == [BoundedZstdCodec, ZstdCodec]
    np.testing.assert_array_equal(inside[:], [1, 2, 3, 4])
    np.testing.assert_array_equal(outside[:], [1, 2, 3, 4])


def test_a_bounded_array_is_written_as_zarr_writes_it(array):
    before = (array / "c/0").read_bytes(), (array / "zarr.json").read_bytes()
    with bounded():
        zarr.open_array(array, mode="r+")[:] = [1, 2, 3, 4]
    assert ((array / "c/0").read_bytes(), (array / "zarr.json").read_bytes()) == before


def test_arrays_of_text_are_read_as_ever(tmp_path):
    made = zarr.create_array(tmp_path / "x", shape=(2,), dtype=str, compressors=ZstdCodec())
    made[:] = ["a", "bc" * 100]
    with bounded():
        assert zarr.open_array(tmp_path / "x", mode="r")[:].tolist() == ["a", "bc" * 100]


@pytest.mark.parametrize("n", [0, 15, 17])
def test_a_chunk_of_another_size_is_refused(array, n):
    (array / "c/0").write_bytes(compress(bytes(n)))
    with bounded():
        opened = zarr.open_array(array, mode="r")
    with pytest.raises(ValueError, match=f"expected a Zstandard frame of 16 bytes, got {n}"):
        opened[:]


def test_a_second_frame_is_refused(array):
    with bounded():
        opened = zarr.open_array(array, mode="r")
    (array / "c/0").write_bytes(compress(bytes(16)) + compress(bytes(16)))
    with pytest.raises((ValueError, RuntimeError), match="too small"):
        opened[:]
