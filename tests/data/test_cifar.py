import gzip
import io
import tarfile

import numpy as np
import pytest
from made import archive, made_collection, rows

from jaxbnn import data
from jaxbnn.data import Cifar10
from jaxbnn.data.cifar import ROW, TEST, TRAIN, load_cifar10, read_archive, read_batch


def test_the_images_are_those_of_the_archive_in_order(tmp_path):
    batches = {name: rows(2) for name in (*TRAIN, TEST)}
    split = load_cifar10(
        Cifar10(value_range=(0.0, 1.0)), tmp_path, made_collection(tmp_path, batches)
    )
    together = np.concatenate([batches[name] for name in TRAIN])
    assert (
        split.train.x.shape == (10, 32, 32, 3)
        and split.train.x.dtype == np.float32
        and split.n_classes == 10
    )
    np.testing.assert_array_equal(split.train.y, together[:, 0])
    pixel = together[3, 1 + 2 * 1024 + 5 * 32 + 7]  # of the fourth image: blue, row 5, column 7
    assert split.train.x[3, 5, 7, 2] == np.float32(pixel / 255)
    np.testing.assert_array_equal(split.test.y, batches[TEST][:, 0])
    signed = load_cifar10(Cifar10(), tmp_path, made_collection(tmp_path, batches))
    assert signed.train.x.min() >= -1 and signed.test.x.max() <= 1 and signed.train.x.min() < -0.9


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", f"hold rows of {ROW} bytes, got 0 bytes"),
        (b"\0" * (ROW - 1), f"hold rows of {ROW} bytes, got {ROW - 1} bytes"),
        (b"\x0a" + b"\0" * (ROW - 1), "labels from 0 to 9 in one.bin, got 10"),
    ],
)
def test_a_file_of_a_wrong_shape_or_label_is_refused_by_name(payload, message):
    with pytest.raises(ValueError, match=message):
        read_batch(payload, "one.bin")


def test_an_archive_that_lacks_a_file_or_is_none_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="expected b in it, got a"):
        read_archive(archive({"a": b"1"}), ("a", "b"), "it")
    with pytest.raises(ValueError, match="expected it to be a tar archive"):
        read_archive(b"no archive" * 100, ("a",), "it")
    monkeypatch.setattr("jaxbnn.data.cifar.MOST", 0)
    with pytest.raises(ValueError, match="expected a in it of at most 0 bytes, got more"):
        read_archive(archive({"a": b"1"}), ("a",), "it")


@pytest.mark.parametrize("size", [2**62, 2**80])
def test_a_member_that_claims_more_than_any_file_holds_is_refused(size):
    member = tarfile.TarInfo("a")
    member.size = size
    with pytest.raises(ValueError, match="in it of at most|expected it to be a tar archive, got"):
        read_archive(member.tobuf(tarfile.GNU_FORMAT) + bytes(1024), ("a",), "it")


def test_headers_nested_deeper_than_python_goes_are_refused():
    long_name = tarfile.TarInfo("a")
    long_name.type = tarfile.GNUTYPE_LONGNAME
    with pytest.raises(ValueError, match="expected it to be a tar archive, got"):
        read_archive(long_name.tobuf(tarfile.GNU_FORMAT) * 3000, ("a",), "it")


def test_links_and_other_members_are_not_followed():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        link = tarfile.TarInfo("a")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
    with pytest.raises(ValueError, match="expected a in it, got no file"):
        read_archive(buffer.getvalue(), ("a",), "it")


def test_a_missing_archive_names_the_file_and_its_places(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected cifar-10-binary.tar .*cifar10"):
        data.load(Cifar10(), tmp_path)
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(gzip.compress(b"another"))
    with pytest.raises(
        ValueError, match="the file as published, with md5 c32a1d4ab5d03f1284b67883e8d87530"
    ):
        data.load(Cifar10(), tmp_path)


def test_the_spec_is_checked():
    with pytest.raises(ValueError, match="value_range"):
        Cifar10(value_range=(1.0, 1.0))
    assert not data.is_per_seed(Cifar10())
