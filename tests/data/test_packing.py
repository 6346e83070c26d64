import bz2
import gzip
import hashlib
import lzma

import pytest

from jaxbnn.data.folders import find
from jaxbnn.data.packing import is_packed, unpack, verified
from jaxbnn.data.published import File

PAYLOAD = bytes(range(256)) * 40
NAME = "train-images-idx3-ubyte"
FILE = File(NAME, hashlib.md5(PAYLOAD).hexdigest(), len(PAYLOAD))
PACKED = gzip.compress(PAYLOAD)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_no_more_is_unpacked_than_the_known_size_and_one_byte(tmp_path, pack):
    (tmp_path / NAME).write_bytes(pack(bytes(1_000_000)))
    assert len(unpack(tmp_path / NAME, 1001)) == 1001


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_files_are_known_by_their_first_bytes(tmp_path, pack):
    (tmp_path / "a").write_bytes(pack(PAYLOAD))
    (tmp_path / "b.gz").write_bytes(PAYLOAD)
    assert is_packed(tmp_path / "a") and not is_packed(tmp_path / "b.gz")
    assert unpack(tmp_path / "a", 10**6) == unpack(tmp_path / "b.gz", 10**6) == PAYLOAD


def test_verified_compares_the_contents_whatever_their_packing(tmp_path):
    (tmp_path / "a").write_bytes(lzma.compress(PAYLOAD))
    assert verified(tmp_path / "a", FILE) == PAYLOAD
    with pytest.raises(ValueError, match="expected 10240 bytes .unpacked. with md5 0, got 10240"):
        verified(tmp_path / "a", FILE._replace(md5="0"))


def test_a_packed_file_is_known_by_its_checksum_as_published(tmp_path):
    packed = File(NAME, hashlib.md5(PACKED).hexdigest(), len(PAYLOAD), packed=True)
    (tmp_path / NAME).write_bytes(PAYLOAD)  # an unpacked copy cannot be told from a wrong one
    with pytest.raises(ValueError, match="expected the file as published, with md5 "):
        find(packed, [tmp_path])
    (tmp_path / f"{NAME}.gz").write_bytes(PACKED)
    assert find(packed, [tmp_path]) == PAYLOAD
    with pytest.raises(ValueError, match="expected at most 100 bytes"):
        verified(tmp_path / f"{NAME}.gz", packed._replace(size=100))
