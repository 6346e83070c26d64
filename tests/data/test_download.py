import gzip
import hashlib
import http.server
import os
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from jaxbnn.data import download as room
from jaxbnn.data.cache import cached
from jaxbnn.data.download import (
    DownloadError,
    DownloadProgress,
    Transfer,
    download,
    open_locked,
    partial_file,
)
from jaxbnn.data.published import Collection, File
from jaxbnn.data.source import fetch

PAYLOAD = bytes(range(256)) * 40
NAME = "train-images-idx3-ubyte"
FILE = File(NAME, hashlib.md5(PAYLOAD).hexdigest(), len(PAYLOAD))
WRONG = hashlib.md5(b"wrong").hexdigest()
PACKED = gzip.compress(PAYLOAD)
BIG = os.urandom(300_000)  # does not pack, so that it arrives in several chunks
STEP = 12 * room.CHUNK  # bytes after which some mirrors break off
BIG_FILE = File("big", hashlib.md5(BIG).hexdigest(), len(BIG))


class Mirror(http.server.BaseHTTPRequestHandler):
    """One server that is every kind of mirror, by the first part of the path."""

    def do_GET(self):
        kind = self.path.split("/")[1]
        self.server.asked.append(kind)
        if kind == "silent":
            time.sleep(0.6)
            return
        if kind == "missing":
            self.send_error(404)
            return
        if kind in RANGED:
            self.send_range(kind)
            return
        body = {
            "wrong": gzip.compress(b"wrong", mtime=0),
            "page": b"<html>",
            "unpacked": PAYLOAD,
        }.get(kind, PACKED)
        self.send_response(200)
        if kind != "endless":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:-20] if kind in ("cut", "endless") else body)

    def send_range(self, kind):
        """BIG from the byte asked for; some kinds stop early."""
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        self.server.starts.append(start)
        if start >= len(BIG):
            self.send_error(416)
            return
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(BIG) - 1}/{len(BIG)}")
        self.send_header("Content-Length", str(len(BIG) - start))
        self.end_headers()
        end = start + STEP if kind == "breaking" else len(BIG)
        if kind == "stalling":
            end = STEP
        self.wfile.write(BIG[start:end])
        if kind == "stalling":
            self.server.release.wait(20)

    def log_message(self, *_):
        pass


RANGED = ("breaking", "stalling", "ranged")


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        server.asked, server.starts, server.release = [], [], threading.Event()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.release.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(room, "TICK", 0.01)


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
    server.starts.clear()
    server.release.clear()
    base = f"http://127.0.0.1:{server.server_port}"

    def collection(*kinds, file=FILE):
        addresses = [dead_address() if kind == "dead" else f"{base}/{kind}/" for kind in kinds]
        return Collection((file,), tuple(addresses), ("mnist", "MNIST/raw"))

    return collection


