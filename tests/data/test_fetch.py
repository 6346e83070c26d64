import bz2
import gzip
import hashlib
import http.server
import lzma
import socket
import sys
import threading
import time

import pytest

from jaxbnn.data import fetch as room
from jaxbnn.data.fetch import Collection, File, cached, fetch, find

PAYLOAD = bytes(range(256)) * 40
NAME = "train-images-idx3-ubyte"
FILE = File(NAME, hashlib.md5(PAYLOAD).hexdigest(), len(PAYLOAD))
WRONG = hashlib.md5(b"wrong").hexdigest()
PACKED = gzip.compress(PAYLOAD)
PACKERS = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}


class Mirror(http.server.BaseHTTPRequestHandler):
    """One server that is every kind of mirror, by the first part of the path."""

    def do_GET(self):
        kind = self.path.split("/")[1]
        self.server.asked.append(kind)
        if kind == "silent":
            time.sleep(0.6)
            return
        body = {
            "wrong": gzip.compress(b"wrong", mtime=0),
            "page": b"<html>",
            "unpacked": PAYLOAD,
        }.get(kind, PACKED)
        if kind == "missing":
            self.send_error(404)
            return
        self.send_response(200)
        if kind != "endless":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:-20] if kind in ("cut", "endless") else body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def mirrors(server, monkeypatch):
    """Turns kinds of mirrors into a collection that has them in this order."""
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    server.asked.clear()
    base = f"http://127.0.0.1:{server.server_port}"

    def collection(*kinds):
        addresses = [dead_address() if kind == "dead" else f"{base}/{kind}/" for kind in kinds]
        return Collection((FILE,), tuple(addresses), ("mnist", "MNIST/raw"))

    return collection


