import gzip
import hashlib
import io
import pickle
import tarfile

import numpy as np
import pytest
from made import archive, made_collection, rows

from jaxbnn import data
from jaxbnn.data import Cifar10, cifar
from jaxbnn.data.cifar import load_cifar10, unpacked_batches
from jaxbnn.data.cifar_batches import (
    BINARY,
    PYTHON,
    ROW,
    read_archive,
    read_batch,
    read_pickled_batch,
)
from jaxbnn.data.download import DownloadError
from jaxbnn.data.published import CIFAR10_PICKLED, CIFAR10_PYTHON, Collection

*TRAIN, TEST = BINARY.archive_paths()


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
    monkeypatch.setattr("jaxbnn.data.cifar_batches.MAX_BYTES", 0)
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


def pickled(batch):
    """The rows of a batch as the Python version holds them."""
    fields = {
        b"batch_label": b"made",
        b"labels": batch[:, 0].tolist(),
        b"data": batch[:, 1:].copy(),
        b"filenames": [b"a.png"] * len(batch),
    }
    return pickle.dumps(fields, protocol=2)


@pytest.fixture
def versions(monkeypatch):
    """Made batches, binary and pickled, of two examples each; the tables that know them."""
    batches = [rows(2) for _ in BINARY.names]
    pickles = [pickled(batch) for batch in batches]
    md5 = tuple(hashlib.md5(payload).hexdigest() for payload in pickles)
    python = PYTHON._replace(md5=md5)
    monkeypatch.setattr(cifar, "PYTHON", python)
    monkeypatch.setattr(cifar, "BATCH", 2)
    return batches, pickles


