import bz2
import gzip
import hashlib
import lzma

import pytest

from jaxbnn.data.folders import candidates, find, first_right, named_folder
from jaxbnn.data.published import Collection, File
from jaxbnn.data.source import fetch

PAYLOAD = bytes(range(256)) * 40
NAME = "train-images-idx3-ubyte"
FILE = File(NAME, hashlib.md5(PAYLOAD).hexdigest(), len(PAYLOAD))
WRONG = hashlib.md5(b"wrong").hexdigest()
PACKED = gzip.compress(PAYLOAD)
PACKERS = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}
NOWHERE = Collection((FILE,), (), ("mnist", "MNIST/raw"))


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    monkeypatch.delenv("JAXBNN_DATA", raising=False)


@pytest.mark.parametrize("below", ["", "mnist", "MNIST/raw"])
@pytest.mark.parametrize("spelling", [NAME, "train-images.idx3-ubyte"])
@pytest.mark.parametrize("suffix", PACKERS)
def test_a_file_is_found_in_any_folder_spelling_and_packing(tmp_path, below, spelling, suffix):
    folder = tmp_path / below
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{spelling}{suffix}").write_bytes(PACKERS[suffix](PAYLOAD))
    assert fetch(FILE, tmp_path, NOWHERE) == PAYLOAD
    assert fetch(FILE, str(tmp_path), NOWHERE) == PAYLOAD


def test_the_packing_is_told_by_the_bytes_not_by_the_name(tmp_path):
    (tmp_path / f"{NAME}.gz").write_bytes(PAYLOAD)
    assert find(FILE, [tmp_path]) == PAYLOAD
    (tmp_path / f"{NAME}.gz").write_bytes(bz2.compress(PAYLOAD))
    assert find(FILE, [tmp_path]) == PAYLOAD


def test_a_missing_file_says_where_it_was_looked_for_and_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        fetch(FILE, tmp_path, NOWHERE)
    places = ", ".join(map(str, (tmp_path, tmp_path / "mnist", tmp_path / "MNIST/raw")))
    assert str(caught.value) == (
        f"expected {NAME} (plain, .gz, .xz or .bz2) in {places}, found none: put the file there, "
        "name another folder, or name none (and unset JAXBNN_DATA) to download it"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"wrong",
            f"expected 10240 bytes .unpacked. with md5 {FILE.md5}, got 5 bytes with md5 {WRONG}",
        ),
        (gzip.compress(b"wrong", mtime=0), f"got 5 bytes with md5 {WRONG}"),
        (PACKED[:-9], "expected gzip data that unpack, got .*ended before"),
        (PACKED[:-6] + b"??????", "expected gzip data that unpack, got CRC check failed"),
        (PACKED + b"more", "expected gzip data that unpack, got Not a gzipped file"),
        (PACKED[:30] + bytes(30) + PACKED[60:], "expected gzip data that unpack, got "),
        (lzma.compress(PAYLOAD)[:-40], "expected lzma data that unpack, got "),
        (b"BZh but no more", "expected bz2 data that unpack, got "),
        (
            PAYLOAD + b"!",
            "expected 10240 bytes .unpacked. with md5 .*, got more, the first 10241 with md5 ",
        ),
    ],
)
def test_a_wrong_file_of_the_user_is_refused_and_left_alone(tmp_path, content, message):
    path = tmp_path / f"{NAME}.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{path}: .*{message}") as caught:
        fetch(FILE, tmp_path, NOWHERE)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_right_file_is_taken_where_another_of_its_name_is_wrong(tmp_path):
    (tmp_path / NAME).write_bytes(b"wrong")
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / NAME).write_bytes(PAYLOAD)
    assert fetch(FILE, tmp_path, NOWHERE) == PAYLOAD


def test_a_file_may_lie_in_a_folder_of_its_own_name(tmp_path):
    for spelling in (NAME, "train-images.idx3-ubyte"):
        folder = tmp_path / spelling / spelling
        folder.mkdir(parents=True)
        (folder / spelling).write_bytes(b"too deep")
        (folder / spelling).unlink()
        folder.rmdir()
        folder.write_bytes(PAYLOAD)
        assert list(candidates(FILE, [tmp_path])) == [folder]
        assert find(FILE, [tmp_path]) == PAYLOAD
        folder.unlink()


def test_a_file_is_also_found_by_the_names_that_loaders_give_it(tmp_path):
    archive = FILE._replace(name="a.tar", aliases=("b.tar", "c_archive"))
    for name in ("a.tar.gz", "b.tar.gz", "c_archive"):
        (tmp_path / name).write_bytes(PACKED)
        assert find(archive, [tmp_path]) == PAYLOAD
        (tmp_path / name).unlink()


def test_the_other_forms_are_named_where_none_is_found(tmp_path):
    collection = NOWHERE._replace(also=("mnist.npz",))
    with pytest.raises(
        FileNotFoundError, match=rf"expected {NAME} \(plain, .*\), or mnist.npz in "
    ):
        fetch(FILE, tmp_path, collection)


def test_an_unpacked_copy_without_a_checksum_is_taken_by_its_size(tmp_path):
    other = bytes(len(PAYLOAD))
    packed = File(NAME, hashlib.md5(PACKED).hexdigest(), len(PAYLOAD), packed=True)
    packed = packed._replace(unlike=hashlib.md5(other).hexdigest())
    (tmp_path / NAME).write_bytes(PAYLOAD)
    assert find(packed, [tmp_path]) == PAYLOAD
    (tmp_path / NAME).write_bytes(PAYLOAD[:-1])
    with pytest.raises(ValueError, match="expected the file as published, with md5 "):
        find(packed, [tmp_path])
    (tmp_path / NAME).write_bytes(other)
    with pytest.raises(ValueError, match=f"expected {NAME} of this data set, got MNIST's"):
        find(packed, [tmp_path])
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / NAME).write_bytes(PAYLOAD)
    assert find(packed, [tmp_path, tmp_path / "below"]) == PAYLOAD


def test_the_named_folder_is_the_root_else_that_of_the_environment(tmp_path, monkeypatch):
    assert named_folder(None) is None
    monkeypatch.setenv("JAXBNN_DATA", "")
    assert named_folder(None) is None
    monkeypatch.setenv("JAXBNN_DATA", str(tmp_path))
    assert named_folder(None) == tmp_path
    assert named_folder("~") == named_folder("~").home()


def test_the_first_right_reader_is_taken_and_a_wrong_file_is_named_before_a_missing_one():
    def missing():
        raise FileNotFoundError("none")

    def wrong():
        raise ValueError("wrong")

    assert first_right([missing, wrong, lambda: 3]) == 3
    with pytest.raises(ValueError, match="^wrong$"):
        first_right([missing, wrong])
    with pytest.raises(FileNotFoundError, match="^none$"):
        first_right([missing, missing])
    with pytest.raises(ValueError, match="expected at least one reader"):
        first_right([])