def dead_address():
    """An address of this machine at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    monkeypatch.delenv("JAXBNN_DATA", raising=False)


NOWHERE = Collection((FILE,), (), ("mnist", "MNIST/raw"))


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


def test_the_root_comes_before_the_environment_and_that_before_the_cache(
    tmp_path, monkeypatch, mirrors, server
):
    for name in ("root", "environment", "cache/mnist"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("environment", "cache/mnist"):
        (tmp_path / name / f"{NAME}.gz").write_bytes(PACKED)
    monkeypatch.setenv("JAXBNN_DATA", str(tmp_path / "environment"))
    with pytest.raises(FileNotFoundError, match="root"):
        fetch(FILE, tmp_path / "root", mirrors("good"), tmp_path / "cache")
    assert fetch(FILE, None, mirrors("good"), tmp_path / "cache") == PAYLOAD
    (tmp_path / "environment" / f"{NAME}.gz").unlink()
    with pytest.raises(FileNotFoundError, match="environment"):
        fetch(FILE, None, mirrors("good"), tmp_path / "cache")
    monkeypatch.setenv("JAXBNN_DATA", "")
    assert fetch(FILE, None, mirrors("good"), tmp_path / "cache") == PAYLOAD
    assert server.asked == []


def test_a_missing_file_says_where_it_was_looked_for_and_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        fetch(FILE, tmp_path, NOWHERE)
    assert str(caught.value) == (
        f"expected {NAME} (plain, .gz, .xz or .bz2) in {tmp_path}, {tmp_path / 'mnist'}, {tmp_path / 'MNIST/raw'}, "
        "found none: put the file there, name another folder, or name none (and unset JAXBNN_DATA) to download it"
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


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_no_more_is_unpacked_than_the_known_size_and_one_byte(tmp_path, pack):
    (tmp_path / NAME).write_bytes(pack(bytes(1_000_000)))
    assert len(room.unpack(tmp_path / NAME, 1001)) == 1001


def test_mirrors_are_tried_in_turn_until_one_is_right(tmp_path, mirrors, server):
    collection = mirrors("dead", "missing", "cut", "endless", "wrong", "page", "good", "never")
    assert fetch(FILE, None, collection, tmp_path) == PAYLOAD
    assert server.asked == ["missing", "cut", "endless", "wrong", "page", "good"]
    folder = tmp_path / "mnist"
    assert sorted(path.name for path in folder.iterdir()) == [f"{NAME}.gz", f"{NAME}.gz.bad"]
    assert (folder / f"{NAME}.gz.bad").read_bytes() == b"<html>"


def test_a_second_call_uses_the_cache_and_not_the_network(tmp_path, mirrors, server, monkeypatch):
    assert fetch(FILE, None, mirrors("good"), tmp_path) == PAYLOAD
    monkeypatch.setitem(sys.modules, "pooch", None)
    assert fetch(FILE, None, mirrors("good"), tmp_path) == PAYLOAD
    assert server.asked == ["good"]


def test_a_file_that_was_unpacked_on_the_way_is_right(tmp_path, mirrors):
    assert fetch(FILE, None, mirrors("unpacked"), tmp_path) == PAYLOAD
    assert fetch(FILE, None, mirrors("dead"), tmp_path) == PAYLOAD


def test_a_wrong_file_in_the_cache_is_kept_aside_and_fetched_anew(tmp_path, mirrors):
    path = tmp_path / "mnist" / f"{NAME}.gz"
    path.parent.mkdir()
    path.write_bytes(b"wrong")
    assert fetch(FILE, None, mirrors("good"), tmp_path) == PAYLOAD
    assert path.read_bytes() == PACKED
    assert path.with_name(f"{NAME}.gz.bad").read_bytes() == b"wrong"


def test_when_every_mirror_fails_each_is_named_with_its_reason(tmp_path, mirrors):
    path = tmp_path / "mnist" / f"{NAME}.gz"
    path.parent.mkdir()
    path.write_bytes(b"wrong")
    collection = mirrors("dead", "missing", "cut", "wrong")
    with pytest.raises(ConnectionError) as caught:
        fetch(FILE, None, collection, tmp_path)
    text = str(caught.value)
    start, in_cache, dead, missing, cut, wrong, end = text.replace(", got ", "; ", 1).split("; ")
    assert start == f"expected {NAME} from one of 4 mirrors"
    kept = f"got 5 bytes with md5 {WRONG}, kept as {path}.bad"
    assert in_cache.startswith(f"{path}: expected 10240 bytes") and in_cache.endswith(kept)
    for mirror, line in zip(collection.mirrors, (dead, missing, cut, wrong), strict=True):
        assert line.startswith(f"{mirror}{NAME}.gz: ")
    assert "refused" in dead and "404" in missing and "bytes read" in cut and wrong.endswith(kept)
    assert end == "a folder that holds the file can be named instead (JAXBNN_DATA)"
    assert "\n" not in text
    assert sorted(p.name for p in path.parent.iterdir()) == [f"{NAME}.gz.bad"]


def test_a_mirror_that_never_answers_is_given_up(tmp_path, mirrors):
    assert cached(FILE, mirrors("silent", "good"), tmp_path, timeout=0.1) == PAYLOAD
    with pytest.raises(ConnectionError, match=r"silent.*timed out"):
        cached(FILE, mirrors("silent"), tmp_path / "new", timeout=0.1)


def test_the_cache_is_the_users_own_unless_named(tmp_path, mirrors, monkeypatch):
    import pooch

    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / project)
    assert fetch(FILE, None, mirrors("good")) == PAYLOAD
    assert (tmp_path / "jaxbnn" / "mnist" / f"{NAME}.gz").read_bytes() == PACKED


def test_without_pooch_a_download_says_what_to_do(tmp_path, mirrors, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"expected the package pooch for a download.*or name a folder"
    ):
        fetch(FILE, None, mirrors("good"), tmp_path)


def test_a_packed_file_is_known_by_its_checksum_as_published(tmp_path):
    packed = File(NAME, hashlib.md5(PACKED).hexdigest(), len(PAYLOAD), packed=True)
    (tmp_path / NAME).write_bytes(PAYLOAD)  # an unpacked copy cannot be told from a wrong one
    with pytest.raises(ValueError, match="expected the file as published, with md5 "):
        find(packed, [tmp_path])
    (tmp_path / f"{NAME}.gz").write_bytes(PACKED)
    assert find(packed, [tmp_path]) == PAYLOAD
    with pytest.raises(ValueError, match="expected at most 100 bytes"):
        room.verified(tmp_path / f"{NAME}.gz", packed._replace(size=100))


def test_a_packed_file_comes_from_the_first_mirror_that_has_it_right(mirrors, tmp_path):
    packed = File(NAME, hashlib.md5(PACKED).hexdigest(), len(PAYLOAD), packed=True)
    collection = mirrors("missing", "cut", "wrong", "right")
    assert cached(packed, collection, tmp_path) == PAYLOAD
    assert cached(packed, collection, tmp_path) == PAYLOAD