def dead_address():
    """An address of this machine at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    monkeypatch.delenv("JAXBNN_DATA", raising=False)


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


def test_a_packed_file_comes_from_the_first_mirror_that_has_it_right(mirrors, tmp_path):
    packed = File(NAME, hashlib.md5(PACKED).hexdigest(), len(PAYLOAD), packed=True)
    collection = mirrors("missing", "cut", "wrong", "right")
    assert cached(packed, collection, tmp_path) == PAYLOAD
    assert cached(packed, collection, tmp_path) == PAYLOAD


def test_a_connection_that_breaks_is_continued_at_the_byte_it_broke_at(tmp_path, mirrors, server):
    assert cached(BIG_FILE, mirrors("breaking", file=BIG_FILE), tmp_path) == BIG
    assert server.starts[0] == 0 and 3 <= len(server.starts) <= 5
    assert all(start > 0 and start % STEP == 0 for start in server.starts[1:])
    assert [path.name for path in (tmp_path / "mnist").iterdir()] == ["big.gz"]


def test_a_later_call_asks_for_the_rest_only(tmp_path, mirrors, server):
    (tmp_path / "mnist").mkdir()
    part = tmp_path / "mnist" / "big.gz.part"
    part.write_bytes(BIG[:123_456])
    reports = []
    collection = mirrors("ranged", file=BIG_FILE)
    assert cached(BIG_FILE, collection, tmp_path, report=reports.append) == BIG
    assert server.starts == [123_456] and not part.exists()
    assert reports[-1] == DownloadProgress("big.gz", len(BIG), len(BIG), 0.0)


@pytest.mark.parametrize(
    ("earlier", "starts"), [(b"other" * 1000, [5000, 0]), (BIG + b"!", [300_001, 0])]
)
def test_earlier_bytes_of_another_file_are_dropped(tmp_path, mirrors, server, earlier, starts):
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "big.gz.part").write_bytes(earlier)
    assert cached(BIG_FILE, mirrors("ranged", file=BIG_FILE), tmp_path) == BIG
    assert server.starts == starts
    assert [path.name for path in (tmp_path / "mnist").iterdir()] == ["big.gz"]


def test_a_server_that_does_not_continue_is_read_from_the_start(tmp_path, mirrors):
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / f"{NAME}.gz.part").write_bytes(PACKED[:40])
    assert cached(FILE, mirrors("good"), tmp_path) == PAYLOAD


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, OSError, RuntimeError])
def test_an_exception_of_the_report_ends_a_silent_download_at_once(
    tmp_path, mirrors, server, error
):
    reports = []

    def report(progress):
        reports.append(progress)
        if progress.bytes_done >= STEP:
            raise error("stop")

    start = time.monotonic()
    collection = mirrors("stalling", "ranged", file=BIG_FILE)
    with pytest.raises(error, match="^stop$"):
        cached(BIG_FILE, collection, tmp_path, report=report)
    assert time.monotonic() - start < 5 and server.asked == ["stalling"]
    assert reports[-1][:3] == ("big.gz", STEP, len(BIG)) and reports[-1].seconds_left > 0
    part = tmp_path / "mnist" / "big.gz.part"
    assert part.read_bytes() == BIG[:STEP]
    server.release.set()
    assert cached(BIG_FILE, mirrors("ranged", file=BIG_FILE), tmp_path) == BIG
    assert server.starts[-1] == STEP


def test_a_report_may_stop_before_anything_arrived_and_leaves_nothing(tmp_path, mirrors):
    def report(progress):
        assert progress == DownloadProgress(f"{NAME}.gz", 0, None, None)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached(FILE, mirrors("silent"), tmp_path, report=report)
    assert list((tmp_path / "mnist").iterdir()) == []


def test_two_downloads_at_once_do_not_share_a_partial_file(tmp_path, mirrors):
    (tmp_path / "mnist").mkdir()
    part = tmp_path / "mnist" / "big.gz.part"
    with open_locked(part) as other:
        other.write(b"another process writes here")
        other.flush()
        assert cached(BIG_FILE, mirrors("ranged", file=BIG_FILE), tmp_path) == BIG
        assert part.read_bytes() == b"another process writes here"
    assert sorted(path.name for path in part.parent.iterdir()) == ["big.gz", "big.gz.part"]


def test_without_locks_the_partial_file_is_a_temporary_one(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(room.fcntl, "flock", flock)
    with partial_file(tmp_path / "a") as file:
        temporary = Path(file.name)
        assert temporary.parent.parent == tmp_path
    assert not temporary.exists()


def test_a_partial_file_renamed_while_it_was_opened_is_not_taken(tmp_path, monkeypatch):
    path = tmp_path / "a.part"
    path.write_bytes(b"finished")
    monkeypatch.setattr(room.fcntl, "flock", lambda *_: path.rename(tmp_path / "a"))
    assert open_locked(path) is None
    assert (tmp_path / "a").read_bytes() == b"finished"


def test_the_time_left_is_the_rest_at_the_mean_rate(tmp_path, monkeypatch):
    with (tmp_path / "a").open("a+b") as file:
        file.write(bytes(100))
        transfer = Transfer(file, "a")
        assert transfer.progress() == ("a", 100, None, None)
        transfer.total, transfer.start, transfer.done = 500, 10.0, 200
        monkeypatch.setattr(room.time, "monotonic", lambda: 12.0)
        assert transfer.seconds_left() == 6.0  # 100 bytes took 2 seconds, 300 are missing


def test_download_refuses_another_file_and_keeps_it_aside(tmp_path, mirrors):
    url = f"{mirrors('wrong').mirrors[0]}{NAME}.gz"
    with pytest.raises(DownloadError, match=f"got 5 bytes with md5 {WRONG}, kept as .*bad$"):
        download(url, FILE, tmp_path / f"{NAME}.gz")
    assert [path.name for path in tmp_path.iterdir()] == [f"{NAME}.gz.bad"]