def assert_is(split, batches):
    together = np.concatenate(batches[:5])
    np.testing.assert_array_equal(split.train.y, together[:, 0])
    np.testing.assert_array_equal(split.test.y, batches[5][:, 0])
    images = together[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(split.train.x, np.float32(images))


def put(folder, names, payloads):
    folder.mkdir(parents=True, exist_ok=True)
    for name, payload in zip(names, payloads, strict=True):
        (folder / name).write_bytes(payload)


@pytest.mark.parametrize(
    "folder",
    [
        "cifar-10-batches-py",
        "cifar10/cifar-10-batches-py",
        "cifar-10-batches-py-target/cifar-10-batches-py",
        ".",
    ],
)
def test_unpacked_python_batches_are_read_as_torchvision_and_keras_leave_them(
    tmp_path, versions, folder
):
    batches, pickles = versions
    put(tmp_path / folder, PYTHON.names, pickles)
    assert_is(load_cifar10(Cifar10(value_range=(0.0, 255.0)), tmp_path), batches)
    (tmp_path / folder / "data_batch_3").write_bytes(pickles[3])
    with pytest.raises(ValueError, match="data_batch_3: expected the file as published, with md5 "):
        load_cifar10(Cifar10(), tmp_path)
    (tmp_path / folder / "data_batch_3").unlink()
    with pytest.raises(ValueError, match="expected data_batch_3 in .*, beside the others"):
        load_cifar10(Cifar10(), tmp_path)


@pytest.mark.parametrize("folder", ["cifar-10-batches-bin", "cifar-10/cifar-10-batches-bin", "."])
def test_unpacked_binary_batches_are_known_by_their_size(tmp_path, versions, folder):
    batches, _ = versions
    put(tmp_path / folder, BINARY.names, [batch.tobytes() for batch in batches])
    assert_is(load_cifar10(Cifar10(value_range=(0.0, 255.0)), tmp_path), batches)
    (tmp_path / folder / "test_batch.bin").write_bytes(bytes(ROW))
    with pytest.raises(
        ValueError, match=f"expected 2 rows of {ROW} bytes in .*test_batch.bin, got"
    ):
        load_cifar10(Cifar10(), tmp_path)


@pytest.mark.parametrize(
    "name",
    ["cifar-10-python.tar.gz", "cifar-10-batches-py.tar.gz", "cifar-10-batches-py-target_archive"],
)
def test_the_python_archive_is_read_under_the_names_of_its_users(tmp_path, versions, name):
    batches, pickles = versions
    paths = PYTHON.archive_paths()
    packed = gzip.compress(archive(dict(zip(paths, pickles, strict=True))))
    (tmp_path / name).write_bytes(packed)
    file = CIFAR10_PICKLED._replace(md5=hashlib.md5(packed).hexdigest())
    python = CIFAR10_PYTHON._replace(files=(file,))
    spec = Cifar10(value_range=(0.0, 255.0))
    assert_is(load_cifar10(spec, tmp_path, python=python), batches)
    with pytest.raises(
        ValueError, match="the file as published, with md5 c58f30108f718f92721af3b9"
    ):
        load_cifar10(spec, tmp_path)


def test_a_right_form_is_taken_where_another_is_wrong(tmp_path, versions):
    batches, pickles = versions
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(gzip.compress(b"another"))
    put(tmp_path / "cifar-10-batches-py", PYTHON.names, pickles)
    assert_is(load_cifar10(Cifar10(value_range=(0.0, 255.0)), tmp_path), batches)


def test_the_python_archive_is_downloaded_where_the_binary_one_cannot_be(
    tmp_path, versions, monkeypatch
):
    batches, pickles = versions
    monkeypatch.delenv("JAXBNN_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / project)
    packed = gzip.compress(archive(dict(zip(PYTHON.archive_paths(), pickles, strict=True))))
    file = CIFAR10_PICKLED._replace(md5=hashlib.md5(packed).hexdigest())
    asked = []

    def download(url, file, path, timeout, report):
        asked.append(url)
        if "binary" in url:
            raise DownloadError("no answer")
        path.write_bytes(packed)
        return gzip.decompress(packed)

    monkeypatch.setattr("jaxbnn.data.cache.download", download)
    python = CIFAR10_PYTHON._replace(files=(file,))
    for _ in range(2):  # the second time from the cache, and the binary archive is not asked for
        spec = Cifar10(value_range=(0.0, 255.0))
        assert_is(load_cifar10(spec, python=python), batches)
    assert asked == [
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz",
    ]


def test_when_no_archive_can_be_downloaded_both_are_named(tmp_path, monkeypatch):
    monkeypatch.delenv("JAXBNN_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / project)
    nowhere = Collection(CIFAR10_PYTHON.files, (), CIFAR10_PYTHON.folders)
    binary = Collection(data.cifar.CIFAR10.files, (), CIFAR10_PYTHON.folders)
    with pytest.raises(
        ConnectionError, match="cifar-10-binary.tar .*cifar-10-python.tar "
    ) as caught:
        load_cifar10(Cifar10(), None, binary, nowhere)
    assert "\n" not in str(caught.value)


def test_a_folder_without_batches_names_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected cifar-10-batches-py in "):
        unpacked_batches(PYTHON, [tmp_path])
    with pytest.raises(
        FileNotFoundError, match="cifar-10-binary.tar .*, or cifar-10-python.tar.gz,"
    ):
        data.load(Cifar10(), tmp_path)


ROWS = rows(2)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ([1], "expected a dict in b, got a list"),
        ({"labels": [1, 2]}, r"expected data of shape \[N, 3072\] in b"),
        (
            {"data": ROWS[:, :5].copy(), "labels": [1, 2]},
            r"expected data of shape \[N, 3072\] in b",
        ),
        ({"data": ROWS[:, 1:].copy(), "labels": [1]}, "expected a list of 2 labels in b"),
        (
            {"data": ROWS[:, 1:].copy(), "labels": [1, 10]},
            "expected labels from 0 to 9 in b, got 10",
        ),
        (
            {"data": ROWS[:, 1:].copy(), "labels": [1, "a"]},
            "expected labels from 0 to 9 in b, got b?'a'",
        ),
        ({"data": ROWS[:, 1:].copy(), "labels": [1, 10**60]}, "from 0 to 9 in b, got 1000"),
        ({"data": ROWS[:, 1:].copy(), "labels": [1, 2.0]}, "got a float"),
    ],
)
def test_a_pickled_batch_of_other_contents_is_refused_in_one_line(batch, message):
    with pytest.raises(ValueError, match=message) as caught:
        read_pickled_batch(pickle.dumps(batch, protocol=2), "b")
    assert "\n" not in str(caught.value)


def test_a_pickled_batch_is_read_whether_its_keys_are_text_or_bytes():
    for key in (str, str.encode):
        batch = {key("data"): ROWS[:, 1:].copy(), key("labels"): ROWS[:, 0].tolist()}
        read = read_pickled_batch(pickle.dumps(batch, protocol=2), "b")
        expected = read_batch(ROWS.tobytes(), "b")
        np.testing.assert_array_equal(read.x, expected.x)
        np.testing.assert_array_equal(read.y, expected.y)
